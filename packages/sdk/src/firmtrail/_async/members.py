"""The members of a project and their roles."""

from __future__ import annotations

import uuid

from firmtrail._async.paging import AsyncPager
from firmtrail._async.resource import AsyncResource
from firmtrail._calls import Call, decode
from firmtrail._checks import body, path
from firmtrail_contract import Member, MemberChange, Role

_MEMBERS = "/v1/projects/{project_id}/members"
_MEMBER = "/v1/projects/{project_id}/members/{user_id}"


class AsyncMembers(AsyncResource):
    """Who is in a project."""

    def list(
        self,
        project_id: uuid.UUID | str | None = None,
        *,
        limit: int | None = None,
        page_size: int | None = None,
        page_token: str | None = None,
    ) -> AsyncPager[Member]:
        """List the members of a project.

        Args:
            project_id: the project; None: that of the API key.
            limit: the most members to give in all.
            page_size: the most members to fetch at once, 1 to 1,000.
            page_token: where an earlier list stopped: its `next_page_token`.

        Raises:
            InvalidRequestError: a value is not allowed.
        """
        return AsyncPager(
            self._transport,
            path(_MEMBERS, project_id=project_id),
            Member,
            limit=limit,
            page_size=page_size,
            page_token=page_token,
        )

    async def update(self, project_id: uuid.UUID | str | None, user_id: uuid.UUID | str, *, role: Role | str) -> Member:
        """Give a member another role.

        Args:
            project_id: the project; None: that of the API key.
            user_id: the member.
            role: the new role; at most your own.

        Raises:
            ConflictError: the project would be left without an admin.
            NotFoundError: there is no such member, or you may not see it.
            PermissionDeniedError: it takes an admin of the project.
        """
        member = path(_MEMBER, project_id=project_id, user_id=user_id)
        call = Call(method="PATCH", path=member, body=body(MemberChange, role=role), repeatable=True)
        return decode(await self._transport.send(call), Member)

    async def remove(self, project_id: uuid.UUID | str | None, user_id: uuid.UUID | str) -> None:
        """Remove a member.

        Args:
            project_id: the project; None: that of the API key.
            user_id: the member.

        Raises:
            ConflictError: it is the last admin.
            NotFoundError: there is no such member, or you may not see it.
            PermissionDeniedError: it takes an admin of the project.
        """
        member = path(_MEMBER, project_id=project_id, user_id=user_id)
        await self._transport.send(Call(method="DELETE", path=member, repeatable=True))

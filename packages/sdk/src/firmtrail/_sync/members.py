"""The members of a project and their roles."""

from __future__ import annotations

import uuid

from firmtrail._calls import Call, decode
from firmtrail._checks import body, path
from firmtrail._sync.paging import Pager
from firmtrail._sync.resource import Resource
from firmtrail_contract import Member, MemberChange, Role

_MEMBERS = "/v1/projects/{project_id}/members"
_MEMBER = "/v1/projects/{project_id}/members/{user_id}"


class Members(Resource):
    """Who is in a project."""

    def list(
        self,
        project_id: uuid.UUID | str | None = None,
        *,
        limit: int | None = None,
        page_size: int | None = None,
        page_token: str | None = None,
    ) -> Pager[Member]:
        """List the members of a project."""
        return Pager(
            self._transport,
            path(_MEMBERS, project_id=project_id),
            Member,
            limit=limit,
            page_size=page_size,
            page_token=page_token,
        )

    def update(self, project_id: uuid.UUID | str | None, user_id: uuid.UUID | str, *, role: Role | str) -> Member:
        """Give a member another role. `ConflictError` when the project would be left without an admin."""
        member = path(_MEMBER, project_id=project_id, user_id=user_id)
        call = Call(method="PATCH", path=member, body=body(MemberChange, role=role), repeatable=True)
        return decode(self._transport.send(call), Member)

    def remove(self, project_id: uuid.UUID | str | None, user_id: uuid.UUID | str) -> None:
        """Remove a member. `ConflictError` for the last admin."""
        member = path(_MEMBER, project_id=project_id, user_id=user_id)
        self._transport.send(Call(method="DELETE", path=member, repeatable=True))

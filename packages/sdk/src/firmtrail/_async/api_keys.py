"""The API keys of a project."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from firmtrail._async.paging import AsyncPager
from firmtrail._async.resource import AsyncResource
from firmtrail._calls import Call, decode
from firmtrail._checks import body, path
from firmtrail_contract import IssuedProjectApiKey, KeyRotation, NewApiKey, ProjectApiKey, Role

_KEYS = "/v1/projects/{project_id}/api_keys"
_KEY = "/v1/projects/{project_id}/api_keys/{api_key_id}"


class AsyncApiKeys(AsyncResource):
    """Each has a role in its project."""

    async def create(
        self,
        project_id: uuid.UUID | str | None,
        role: Role | str,
        *,
        label: str = "",
        expires_at: dt.datetime | None = None,
        reports_for_devices: bool = False,
    ) -> IssuedProjectApiKey:
        """Make an API key. The secret is shown this once.

        Args:
            project_id: the project that it is for; None: that of the API key.
            role: what it may do; at most what you may.
            label: what it is for, in your words.
            expires_at: an aware datetime; never, if left out.
            reports_for_devices: for a gateway: it may report for every device of the project as well.

        Raises:
            PermissionDeniedError: the role is above your own, or you may not let a gateway report.
            InvalidRequestError: a value is not allowed.
        """
        later: dict[str, Any] = (
            {"reports_for_devices": True} if reports_for_devices else {}
        )  # not every server knows it
        new = body(NewApiKey, role=role, label=label, expires_at=expires_at, **later)
        said = {"role": new.role, "label": new.label, "expires_at": new.expires_at} | later
        place = path(_KEYS, project_id=project_id)
        answer = await self._transport.send(Call(method="POST", path=place, body=said, repeatable=False))
        return decode(answer, IssuedProjectApiKey)

    def list(
        self,
        project_id: uuid.UUID | str | None = None,
        *,
        limit: int | None = None,
        page_size: int | None = None,
        page_token: str | None = None,
    ) -> AsyncPager[ProjectApiKey]:
        """List the API keys of a project; no secrets.

        Args:
            project_id: the project; None: that of the API key.
            limit: the most keys to give in all.
            page_size: the most keys to fetch at once, 1 to 1,000.
            page_token: where an earlier list stopped: its `next_page_token`.

        Raises:
            InvalidRequestError: a value is not allowed.
        """
        return AsyncPager(
            self._transport,
            path(_KEYS, project_id=project_id),
            ProjectApiKey,
            limit=limit,
            page_size=page_size,
            page_token=page_token,
        )

    async def rotate(
        self,
        project_id: uuid.UUID | str | None,
        api_key_id: uuid.UUID | str,
        *,
        overlap_seconds: int | None = None,
        expires_at: dt.datetime | None = None,
    ) -> IssuedProjectApiKey:
        """Make a new API key in the place of an old one. The secret is shown this once.

        Args:
            project_id: the project; None: that of the API key.
            api_key_id: the old key.
            overlap_seconds: for how long the old one works beside the new one; a day, if left out; 0: it ends at once.
            expires_at: when the new one expires, an aware datetime; never, if left out.

        Raises:
            NotFoundError: there is no such API key, or you may not see it.
            PermissionDeniedError: its role is above your own.
            InvalidRequestError: a value is not allowed.
        """
        said = body(KeyRotation, overlap_seconds=overlap_seconds, expires_at=expires_at)
        place = path(_KEY + "/rotate", project_id=project_id, api_key_id=api_key_id)
        answer = await self._transport.send(Call(method="POST", path=place, body=said, repeatable=False))
        return decode(answer, IssuedProjectApiKey)

    async def delete(self, project_id: uuid.UUID | str | None, api_key_id: uuid.UUID | str) -> None:
        """Delete an API key: it is refused from the next request on, everywhere.

        Args:
            project_id: the project; None: that of the API key.
            api_key_id: the key.

        Raises:
            NotFoundError: there is no such API key, or you may not see it.
            PermissionDeniedError: its role is above your own.
        """
        place = path(_KEY, project_id=project_id, api_key_id=api_key_id)
        await self._transport.send(Call(method="DELETE", path=place, repeatable=True))

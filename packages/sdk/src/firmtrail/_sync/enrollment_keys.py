"""Enrollment keys: whoever holds one may register devices, and nothing else."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping

from firmtrail._calls import Call, decode
from firmtrail._checks import body, path
from firmtrail._sync.paging import Pager
from firmtrail._sync.resource import Resource
from firmtrail_contract import EnrollmentKey, IssuedEnrollmentKey, NewEnrollmentKey, OnKnownDevice

_KEYS = "/v1/projects/{project_id}/enrollment_keys"
_KEY = "/v1/projects/{project_id}/enrollment_keys/{enrollment_key_id}"


class EnrollmentKeys(Resource):
    """They expire, and count."""

    def create(  # noqa: PLR0913  the properties of a key
        self,
        project_id: uuid.UUID | str | None = None,
        *,
        expires_at: dt.datetime,
        max_uses: int,
        label: str = "",
        on_known: OnKnownDevice | str = OnKnownDevice.REFUSE,
        min_silence_seconds: int | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> IssuedEnrollmentKey:
        """Make an enrollment key. The secret is shown this once.

        Args:
            project_id: the project that its devices will belong to; None: that of the API key.
            expires_at: an aware datetime.
            max_uses: how many times a device may enroll with it.
            label: what it is for, in your words.
            on_known: `refuse` a device that is known already, or `replace_keys`: its old API keys end.
            min_silence_seconds: with `replace_keys`: a device that has reported within so many seconds keeps its keys
                and is refused; None: it is replaced however lately it reported.
            labels: of every device that it registers.

        Raises:
            InvalidRequestError: a value is not allowed.
        """
        said = body(
            NewEnrollmentKey,
            label=label,
            expires_at=expires_at,
            max_uses=max_uses,
            on_known=on_known,
            min_silence_seconds=min_silence_seconds,
            labels=dict(labels or {}),
        )
        place = path(_KEYS, project_id=project_id)
        answer = self._transport.send(Call(method="POST", path=place, body=said, repeatable=False))
        return decode(answer, IssuedEnrollmentKey)

    def list(
        self,
        project_id: uuid.UUID | str | None = None,
        *,
        limit: int | None = None,
        page_size: int | None = None,
        page_token: str | None = None,
    ) -> Pager[EnrollmentKey]:
        """List the enrollment keys of a project; no secrets.

        Args:
            project_id: the project; None: that of the API key.
            limit: the most keys to give in all.
            page_size: the most keys to fetch at once, 1 to 1,000.
            page_token: where an earlier list stopped: its `next_page_token`.

        Raises:
            InvalidRequestError: a value is not allowed.
        """
        return Pager(
            self._transport,
            path(_KEYS, project_id=project_id),
            EnrollmentKey,
            limit=limit,
            page_size=page_size,
            page_token=page_token,
        )

    def delete(self, project_id: uuid.UUID | str | None, enrollment_key_id: uuid.UUID | str) -> None:
        """Delete an enrollment key; the devices that it registered stay.

        Args:
            project_id: the project; None: that of the API key.
            enrollment_key_id: the key.

        Raises:
            NotFoundError: there is no such enrollment key, or you may not see it.
            PermissionDeniedError: it takes an editor of the project.
        """
        place = path(_KEY, project_id=project_id, enrollment_key_id=enrollment_key_id)
        self._transport.send(Call(method="DELETE", path=place, repeatable=True))

"""The devices of a project, all together."""

from __future__ import annotations

import datetime as dt
import uuid

from firmtrail._checks import filters, path
from firmtrail._sync.paging import Pager
from firmtrail._sync.transport import Transport
from firmtrail_contract import SilenceState, SilentDevice, SilentDeviceQuery

_SILENT_DEVICES = "/v1/projects/{project_id}/silent_devices"


class Fleet:
    """Questions about all devices of a project."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def silent(  # noqa: PLR0913  filters, and how much to list
        self,
        project_id: uuid.UUID | str,
        *,
        labels: str | None = None,
        component: str | None = None,
        silent_since_from: dt.datetime | None = None,
        silent_since_before: dt.datetime | None = None,
        state: SilenceState | str | None = None,
        ended_from: dt.datetime | None = None,
        ended_before: dt.datetime | None = None,
        limit: int | None = None,
        page_size: int | None = None,
        page_token: str | None = None,
    ) -> Pager[SilentDevice]:
        """List the devices that are silent, the longest first; filters add up. Moments are aware datetimes.

        A device is silent when it has not reported for three times its own cadence, and for 15 minutes at least.

        Args:
            project_id: the project.
            labels: those that the device has: `site=berlin,rack` asks for this site, and for any rack.
            component: a component that the device has.
            silent_since_from: silent since this moment or later.
            silent_since_before: silent since before this moment.
            state: `silent` devices, if left out; `ended`: each silence of the last 90 days whose device came back;
                or `any`.
            ended_from: it came back at this moment or later.
            ended_before: it came back before this moment.
            limit: the most silences to give in all.
            page_size: the most silences to fetch at once, 1 to 1,000.
            page_token: where an earlier list stopped: its `next_page_token`.

        Raises:
            InvalidRequestError: a value is not allowed.
        """
        return Pager(
            self._transport,
            path(_SILENT_DEVICES, project_id=project_id),
            SilentDevice,
            filters=filters(
                SilentDeviceQuery,
                labels=labels,
                component=component,
                silent_since_from=silent_since_from,
                silent_since_before=silent_since_before,
                state=state,
                ended_from=ended_from,
                ended_before=ended_before,
            ),
            limit=limit,
            page_size=page_size,
            page_token=page_token,
        )

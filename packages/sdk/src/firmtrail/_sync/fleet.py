"""What all devices of a project run, and ran at any moment."""

from __future__ import annotations

import datetime as dt
import uuid

from firmtrail._calls import Call, decode
from firmtrail._checks import filters, path
from firmtrail._sync.transport import Transport
from firmtrail_contract import DeviceState, FirmwareVersions, FirmwareVersionsQuery

_PROJECT = "/v1/projects/{project_id}"


class Fleet:
    """A project's devices as a whole."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def versions(
        self,
        project_id: uuid.UUID | str | None = None,
        *,
        at: dt.datetime | dt.date | None = None,
        component: str | None = None,
        labels: str | None = None,
        state: DeviceState | str | None = None,
    ) -> FirmwareVersions:
        """Count the devices on each version, by component, the newest version first.

        Args:
            project_id: the project; None: that of the API key.
            at: the moment, an aware datetime, or a date, which means its end in UTC; now, if left out.
            component: of this component alone.
            labels: of devices that have these labels today: `site=berlin,rack` asks for this site, and for any rack.
            state: devices in service at the moment, if left out; `retired` ones, or `any`.

        Raises:
            InvalidRequestError: a value is not allowed.
        """
        query = filters(FirmwareVersionsQuery, at=at, component=component, labels=labels, state=state)
        place = path(_PROJECT + "/firmware_versions", project_id=project_id)
        return decode(
            self._transport.send(Call(method="GET", path=place, query=query, repeatable=True)), FirmwareVersions
        )

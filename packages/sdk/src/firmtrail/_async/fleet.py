"""What all devices of a project run, and ran at any moment."""

from __future__ import annotations

import datetime as dt
import uuid

from firmtrail._async.paging import AsyncPager
from firmtrail._async.resource import AsyncResource
from firmtrail._calls import Call, decode
from firmtrail._checks import LabelFilter, filters, path
from firmtrail.answers import Adoption, Compliance, FirmwareVersions, FlappingDevices, FleetStatus
from firmtrail_contract import (
    AdoptionQuery,
    ComplianceQuery,
    DeviceState,
    FirmwareVersionsQuery,
    FlappingQuery,
    FleetStatusQuery,
    Rollback,
    RollbackQuery,
    SilenceState,
    SilentDevice,
    SilentDeviceQuery,
    Step,
    VersionScheme,
)

_PROJECT = "/v1/projects/{project_id}"


class AsyncFleet(AsyncResource):
    """A project's devices as a whole."""

    async def status(
        self, project_id: uuid.UUID | str | None = None, *, labels: LabelFilter | None = None
    ) -> FleetStatus:
        """Sum up a project's devices: how many report, are silent or never did, what they run, what changed last.

        Args:
            project_id: the project; None: that of the API key.
            labels: of devices that have these labels: `{"site": "berlin", "rack": None}`, this site and any rack.

        Raises:
            InvalidRequestError: a value is not allowed.
        """
        query = filters(FleetStatusQuery, labels=labels)
        place = path(_PROJECT + "/fleet_status", project_id=project_id)
        call = Call(method="GET", path=place, query=query, repeatable=True)
        return decode(await self._transport.send(call), FleetStatus)

    async def versions(  # noqa: PLR0913  of what, and when
        self,
        project_id: uuid.UUID | str | None = None,
        *,
        at: dt.datetime | dt.date | None = None,
        component: str | None = None,
        labels: LabelFilter | None = None,
        state: DeviceState | str | None = None,
        scheme: VersionScheme | str | None = None,
    ) -> FirmwareVersions:
        """Count the devices on each version, by component, the newest version first.

        Args:
            project_id: the project; None: that of the API key.
            at: the moment, an aware datetime, or a date, which means its end in UTC; now, if left out.
            component: of this component alone.
            labels: of devices that have these labels today: `{"site": "berlin", "rack": None}`, this site and any rack.
            state: devices in service at the moment, if left out; `retired` ones, or `any`.
            scheme: how versions are ordered: `semver`, `pep440`, `dotted`, `date` or `natural`; what they look like
                decides, if left out.

        Raises:
            InvalidRequestError: a value is not allowed.
        """
        query = filters(FirmwareVersionsQuery, at=at, component=component, labels=labels, state=state, scheme=scheme)
        place = path(_PROJECT + "/firmware_versions", project_id=project_id)
        return decode(
            await self._transport.send(Call(method="GET", path=place, query=query, repeatable=True)), FirmwareVersions
        )

    async def compliance(
        self,
        project_id: uuid.UUID | str | None = None,
        *,
        at: dt.datetime | dt.date | None = None,
        component: str | None = None,
        labels: LabelFilter | None = None,
    ) -> Compliance:
        """Count the devices that run what they should, for each rule in force: see `client.desired_versions`.

        Args:
            project_id: the project; None: that of the API key.
            at: the moment, an aware datetime, or a date, which means its end in UTC; now, if left out.
            component: of this component alone.
            labels: of devices that have these labels today: `{"site": "berlin", "rack": None}`, this site and any rack.

        Raises:
            InvalidRequestError: a value is not allowed.
        """
        query = filters(ComplianceQuery, at=at, component=component, labels=labels)
        place = path(_PROJECT + "/compliance", project_id=project_id)
        call = Call(method="GET", path=place, query=query, repeatable=True)
        return decode(await self._transport.send(call), Compliance)

    async def adoption(  # noqa: PLR0913  of what, and when
        self,
        project_id: uuid.UUID | str | None = None,
        *,
        component: str | None = None,
        version: str | None = None,
        since: dt.datetime | dt.date | None = None,
        until: dt.datetime | dt.date | None = None,
        step: Step | str | None = None,
        time_zone: str | None = None,
        labels: LabelFilter | None = None,
        scheme: VersionScheme | str | None = None,
    ) -> Adoption:
        """Show how the versions of a component spread: at each moment, how many devices were on each.

        Args:
            project_id: the project; None: that of the API key.
            component: `main`, if left out.
            version: the rollout of this version as well: when the first device, 50, 90 and 99 % of them had it, how
                long it stayed, and how often it was rolled back.
            since: the first moment, an aware datetime, or a date, which means its beginning in the time zone; 90 days
                before `until`, if left out.
            until: the last moment, or a date, which means its end in the time zone; now, if left out.
            step: `hour`, `day`, `week` or `month`; a day, if left out. There are at most 1,000 moments.
            time_zone: the IANA name of the zone whose days and months are meant; UTC, if left out.
            labels: of devices that have these labels today: `{"site": "berlin", "rack": None}`, this site and any rack.
            scheme: how versions are ordered: `semver`, `pep440`, `dotted`, `date` or `natural`; what they look like
                decides, if left out.

        Raises:
            InvalidRequestError: a value is not allowed.
        """
        query = filters(
            AdoptionQuery,
            component=component,
            version=version,
            since=since,
            until=until,
            step=step,
            time_zone=time_zone,
            labels=labels,
            scheme=scheme,
        )
        place = path(_PROJECT + "/adoption", project_id=project_id)
        return decode(
            await self._transport.send(Call(method="GET", path=place, query=query, repeatable=True)), Adoption
        )

    def rollbacks(  # noqa: PLR0913  which ones, and how many
        self,
        project_id: uuid.UUID | str | None = None,
        *,
        since: dt.datetime | dt.date | None = None,
        until: dt.datetime | dt.date | None = None,
        component: str | None = None,
        labels: LabelFilter | None = None,
        scheme: VersionScheme | str | None = None,
        limit: int | None = None,
        page_size: int | None = None,
        page_token: str | None = None,
    ) -> AsyncPager[Rollback]:
        """List the devices that went back to a lower version, the latest first.

        Args:
            project_id: the project; None: that of the API key.
            since: from this moment on, an aware datetime, or from the beginning of this date in UTC; 7 days before
                `until`, if left out.
            until: up to this moment, or to the end of this date in UTC; now, if left out. At most 92 days at once.
            component: of this component alone.
            labels: of devices that have these labels today: `{"site": "berlin", "rack": None}`, this site and any rack.
            limit: the most rollbacks to give in all.
            page_size: the most rollbacks to fetch at once, 1 to 1,000.
            page_token: where an earlier list stopped: its `next_page_token`.
            scheme: how versions are ordered: `semver`, `pep440`, `dotted`, `date` or `natural`; what they look like
                decides, if left out.

        Raises:
            InvalidRequestError: a value is not allowed.
        """
        return AsyncPager(
            self._transport,
            path(_PROJECT + "/rollbacks", project_id=project_id),
            Rollback,
            filters=filters(RollbackQuery, since=since, until=until, component=component, labels=labels, scheme=scheme),
            limit=limit,
            page_size=page_size,
            page_token=page_token,
        )

    async def flapping(
        self,
        project_id: uuid.UUID | str | None = None,
        *,
        since: dt.datetime | dt.date | None = None,
        until: dt.datetime | dt.date | None = None,
        component: str | None = None,
        labels: LabelFilter | None = None,
    ) -> FlappingDevices:
        """List the devices that went back to versions they had run before at least four times within 24 hours.

        Args:
            project_id: the project; None: that of the API key.
            since: from this moment on, an aware datetime, or from the beginning of this date in UTC; 7 days before
                `until`, if left out.
            until: up to this moment, or to the end of this date in UTC; now, if left out. At most 92 days at once.
            component: of this component alone.
            labels: of devices that have these labels today: `{"site": "berlin", "rack": None}`, this site and any rack.

        Raises:
            InvalidRequestError: a value is not allowed.
        """
        query = filters(FlappingQuery, since=since, until=until, component=component, labels=labels)
        place = path(_PROJECT + "/flapping_devices", project_id=project_id)
        call = Call(method="GET", path=place, query=query, repeatable=True)
        return decode(await self._transport.send(call), FlappingDevices)

    def silent(  # noqa: PLR0913  filters, and how much to list
        self,
        project_id: uuid.UUID | str | None = None,
        *,
        labels: LabelFilter | None = None,
        component: str | None = None,
        silent_since_from: dt.datetime | None = None,
        silent_since_before: dt.datetime | None = None,
        state: SilenceState | str | None = None,
        ended_from: dt.datetime | None = None,
        ended_before: dt.datetime | None = None,
        limit: int | None = None,
        page_size: int | None = None,
        page_token: str | None = None,
    ) -> AsyncPager[SilentDevice]:
        """List the devices that are silent, the longest first; filters add up. Moments are aware datetimes.

        A device is silent when it has not reported for three times its own cadence, and for 15 minutes at least.

        Args:
            project_id: the project; None: that of the API key.
            labels: those that the device has: `{"site": "berlin", "rack": None}`, this site and any rack.
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
        return AsyncPager(
            self._transport,
            path(_PROJECT + "/silent_devices", project_id=project_id),
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

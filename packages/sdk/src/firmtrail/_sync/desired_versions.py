"""What the devices of a project should run."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence

from firmtrail._calls import Call, decode
from firmtrail._checks import body, filters, path
from firmtrail._sync.paging import Pager
from firmtrail._sync.resource import Resource
from firmtrail_contract import (
    DEFAULT_COMPONENT,
    DesiredVersion,
    DesiredVersionList,
    DesiredVersionQuery,
    DeviceDesiredVersion,
    NewDesiredVersion,
    Page,
    RuleState,
)

_RULES = "/v1/projects/{project_id}/desired_versions"
_RULE = "/v1/projects/{project_id}/desired_versions/{desired_version_id}"
_OF_DEVICE = "/v1/devices/{device_id}/desired_versions"


class DesiredVersions(Resource):
    """Rules by component and labels. Nothing is installed by them: they say what is right, and `fleet` what is so."""

    def set(  # noqa: PLR0913  the properties of a rule
        self,
        versions: Sequence[str] | str,
        *,
        component: str = DEFAULT_COMPONENT,
        labels: Mapping[str, str] | None = None,
        priority: int = 0,
        replaces: uuid.UUID | str | None = None,
        project_id: uuid.UUID | str | None = None,
    ) -> DesiredVersion:
        """Say what a component of some devices should run.

        Args:
            versions: the version to accept, or several while devices go from one to another.
            component: the part of the devices that runs it.
            labels: of the devices that have all of these; none: of all devices.
            priority: of several rules for a device, the one with the greatest priority counts.
            replaces: a rule that ends in the moment in which this one begins.
            project_id: the project; None: that of the API key.

        Raises:
            ConflictError: another rule of the component has the priority, or what it replaces has ended already.
            InvalidRequestError: a value is not allowed.
        """
        said = body(
            NewDesiredVersion,
            component=component,
            versions=[versions] if isinstance(versions, str) else [*versions],
            labels=dict(labels or {}),
            priority=priority,
            replaces=replaces,
        )
        place = path(_RULES, project_id=project_id)
        answer = self._transport.send(Call(method="POST", path=place, body=said, repeatable=False))
        return decode(answer, DesiredVersion)

    def list(  # noqa: PLR0913  filters, and how much to list
        self,
        project_id: uuid.UUID | str | None = None,
        *,
        at: dt.datetime | dt.date | None = None,
        component: str | None = None,
        state: RuleState | str | None = None,
        limit: int | None = None,
        page_size: int | None = None,
        page_token: str | None = None,
    ) -> Pager[DesiredVersion]:
        """List the rules in force, by component, the greatest priority first; filters add up.

        Once a page is fetched, the list's `as_of` is the moment that it is about.

        Args:
            project_id: the project; None: that of the API key.
            at: the moment, an aware datetime, or a date, which means its end in UTC; now, if left out.
            component: for this component alone.
            state: rules that were in force at the moment, if left out; those `ended` by then, or `any`.
            limit: the most rules to give in all.
            page_size: the most rules to fetch at once, 1 to 1,000.
            page_token: where an earlier list stopped: its `next_page_token`.

        Raises:
            InvalidRequestError: a value is not allowed.
        """
        return Pager(
            self._transport,
            path(_RULES, project_id=project_id),
            DesiredVersion,
            filters=filters(DesiredVersionQuery, at=at, component=component, state=state),
            page=DesiredVersionList,
            limit=limit,
            page_size=page_size,
            page_token=page_token,
        )

    def end(self, desired_version_id: uuid.UUID | str, *, project_id: uuid.UUID | str | None = None) -> DesiredVersion:
        """End a rule; it stays in what is asked about the time before.

        Args:
            desired_version_id: the rule.
            project_id: the project; None: that of the API key.

        Raises:
            NotFoundError: there is no such rule, or you may not see it.
            PermissionDeniedError: it takes an editor of the project.
        """
        place = path(_RULE + "/end", project_id=project_id, desired_version_id=desired_version_id)
        return decode(self._transport.send(Call(method="POST", path=place, repeatable=True)), DesiredVersion)

    def of_device(self, device_id: uuid.UUID | str) -> Sequence[DeviceDesiredVersion]:
        """Read what each component of a device should run; the device's own API key may ask too.

        Args:
            device_id: the device.

        Raises:
            NotFoundError: there is no such device, or you may not see it.
        """
        call = Call(method="GET", path=path(_OF_DEVICE, device_id=device_id), repeatable=True)
        return decode(self._transport.send(call), Page[DeviceDesiredVersion]).items

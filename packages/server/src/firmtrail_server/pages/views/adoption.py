"""How the versions of a component spread: the chart, the newest version's rollout, and who went back."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import attrs
from attrs.validators import optional

from firmtrail_contract import (
    Adoption,
    AdoptionQuery,
    AsOf,
    DayOrMoment,
    FirmwareVersions,
    FirmwareVersionsQuery,
    Page,
    Rollback,
    RollbackQuery,
    Rollout,
    Step,
    VersionCount,
)
from firmtrail_contract.firmware import component_limits
from firmtrail_contract.labels import label_filter_limits
from firmtrail_contract.observations import DEFAULT_COMPONENT
from firmtrail_server.db import Connection
from firmtrail_server.handlers import adoption, firmware_versions, projects, rollbacks
from firmtrail_server.http.context import Context
from firmtrail_server.pages.api_calls import ApiCalls
from firmtrail_server.pages.charts.areas import Areas, stacked
from firmtrail_server.pages.results import View
from firmtrail_server.pages.time_bar import TimeBar, time_bar
from firmtrail_server.pages.words import query as url_query

_MINUTE = dt.timedelta(minutes=1)
_DAY = dt.timedelta(days=1)
_WEEK = dt.timedelta(days=7)
#: the finest step with which a range stays a chart
_STEPS = ((3 * _DAY, Step.HOUR), (200 * _DAY, Step.DAY), (1_400 * _DAY, Step.WEEK))


class Part(StrEnum):
    """A part of the page that another page loads."""

    CHART = "chart"
    ROLLOUT = "rollout"


@attrs.frozen(kw_only=True)
class AdoptionPageQuery:
    """Of which component, on which devices, and as of when."""

    component: str = attrs.field(default=DEFAULT_COMPONENT, validator=component_limits)
    labels: str | None = attrs.field(default=None, validator=optional(label_filter_limits))
    at: AsOf | None = None
    part: Part | None = None


@attrs.frozen(kw_only=True)
class Newest:
    """How far the newest version of a component has come, and who went back."""

    rollout: Rollout
    rollbacks: Page[Rollback]
    since: dt.datetime


@attrs.frozen
class Spreading:
    """Asks how one component of the devices with some labels spread."""

    _ask: ApiCalls
    _project_id: uuid.UUID
    component: str
    labels: str | None

    async def chart(self, bar: TimeBar) -> tuple[Areas, TimeBar]:
        """The shares over the whole bar, and the bar with a mark where each version began."""
        step = next((step for longest, step in _STEPS if bar.now - bar.first <= longest), Step.MONTH)
        since = DayOrMoment(bar.first + _MINUTE)  # the bar begins with the minute of the first report
        query = AdoptionQuery(component=self.component, labels=self.labels, since=since, until=None, step=step)
        answer: Adoption = await self._ask(adoption.get_adoption, project_id=self._project_id, query=query)
        areas = stacked(answer, bar)
        return areas, bar.with_marks((area.first_at, area.version) for area in areas.areas)

    async def newest(self, version: str, at: dt.datetime) -> Newest:
        """The rollout of a version as it was at a moment, and what went back in the week before."""
        around: dict[str, Any] = {"component": self.component, "labels": self.labels, "until": DayOrMoment(at)}
        spread = AdoptionQuery(**around, version=version, since=DayOrMoment(at - _DAY))
        answer: Adoption = await self._ask(adoption.get_adoption, project_id=self._project_id, query=spread)
        back = RollbackQuery(**around, since=DayOrMoment(at - _WEEK), page_size=100)
        assert answer.rollout is not None
        return Newest(
            rollout=answer.rollout,
            rollbacks=await self._ask(rollbacks.list_rollbacks, project_id=self._project_id, query=back),
            since=at - _WEEK,
        )


def newest_of(versions: Sequence[VersionCount]) -> str:
    """The newest version that is on more than one device, if there is one: a single device may be anybody's desk."""
    spread = [one for one in versions if one.devices > 1]
    return (spread or versions)[0].version


async def show(ctx: Context, conn: Connection, project_id: uuid.UUID, query: AdoptionPageQuery) -> View:
    ask, now = ApiCalls(ctx, conn), ctx.now()
    counting = FirmwareVersionsQuery(component=query.component, labels=query.labels, at=query.at)
    counted: FirmwareVersions = await ask(
        firmware_versions.count_firmware_versions, project_id=project_id, query=counting
    )
    bar = time_bar(counted.first_reported_at or now, now, query.at)
    spreading = Spreading(ask, project_id, query.component, query.labels)
    areas, bar = (None, bar) if query.part is Part.ROLLOUT else await spreading.chart(bar)
    wants_newest = counted.items and query.part is not Part.CHART
    data = {
        "project": await ask(projects.get_project, project_id=project_id),
        "base": f"/projects/{project_id}",
        "filter": query,
        "bar": bar,
        "areas": areas,
        "newest": await spreading.newest(newest_of(counted.items), counted.as_of) if wants_newest else None,
        "as_of": counted.as_of,
        "link": url_query,
    }
    return View(template=f"adoption_{query.part}.html" if query.part else "adoption.html", data=data)

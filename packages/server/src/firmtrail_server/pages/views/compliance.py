"""How many devices run what they should: of a large fleet a part of its page that is loaded after it."""

from __future__ import annotations

import uuid
from enum import StrEnum

import attrs
from attrs.validators import optional

from firmtrail_contract import AsOf, Compliance, ComplianceQuery
from firmtrail_contract.firmware import component_limits
from firmtrail_contract.labels import label_filter_limits
from firmtrail_server.db import Connection
from firmtrail_server.handlers import compliance, projects
from firmtrail_server.http.context import Context
from firmtrail_server.pages.api_calls import ApiCalls
from firmtrail_server.pages.results import View
from firmtrail_server.pages.words import query as url_query


class Part(StrEnum):
    """A part of the page that another page loads."""

    CARD = "card"


@attrs.frozen(kw_only=True)
class CompliancePageQuery:
    """Of which component, on which devices, and as of when."""

    component: str | None = attrs.field(default=None, validator=optional(component_limits))
    labels: str | None = attrs.field(default=None, validator=optional(label_filter_limits))
    at: AsOf | None = None
    part: Part | None = None


async def show(ctx: Context, conn: Connection, project_id: uuid.UUID, query: CompliancePageQuery) -> View:
    ask = ApiCalls(ctx, conn)
    asked = ComplianceQuery(at=query.at, component=query.component, labels=query.labels)
    answer: Compliance = await ask(compliance.get_compliance, project_id=project_id, query=asked)
    is_now = query.at is None or query.at >= ctx.now()
    data = {
        "project": await ask(projects.get_project, project_id=project_id),
        "base": f"/projects/{project_id}",
        "filter": query,
        "answer": answer,
        "at": None if is_now else answer.as_of,
        "link": url_query,
    }
    return View(template="compliance_card.html" if query.part else "compliance.html", data=data)

"""What the collections show, in this order: a project is made, a device reports, a member asks.

A step names an operation of openapi.json; its method, path, summary and description come from there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

#: what a user of a collection sets; the rest is taken from the answer to the first step
URL = "http://127.0.0.1:8080"
#: variables: where each lies in the answer of `seed`
TAKEN = {
    "project_id": "project.id",
    "device_id": "device.id",
    "device_key_id": "device_api_key.id",
    "device_key_secret": "device_api_key.secret",
    "project_key_id": "project_api_key.id",
    "project_key_secret": "project_api_key.secret",
}
DEVICE, PROJECT = "device", "project"


@attrs.frozen(kw_only=True)
class Step:
    """A request of the flow. `key` says whose: a device's, a project's or nobody's."""

    name: str
    operation_id: str
    key: str | None
    status: int
    body: Mapping[str, Any] | None = None
    query: Mapping[str, str] = attrs.field(factory=dict[str, str])
    #: JavaScript's way into the answer, and what must be there
    shows: tuple[str, str] | None = None


@attrs.frozen(kw_only=True)
class Request:
    """A step with what openapi.json says of its operation."""

    step: Step
    number: int
    method: str
    path: str
    summary: str
    description: str

    @property
    def title(self) -> str:
        return f"{self.number:02} {self.step.name}"

    @property
    def address(self) -> str:
        """The URL with variables in double braces, as all clients write them; without the query."""
        return "{{url}}" + self.path.replace("{", "{{").replace("}", "}}")


FLOW = (
    Step(name="Make a demo project", operation_id="seed", key=None, status=201),
    Step(
        name="The device reports a version",
        operation_id="report_firmware_version",
        key=DEVICE,
        status=201,
        body={"version": "1.4.2"},
        shows=("outcome", "opened"),
    ),
    Step(
        name="It repeats the report",
        operation_id="report_firmware_version",
        key=DEVICE,
        status=200,
        body={"version": "1.4.2"},
        shows=("version", "1.4.2"),
    ),
    Step(
        name="It reports an update",
        operation_id="report_firmware_version",
        key=DEVICE,
        status=201,
        body={"version": "1.5.0"},
        shows=("outcome", "opened"),
    ),
    Step(
        name="What the device ran",
        operation_id="list_firmware_versions",
        key=PROJECT,
        status=200,
        query={"page_size": "10"},
        shows=("items[1].version", "1.5.0"),
    ),
    Step(
        name="The fleet by version",
        operation_id="count_firmware_versions",
        key=PROJECT,
        status=200,
        shows=("items[0].version", "1.5.0"),
    ),
    Step(
        name="The devices and what they run",
        operation_id="list_devices",
        key=PROJECT,
        status=200,
        query={"version": "1.5.*"},
        shows=("items[0].name", "Test Device"),
    ),
    Step(name="The fleet at a glance", operation_id="get_fleet_status", key=PROJECT, status=200),
    Step(
        name="A wrong query is refused by name",
        operation_id="list_devices",
        key=PROJECT,
        status=422,
        query={"page_size": "0"},
        shows=("code", "invalid_request"),
    ),
)


class NotInDocument(Exception):
    """openapi.json does not know an operation, a parameter or a status of the flow."""


def requests(document: Mapping[str, Any]) -> Iterator[Request]:
    """Give the flow with what openapi.json says.

    Raises:
        NotInDocument: the API has changed, and the flow has not.
    """
    operations = {
        operation["operationId"]: (method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    for number, step in enumerate(FLOW, 1):
        if step.operation_id not in operations:
            raise NotInDocument(f"no operation {step.operation_id}")
        method, path, operation = operations[step.operation_id]
        _check(step, path, operation)
        yield Request(
            step=step,
            number=number,
            method=method.upper(),
            path=path,
            summary=operation["summary"],
            description=operation.get("description", ""),
        )


def _check(step: Step, path: str, operation: Mapping[str, Any]) -> None:
    known = {parameter["name"] for parameter in operation.get("parameters", [])}
    if unknown := {*step.query} - known:
        raise NotInDocument(f"{step.operation_id} takes no {', '.join(sorted(unknown))}")
    if str(step.status) not in operation["responses"]:
        raise NotInDocument(f"{step.operation_id} never answers {step.status}")
    if missing := {part[1:-1] for part in path.split("/") if part.startswith("{")} - {*TAKEN}:
        raise NotInDocument(f"nothing says {', '.join(missing)}")

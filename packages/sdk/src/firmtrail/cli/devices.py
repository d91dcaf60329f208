"""`firmtrail devices`."""

from __future__ import annotations

from typing import Any

import firmtrail
from firmtrail.cli.firmware import HISTORY
from firmtrail.cli.importing import import_file
from firmtrail.cli.moments import earlier
from firmtrail.cli.names import DEVICE, device_id, project_id
from firmtrail.cli.verbs import (
    AT,
    FROM_DATE,
    LABEL,
    LIMIT,
    SCHEME,
    Argument,
    Column,
    Verb,
    flag,
    label_filter,
    label_pairs,
    option,
    positional,
)
from firmtrail_contract import AgentHealth, Device, DeviceOrder, DeviceState

_NAME = positional("name", "unique in the project", metavar="NAME")
_FILTERS = [
    AT,
    option("version", "what a component of it runs, or ran: 1.4.2, '1.4.*' or '>=1.4,<1.5'"),
    option("component", "a component that it has; with --version, the one that runs it"),
    SCHEME,
    option("name", "part of the name"),
    option("labels", "labels that it has today: site=berlin,rack", type=label_filter),
    *(
        option(name, f"{about}; {FROM_DATE}", type=earlier, metavar="WHEN")
        for name, about in (
            ("changed-since", "a component of it changed its version at this moment or later, such as 7d ago"),
            ("created-from", "registered at this moment or later, or such as 7d ago"),
            ("created-before", "registered before this moment"),
            ("reported-from", "it reported at this moment or later, or such as 12h ago"),
            ("reported-before", "it has not reported since this moment, or never"),
        )
    ),
    flag("silent", "quiet for longer than its own cadence allows"),
    option("agent-health", "how its agent does: failing when a source gives no version", choices=[*AgentHealth]),
    option("agent-version", "the version of its agent"),
    option("two-machines", "whether two machines report as it", choices=["true", "false"]),
    option("state", "which ones; active ones, if left out", choices=[*DeviceState]),
    option("order", "by name, if left out; not with --version or --component", choices=[*DeviceOrder]),
    flag("total", "say how many match, too"),
]
_FILTER_NAMES = [argument.name.removeprefix("--").replace("-", "_") for argument in _FILTERS]


def _list(client: firmtrail.Client, options: Any) -> firmtrail.DevicePager:
    given = {name: getattr(options, name) for name in _FILTER_NAMES}
    given["two_machines"] = {"true": True, "false": False}.get(options.two_machines)
    given["silent"] = options.silent or None
    given["with_total"] = given.pop("total") or None
    return client.devices.list(project_id(client, options), limit=options.limit, **given)


def _remark(devices: firmtrail.DevicePager) -> str:
    near = ", ".join(devices.near_versions)
    if near:
        return f"No device matches. Versions that do exist: {near}"
    return "" if devices.total is None else f"{devices.total:,} devices match."


def _label(client: firmtrail.Client, options: Any) -> Device:
    labels = label_pairs(options.labels) | dict.fromkeys(options.remove)
    return client.devices.update(device_id(client, options), labels=labels)


VERBS = [
    Verb(
        "list",
        "the devices of a project with what they run, or ran at a moment; filters add up",
        _list,
        [*_FILTERS, LIMIT],
        [
            "name",
            "firmware",
            "labels",
            Column("last_reported_at", "last report"),
            Column("silent_since", is_optional=True),
            Column("agent", is_optional=True),
            Column("retired_at", is_optional=True),
            Column("id", is_optional=True),
        ],
        remark=_remark,
        examples=[
            "devices list --version '1.4.*' --labels site=berlin",
            "devices list --silent --columns name,id",
            "devices list --changed-since 7d --csv > changed.csv",
        ],
    ),
    Verb(
        "create",
        "register a device",
        lambda c, o: c.devices.create(
            project_id(c, o), o.name, labels=label_pairs(o.label), hardware_fingerprint=o.fingerprint
        ),
        [_NAME, LABEL, option("fingerprint", "what its hardware is recognised by when it enrolls")],
        examples=["devices create pump-1 --label site=berlin"],
    ),
    Verb(
        "show",
        "a device, and what it runs now",
        lambda c, o: c.devices.get(device_id(c, o)),
        [DEVICE],
        examples=["devices show pump-1"],
    ),
    Verb(
        "rename",
        "rename it",
        lambda c, o: c.devices.update(device_id(c, o), name=o.name),
        [DEVICE, _NAME],
        examples=["devices rename pump-1 pump-one"],
    ),
    Verb(
        "label",
        "set labels; those that are not named stay",
        _label,
        [
            DEVICE,
            positional("labels", "such as site=berlin", nargs="*", metavar="KEY=VALUE"),
            option("remove", "a label to remove; may be given again", action="append", default=[], metavar="KEY"),
        ],
        examples=["devices label pump-1 site=bonn --remove line"],
    ),
    Verb(
        "import",
        "register the devices of a table of any size; safe to repeat",
        import_file,
        [
            Argument(
                "file",
                "CSV in UTF-8 with a header: name, hardware_fingerprint, labels.KEY; - is standard input",
                is_file=True,
            ),
            flag("ndjson", "it is NDJSON: a JSON object a line"),
            flag("dry-run", "only say what would happen"),
            flag("all", "show every row, and not only those that were refused"),
        ],
        ["row", "name", "outcome", "device_id", "errors"],
        examples=["devices import devices.csv --dry-run", "devices import - --ndjson < devices.ndjson"],
    ),
    Verb(
        "retire",
        "take it out of service: its API keys end, its history stays",
        lambda c, o: c.devices.retire(device_id(c, o)),
        [DEVICE],
        examples=["devices retire pump-1"],
    ),
    Verb(
        "restore",
        "take it back; it needs a new API key",
        lambda c, o: c.devices.restore(device_id(c, o)),
        [DEVICE],
        examples=["devices restore pump-1"],
    ),
    Verb(
        "delete",
        "delete it with its history",
        lambda c, o: c.devices.delete(device_id(c, o)),
        [DEVICE],
        destroys="Delete the device {device} with its whole history?",
        examples=["devices delete pump-1"],
    ),
    HISTORY,
]

"""The agent's configuration: which keys there are, and all that is wrong with what was given, at once."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import attrs

from firmtrail_agent.config.layers import Given, Layers, gather, variable
from firmtrail_agent.config.source_tables import read_sources
from firmtrail_agent.sources import Source
from firmtrail_agent.state import identity
from firmtrail_agent.state.identity import IdentityDamaged
from firmtrail_agent.system import directories
from firmtrail_agent.validation import values
from firmtrail_agent.validation.redact import visible

MIN_INTERVAL_SECONDS = 10
MAX_INTERVAL_SECONDS = 31 * 24 * 3600
MAX_KEY_DAYS = 3650


class BadConfiguration(Exception):
    """The configuration cannot be used; `problems` says everything that is wrong with it, each with its place."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = [visible(problem) for problem in problems]
        super().__init__("\n".join(self.problems))


@attrs.frozen(kw_only=True)
class Server:
    """The server and the way there, which is all that a device needs to enroll. Each field says its key."""

    #: server.url
    server_url: str
    #: server.ca_file, certificates to trust beside the usual ones
    ca_file: Path | None = None
    #: server.client_cert, the certificate that the server or what is before it asks for, and its key
    client_cert: Path | None = None
    #: server.pins, one of which must be of a key that the server's certificates show; None: every trusted one will do
    pins: frozenset[str] | None = None
    #: server.proxy; None: what the environment says
    proxy: str | None = None


@attrs.frozen(kw_only=True)
class Configuration(Server):
    """What the device's builder or operator decides. Each field says its key."""

    #: device.id; else the one that the server gave when the device was enrolled
    device_id: uuid.UUID
    #: device.key_file; None: the key is in the credentials directory of systemd
    key_file: Path | None = None
    #: device.rotate_key_after_days; 0: the key that the device has by enrollment is replaced when somebody says so
    rotate_key_after_days: int = 0
    #: what enrollment has left for this device, if it has been enrolled
    identity_file: Path | None = None
    #: report.interval_seconds, the time between two reports
    interval_seconds: int = 3600
    #: report.first_within_seconds; the first report comes at a random moment within it, so that ten thousand devices
    #: whose power comes back do not all report at once
    first_within_seconds: int = 300
    #: sources; None: "auto"
    sources: Sequence[Source] | None = None


#: every key but `sources`: the field that it becomes, and what it may be; None: read from earlier files, without effect
_KEYS: Mapping[str, tuple[str | None, Callable[[Any], Any]]] = {
    "server.url": ("server_url", values.url),
    "server.ca_file": ("ca_file", values.ca_file),
    "server.client_cert": ("client_cert", values.client_cert),
    "server.pins": ("pins", values.pins),
    "server.proxy": ("proxy", values.proxy),
    "server.auth": (None, values.one_of("token", "basic")),
    "device.id": ("device_id", values.device_id),
    "device.key_file": ("key_file", values.key_file),
    "device.rotate_key_after_days": ("rotate_key_after_days", values.whole_number(0, MAX_KEY_DAYS)),
    "report.interval_seconds": (
        "interval_seconds",
        values.whole_number(MIN_INTERVAL_SECONDS, MAX_INTERVAL_SECONDS),
    ),
    "report.first_within_seconds": ("first_within_seconds", values.whole_number(0, MAX_INTERVAL_SECONDS)),
}
_REQUIRED = ("server.url", "device.id")
_OTHERWISE = {"device.id": "run firmtrail-agent enroll, or "}


def load(layers: Layers) -> Configuration:
    """Read and check the configuration.

    Raises:
        BadConfiguration: something is wrong or missing.
    """
    file = identity.file_in(directories.state(layers.environment, layers.root))
    try:
        enrolled = identity.read_id(file)
    except IdentityDamaged as damaged:
        raise BadConfiguration([str(damaged)]) from None
    if enrolled is None:
        return Configuration(**_fields(layers, required=_REQUIRED))
    fields: dict[str, Any] = {"device_id": enrolled, **_fields(layers, required=("server.url",))}
    is_meant = fields["device_id"] == enrolled
    return Configuration(**fields, identity_file=file if is_meant else None)


def load_server(layers: Layers) -> Server:
    """Read the configuration of a device that is to be enrolled, and knows no more than its server.

    Raises:
        BadConfiguration: something is wrong or missing.
    """
    fields = _fields(layers, required=("server.url",))
    return Server(**{field.name: fields[field.name] for field in attrs.fields(Server) if field.name in fields})


def load_sources(layers: Layers) -> Sequence[Source] | None:
    """Read the configuration for its sources alone: a device that reports nowhere yet may lack the rest.

    Raises:
        BadConfiguration: something is wrong.
    """
    return _fields(layers, required=()).get("sources")


def load_key_file(layers: Layers) -> Path | None:
    """Find where the API key is, in a configuration that may be wrong in everything else."""
    value = gather(layers, ("device.key_file",), []).get("device.key_file")
    with suppress(values.Wrong):
        return values.key_file(value.value) if value else None
    return None


def explain(layers: Layers, problems: list[str]) -> list[tuple[str, Any, str]]:
    """List every setting with its value and the place that gives it; None: it has no value.

    What is wrong becomes a problem instead: it may be a secret at the wrong place.
    """
    given = gather(layers, (*_KEYS, "sources"), problems)
    defaults = {field.name: field.default for field in attrs.fields(Configuration)}
    explained: list[tuple[str, Any, str]] = []
    for name in (*_KEYS, "sources"):
        if name in given:
            with _told(name, given[name], problems):
                if name in _KEYS:
                    _KEYS[name][1](given[name].value)
                explained.append((name, given[name].value, given[name].place()))
        elif (field := _KEYS[name][0] if name in _KEYS else "sources") is not None:
            default = defaults[field] if name in _KEYS else "auto"
            explained.append((name, None if default is attrs.NOTHING else default, "default"))
    return explained


@contextmanager
def _told(name: str, given: Given, problems: list[str]) -> Generator[None]:
    """Let a wrong value become a problem, with its place."""
    try:
        yield
    except values.Wrong as wrong:
        problems.append(f"{given.place()}: {name} must {wrong}")


def _fields(layers: Layers, *, required: Sequence[str]) -> dict[str, Any]:
    problems: list[str] = []
    fields: dict[str, Any] = {}
    given = gather(layers, (*_KEYS, "sources"), problems)
    if "sources" in given:
        fields["sources"] = read_sources(given.pop("sources"), problems)
    for name, value in given.items():
        field, check = _KEYS[name]
        with _told(name, value, problems):
            checked = check(value.value)
            if field is not None:
                fields[field] = checked
    if fields.get("pins") and str(fields.get("server_url")).lower().startswith("http:"):
        problems.append(f"{given['server.pins'].place()}: server.pins needs a server.url that begins with https")
    problems.extend(
        f"{name} is not set: {_OTHERWISE.get(name, '')}write it into the configuration file or set {variable(name)}"
        for name in required
        if name not in given
    )
    if problems:
        raise BadConfiguration(problems)
    return fields

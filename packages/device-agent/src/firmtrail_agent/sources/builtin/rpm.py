"""rpm: the version of an installed package, as rpm itself tells it: its database has had three forms."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import attrs

from firmtrail_agent.sources.engine.source import Found, SourceFailed
from firmtrail_agent.sources.support import validators
from firmtrail_agent.sources.support.programs import TIMEOUT_SECONDS, located, output_of

#: "[epoch:]version-release architecture", a line for each package of the name
FORMAT = r"%|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE} %{ARCH}\n"
COMMAND = ("rpm", "--query", "--queryformat", FORMAT)
MAX_BYTES = 64 * 1024


@attrs.frozen(kw_only=True)
class Rpm:
    """The version of one package."""

    type: ClassVar[str] = "rpm"
    component: str = attrs.field(validator=validators.component)
    package: str = attrs.field(validator=validators.package)
    #: needed where the package is installed for several, in different versions
    architecture: str | None = attrs.field(default=None, validator=attrs.validators.optional(validators.package))
    timeout_seconds: int = attrs.field(default=TIMEOUT_SECONDS, validator=validators.timeout_seconds)

    def find(self, root: Path) -> list[Found]:
        program = located(root, (*COMMAND, "--", self.package))
        output = output_of(program, max_bytes=MAX_BYTES, timeout_seconds=self.timeout_seconds)
        version = installed_version(output, self.package, self.architecture)
        return [Found(component=self.component, version=version, detail=f"rpm --query {self.package}")]


def installed_version(output: str, package: str, architecture: str | None) -> str:
    """Take the version of the one package of a name and architecture."""
    lines = [line.split(" ") for line in output.split("\n")]
    found = {line[0] for line in lines if len(line) == 2 and architecture in {None, line[1]}}  # noqa: PLR2004  the format
    if len(found) != 1:
        raise SourceFailed(f"rpm names {len(found)} versions of {package}, not one; set architecture, or remove others")
    return found.pop()

"""apk, of Alpine: the version of an installed package, from the database itself."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import attrs

from firmtrail_agent.sources.engine.source import Found, Gone, Said, SourceAbsent, SourceFailed
from firmtrail_agent.sources.support import validators
from firmtrail_agent.sources.support.files import as_text, below
from firmtrail_agent.sources.support.paragraphs import holds_any, paragraphs_of

#: the first is used, alone; apk 3 keeps the second
FILES = ("/lib/apk/db/installed", "/usr/lib/apk/db/installed")


@attrs.frozen(kw_only=True)
class Apk:
    """The version of one package."""

    type: ClassVar[str] = "apk"
    component: str = attrs.field(validator=validators.component)
    package: str = attrs.field(validator=validators.package)
    #: a package that is not installed is no error: the device does not have the component
    may_be_gone: bool = attrs.field(default=False, validator=validators.flag)

    def find(self, root: Path) -> list[Said]:
        for path in FILES:
            file = below(root, path)
            try:
                found = list(paragraphs_of(self.package, file, name_field=b"P"))
            except SourceAbsent:
                continue
            if not found and self.may_be_gone and holds_any(file):
                return [Gone(component=self.component, detail=f"{file}: the package {self.package} is not installed")]
            if not found:
                raise SourceFailed(f"the package {self.package} is not installed")
            version = as_text(found[-1].get(b"V", b""))
            return [Found(component=self.component, version=version, detail=f"{file}: {self.package}")]
        raise SourceAbsent(f"there is no {below(root, FILES[0])}")

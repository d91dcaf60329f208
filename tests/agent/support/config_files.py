"""The configuration files of one device, and what they come to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from firmtrail_agent.config.configuration import BadConfiguration, Configuration, load
from firmtrail_agent.config.layers import Layers
from tests.agent.support.device import DEVICE_ID

SYSTEM, VENDOR = "etc/firmtrail-agent/config.toml", "usr/lib/firmtrail-agent/config.toml"
GOOD = f'[server]\nurl = "https://firmtrail.example.com"\n[device]\nid = "{DEVICE_ID}"\n'


class Files:
    """The configuration files of one device."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, content: str | bytes, path: str = SYSTEM) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    def load(
        self, environment: Mapping[str, str] | None = None, settings: Sequence[str] = (), file: Path | None = None
    ) -> Configuration:
        return load(Layers(environment=environment or {}, settings=settings, file=file, root=self.root))

    def problems(self, environment: Mapping[str, str] | None = None, settings: Sequence[str] = ()) -> list[str]:
        """Load what cannot be loaded; the places are relative, to be read with ease."""
        with pytest.raises(BadConfiguration) as caught:
            self.load(environment, settings)
        return [problem.replace(f"{self.root}/", "") for problem in caught.value.problems]

"""The doctor in this process, looking at a device of the tests."""

from __future__ import annotations

from firmtrail_agent.config.layers import Layers
from firmtrail_agent.doctor.checks import Case, Finding, examine
from firmtrail_agent.system.host import Host
from tests.agent.support.device import DEVICE_ID, SECRET, Device


async def examined(device: Device, *, wall_time: float = 1_800_000_000, **environment: str) -> dict[str, Finding]:
    environment = {"FIRMTRAIL_AGENT_BOOT_ID": DEVICE_ID} | environment  # any UUID
    host = Host(environment=environment, root=device.root, wall_time=lambda: wall_time)
    findings = await examine(Case(layers=Layers(environment=environment, root=device.root), host=host))
    assert SECRET not in str(findings)
    return {finding.check: finding for finding in findings}

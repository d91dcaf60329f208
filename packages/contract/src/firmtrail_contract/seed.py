"""The demo project that an operator may let anyone make."""

from __future__ import annotations

import attrs

from firmtrail_contract.api_keys import IssuedDeviceApiKey, IssuedProjectApiKey
from firmtrail_contract.devices import Device
from firmtrail_contract.projects import Project


@attrs.frozen(kw_only=True)
class Seed:
    """A new project with a device in it, and a key for each."""

    project: Project
    project_api_key: IssuedProjectApiKey
    device: Device
    device_api_key: IssuedDeviceApiKey

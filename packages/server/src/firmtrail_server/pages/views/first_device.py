"""A new project's first device: registered by a click, with the lines that let it report."""

from __future__ import annotations

import uuid
from typing import Annotated

import attrs

from firmtrail_contract import NewDevice, NewDeviceApiKey
from firmtrail_contract.devices import device_name_limits
from firmtrail_server.db import Connection
from firmtrail_server.handlers import device_api_keys, devices, projects
from firmtrail_server.http.context import Context
from firmtrail_server.http.forms import FORM
from firmtrail_server.pages.api_calls import ApiCalls
from firmtrail_server.pages.forms import Form
from firmtrail_server.pages.results import View


@attrs.frozen(kw_only=True)
class FirstDeviceForm(Form):
    """A device to register."""

    name: str = attrs.field(validator=device_name_limits)


async def register(
    ctx: Context, conn: Connection, project_id: uuid.UUID, body: Annotated[FirstDeviceForm, FORM]
) -> View:
    """Its key is in this page alone, this once."""
    ask = ApiCalls(ctx, conn)
    device = (await ask(devices.create_device, project_id=project_id, body=NewDevice(name=body.name))).body
    new_key = NewDeviceApiKey(label="made on the page")
    key = (await ask(device_api_keys.create_device_api_key, device_id=device.id, body=new_key)).body
    data = {
        "project": await ask(projects.get_project, project_id=project_id),
        "base": f"/projects/{project_id}",
        "may_register": False,
        "url": ctx.services.tokens.issuer,
        "device": device,
        "key": f"{key.id}:{key.secret}",
    }
    return View(template="fleet_empty.html", data=data)

"""The API keys of a device: made with the secret shown once, replaced, ended."""

from __future__ import annotations

import uuid
from typing import Annotated, Any

import attrs

from firmtrail_contract import DeviceKeyRotation, IssuedDeviceApiKey, NewDeviceApiKey
from firmtrail_server.db import Connection
from firmtrail_server.handlers import device_api_keys, devices, projects
from firmtrail_server.http.context import Context
from firmtrail_server.http.forms import FORM
from firmtrail_server.pages.api_calls import ApiCalls
from firmtrail_server.pages.forms import Form, filled
from firmtrail_server.pages.results import Redirect, View
from firmtrail_server.pages.views.keys import RotationForm


@attrs.frozen(kw_only=True)
class DeviceKeyForm(Form):
    """A key to make."""

    label: str | None = None


async def create(ctx: Context, conn: Connection, device_id: uuid.UUID, body: Annotated[DeviceKeyForm, FORM]) -> View:
    """Its secret is in this page alone, this once."""
    ask, new = ApiCalls(ctx, conn), filled(NewDeviceApiKey, label=body.label)
    issued = await ask(device_api_keys.create_device_api_key, device_id=device_id, body=new)
    return await _made(ctx, ask, issued.body)


async def rotate(
    ctx: Context, conn: Connection, device_id: uuid.UUID, api_key_id: uuid.UUID, body: Annotated[RotationForm, FORM]
) -> View:
    ask, rotation = ApiCalls(ctx, conn), filled(DeviceKeyRotation, overlap_seconds=body.overlap_seconds)
    asked: dict[str, Any] = {"device_id": device_id, "api_key_id": api_key_id, "body": rotation}
    issued = await ask(device_api_keys.rotate_device_api_key, **asked)
    return await _made(ctx, ask, issued.body)


async def delete(
    ctx: Context,
    conn: Connection,
    device_id: uuid.UUID,
    api_key_id: uuid.UUID,
    body: Annotated[Form, FORM],  # noqa: ARG001
) -> Redirect:
    await ApiCalls(ctx, conn)(device_api_keys.delete_device_api_key, device_id=device_id, api_key_id=api_key_id)
    return Redirect(to=f"/devices/{device_id}")


async def _made(ctx: Context, ask: ApiCalls, issued: IssuedDeviceApiKey) -> View:
    device = await ask(devices.get_device, device_id=issued.device_id)
    data = {
        "project": await ask(projects.get_project, project_id=device.project_id),
        "base": f"/projects/{device.project_id}",
        "device": device,
        "key": f"{issued.id}:{issued.secret}",
        "url": ctx.services.tokens.issuer,
    }
    return View(template="device_key_made.html", data=data)

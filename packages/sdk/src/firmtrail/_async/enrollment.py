"""How a device gets an API key of its own, and replaces it."""

from __future__ import annotations

import uuid

from firmtrail._async.transport import AsyncTransport
from firmtrail._calls import Call, decode
from firmtrail._checks import api_key_path, enrollment, key_rotation
from firmtrail_contract import EnrolledDevice, IssuedDeviceApiKey


class AsyncEnrollment:
    """For devices: the API key of the client is an enrollment key, or the device's own."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def enroll(self, name: str, hardware_fingerprint: str) -> EnrolledDevice:
        """Register this device, with an enrollment key as the client's API key. The secret is shown this once.

        Args:
            name: unique in the project.
            hardware_fingerprint: what the hardware is recognised by, such as a serial number.

        Raises:
            ConflictError: a device of this name or this hardware is known, and the enrollment key replaces no keys.
            InvalidRequestError: a value is not allowed; nothing was sent.
            FirmtrailError: see `firmtrail.errors`.
        """
        body = enrollment(name, hardware_fingerprint)
        call = Call(method="POST", path="/v1/enroll", body=body, repeatable=False)
        return decode(await self._transport.send(call), EnrolledDevice)

    async def rotate_key(
        self, device_id: uuid.UUID | str, api_key_id: uuid.UUID | str, *, overlap_seconds: int | None = None
    ) -> IssuedDeviceApiKey:
        """Get a new API key for a device beside the one that it uses. A device may ask again when the answer got lost.

        Args:
            device_id: the device of the API key.
            api_key_id: the API key that the client uses.
            overlap_seconds: for how long the old key goes on working; None: until the new one is confirmed.

        Raises:
            InvalidRequestError: a value is not allowed; nothing was sent.
            FirmtrailError: see `firmtrail.errors`.
        """
        body = key_rotation(overlap_seconds)
        call = Call(method="POST", path=f"{api_key_path(device_id, api_key_id)}/rotate", body=body, repeatable=True)
        return decode(await self._transport.send(call), IssuedDeviceApiKey)

    async def confirm_key(self, device_id: uuid.UUID | str, api_key_id: uuid.UUID | str) -> None:
        """Say that the API key that the client uses is stored: the device's other one ends. Safe to repeat.

        Raises:
            InvalidRequestError: a value is not allowed; nothing was sent.
            FirmtrailError: see `firmtrail.errors`.
        """
        path = f"{api_key_path(device_id, api_key_id)}/confirm"
        await self._transport.send(Call(method="POST", path=path, repeatable=True))

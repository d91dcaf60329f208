"""The API keys of a device: at most two are alive at once."""

from __future__ import annotations

import datetime as dt
import uuid

import attrs

from firmtrail._async.paging import AsyncPager
from firmtrail._async.resource import AsyncResource
from firmtrail._calls import Call, decode
from firmtrail._checks import body, path
from firmtrail_contract import DeviceApiKey, DeviceKeyRotation, IssuedDeviceApiKey, NewDeviceApiKey

_KEYS = "/v1/devices/{device_id}/api_keys"
_KEY = "/v1/devices/{device_id}/api_keys/{api_key_id}"


class AsyncDeviceApiKeys(AsyncResource):
    """What a device proves with that it is itself."""

    async def create(
        self, device_id: uuid.UUID | str, *, label: str = "", expires_at: dt.datetime | None = None
    ) -> IssuedDeviceApiKey:
        """Make an API key for a device. The secret is shown this once.

        Args:
            device_id: the device that it is for.
            label: what it is for, in your words.
            expires_at: an aware datetime; never, if left out.

        Raises:
            ConflictError: the device has two already.
            InvalidRequestError: a value is not allowed.
        """
        said = body(NewDeviceApiKey, label=label, expires_at=expires_at)
        place = path(_KEYS, device_id=device_id)
        answer = await self._transport.send(Call(method="POST", path=place, body=said, repeatable=False))
        return decode(answer, IssuedDeviceApiKey)

    def list(self, device_id: uuid.UUID | str, *, limit: int | None = None) -> AsyncPager[DeviceApiKey]:
        """List the living API keys of a device; no secrets. They come at once: there are at most two.

        Args:
            device_id: the device.
            limit: the most keys to give.

        Raises:
            NotFoundError: there is no such device, or you may not see it.
        """
        place = path(_KEYS, device_id=device_id)
        return AsyncPager(
            self._transport, place, DeviceApiKey, limit=limit, page_size=None, page_token=None, is_whole=True
        )

    async def rotate(
        self,
        device_id: uuid.UUID | str,
        api_key_id: uuid.UUID | str,
        *,
        overlap_seconds: int | None = None,
        expires_at: dt.datetime | None = None,
    ) -> IssuedDeviceApiKey:
        """Make a new API key beside an old one. The secret is shown this once.

        A device may do it with the key that it uses, and again when the answer got lost.

        Args:
            device_id: the device.
            api_key_id: the old key.
            overlap_seconds: for how long the old one works beside the new one; until the new one is confirmed, if left
                out; 0: it ends at once.
            expires_at: when the new one expires, an aware datetime; never, if left out.

        Raises:
            ConflictError: the device has two, and somebody else asks.
            InvalidRequestError: a value is not allowed.
        """
        said = attrs.evolve(
            body(DeviceKeyRotation, overlap_seconds=overlap_seconds, expires_at=expires_at),
            overlap_seconds=overlap_seconds,  # None is a value of its own here
        )
        place = path(_KEY + "/rotate", device_id=device_id, api_key_id=api_key_id)
        answer = await self._transport.send(Call(method="POST", path=place, body=said, repeatable=True))
        return decode(answer, IssuedDeviceApiKey)

    async def confirm(self, device_id: uuid.UUID | str, api_key_id: uuid.UUID | str) -> None:
        """Say that this API key is stored on the device: its other one ends. Safe to repeat.

        Args:
            device_id: the device.
            api_key_id: the key that is stored; it may be the one that the client uses.

        Raises:
            NotFoundError: there is no such API key, or you may not see it.
        """
        place = path(_KEY + "/confirm", device_id=device_id, api_key_id=api_key_id)
        await self._transport.send(Call(method="POST", path=place, repeatable=True))

    async def delete(self, device_id: uuid.UUID | str, api_key_id: uuid.UUID | str) -> None:
        """Delete an API key: it is refused from the next request on, everywhere.

        Args:
            device_id: the device.
            api_key_id: the key.

        Raises:
            NotFoundError: there is no such API key, or you may not see it.
            PermissionDeniedError: it takes an editor of the project.
        """
        place = path(_KEY, device_id=device_id, api_key_id=api_key_id)
        await self._transport.send(Call(method="DELETE", path=place, repeatable=True))

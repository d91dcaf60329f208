"""How a device registers itself."""

from __future__ import annotations

from firmtrail._async.resource import AsyncResource
from firmtrail._calls import Call, decode
from firmtrail._checks import body
from firmtrail_contract import EnrolledDevice, Enrollment


class AsyncEnrolling(AsyncResource):
    """For devices: the API key of the client is an enrollment key."""

    async def enroll(self, name: str, hardware_fingerprint: str) -> EnrolledDevice:
        """Register this device. The secret of its API key is shown this once.

        Safe to repeat, which the client does by itself when an answer is lost: as long as the new API key was not used,
        the same device gets another one from the same enrollment key, and the lost one ends.

        Args:
            name: unique in the project, 1 to 200 characters.
            hardware_fingerprint: what the hardware is recognised by, such as a serial number.

        Raises:
            ConflictError: a device of this name or this hardware is known, and the enrollment key replaces no keys.
            InvalidRequestError: a value is not allowed; nothing was sent.
            FirmtrailError: see `firmtrail.errors`.
        """
        said = body(Enrollment, name=name, hardware_fingerprint=hardware_fingerprint)
        call = Call(method="POST", path="/v1/enroll", body=said, repeatable=True)
        return decode(await self._transport.send(call), EnrolledDevice)

"""A stand-in of the server, in the memory of the test: what a test holds of it."""

from __future__ import annotations

import datetime as dt
import json
import threading
import uuid
from collections.abc import Mapping
from typing import Any, Self

import attrs
import httpx
import respx

from firmtrail.testing import devices, failures, reports, routes
from firmtrail.testing.access import Key, new_secret
from firmtrail.testing.failures import Failures
from firmtrail.testing.refusals import NotAnswered
from firmtrail.testing.state import State
from firmtrail_contract import (
    DEFAULT_COMPONENT,
    Device,
    FirmwareReceipt,
    FirmwareReport,
    NewDevice,
    ProblemCode,
    Project,
    Role,
)

#: where the stand-in answers: a name that leads nowhere (RFC 6761)
URL = "http://firmtrail.test"


@attrs.frozen(kw_only=True)
class RecordedRequest:
    """A request that came to the stand-in. Its credential is not kept."""

    method: str
    path: str
    query: Mapping[str, str]
    #: what its body says; None: it has none
    json: Any
    #: whose it was; None: nobody's that is known
    api_key_id: uuid.UUID | None
    #: that it was answered with; None: it was lost, timed out or refused
    status: int | None


class StandIn:
    """A server with one project, as long as its `with` block lasts. Every httpx client of the process reaches it.

    Other hosts are not reached meanwhile, unless `router` is told to let them pass.
    """

    def __init__(self) -> None:
        now = dt.datetime.now(dt.UTC)
        self._state = State(project=Project(id=uuid.uuid4(), name="Stand-in", created_at=now))
        self._failures = Failures()
        self._lock = threading.Lock()
        #: the API calls that came, in order; those for access tokens are left out
        self.requests: list[RecordedRequest] = []
        #: what came and has no answer here; the fixture fails a test that leaves some
        self.unanswered: list[NotAnswered] = []
        #: what httpx asks; it takes more routes, for other hosts
        self.router = respx.MockRouter(assert_all_called=False)
        self.router.route(host=httpx.URL(URL).host).mock(side_effect=self._respond)
        self._admin = self._state.credentials.add(
            Key(id=uuid.uuid4(), secret=new_secret("ftp_"), role=Role.ADMIN, label="Stand-in", created_at=now)
        )

    def __enter__(self) -> Self:
        self.router.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.router.stop()

    @property
    def url(self) -> str:
        """Where it is, for `Client(url)` or FIRMTRAIL_URL."""
        return URL

    @property
    def api_key(self) -> str:
        """An API key of the project, with the role `admin`: "<key id>:<secret>"."""
        return self._admin.text

    @property
    def project_id(self) -> uuid.UUID:
        return self._state.project.id

    def now(self) -> dt.datetime:
        """Give the server's moment: this machine's clock, and what `pass_time` added."""
        return self._state.now()

    def pass_time(self, duration: dt.timedelta) -> None:
        """Let the server's clock go on. Devices fall silent, access tokens and keys expire."""
        self._state.lead += duration

    def add_device(self, name: str, *, labels: Mapping[str, str] | None = None) -> Device:
        """Register a device, without a request.

        Raises:
            Refused: the name is taken.
        """
        return devices.register(self._state, NewDevice(name=name, labels=dict(labels or {})))

    def add_device_key(self, device_id: uuid.UUID) -> str:
        """Make an API key of a device, without a request: "<key id>:<secret>"."""
        return self._add_key(secret=new_secret("ftd_"), device_id=device_id)

    def add_key(self, role: Role | str, *, reports_for_devices: bool = False) -> str:
        """Make an API key of the project, or a gateway's, without a request: "<key id>:<secret>"."""
        return self._add_key(secret=new_secret("ftp_"), role=Role(role), reports_for_devices=reports_for_devices)

    def _add_key(self, **key: Any) -> str:
        return self._state.credentials.add(Key(id=uuid.uuid4(), created_at=self.now(), **key)).text

    def add_report(
        self,
        device_id: uuid.UUID,
        version: str,
        *,
        component: str = DEFAULT_COMPONENT,
        observed_at: dt.datetime | None = None,
    ) -> FirmwareReceipt:
        """Report for a device, without a request. It may be of any moment that has passed.

        Args:
            device_id: the device.
            version: what it ran.
            component: the part of the device that ran it.
            observed_at: an aware datetime; now, if left out.
        """
        report = FirmwareReport(
            version=version, component=component, observed_at=observed_at, strict=observed_at is not None
        )
        return reports.stored(self._state, self._state.device(device_id), report)

    def fail(
        self,
        status: int = 503,
        code: ProblemCode | str | None = None,
        *,
        times: int = 1,
        path: str = "",
        retry_after: float | None = None,
    ) -> None:
        """Let the next requests fail, without doing what they ask.

        Args:
            status: of the answer. One that no problem of the server has, such as 502, comes without a problem document,
                as from a proxy in between.
            code: of the problem document; what the server says with this status, if left out.
            times: how many requests; the client repeats some by itself.
            path: only those whose path has this part, such as `/firmware_version`. Requests for access tokens fail only
                for a path that names them: `/v1/oauth/token`.
            retry_after: seconds to wait, as the answer says; with 429 and 503 it says 0, if left out.
        """
        wait = failures.usual_wait(status) if retry_after is None else retry_after
        kind = None if code is None else ProblemCode(code)
        self._failures.add(lambda _request, _work: failures.answering(status, kind, wait), times, path)

    def time_out(self, *, times: int = 1, path: str = "") -> None:
        """Let the next requests time out without a wait, and without doing what they ask."""
        self._failures.add(failures.timed_out, times, path)

    def refuse_connections(self, *, times: int = 1, path: str = "") -> None:
        """Let the next requests find nobody to connect to."""
        self._failures.add(failures.refused, times, path)

    def lose_answers(self, *, times: int = 1, path: str = "") -> None:
        """Do what the next requests ask, and let the connection break before the answer is there."""
        self._failures.add(failures.lost, times, path)

    def recover(self) -> None:
        """Forget the failures that are still due."""
        self._failures.clear()

    def _respond(self, request: httpx.Request) -> httpx.Response:
        done: dict[str, Any] = {"api_key_id": None, "status": None}

        def work() -> httpx.Response:
            response, caller = routes.respond(self._state, request)
            done["api_key_id"] = caller.id if caller else None
            return response

        with self._lock:
            try:
                response = self._failures.meet(request, work)
            except NotAnswered as unanswered:
                self.unanswered.append(unanswered)
                raise
            else:
                done["status"] = response.status_code
                return response
            finally:
                if request.url.path != routes.TOKEN_PATH:
                    self.requests.append(_recorded(request, **done))


def _recorded(request: httpx.Request, **done: Any) -> RecordedRequest:
    return RecordedRequest(
        method=request.method,
        path=request.url.path,
        query=dict(request.url.params),
        json=_said(request),
        **done,
    )


def _said(request: httpx.Request) -> Any:
    try:
        return json.loads(request.content) if request.content else None
    except ValueError:
        return request.content.decode(errors="replace")

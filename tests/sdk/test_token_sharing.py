"""One access token for all tasks, threads and processes that use a client: who gets it, and who waits for it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections import Counter
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.test_utils import TestServer

from firmtrail import AsyncClient, Client, DeadlineExceededError, InvalidClientError
from tests.sdk.granting import DEVICE, SECRET, TAKEN


class Counting:
    """A server that counts, and holds back what it is asked for until the test lets go."""

    def __init__(self, *, refuses: bool = False) -> None:
        self.asked: Counter[str] = Counter()
        self.arrived, self.go = asyncio.Event(), asyncio.Event()
        self.refuses = refuses
        self.app = web.Application()
        self.app.router.add_post("/v1/oauth/token", self._token)
        self.app.router.add_post("/v1/devices/{device_id}/firmware_version", self._report)

    async def _token(self, _: web.Request) -> web.Response:
        self.asked["token"] += 1
        self.arrived.set()
        await self.go.wait()
        if self.refuses:
            return web.json_response({"error": "invalid_client", "error_description": "Do this."}, status=401)
        granted = {"access_token": f"t{self.asked['token']}", "token_type": "Bearer", "expires_in": 900, "scope": "x"}
        return web.json_response(granted)

    async def _report(self, request: web.Request) -> web.Response:
        self.asked[request.headers["Authorization"]] += 1
        return web.Response(text=TAKEN, content_type="application/json")


async def all_at_once(counting: Counting, report: Callable[[], Awaitable[object]]) -> list[object]:
    """Begin twenty calls, and let the token go when all of them can wait for it."""
    calls = [asyncio.ensure_future(report()) for _ in range(20)]
    await counting.arrived.wait()
    for _ in range(100):
        await asyncio.sleep(0)
    counting.go.set()
    return await asyncio.gather(*calls, return_exceptions=True)


async def test_many_tasks_get_one_token() -> None:
    counting = Counting()
    async with (
        TestServer(counting.app) as server,
        AsyncClient(str(server.make_url("")), api_key=f"id:{SECRET}") as client,
    ):
        await all_at_once(counting, lambda: client.firmware.report(DEVICE, "1"))

    assert counting.asked == {"token": 1, "Bearer t1": 20}


async def test_many_threads_get_one_token() -> None:
    counting = Counting()
    async with TestServer(counting.app) as server:
        with Client(str(server.make_url("")), api_key=f"id:{SECRET}") as client:
            await all_at_once(counting, lambda: asyncio.to_thread(client.firmware.report, DEVICE, "1"))

    assert counting.asked == {"token": 1, "Bearer t1": 20}


async def test_those_who_wait_for_a_token_share_its_refusal_each_with_an_error_of_its_own() -> None:
    counting = Counting(refuses=True)
    async with (
        TestServer(counting.app) as server,
        AsyncClient(str(server.make_url("")), api_key=f"id:{SECRET}") as client,
    ):
        errors = await all_at_once(counting, lambda: client.firmware.report(DEVICE, "1"))

    assert counting.asked == {"token": 1}
    assert {type(error) for error in errors} == {InvalidClientError}
    assert len({id(error) for error in errors}) == 20


async def test_a_call_that_is_cancelled_while_it_gets_the_token_leaves_that_to_the_next() -> None:
    counting = Counting()
    async with (
        TestServer(counting.app) as server,
        AsyncClient(str(server.make_url("")), api_key=f"id:{SECRET}") as client,
    ):
        first, second = (asyncio.ensure_future(client.firmware.report(DEVICE, "1")) for _ in range(2))
        await counting.arrived.wait()
        first.cancel()
        counting.go.set()
        await second

    assert counting.asked["token"] == 2


async def test_who_waits_for_anothers_token_waits_no_longer_than_its_own_deadline() -> None:
    counting = Counting()
    async with TestServer(counting.app) as server:
        with Client(str(server.make_url("")), api_key=f"id:{SECRET}", timeout=0.5) as client:
            calls = [asyncio.to_thread(client.firmware.report, DEVICE, "1") for _ in range(3)]
            errors = await asyncio.gather(*calls, return_exceptions=True)
        counting.go.set()

    assert {type(error) for error in errors} == {DeadlineExceededError}
    assert not any(isinstance(error, DeadlineExceededError) and error.maybe_applied for error in errors)


async def test_one_async_client_can_be_used_in_one_event_loop_after_another() -> None:
    script = f"""
import asyncio, firmtrail
client = firmtrail.AsyncClient("http://127.0.0.1:9", api_key="id:secret", attempts=1)
async def use():
    calls = [client.firmware.report("{DEVICE}", "1") for _ in range(3)]
    return [type(error).__name__ for error in await asyncio.gather(*calls, return_exceptions=True)]
print(asyncio.run(use()) == asyncio.run(use()) == ["NotSentError"] * 3)
"""
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )

    assert (done.stdout, done.stderr) == ("True\n", "")


#: A child forked while another thread of its parent holds the lock and waits for a token.
FORK = f"""
import http.server, json, os, threading
import firmtrail

arrived, go, granted = threading.Event(), threading.Event(), []

class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/v1/oauth/token":
            granted.append(1)
            if len(granted) == 1:
                arrived.set()
                go.wait()
            body = {{"access_token": "t", "token_type": "Bearer", "expires_in": 900, "scope": "x"}}
        else:
            body = {TAKEN}
        text = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(text)
    def log_message(self, *_):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = firmtrail.Client("http://127.0.0.1:%d" % server.server_address[1], api_key="id:secret", timeout=20)
report = lambda: client.firmware.report("{DEVICE}", "1").version

waiting = threading.Thread(target=report)
waiting.start()
arrived.wait()
child = os.fork()
if not child:
    print(report(), flush=True)
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
go.set()
waiting.join()
print(report(), len(granted), flush=True)
"""


def test_a_child_forked_while_a_token_is_awaited_gets_its_own() -> None:
    # Python 3.12 and later warn of any fork beside a thread; the threads here are what is tested.
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORK]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    assert (done.returncode, done.stdout, done.stderr) == (0, "1\n1 2\n", "")

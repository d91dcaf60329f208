"""One client in many threads, and across a fork."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys

from firmtrail import Client
from tests.served import Server
from tests.server.conftest import Demo

DEVICE = "00000000-0000-4000-8000-000000000000"
RECEIPT = json.dumps(
    {
        "component": "main",
        "version": "1",
        "observed_at": "2026-05-03T12:00:00Z",
        "observed_at_source": "device",
        "outcome": "opened",
    }
)

#: A server that answers each report with the port it came from as the version: one port is one connection.
FORK = f"""
import http.server, json, os, threading
import firmtrail

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        body = json.dumps({RECEIPT} | {{"version": str(self.client_address[1])}}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = firmtrail.Client("http://127.0.0.1:%d" % server.server_address[1], api_key="id:secret", auth="basic")
report = lambda: client.firmware.report("{DEVICE}", "1").version

print(report(), report(), flush=True)
child = os.fork()
if not child:
    print(report(), report(), flush=True)
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
print(report(), flush=True)
"""


async def test_one_client_serves_many_threads(server: Server, demo: Demo) -> None:
    with Client(server.url, api_key=":".join(demo.device_key)) as client:
        calls = [asyncio.to_thread(client.firmware.report, demo.device_id, str(number)) for number in range(20)]
        receipts = await asyncio.gather(*calls)

    assert {receipt.version for receipt in receipts} == {str(number) for number in range(20)}


def test_a_forked_child_opens_its_own_connection_and_leaves_its_parents_alone() -> None:
    # Python 3.12 and later warn of any fork beside a thread; the thread here is the server that the child asks.
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORK]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    assert (done.returncode, done.stderr) == (0, "")
    first, second, in_child, again_in_child, afterwards = done.stdout.split()
    assert first == second == afterwards
    assert in_child == again_in_child != first

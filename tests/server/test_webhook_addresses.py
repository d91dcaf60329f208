"""Where webhooks may go: no way leads from a URL to an address of the server's own network."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from ipaddress import ip_network

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from firmtrail_server.errors import WebhookUrlRefused
from firmtrail_server.webhooks import AddressRule, Receivers
from firmtrail_server.webhooks.urls import check_url
from tests.server.callers import Caller, made, wrong_fields
from tests.server.conftest import Demo
from tests.server.webhook_receivers import receiving, redirecting

PUBLIC = AddressRule()
LOOPBACK = AddressRule([ip_network("127.0.0.0/8")])

PRIVATE = [
    "127.0.0.1", "127.9.9.9", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "100.100.100.200", "168.63.129.16", "192.0.0.192", "192.88.99.1", "198.18.0.1", "224.0.0.1", "240.0.0.1",
    "255.255.255.255", "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1",
    "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "3fff::1", "fc00::1", "fd00:ec2::254",
    "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    assert not PUBLIC.permits(address, is_encrypted=True)


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_a_public_address_is_permitted_with_tls_alone(address: str) -> None:
    assert PUBLIC.permits(address, is_encrypted=True)
    assert not PUBLIC.permits(address, is_encrypted=False)


def test_the_operator_allows_networks_also_without_tls() -> None:
    rule = AddressRule([ip_network("10.1.0.0/16"), ip_network("fd00::/8")])

    assert rule.permits("10.1.2.3", is_encrypted=False)
    assert rule.permits("::ffff:10.1.2.3", is_encrypted=False)
    assert rule.permits("fd00::7", is_encrypted=False)
    assert not rule.permits("10.2.0.1", is_encrypted=True)


REFUSED_URLS = [
    "http://example.com/", "https://127.0.0.1/", "https://[::1]/", "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/", "https://2130706433/", "https://0x7f000001/", "https://0x7f.1/", "https://127.1/",
    "https://0177.0.0.1/", "https://169.254.169.254/latest/", "https://127.0.0.1./", "https://[fe80::1%25eth0]/",
    "https://user@example.com/", "https://user:secret@example.com/", "https://:@example.com/",
    "https://example.com@127.0.0.1/", "https://example.com:22/", "https://example.com:25/", "https://example.com:0/",
    "https://example.com:99999/", "https://example.com/#part", "https:///path", "https://", "https://exa mple.com/",
    "ftp://example.com/", "file:///etc/passwd", "gopher://127.0.0.1/", "https:example.com", "",
]  # fmt: skip


@pytest.mark.parametrize("url", REFUSED_URLS)
async def test_a_hostile_url_makes_no_webhook(admin: Caller, demo: Demo, url: str) -> None:
    answer = await admin.post(f"projects/{demo.project_id}/webhooks", {"url": url})

    assert [pointer for pointer, _ in wrong_fields(answer)] == ["/url"]


async def test_a_webhook_is_not_moved_to_a_hostile_url(admin: Caller, demo: Demo) -> None:
    path = f"projects/{demo.project_id}/webhooks"
    hook = made(await admin.post(path, {"url": "https://example.com:8443/hook?key=1"}))

    answer = await admin.patch(f"{path}/{hook['id']}", {"url": "https://127.0.0.1/"})

    assert wrong_fields(answer) == [("/url", "malformed")]


@pytest.mark.parametrize("url", ["https://example.com/", "https://8.8.8.8:443/a", "https://[2606:4700::1111]:8443/"])
def test_a_public_url_is_permitted(url: str) -> None:
    check_url(url, PUBLIC)


def test_without_tls_a_name_waits_for_its_address() -> None:
    check_url("http://receiver.internal:8080/", LOOPBACK)
    with pytest.raises(WebhookUrlRefused):
        check_url("http://8.8.8.8/", LOOPBACK)


class Names(AbstractResolver):
    """A DNS that gives one answer after the other."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = [*answers]

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=0)
            for address in self.answers.pop(0)
        ]

    async def close(self) -> None:
        pass


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_name_that_leads_to_this_machine_is_not_connected_to(scheme: str) -> None:
    async with receiving() as receiver, Receivers(PUBLIC, Names(["127.0.0.1"])) as ours:
        answer = await ours.send(f"{scheme}://innocent.example:{receiver.port}/", b"{}", {})

    assert answer.error is not None
    assert "refused to connect" in answer.error
    assert "127.0.0.1" not in answer.error
    assert receiver.connections == 0


async def test_a_name_that_rebinds_is_checked_at_each_connection() -> None:
    rule = AddressRule([ip_network("127.0.0.2/32")])
    names = Names(["127.0.0.2"], ["127.0.0.1"])
    async with receiving(host="127.0.0.2") as good, receiving(host="127.0.0.1") as inner:
        good.port, ports = good.port, [good.port, inner.port]
        async with Receivers(rule, names) as ours:
            answers = [await ours.send(f"http://rebinding.example:{port}/", b"{}", {}) for port in ports]

    assert [answer.status_code for answer in answers] == [204, None]
    assert names.answers == [], "each name is resolved once"
    assert inner.connections == 0


async def test_of_several_addresses_only_those_permitted_are_tried() -> None:
    rule = AddressRule([ip_network("127.0.0.2/32")])
    async with receiving(host="127.0.0.2") as good, Receivers(rule, Names(["127.0.0.1", "127.0.0.2"])) as ours:
        answer = await ours.send(f"http://two.example:{good.port}/", b"{}", {})

    assert (answer.status_code, good.connections) == (204, 1)


@pytest.mark.parametrize("host", ["localhost", "2130706433", "0x7f000001", "127.1", "[::ffff:127.0.0.1]", "[::1]"])
async def test_no_spelling_of_loopback_is_connected_to(host: str) -> None:
    async with receiving() as receiver, Receivers(PUBLIC) as ours:
        answer = await ours.send(f"https://{host}:{receiver.port}/", b"{}", {})

    assert answer.error is not None
    assert receiver.connections == 0


async def test_a_redirect_is_not_followed() -> None:
    async with receiving() as inner, receiving(redirecting(inner.url)) as receiver, Receivers(LOOPBACK) as ours:
        answer = await ours.send(receiver.url, b"{}", {})

    assert answer.status_code == 307
    assert inner.connections == 0


async def test_no_proxy_of_the_environment_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async with receiving() as proxy, receiving() as receiver, Receivers(LOOPBACK) as ours:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        answer = await ours.send(receiver.url, b"{}", {})

    assert (answer.status_code, proxy.connections) == (204, 0)

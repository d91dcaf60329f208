"""How the agent is told the way to its server: certificates, proxies, pins; and what is said of mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest

from firmtrail_agent.config.configuration import load_server
from firmtrail_agent.config.layers import Layers
from tests.agent.support.config_files import GOOD, VENDOR, Files
from tests.authority import Authority


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


@pytest.fixture
def ours(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "ours")


def test_the_way_to_the_server_is_configured(files: Files, ours: Authority) -> None:
    certificate, proxy = ours.client(), "http://proxy.example.com:3128"
    files.write(f"[server]\nca_file = '{ours.file}'\nclient_cert = '{certificate}'\nproxy = '{proxy}'\n", VENDOR)
    files.write(GOOD)

    chosen = files.load()

    assert (chosen.ca_file, chosen.client_cert, chosen.proxy) == (ours.file, certificate, proxy)
    assert load_server(Layers(environment={}, root=files.root)).ca_file == ours.file


@pytest.mark.parametrize("key", ["ca_file", "client_cert"])
@pytest.mark.parametrize("value", ["etc/x.pem", "/nowhere/x.pem", "/dev/null", "/"])
def test_a_file_without_certificates_is_refused(files: Files, key: str, value: str) -> None:
    files.write(GOOD)

    (problem,) = files.problems(settings=[f"server.{key}={value}"])

    assert problem.startswith(f"--set server.{key}: server.{key} must ")


def test_a_private_key_that_others_may_read_is_refused_with_what_mends_it(files: Files, ours: Authority) -> None:
    files.write(GOOD)
    certificate = ours.client()
    certificate.chmod(0o640)

    (problem,) = files.problems(settings=[f"server.client_cert={certificate}"])

    assert problem.endswith("run chmod 600 on it")


@pytest.mark.parametrize("value", ["proxy:3128", "socks5://h", "http://", "http://h/path", "http://h:0", "http://["])
def test_a_proxy_that_cannot_be_used_is_refused(files: Files, value: str) -> None:
    files.write(GOOD)

    (problem,) = files.problems(settings=[f"server.proxy={value}"])

    assert problem.startswith("--set server.proxy: server.proxy must be the URL of an HTTP proxy")


def test_the_password_of_a_proxy_is_refused_and_not_repeated(files: Files) -> None:
    files.write(GOOD)

    (problem,) = files.problems(settings=["server.proxy=http://user:neverShow@h"])

    assert "set HTTPS_PROXY for the service" in problem
    assert "neverShow" not in problem


PIN, ANOTHER_PIN = (f"sha256/{sign * 42}A=" for sign in "AB")


@pytest.mark.parametrize(
    "value",
    [
        f"['{PIN}', '{ANOTHER_PIN}']",
        f"'{PIN};{ANOTHER_PIN}'",
        f"'{PIN.replace('/', '//', 1)}; {ANOTHER_PIN.replace('/', '//', 1)}'",
    ],
    ids=["a list", "one text", "as curl takes them"],
)
def test_pins_are_taken_as_people_write_them(files: Files, value: str) -> None:
    files.write(GOOD.replace("[device]", f"pins = {value}\n[device]"))

    assert files.load().pins == {PIN, ANOTHER_PIN}


@pytest.mark.parametrize(
    "value",
    [
        "3",
        "''",
        "[3, 4]",
        f"{{ '{PIN}' = 1, '{ANOTHER_PIN}' = 2 }}",
        f"['{PIN}', 'sha1/x']",
        f"['{PIN}', '{ANOTHER_PIN[:-1]}']",
        f"['{PIN}', '{'AB:' * 31}AB']",
    ],
)
def test_what_is_no_pin_is_refused_with_an_example(files: Files, value: str) -> None:
    files.write(GOOD.replace("[device]", f"pins = {value}\n[device]"))

    (problem,) = files.problems()

    assert 'line 3: server.pins must be a list of pins such as "sha256/' in problem


@pytest.mark.parametrize("value", [f"['{PIN}']", f"['{PIN}', '{PIN.replace('/', '//', 1)}']", "[]"])
def test_fewer_than_two_pins_are_refused_with_the_reason(files: Files, value: str) -> None:
    files.write(GOOD.replace("[device]", f"pins = {value}\n[device]"))

    (problem,) = files.problems()

    assert "two different pins at least" in problem
    assert "locks the device out" in problem


def test_pins_without_tls_are_refused(files: Files) -> None:
    files.write(GOOD.replace("[device]", f"pins = ['{PIN}', '{ANOTHER_PIN}']\n[device]"))

    (problem,) = files.problems(settings=["server.url=HTTP://h"])

    assert problem.endswith("line 3: server.pins needs a server.url that begins with https")

"""With --root the agent's own files are those of the tree: no link of it leads to this machine's."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from firmtrail_agent.config import configuration
from firmtrail_agent.config.configuration import BadConfiguration
from firmtrail_agent.config.layers import Layers
from firmtrail_agent.system import directories
from firmtrail_agent.system.rooted_path import real_path

CONFIGURED = '[server]\nurl = "http://of.the.tree"\n[device]\nid = "00000000-0000-4000-8000-000000000001"\n'
HOSTS = '[server]\nurl = "http://of.the.host"\n'


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A tree beside another one, which stands for this machine."""
    for place in ("root/etc/firmtrail-agent", "root/usr/lib", "host/config.d"):
        (tmp_path / place).mkdir(parents=True)
    (tmp_path / "root/etc/firmtrail-agent/config.toml").write_text(CONFIGURED)
    (tmp_path / "host/config.d/1.toml").write_text(HOSTS)
    return tmp_path / "root"


def url(root: Path) -> str:
    return configuration.load(Layers(environment={}, root=root)).server_url


@pytest.mark.parametrize("target", ["{host}/config.d", "../../../host/config.d"])
def test_a_directory_of_the_configuration_is_not_followed_out_of_the_root(root: Path, target: str) -> None:
    (root / "etc/firmtrail-agent/config.d").symlink_to(target.format(host=root.parent / "host"))

    with pytest.raises(BadConfiguration, match=r"config\.d: is a link to .*, which is not there"):
        url(root)


def test_a_file_of_the_configuration_is_not_followed_out_of_the_root(root: Path) -> None:
    (root / "etc/firmtrail-agent/config.d").mkdir()
    (root / "etc/firmtrail-agent/config.d/1.toml").symlink_to(root.parent / "host/config.d/1.toml")
    (root / "etc/firmtrail-agent/config.toml").unlink()
    (root / "etc/firmtrail-agent/config.toml").symlink_to(root.parent / "host/config.d/1.toml")

    with pytest.raises(BadConfiguration, match=r"server\.url is not set"):
        url(root)


def test_an_absolute_link_of_the_configuration_begins_at_the_root(root: Path) -> None:
    (root / "etc/firmtrail-agent/config.toml").rename(root / "usr/lib/agent.toml")
    (root / "etc/firmtrail-agent/config.toml").symlink_to("/usr/lib/agent.toml")

    assert url(root) == "http://of.the.tree"


@pytest.mark.parametrize("name", ["config.toml", "config.d", "config.d/1.toml"])
def test_a_link_of_the_configuration_to_nothing_is_named(root: Path, name: str) -> None:
    link = root / "etc/firmtrail-agent" / name
    link.parent.mkdir(exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to("/data/agent.toml")

    with pytest.raises(BadConfiguration, match=f"{name}: is a link to /data/agent.toml, which is not there"):
        url(root)


@pytest.mark.parametrize("name", ["config.toml", "config.d", "config.d/1.toml"])
def test_links_of_the_configuration_that_go_in_a_circle_are_named(root: Path, name: str) -> None:
    link = root / "etc/firmtrail-agent" / name
    link.parent.mkdir(exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to("/other")
    (root / "other").symlink_to(f"/etc/firmtrail-agent/{name}")

    with pytest.raises(BadConfiguration, match=f"{name}: cannot be read: Too many levels of symbolic links"):
        url(root)


@pytest.mark.parametrize("command", [["status"], ["spool", "list"]])
def test_directories_whose_links_go_in_a_circle_are_named_in_one_line(root: Path, command: list[str]) -> None:
    for name in ("run", "var"):
        (root / name).symlink_to(name)

    agent = Path(sys.executable).with_name("firmtrail-agent")
    done = subprocess.run([agent, "--root", root, *command], capture_output=True, text=True, check=False)

    assert done.returncode == os.EX_CANTCREAT
    (line,) = done.stderr.splitlines()
    assert line.endswith("Too many levels of symbolic links")


def test_a_drop_in_that_is_a_link_to_dev_null_has_no_settings(root: Path) -> None:
    (root / "etc/firmtrail-agent/config.d").mkdir()
    (root / "etc/firmtrail-agent/config.d/1.toml").symlink_to("/dev/null")

    assert url(root) == "http://of.the.tree"


def test_a_directory_behind_a_link_may_have_no_configuration(root: Path) -> None:
    (root / "usr/lib/firmtrail-agent").symlink_to("/usr/lib/empty")
    (root / "usr/lib/empty").mkdir()

    assert url(root) == "http://of.the.tree"


@pytest.mark.parametrize("target", ["{host}", "../../host"])
def test_the_state_stays_below_the_root(root: Path, target: str) -> None:
    (root / "var").mkdir()
    (root / "var/lib").symlink_to(target.format(host=root.parent / "host"))

    state = directories.state({}, root)
    os.close(directories.hold(state) or -1)

    assert state.is_relative_to(root)
    assert not (root.parent / "host/firmtrail-agent").exists()


def test_links_in_a_circle_end_with_an_error(root: Path) -> None:
    (root / "a").symlink_to("b")
    (root / "b").symlink_to("a")

    with pytest.raises(OSError, match="Too many levels"):
        real_path(root, "a/file")


def test_the_system_itself_keeps_its_links() -> None:
    assert real_path(Path("/"), "etc/os-release") == Path("/etc/os-release")

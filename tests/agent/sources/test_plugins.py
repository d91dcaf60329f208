"""Sources that other distributions bring: good ones, broken ones, clashing ones; installed for real."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from firmtrail_agent.sources.engine import plugins, registry
from firmtrail_agent.sources.engine.registry import BUILT_IN, source_type
from tests.agent.sources.support.readings import configured, problem_of, read
from tests.agent.support.device import Device

TUNER = """
import attrs
from typing import ClassVar
from firmtrail_agent.sources import Found

def check(instance, attribute, value):
    if value not in range(8):
        raise ValueError("be a number from 0 to 7")

@attrs.frozen(kw_only=True)
class Tuner:
    type: ClassVar[str] = "tuner"
    component: str = "tuner"
    bus: int = attrs.field(validator=check)

    def find(self, root):
        return [Found(component=self.component, version=f"5.{self.bus}", detail=f"bus {self.bus}")]
"""
TABLE = '[[sources]]\ntype = "tuner"\nbus = 3\n'


class Site:
    """A directory with installed distributions."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        #: for a process that is to see them too
        self.path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])

    def install(self, content: str, *, name: str = "acme-tuner", offers: str = "tuner = acme_tuner:Tuner") -> None:
        module = offers.partition("=")[2].partition(":")[0].strip()
        (self.folder / f"{module}.py").write_text(content)
        info = self.folder / f"{name.replace('-', '_')}-2.1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 2.1\n")
        (info / "entry_points.txt").write_text(f"[{plugins.GROUP}]\n{offers}\n")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Site]:
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])
    yield Site(folder)
    for name in ("acme_tuner", "other_tuner"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_type_of_ours_is_there_under_its_name(name: str) -> None:
    assert source_type(name).type == name


def test_a_plug_in_is_a_source_like_any_other(site: Site, tmp_path: Path) -> None:
    site.install(TUNER)

    (source,) = configured(tmp_path, TABLE)

    assert read(source, tmp_path).version == "5.3"


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ("bus = 9", "line 3: bus must be a number from 0 to 7"),
        ("", "line 1: a source of type tuner needs bus"),
        ("buss = 3\nbus = 3", "line 3: a source of type tuner has no setting buss; did you mean bus?"),
    ],
)
def test_its_keys_are_checked_like_all_others(site: Site, tmp_path: Path, table: str, problem: str) -> None:
    site.install(TUNER)

    assert problem_of(tmp_path, f'[[sources]]\ntype = "tuner"\n{table}') == problem


@pytest.mark.parametrize(
    ("check", "problem"),
    [
        ("if value not in instance.buses: raise ValueError", "'Tuner' object has no attribute 'buses'"),
        ("raise TypeError('no bus')", "TypeError('no bus')"),
        ("value.bit_length(1)", "bit_length() takes no arguments"),
    ],
)
def test_a_validator_that_breaks_is_a_problem_and_no_crash(
    site: Site, tmp_path: Path, check: str, problem: str
) -> None:
    site.install(TUNER.replace("if value not in range(8):", f"{check}\n    if False:"))

    found = problem_of(tmp_path, TABLE)

    assert found.startswith("line 1: a source of type tuner cannot be made of this: ")
    assert problem in found


@pytest.mark.parametrize(
    ("setting", "word"),
    [
        ('component = "Tuner A"', "component"),
        ('timeout_seconds = "10"', "timeout_seconds"),
        ("timeout_seconds = -1", "timeout_seconds"),
    ],
)
def test_a_plug_in_without_validators_is_refused_with_the_configuration(
    site: Site, tmp_path: Path, setting: str, word: str
) -> None:
    site.install(TUNER.replace("bus: int = attrs.field(validator=check)", "bus: int = 3\n    timeout_seconds: int = 5"))

    found = problem_of(tmp_path, f'[[sources]]\ntype = "tuner"\n{setting}')

    assert found.startswith("line 1: a source of type tuner must have a")
    assert word in found


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("import nothing_of_that_name", "cannot be loaded: ModuleNotFoundError"),
        ("raise RuntimeError('boom')", "cannot be loaded: RuntimeError('boom')"),
        ("syntax error", "cannot be loaded: SyntaxError"),
        ("", "cannot be loaded: AttributeError"),
        ("Tuner = 3", "is not an attrs class with a method find"),
        ("class Tuner:\n  type = 'tuner'\n  def find(self, root): ...", "is not an attrs class with a method find"),
        (TUNER.replace("def find", "def seek"), "is not an attrs class with a method find"),
        (TUNER.replace('"tuner"', '"turner"'), "has another name as its type"),
        (TUNER.replace("component", "part"), "has no component"),
    ],
)
def test_a_broken_one_is_a_problem_that_names_its_distribution(
    site: Site, tmp_path: Path, content: str, problem: str
) -> None:
    site.install(content)

    found = problem_of(tmp_path, TABLE)

    assert found.startswith("line 2: the source of type tuner that acme-tuner 2.1 brings (acme_tuner:Tuner) ")
    assert problem in found


def test_two_of_one_name_are_a_problem_that_names_both(site: Site, tmp_path: Path) -> None:
    site.install(TUNER)
    site.install(TUNER, name="other-tuner", offers="tuner = other_tuner:Tuner")

    assert problem_of(tmp_path, TABLE) == (
        "line 2: acme-tuner 2.1 and other-tuner 2.1 bring a source of type tuner each; uninstall all but one"
    )


def test_an_unknown_type_is_named_with_the_one_that_was_meant(site: Site, tmp_path: Path) -> None:
    site.install(TUNER)

    assert problem_of(tmp_path, '[[sources]]\ntype = "tunner"').endswith(", tuner; did you mean tuner?")


def test_a_plug_in_cannot_replace_a_source_of_ours(site: Site, tmp_path: Path) -> None:
    site.install(TUNER.replace("tuner", "kernel"), offers="kernel = acme_tuner:Tuner")

    (source,) = configured(tmp_path, '[[sources]]\ntype = "kernel"')

    assert type(source) is registry.source_type("kernel")
    assert type(source).__module__ == "firmtrail_agent.sources.builtin.kernel"


async def test_the_check_of_the_configuration_names_one_that_tries(site: Site, device: Device) -> None:
    site.install(TUNER.replace("tuner", "kernel"), offers="kernel = acme_tuner:Tuner")

    result = await device.run("check-config", PYTHONPATH=site.path)

    assert result.stdout == (
        "acme-tuner 2.1 brings a source of type kernel, which the agent has itself; uninstall it\n"
    )
    assert result.code == os.EX_CONFIG


async def test_plug_ins_are_not_even_looked_for_without_need(site: Site, device: Device) -> None:
    site.install("raise SystemExit(99)")
    program = (
        "import sys; from firmtrail_agent.cli import main\nimport os\n"
        "leave = os._exit\nos._exit = lambda code: leave(98 if 'importlib.metadata' in sys.modules else code)\nmain()"
    )

    process = await device.start("version", program=program, PYTHONPATH=site.path)

    assert await process.wait() == 0

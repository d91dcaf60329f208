"""What a release must agree on, and the workflow that makes one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tools.release import versions
from tools.release.building import build, differences


@pytest.fixture
def checkout(root: Path, tmp_path: Path) -> Path:
    """Give a small copy: what names a version, also where hatchling reads it from the source."""
    for file in [*root.glob("packages/*/pyproject.toml"), *versions.sources(root)]:
        copy = tmp_path / file.relative_to(root)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\n## 0.1.0 (2026-12-01)\n", encoding="utf-8")
    return tmp_path


def test_this_checkout_agrees_on_its_version(root: Path) -> None:
    assert list(versions.complaints(root, None)) == []


def test_a_fitting_tag_is_taken(checkout: Path) -> None:
    assert list(versions.complaints(checkout, "v0.1.0")) == []


@pytest.mark.parametrize("tag", ["v0.1.1", "0.1.0", "v0.1"])
def test_another_tag_is_refused(checkout: Path, tag: str) -> None:
    (complaint,) = versions.complaints(checkout, tag)
    assert tag in complaint


def test_a_changelog_of_nothing_released_is_refused(checkout: Path) -> None:
    (checkout / "CHANGELOG.md").write_text("# Changelog\n\n## Unreleased\n", encoding="utf-8")

    assert list(versions.complaints(checkout, None)) == []
    (complaint,) = versions.complaints(checkout, "v0.1.0")
    assert "CHANGELOG" in complaint


def test_packages_of_two_versions_are_refused(checkout: Path) -> None:
    (checkout / "packages/sdk/src/firmtrail/_version.py").write_text('__version__ = "0.2.0"\n', encoding="utf-8")

    assert any("differ" in complaint for complaint in versions.complaints(checkout, None))


@pytest.mark.parametrize("package", ["sdk", "device-agent", "server"])
@pytest.mark.parametrize("bound", ["", ">=0.1.0", "==0.0.9"])
def test_a_package_that_allows_another_release_of_ours_is_refused(checkout: Path, package: str, bound: str) -> None:
    file = checkout / "packages" / package / "pyproject.toml"
    text = file.read_text(encoding="utf-8")
    file.write_text(re.sub(r"(firmtrail-contract[^=]*)==0\.1\.0", rf"\g<1>{bound}", text, count=1))

    (complaint,) = versions.complaints(checkout, None)

    assert re.match(rf"{package} needs firmtrail-contract(\[versions\])?{bound}:", complaint)


def test_an_extra_that_allows_another_release_of_ours_is_refused(checkout: Path) -> None:
    file = checkout / "packages/server/pyproject.toml"
    file.write_text(file.read_text(encoding="utf-8").replace("[binaries]==0.1.0", "[binaries]"))

    assert ["firmtrail-postgres" in complaint for complaint in versions.complaints(checkout, None)] == [True]


def test_an_sdist_makes_the_wheel_of_the_checkout(root: Path, tmp_path: Path) -> None:
    package = root / "packages/contract"
    sdist, wheel = build(package, tmp_path, "sdist"), build(package, tmp_path, "wheel")

    assert list(differences(sdist, wheel)) == []


def test_what_an_sdist_leaves_out_is_named(root: Path, tmp_path: Path) -> None:
    sdist = build(root / "packages/contract", tmp_path, "sdist")
    wheel = build(root / "packages/postgres", tmp_path, "wheel")

    assert any("firmtrail_postgres" in name for name in differences(sdist, wheel))


def test_the_workflow_publishes_only_what_was_tested(root: Path) -> None:
    file = root / ".github/workflows/release.yml"
    jobs: dict[str, Any] = YAML(typ="safe").load(file)["jobs"]  # pyright: ignore[reportUnknownMemberType]  half-typed

    assert jobs["test"]["steps"][-1]["run"] == ".ci/run"
    assert (jobs["files"]["needs"], jobs["images"]["needs"]) == ("test", "test")
    assert {*jobs["publish"]["needs"]} == {"files", "images"}
    assert [name for name, job in jobs.items() if "environment" in job] == ["publish"]
    assert any("./dev release --tag" in step.get("run", "") for step in jobs["files"]["steps"])

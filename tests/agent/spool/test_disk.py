"""The spool on a disk that is damaged, full, read-only or gone, and under kill -9."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from firmtrail_agent.state.record_files import BAD, MAX_FILES
from firmtrail_agent.state.spool import MAX_IN_MEMORY, Spool
from tests.agent.spool.support.spool_files import Opener, files, told
from tests.agent.support.observations import DEVICE, Time, observed

DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "cut by a byte": lambda content: content[:-1],
    "cut to its checksum": lambda content: content[:9],
    "empty": lambda _: b"",
    "changed": lambda content: content.replace(b"boot_id", b"boot_ie"),
    "overwritten": lambda content: b"\xff" * len(content),
    "no record": lambda _: b"00000000\n",  # a right checksum of nothing
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_record_is_put_aside_and_the_others_are_kept(
    opened: Opener, directory: Path, damage: Callable[[bytes], bytes]
) -> None:
    spool = opened()
    for ms in range(3):
        spool.add(observed(str(ms), ms), urgent=True)
    victim = sorted(directory.glob("*.record"))[1]
    victim.write_bytes(damage(victim.read_bytes()))

    again = opened()

    assert [version for version, _, _ in told(again)] == ["0", "2"]
    assert [record.dropped_before for record in again.records] == [0, 1]
    assert again.corrupt == 1
    assert files(directory / "bad") == [victim.name]
    assert opened().corrupt == 0


def test_a_lost_newest_record_is_missed_by_the_next_one(opened: Opener, directory: Path) -> None:
    spool = opened()
    for ms in range(2):
        spool.add(observed(str(ms), ms), urgent=True)
    sorted(directory.glob("*.record"))[1].write_bytes(b"rotten")
    again = opened()

    for ms in (2, 3):
        again.add(observed("0", ms), urgent=True)  # as before what is lost

    assert [record.dropped_before for record in opened().records] == [0, 1]


def test_a_refused_record_is_missed_by_the_next_one(opened: Opener) -> None:
    spool = opened()
    for ms in range(3):
        spool.add(observed(str(ms), ms), urgent=True)

    spool.quarantine(1)

    assert [record.dropped_before for record in opened().records] == [0, 1]


def test_a_file_of_another_name_and_a_directory_in_its_place_are_put_aside(opened: Opener, directory: Path) -> None:
    opened().add(observed("1", 1), urgent=True)
    (directory / "notes.record").write_text("hello")
    (directory / "0000000007.record").mkdir()

    assert told(opened()) == [("1", 1, None)]


def test_no_more_than_eight_damaged_files_are_kept(opened: Opener, directory: Path) -> None:
    spool = opened()
    for ms in range(12):
        spool.add(observed(str(ms), ms), urgent=True)
    for file in directory.glob("*.record"):
        file.write_bytes(b"rotten")

    assert opened().corrupt == 12
    assert len(files(directory / "bad")) == MAX_FILES[BAD]


def test_what_a_power_cut_left_half_written_is_swept(opened: Opener, directory: Path) -> None:
    opened().add(observed("1", 1), urgent=True)
    (directory / ".tmp").write_bytes(b"half")

    opened()

    assert files(directory) == ["0000000001.record"]


def test_nobody_else_may_read_it(opened: Opener, directory: Path) -> None:
    opened().add(observed("1", 1), urgent=True)

    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert stat.S_IMODE((directory / "0000000001.record").stat().st_mode) == 0o600


@pytest.fixture
def unusable(tmp_path: Path, time: Time) -> Spool:
    """A spool whose directory cannot be made, by root neither."""
    (tmp_path / "file").write_text("")
    return Spool(tmp_path / "file" / "spool", DEVICE, boot_time=time)


def test_without_a_disk_the_newest_records_are_kept_in_memory(unusable: Spool) -> None:
    for ms in range(100):
        unusable.add(observed(str(ms), ms), urgent=True)

    versions = [version for version, _, _ in told(unusable)]
    assert len(versions) == MAX_IN_MEMORY
    assert (versions[0], versions[-1]) == ("0", "99")
    assert unusable.records[1].dropped_before == 100 - MAX_IN_MEMORY


def test_a_disk_that_cannot_be_written_is_a_trouble_with_its_reason(unusable: Spool) -> None:
    unusable.add(observed("1", 1), urgent=True)

    assert unusable.trouble is not None
    assert unusable.trouble.endswith("spool cannot be written: Not a directory")


def test_without_a_directory_there_is_no_trouble(time: Time) -> None:
    spool = Spool(None, DEVICE, boot_time=time)
    spool.add(observed("1", 1), urgent=True)
    spool.acknowledge(1)

    assert (spool.trouble, spool.records) == (None, [])


def test_what_was_in_memory_is_written_in_order_when_the_disk_is_back(
    opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = opened()
    spool.add(observed("0", 0), urgent=True)
    with monkeypatch.context() as full:
        full.setattr("firmtrail_agent.state.spool.FREE_BYTES", 2**62)
        spool.add(observed("1", 1), urgent=True)
        assert spool.trouble is not None
        assert "are free" in spool.trouble
    spool.add(observed("2", 2), urgent=True)

    assert spool.trouble is None
    assert [version for version, _, _ in told(opened())] == ["0", "1", "2"]


def test_a_disk_that_is_back_is_noticed_by_the_next_observation_also_if_that_says_nothing_new(
    opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = opened()
    with monkeypatch.context() as full:
        full.setattr("firmtrail_agent.state.spool.FREE_BYTES", 2**62)
        spool.add(observed("1", 1), urgent=True)
        spool.acknowledge(1)
        spool.add(observed("1", 2), urgent=False)
        assert spool.trouble is not None
    spool.add(observed("1", 3), urgent=False)

    assert spool.trouble is None


def test_a_directory_that_was_removed_is_made_again(opened: Opener, directory: Path) -> None:
    spool = opened()
    shutil.rmtree(directory.parent)
    spool.add(observed("1", 1), urgent=True)
    spool.add(observed("1", 2), urgent=False)

    assert spool.trouble is None
    assert told(opened()) == [("1", 1, 2)]


_FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from firmtrail_agent.state.spool import Spool
from tests.agent.support.observations import DEVICE, observed
spool = Spool(Path(sys.argv[1]), DEVICE, boot_time=lambda: 0.0)
spool.add(observed("0", 0), urgent=True)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
spool.add(observed("1", 1), urgent=True)
print(spool.trouble, len(spool.records))
"""


def test_a_write_that_breaks_off_in_the_middle_leaves_no_half_record(opened: Opener, directory: Path) -> None:
    root = Path(__file__).parents[3]

    done = subprocess.run(
        [sys.executable, "-c", _FULL_DISK, str(directory)],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.strip().endswith("cannot be written: File too large 2")
    assert told(opened()) == [("0", 0, None)]
    assert opened().corrupt == 0


def test_a_disk_that_is_full_then_read_only_costs_no_record_that_has_room_in_memory(tmp_path: Path) -> None:
    in_a_namespace = ["unshare", "--map-root-user", "--mount"]
    if subprocess.run([*in_a_namespace, "true"], check=False, capture_output=True).returncode:
        pytest.skip("this machine allows no mount namespaces")
    root = Path(__file__).parents[3]

    done = subprocess.run(
        [*in_a_namespace, sys.executable, "-m", "tests.agent.spool.support.small_disk", str(tmp_path)],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stderr == ""
    new, full, roomy, read_only, writable, restarted = done.stdout.splitlines()
    assert new == "new: none, 5 of these 0"
    assert re.fullmatch(r"full: less than 512 KiB are free, \d+ of these 32", full)
    assert re.fullmatch(r"roomy: none, \d+ of these 0", roomy)
    assert re.fullmatch(r"read-only: Read-only file system, \d+ of these 1", read_only)
    assert re.fullmatch(r"writable: none, \d+ of these 0", writable)
    assert restarted.startswith("restarted: none, ")


def test_of_500_kills_in_the_middle_of_writing_none_damages_a_record_or_loses_one_that_was_stored(
    tmp_path: Path,
) -> None:
    writers = [
        subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests.agent.spool.support.killed_writer",
                str(tmp_path / f"spool-{seed}"),
                "125",
                str(seed),
            ],
            cwd=Path(__file__).parents[3],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for seed in range(4)  # most of their time they wait
    ]

    said = [writer.communicate() for writer in writers]

    assert [(writer.returncode, errors) for writer, (_, errors) in zip(writers, said, strict=True)] == [(0, "")] * 4
    assert sum(int(stored) for stored, _ in said) > 50  # on a busy machine too they did write

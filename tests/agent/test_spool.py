"""The spool: on a real disk, through every order of events, damage, full disks and kill -9."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from firmtrail import ComponentReading, ObservationRecord
from firmtrail_agent.spool import MAX_BAD_FILES, MAX_BYTES, MAX_IN_MEMORY, MAX_RECORDS, REWRITE_SECONDS, Spool
from tests.agent.observing import Time, observed, reading

Opener = Callable[[], Spool]

DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "cut by a byte": lambda content: content[:-1],
    "cut to its checksum": lambda content: content[:9],
    "empty": lambda _: b"",
    "changed": lambda content: content.replace(b"boot_id", b"boot_ie"),
    "overwritten": lambda content: b"\xff" * len(content),
    "no record": lambda _: b"00000000\n",  # a right checksum of nothing
}


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "state" / "spool"


@pytest.fixture
def opened(directory: Path, time: Time) -> Opener:
    """Open the spool, as after a restart."""
    return lambda: Spool(directory, boot_time=time)


def told(spool: Spool) -> list[tuple[str | None, int, int | None]]:
    return [
        (
            record.components[0].version,
            record.first_observed.boot_time_ms,
            record.last_observed.boot_time_ms if record.last_observed else None,
        )
        for record in spool.records
    ]


def files(directory: Path) -> list[str]:
    return sorted(file.name for file in directory.rglob("*") if file.is_file())


def test_what_is_urgent_survives_a_restart_at_once(opened: Opener) -> None:
    opened().add(observed("1", 5), urgent=True)

    assert told(opened()) == [("1", 5, None)]


def test_observations_that_say_the_same_extend_one_record(opened: Opener) -> None:
    spool = opened()
    for ms in (5, 6, 9):
        spool.add(observed("1", ms), urgent=True)
    spool.add(observed("2", 10), urgent=True)
    spool.add(observed("1", 11), urgent=True)

    assert told(opened()) == [("1", 5, 9), ("2", 10, None), ("1", 11, None)]


def test_a_record_is_extended_across_a_reboot(opened: Opener) -> None:
    opened().add(observed("1", 5, boot=1), urgent=True)
    opened().add(observed("1", 3, boot=2), urgent=True)

    (record,) = opened().records
    assert (record.first_observed, record.last_observed) == (reading(5, boot=1), reading(3, boot=2))


def test_the_words_of_an_error_do_not_make_a_new_record(opened: Opener) -> None:
    spool = opened()
    for ms in (1, 2):
        failing = ComponentReading(component="main", error=f"no answer after {ms} s")
        spool.add(ObservationRecord(first_observed=reading(ms), components=[failing]), urgent=True)

    assert len(spool.records) == 1


def test_what_changes_nothing_is_written_after_an_hour_and_not_before(
    opened: Opener, directory: Path, time: Time
) -> None:
    spool = opened()
    spool.add(observed("1", 0), urgent=False)
    time.now = REWRITE_SECONDS - 1
    spool.add(observed("1", 1), urgent=False)
    before = files(directory)
    time.now = REWRITE_SECONDS
    spool.add(observed("1", 2), urgent=False)

    assert before == []
    assert told(opened()) == [("1", 0, 2)]


def test_an_urgent_record_takes_those_before_it_along(opened: Opener) -> None:
    spool = opened()
    spool.add(observed("1", 0), urgent=False)
    spool.add(observed("2", 1), urgent=True)

    assert told(opened()) == [("1", 0, None), ("2", 1, None)]


def test_nothing_is_lost_when_the_agent_ends_in_order(opened: Opener) -> None:
    spool = opened()
    spool.add(observed("1", 0), urgent=False)

    spool.persist()

    assert told(opened()) == [("1", 0, None)]


def test_a_quiet_month_offline_is_one_record_and_a_write_an_hour_at_most(
    opened: Opener, directory: Path, time: Time
) -> None:
    spool, writes = opened(), set[tuple[int, int]]()
    for _ in range(30 * 24 * 4):
        time.now += 15 * 60
        spool.add(observed("1", int(time.now * 1000)), urgent=False)
        writes |= {(file.stat().st_ino, file.stat().st_mtime_ns) for file in directory.glob("*.record")}

    assert told(spool) == [("1", 15 * 60 * 1000, 30 * 24 * 3600 * 1000)]
    assert len(writes) <= 30 * 24


def test_what_the_server_has_is_deleted(opened: Opener, directory: Path) -> None:
    spool = opened()
    for ms in range(3):
        spool.add(observed(str(ms), ms), urgent=True)

    spool.acknowledge(2)

    assert told(spool) == told(opened()) == [("2", 2, None)]
    assert len(files(directory)) == 1


def test_a_number_is_not_used_again_after_a_restart(opened: Opener) -> None:
    spool = opened()
    for ms in range(3):
        spool.add(observed(str(ms), ms), urgent=True)
    spool.acknowledge(1)

    again = opened()
    again.add(observed("3", 3), urgent=True)

    assert [version for version, _, _ in told(opened())] == ["1", "2", "3"]


def test_when_it_is_full_the_oldest_in_the_middle_are_dropped_and_counted(opened: Opener) -> None:
    spool = opened()
    for ms in range(MAX_RECORDS + 10):
        spool.add(observed(str(ms), ms), urgent=True)

    for found in (spool, opened()):
        assert len(found.records) == MAX_RECORDS
        assert [version for version, _, _ in told(found)][:2] == ["0", "11"]
        assert told(found)[-1][0] == str(MAX_RECORDS + 9)
        assert [record.dropped_before for record in found.records[:3]] == [0, 10, 0]
    assert spool.dropped == 10


def test_large_records_are_dropped_for_their_size(opened: Opener) -> None:
    spool = opened()
    for ms in range(20):
        components = [ComponentReading(component=f"c{n}", version="x" * 100 + str(ms)) for n in range(200)]
        spool.add(ObservationRecord(first_observed=reading(ms), components=components), urgent=True)

    assert sum(len(spool_file.read_bytes()) for spool_file in spool._directory.glob("*.record")) <= MAX_BYTES + 1000  # pyright: ignore[reportOptionalMemberAccess]  it has one
    assert (spool.records[0].first_observed.boot_time_ms, spool.records[-1].first_observed.boot_time_ms) == (0, 19)


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
    assert again.corrupt == 1
    assert files(directory / "bad") == [victim.name]
    assert opened().corrupt == 0


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
    assert len(files(directory / "bad")) == MAX_BAD_FILES


def test_a_record_that_the_server_refuses_is_put_aside(opened: Opener, directory: Path) -> None:
    spool = opened()
    for ms in range(3):
        spool.add(observed(str(ms), ms), urgent=True)

    spool.quarantine(1)

    assert [version for version, _, _ in told(opened())] == ["0", "2"]
    assert len(files(directory / "bad")) == 1


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
    return Spool(tmp_path / "file" / "spool", boot_time=time)


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
    spool = Spool(None, boot_time=time)
    spool.add(observed("1", 1), urgent=True)
    spool.acknowledge(1)

    assert (spool.trouble, spool.records) == (None, [])


def test_what_was_in_memory_is_written_in_order_when_the_disk_is_back(
    opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = opened()
    spool.add(observed("0", 0), urgent=True)
    with monkeypatch.context() as full:
        full.setattr("firmtrail_agent.spool.FREE_BYTES", 2**62)
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
        full.setattr("firmtrail_agent.spool.FREE_BYTES", 2**62)
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
from firmtrail_agent.spool import Spool
from tests.agent.observing import observed
spool = Spool(Path(sys.argv[1]), boot_time=lambda: 0.0)
spool.add(observed("0", 0), urgent=True)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
spool.add(observed("1", 1), urgent=True)
print(spool.trouble, len(spool.records))
"""


def test_a_write_that_breaks_off_in_the_middle_leaves_no_half_record(opened: Opener, directory: Path) -> None:
    root = Path(__file__).parents[2]

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
    root = Path(__file__).parents[2]

    done = subprocess.run(
        [*in_a_namespace, sys.executable, "-m", "tests.agent.small_disk", str(tmp_path)],
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
            [sys.executable, "-m", "tests.agent.killed_writer", str(tmp_path / f"spool-{seed}"), "125", str(seed)],
            cwd=Path(__file__).parents[2],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for seed in range(4)  # most of their time they wait
    ]

    said = [writer.communicate() for writer in writers]

    assert [(writer.returncode, errors) for writer, (_, errors) in zip(writers, said, strict=True)] == [(0, "")] * 4
    assert sum(int(stored) for stored, _ in said) > 50  # on a busy machine too they did write


class SpoolMachine(RuleBasedStateMachine):
    """Any order of events, against a list of what must be there."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.time = Time()
        self.spool = Spool(self.directory, boot_time=self.time)
        #: version, first, last
        self.expected: list[list[object]] = []

    @property
    def directory(self) -> Path:
        return Path(self.folder.name) / "spool"

    @rule(version=st.sampled_from("ABC"), urgent=st.booleans())
    def observe(self, version: str, urgent: bool) -> None:  # noqa: FBT001  hypothesis passes it by name
        self.time.now += 1
        ms = int(self.time.now)
        if self.expected and self.expected[-1][0] == version:
            self.expected[-1][2] = ms
        else:
            self.expected.append([version, ms, None])
        self.spool.add(observed(version, ms), urgent=urgent)

    @rule(share=st.floats(0, 1))
    def acknowledge(self, share: float) -> None:
        count = round(share * len(self.expected))
        self.spool.acknowledge(count)
        del self.expected[:count]

    @precondition(lambda self: bool(self.expected))
    @rule(share=st.floats(0, 1, exclude_max=True))
    def quarantine(self, share: float) -> None:
        index = int(share * len(self.expected))
        self.spool.quarantine(index)
        del self.expected[index]

    @rule()
    def end_and_start(self) -> None:
        self.spool.persist()
        self.spool = Spool(self.directory, boot_time=self.time)

    @rule()
    def lose_power(self) -> None:
        stored = [entry.stored for entry in self.spool._entries if entry.stored]
        self.spool = Spool(self.directory, boot_time=self.time)
        assert self.spool.records == stored
        self.expected = [[*one] for one in told(self.spool)]

    @rule()
    def hours_pass(self) -> None:
        self.time.now += 2 * REWRITE_SECONDS

    @invariant()
    def it_holds_what_it_must(self) -> None:
        assert [[*one] for one in told(self.spool)] == self.expected
        assert self.spool.corrupt == 0

    def teardown(self) -> None:
        self.folder.cleanup()


SpoolMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
TestSpoolMachine = SpoolMachine.TestCase

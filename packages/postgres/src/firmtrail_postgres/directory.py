"""The data directory: what lies where in it, whether it can be used, and the making of a new cluster."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from firmtrail_postgres.errors import DatabaseStartFailed, DataDirectoryUnusable, OtherMajorVersion, disk_full
from firmtrail_postgres.identity import Identity

SUPERUSER = "firmtrail"
#: byte order, which is also how CockroachDB orders text
_LOCALE = ("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
_LOCALE_BEFORE_17 = ("--locale=C",)
_FIRST_WITH_BUILTIN_LOCALE = 17
NO_SPACE = "No space left on device"


@dataclass(frozen=True)
class DataDirectory:
    """The places in a data directory, which one major version of PostgreSQL can read."""

    root: Path
    major_version: int

    @property
    def data(self) -> Path:
        return self.root / f"pgdata-{self.major_version}"

    @property
    def log(self) -> Path:
        return self.root / "server.log"

    @property
    def start_lock(self) -> Path:
        """Held by whoever starts or stops the server, while it does."""
        return self.root / "start.lock"

    @property
    def users_lock(self) -> Path:
        """Shared by every process that uses the server."""
        return self.root / "users.lock"

    @property
    def server_lock(self) -> Path:
        """Inherited by every process of PostgreSQL here, so that it is held exactly while one of them lives."""
        return self.root / "server.lock"

    def create(self) -> None:
        """Make the directory unless it is there; closed to other users, but PostgreSQL's own can pass through."""
        if not self.root.is_dir():
            self.root.mkdir(parents=True, exist_ok=True)
            self.root.chmod(0o711 if os.geteuid() == 0 else 0o700)

    def check_version(self) -> None:
        """Refuse data that these programs cannot read, rather than start with an empty database beside it.

        Raises:
            OtherMajorVersion: the data is of another major version of PostgreSQL.
            DataDirectoryUnusable: the place of the data is taken by something else.
        """
        if found := _version(self.data):
            if found != str(self.major_version):
                raise OtherMajorVersion(self.root, found=found, wanted=self.major_version)
        elif self.data.exists() and any(self.data.iterdir()):
            raise DataDirectoryUnusable(f"{self.data} holds something else than a PostgreSQL database: move it away.")
        elif others := sorted(filter(None, (_version(path) for path in self.root.glob("pgdata-*[0-9]")))):
            raise OtherMajorVersion(self.root, found=others[-1], wanted=self.major_version)

    def check_reachable(self, identity: Identity) -> None:
        """Refuse a directory that the user who runs PostgreSQL cannot enter.

        Raises:
            DataDirectoryUnusable: it is so.
        """
        if identity.can_enter(self.root):
            return
        closed = next(path for path in (*reversed(self.root.parents), self.root) if not identity.can_enter(path))
        raise DataDirectoryUnusable(
            f"The data directory {self.root} cannot be reached by the user {identity.name}, who runs PostgreSQL, "
            f"because {closed} is closed to other users: choose a directory elsewhere, such as /var/lib/firmtrail."
        )

    def has_cluster(self) -> bool:
        return _version(self.data) is not None

    def make_cluster(
        self, bin_dir: Path, identity: Identity, *, server_lock: int, deadline: float, durable: bool
    ) -> None:
        """Make a cluster beside its place, then move it there whole: what is cut short leaves nothing half-made.

        Raises:
            DatabaseStartFailed: initdb failed.
            DataDirectoryUnusable: the disk is full.
        """
        scratch = self.root / f"{self.data.name}.unfinished"
        if scratch.exists():
            shutil.rmtree(scratch)
        scratch.mkdir(mode=0o700)
        identity.give(scratch)
        command = [bin_dir / "initdb", f"--pgdata={scratch}", *self._initdb_options(durable=durable)]
        # initdb has the lock too: if we are killed, the next one to start waits for its end.
        made = identity.run(command, timeout=max(1, deadline - time.monotonic()), pass_fds=[server_lock])
        if made.returncode != 0:
            raise self._initdb_failure(made.stdout)
        scratch.rename(self.data)
        if durable:
            _sync(self.root)

    def _initdb_options(self, *, durable: bool) -> list[str]:
        locale = _LOCALE if self.major_version >= _FIRST_WITH_BUILTIN_LOCALE else _LOCALE_BEFORE_17
        options = [f"--username={SUPERUSER}", "--auth=trust", "--encoding=UTF8", "--data-checksums", *locale]
        return options if durable else [*options, "--no-sync"]

    def _initdb_failure(self, output: str) -> DatabaseStartFailed | DataDirectoryUnusable:
        if NO_SPACE in output:
            return disk_full(self.root)
        lines = output.strip().splitlines() or ["it gave no reason"]
        reason = next((line for line in lines if "error:" in line or "FATAL:" in line), lines[-1])
        return DatabaseStartFailed(
            f"PostgreSQL could not make a database in {self.root} ({reason}): set that right and start again."
        )


def holds_database(root: Path) -> bool:
    """Say whether there is a database in a data directory, of whichever version."""
    return any(_version(path) for path in root.glob("pgdata-*[0-9]"))


def _version(data: Path) -> str | None:
    """Read the major version that made a cluster; None where there is no cluster."""
    try:
        return (data / "PG_VERSION").read_text(encoding="ascii").strip()
    except (FileNotFoundError, NotADirectoryError):
        return None


def _sync(directory: Path) -> None:
    """Make a rename in the directory last."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

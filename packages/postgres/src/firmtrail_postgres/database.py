"""The embedded PostgreSQL as its user sees it: start it or join it, get its URL, leave it or stop it."""

from __future__ import annotations

import atexit
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

from firmtrail_postgres import postmaster
from firmtrail_postgres.binaries import check_bin_dir, find_bin_dir, major_version, reachable_bin_dir
from firmtrail_postgres.directory import NO_SPACE, SUPERUSER, DataDirectory
from firmtrail_postgres.errors import DatabaseStartFailed, disk_full, explained
from firmtrail_postgres.identity import choose_identity, ourselves
from firmtrail_postgres.locks import SharedLock, is_held, lock_file, locked
from firmtrail_postgres.sockets import PORT

DATABASE = "firmtrail"
_STOP_WAIT_SECONDS = 120
_CREATE = (
    f"select 'create database {DATABASE}' where not exists"  # noqa: S608  the name is ours
    f" (select from pg_database where datname = '{DATABASE}') \\gexec"
)


@dataclass(frozen=True)
class _Use:
    """One process's use of the running server."""

    url: str
    directory: DataDirectory
    lock: SharedLock
    process: int

    def leave(self) -> bool:
        """Leave the server, and stop it if nobody else uses it; say whether it was stopped."""
        try:
            with locked(self.directory.start_lock, time.monotonic() + _STOP_WAIT_SECONDS):
                self.lock.release()
                return not is_held(self.directory.users_lock) and postmaster.stop(self.directory)
        finally:
            self.lock.release()


class EmbeddedDatabase:
    """A PostgreSQL in a directory, running while any process uses it; not for threads to share.

    Args:
        root: the directory of its data; made unless it is there.
        bin_dir: the folder of PostgreSQL's programs; None looks for them.
        user: who runs PostgreSQL when we are root; None takes postgres or nobody.
        settings: settings of PostgreSQL; those of whoever starts it count, not of those who join.
        start_timeout_seconds: how long a start may take, recovery after a crash included.
    """

    def __init__(
        self,
        root: Path,
        *,
        bin_dir: Path | None = None,
        user: str | None = None,
        settings: Mapping[str, str] | None = None,
        start_timeout_seconds: float = 120,
    ) -> None:
        self._root = root.absolute()
        self._bin_dir = bin_dir
        self._user = user
        self._settings = dict(settings or {})
        self._timeout = start_timeout_seconds
        self._use: _Use | None = None

    def start(self) -> str:
        """Start PostgreSQL, or join the one that runs on this directory, and return the URL of its database.

        Raises:
            EmbeddedDatabaseError: see its subclasses.
        """
        if self._use is None:
            with explained(self._root):
                self._use = self._join(time.monotonic() + self._timeout)
            atexit.register(self.stop)
        return self._use.url

    def revive(self) -> bool:
        """Start PostgreSQL again if it has died; say whether it had. Its URL stays the same.

        Raises:
            EmbeddedDatabaseError: it cannot be started.
        """
        use = self._use
        if use is None or is_held(use.directory.server_lock):
            return False
        with explained(self._root):
            self._use = self._join(time.monotonic() + self._timeout)
        use.lock.release()
        return True

    def stop(self) -> bool:
        """Leave PostgreSQL, and stop it if this was its last use; say whether it was stopped.

        Raises:
            DatabaseStopFailed: it did not end in time.
            DataDirectoryBusy: another process is starting it and does not come to an end.
        """
        use, self._use = self._use, None
        atexit.unregister(self.stop)
        if use is None or use.process != os.getpid():  # a fork's copy is not a use of its own
            return False
        with explained(self._root):
            return use.leave()

    def __enter__(self) -> str:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _join(self, deadline: float) -> _Use:
        bin_dir = check_bin_dir(self._bin_dir) if self._bin_dir is not None else find_bin_dir()
        directory = DataDirectory(self._root, major_version(bin_dir))
        directory.create()
        with locked(directory.start_lock, deadline):
            directory.check_version()
            with postmaster.stopped_on_failure(directory):
                url = _url(self._run(directory, bin_dir, deadline))
                return _Use(url, directory, SharedLock(directory.users_lock), os.getpid())

    def _run(self, directory: DataDirectory, bin_dir: Path, deadline: float) -> Path:
        while True:
            socket_dir = self._find_or_start(directory, bin_dir, deadline)
            if _has_our_database(directory, bin_dir, socket_dir, deadline):
                return socket_dir
            if time.monotonic() > deadline:
                raise postmaster.not_ready(directory)

    def _find_or_start(self, directory: DataDirectory, bin_dir: Path, deadline: float) -> Path:
        with lock_file(directory.server_lock) as lock:
            if socket_dir := postmaster.find_running(directory, lock, deadline):
                return socket_dir
            launched = self._launch(directory, bin_dir, lock, deadline)
        # waited for without our hold on the lock, which would hide the server's end
        return postmaster.wait_until_ready(directory, launched, deadline)

    def _launch(self, directory: DataDirectory, bin_dir: Path, lock: int, deadline: float) -> postmaster.Launched:
        identity = choose_identity(directory.data, user=self._user)
        directory.check_reachable(identity)
        bin_dir = reachable_bin_dir(bin_dir, identity, directory.root)
        if not directory.has_cluster():
            durable = self._settings.get("fsync") != "off"
            directory.make_cluster(bin_dir, identity, server_lock=lock, deadline=deadline, durable=durable)
        return postmaster.launch(directory, bin_dir, identity, server_lock=lock, settings=self._settings)


def _has_our_database(directory: DataDirectory, bin_dir: Path, socket_dir: Path, deadline: float) -> bool:
    """Make the database unless it is there. False: the server is gone; one that dies may answer a moment longer.

    Raises:
        DatabaseStartFailed: the server refuses.
        DataDirectoryUnusable: the disk is full.
    """
    command = [bin_dir / "psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", f"--username={SUPERUSER}"]
    command += [f"--host={socket_dir}", f"--port={PORT}", "--dbname=postgres"]
    created = ourselves().run(command, stdin=_CREATE, timeout=max(1, deadline - time.monotonic()))
    if NO_SPACE in created.stdout:
        raise disk_full(directory.root)
    if created.returncode != 0:
        if not postmaster.answers(directory):
            return False
        reason = created.stdout.strip().partition("\n")[0]
        raise DatabaseStartFailed(f"PostgreSQL runs but refuses our database ({reason}): see {directory.log}.")
    return True


def _url(socket_dir: Path) -> str:
    # The port too: without it, clients would take the one in their environment.
    return f"postgresql://{SUPERUSER}@/{DATABASE}?host={quote(str(socket_dir), safe='')}&port={PORT}"

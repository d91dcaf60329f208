"""Which user runs PostgreSQL, and running a program as that user. PostgreSQL refuses to run as root."""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from firmtrail_postgres.errors import DataDirectoryUnusable, UserUnusable

_UNPRIVILEGED = ("postgres", "nobody")
#: All that PostgreSQL gets of our environment: the rest may hold secrets, and PG* variables would change what it does.
_PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


@dataclass(frozen=True, kw_only=True)
class Identity:
    """The user that runs PostgreSQL and owns its data."""

    name: str
    uid: int
    gid: int
    #: another user than our own, which only root can be
    other: bool

    def give(self, path: Path) -> None:
        """Make the user the owner of a file or directory that we made."""
        if self.other:
            os.chown(path, self.uid, self.gid)

    def can_enter(self, directory: Path) -> bool:
        """Ask the operating system whether the user can pass through the directory.

        Raises:
            UserUnusable: we cannot become the user.
        """
        try:
            return self.run(["/bin/sh", "-c", 'cd -- "$1"', "sh", directory], timeout=10).returncode == 0
        except OSError as error:
            raise UserUnusable(
                f"root cannot become the user {self.name} here, as in a container without the capability SETUID: "
                "run as another user than root."
            ) from error

    def run(  # noqa: PLR0913  the options of subprocess.run that differ between its uses
        self,
        command: Sequence[str | Path],
        *,
        timeout: float,
        stdin: str = "",
        errors: int = subprocess.STDOUT,
        environment: Mapping[str, str] | None = None,
        pass_fds: Collection[int] = (),
    ) -> subprocess.CompletedProcess[str]:
        """Run a program to its end, in a session of its own, so that no key pressed in our terminal reaches it.

        Raises:
            OSError: it cannot be started.
            subprocess.TimeoutExpired: it was ended because it took too long.
        """
        return subprocess.run(  # noqa: S603  the programs of PostgreSQL, with arguments of ours
            [str(part) for part in command],
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            errors="replace",
            cwd="/",
            env={**_inherited(), **(environment or {})},
            pass_fds=tuple(pass_fds),
            start_new_session=True,
            timeout=timeout,
            check=False,
            **self._drop(),
        )

    def _drop(self) -> dict[str, Any]:
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.other else {}


def choose_identity(data: Path, *, user: str | None) -> Identity:
    """Choose who runs PostgreSQL: ourselves, or for root the owner of the data, else `user`, else postgres or nobody.

    Raises:
        UserUnusable: there is no such user, or it is root.
        DataDirectoryUnusable: the data belongs to root, or to another user than `user`.
    """
    if os.geteuid() != 0:
        return ourselves()
    if not (data / "PG_VERSION").exists():
        return _unprivileged(user)
    owner = data.stat()
    if owner.st_uid == 0:
        raise DataDirectoryUnusable(f"{data} belongs to root, who cannot run PostgreSQL: give it to another user.")
    if user is not None and owner.st_uid != _unprivileged(user).uid:
        name = _name(owner.st_uid)
        raise DataDirectoryUnusable(f"{data} belongs to {name}, not to {user}: set FIRMTRAIL_PG_USER to {name}.")
    return _owner(owner)


def _owner(data: os.stat_result) -> Identity:
    try:
        entry = pwd.getpwuid(data.st_uid)
    except KeyError:  # a container may know a user by number only
        return Identity(name=str(data.st_uid), uid=data.st_uid, gid=data.st_gid, other=True)
    # The user's group, not the directory's, which may have stayed root's.
    return Identity(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid, other=True)


def ourselves() -> Identity:
    return Identity(name=_name(os.geteuid()), uid=os.geteuid(), gid=os.getegid(), other=False)


def _unprivileged(user: str | None) -> Identity:
    names = (user,) if user is not None else _UNPRIVILEGED
    for entry in (_find(name) for name in names):
        if entry is not None and entry.pw_uid != 0:
            return Identity(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid, other=True)
    raise UserUnusable(
        f"PostgreSQL refuses to run as root and there is no unprivileged user named {' or '.join(names)}: "
        "set FIRMTRAIL_PG_USER to one that exists."
    )


def _find(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _inherited() -> dict[str, str]:
    return {"LC_ALL": "C", **{name: os.environ[name] for name in _PASSED_ON if name in os.environ}}

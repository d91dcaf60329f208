"""The files of a device below its root, which may be a tree in a directory (`--root DIR`).

Links are followed as in a chroot: an absolute link begins at the root again, and `..` never leaves it.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import attrs

SYSTEM = Path("/")
#: as many as the kernel follows
MOST_LINKS = 40
_ENTERING = os.O_DIRECTORY | os.O_CLOEXEC | getattr(os, "O_PATH", os.O_RDONLY)


@attrs.frozen
class RootedPath:
    """A path as the device knows it, and the root below which it stands. What looks at the file may raise OSError."""

    root: Path
    path: str

    def __str__(self) -> str:
        return str(self.root / self.path.lstrip("/"))

    def __truediv__(self, name: str) -> RootedPath:
        return RootedPath(self.root, f"{self.path}/{name}")

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def parent(self) -> RootedPath:
        return RootedPath(self.root, self.path.rpartition("/")[0])

    def open(self, flags: int = os.O_RDONLY, *, may_be_link: bool = True) -> int:
        """Open what stands there and return its descriptor."""
        with self._end(may_be_link=may_be_link) as end:
            no_link = 0 if end.follows else os.O_NOFOLLOW
            return os.open(end.name, flags | os.O_CLOEXEC | no_link, dir_fd=end.directory)

    def stat(self, *, may_be_link: bool = True) -> os.stat_result:
        with self._end(may_be_link=may_be_link) as end:
            return os.stat(end.name, dir_fd=end.directory, follow_symlinks=end.follows)

    def exists(self) -> bool:
        """Say whether something stands there, as far as one may look."""
        try:
            self.stat()
        except OSError:
            return False
        return True

    def is_dir(self) -> bool:
        """Say whether it is a directory, as far as one may look."""
        try:
            return stat.S_ISDIR(self.stat().st_mode)
        except OSError:
            return False

    def real(self) -> Path:
        """Return a path without links, for who opens it by itself, such as the kernel when it starts a program."""
        with self._end(may_be_link=True) as end:
            return end.path

    @contextmanager
    def _end(self, *, may_be_link: bool) -> Generator[_End]:
        if "\0" in self.path:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), self.path)
        if self.root == SYSTEM:  # the kernel itself follows the links, the magic ones in /proc too
            yield _End(Path(str(self)), None, str(self), follows=may_be_link)
            return
        walk = _Walk(self.root)
        try:
            yield walk.to(self.path, may_be_link=may_be_link)
        finally:
            walk.close()


def real_path(root: Path, path: str) -> Path:
    """Return where a path leads below a root, for who opens it by itself. What is not there yet is taken as it is."""
    if root == SYSTEM:
        return root / path
    waiting, names, links = _reversed_components(path), list[str](), 0
    while waiting:
        if (name := waiting.pop()) == "..":
            del names[-1:]
            continue
        try:
            target = str(root.joinpath(*names, name).readlink())
        except OSError:  # no link, or nothing
            names.append(name)
            continue
        if (links := links + 1) > MOST_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
        if target.startswith("/"):
            names.clear()
        waiting += _reversed_components(target)
    return root.joinpath(*names)


@attrs.frozen
class _End:
    """Where a path leads: the real path, an open directory (None: any), the name there, whether it may be a link."""

    path: Path
    directory: int | None
    name: str
    follows: bool


class _Walk:
    """A way through a tree, component by component. Each directory is open: no link that is new leads elsewhere."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._names: list[str] = []
        self._directories = [os.open(root, _ENTERING)]

    def to(self, path: str, *, may_be_link: bool) -> _End:
        waiting, links = _reversed_components(path), 0
        while waiting:
            name = waiting.pop()
            if name == "..":
                self._leave()
                continue
            target = _target(name, self._directories[-1]) if waiting or may_be_link else None
            if target is not None:
                if (links := links + 1) > MOST_LINKS:
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
                if target.startswith("/"):
                    self._leave_all()
                waiting += _reversed_components(target)
            elif waiting:
                self._enter(name)
            else:
                return self._at(name)
        return self._at(".")

    def close(self) -> None:
        for directory in self._directories:
            os.close(directory)

    def _at(self, name: str) -> _End:
        return _End(self._root.joinpath(*self._names, name), self._directories[-1], name, follows=False)

    def _enter(self, name: str) -> None:
        self._directories.append(os.open(name, _ENTERING | os.O_NOFOLLOW, dir_fd=self._directories[-1]))
        self._names.append(name)

    def _leave(self) -> None:
        if self._names:
            self._names.pop()
            os.close(self._directories.pop())

    def _leave_all(self) -> None:
        while self._names:
            self._leave()


def _reversed_components(path: str) -> list[str]:
    return [name for name in reversed(path.split("/")) if name not in {"", "."}]


def _target(name: str, directory: int) -> str | None:
    """Read where a link leads; None: it is no link."""
    try:
        return os.readlink(name, dir_fd=directory)
    except OSError as error:
        if error.errno == errno.EINVAL:
            return None
        raise

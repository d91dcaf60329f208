"""Small disks of their own: an ext4 file system in a file, which can be filled, and can be made to stand still."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

import attrs

_BYTES = 1 << 30


@attrs.frozen
class Disk:
    folder: Path

    @property
    def _ballast(self) -> Path:
        return self.folder / "ballast"

    def fill(self) -> None:
        """Leave not a block free."""
        with self._ballast.open("ab", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(1 << 16))

    def clear(self) -> None:
        self._ballast.unlink(missing_ok=True)

    def freeze(self) -> None:
        """Let every write wait, as on a disk that does not answer."""
        subprocess.run(["fsfreeze", "--freeze", self.folder], check=True)

    def thaw(self, *, check: bool = True) -> None:
        errors = None if check else subprocess.DEVNULL
        subprocess.run(["fsfreeze", "--unfreeze", self.folder], stderr=errors, check=check)

    def stutter(self, seconds: float, *, frozen: float, open_for: float) -> None:
        """Be slow: stand still again and again, so that a write takes up to `frozen` seconds."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            self.freeze()
            try:
                time.sleep(frozen)
            finally:
                self.thaw()
            time.sleep(open_for)


@contextmanager
def disk(folder: Path, user: str) -> Generator[Disk]:
    """Mount a new disk at a folder, for a user, until the block ends."""
    image = folder.with_suffix(".img")
    with image.open("wb") as file:
        os.truncate(file.fileno(), _BYTES)
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", image], check=True)
    folder.mkdir()
    subprocess.run(["mount", "-o", "loop", image, folder], check=True)
    made = Disk(folder)
    try:
        subprocess.run(["chown", f"{user}:{user}", folder], check=True)
        yield made
    finally:
        made.thaw(check=False)
        subprocess.run(["umount", "--lazy", folder], check=True)
        image.unlink()

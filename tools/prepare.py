"""Make .venv, or bring it up to date: `prepare.py run` for the programs alone, `prepare.py dev` with the tools too.

`prepare.py bench` makes .venv-bench, where the peers of the benchmarks live without anything of ours; `prepare.py ha`
makes .venv-ha, where Patroni lives.

./dev runs this before every verb, with whatever Python it found, so it needs nothing but the standard library.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENVS = {"run": ROOT / ".venv", "dev": ROOT / ".venv", "bench": ROOT / ".venv-bench", "ha": ROOT / ".venv-ha"}
LOCKS = {
    "run": ROOT / "requirements.lock",
    "dev": ROOT / "requirements-dev.lock",
    "bench": ROOT / "bench" / "requirements.lock",
    "ha": ROOT / "tools" / "ha" / "requirements.lock",
}
#: environments without anything of ours
FOREIGN = {"bench", "ha"}
#: in the order of their arrows
PACKAGES = ["contract", "postgres", "sdk", "device-agent", "server"]


class CannotPrepare(Exception):
    """The environment cannot be made; the message says what would help."""


def prepare(kind: str) -> None:
    """Return at once when nothing has changed since the last time; else install.

    Raises:
        CannotPrepare: Python lacks a part, or an installation failed.
    """
    if _is_fresh(kind):
        return
    with _alone():
        if not _is_fresh(kind):  # another ./dev may have done it meanwhile
            _install(kind)


def _is_fresh(kind: str) -> bool:
    stamp = _stamp(kind)
    return _python(kind).exists() and stamp.exists() and stamp.read_text() == _fingerprint(kind)


def _python(kind: str) -> Path:
    return VENVS[kind] / "bin" / "python"


def _stamp(kind: str) -> Path:
    return VENVS[kind] / f"firmtrail-{kind}.stamp"


def _fingerprint(kind: str) -> str:
    ours = [ROOT / "pyproject.toml", *(ROOT / "packages" / name / "pyproject.toml" for name in PACKAGES)]
    digest = hashlib.sha256()
    for file in [LOCKS[kind], *([] if kind in FOREIGN else ours)]:
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return f"{_home()}{digest.hexdigest()}\n"


def _home() -> str:
    """What a virtual environment cannot survive a change of: its own place, and the Python it was made from."""
    return f"{ROOT}\n{sys.base_prefix} {sys.version}\n"


@contextmanager
def _alone() -> Generator[None]:
    """Hold a lock that ends with the process, however it ends."""
    folder = os.open(ROOT, os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say("waiting for another ./dev that is preparing its environment")
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _install(kind: str) -> None:
    uv = _find_uv()
    python = str(_python(kind))
    if not _is_usable(uv, kind):
        _say(f"making {VENVS[kind].name} with Python {sys.version.split()[0]}")
        _create(uv, VENVS[kind])
    _say(f"installing {LOCKS[kind].relative_to(ROOT)} with {'uv' if uv else 'pip, which takes a minute'}")
    pip = [python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]  # it would tell of each file
    installer = [uv, "pip", "install", "--python", python] if uv else pip
    _run([*installer, "--require-hashes", "-r", str(LOCKS[kind])])
    if kind not in FOREIGN:
        editable = [argument for name in PACKAGES for argument in ("-e", str(ROOT / "packages" / name))]
        _run([*installer, "--quiet", "--no-deps", "--no-build-isolation", *editable])
    for installed in ("run", "dev") if kind == "dev" else (kind,):  # the dev lock holds all of the other
        _stamp(installed).write_text(_fingerprint(installed))


def _find_uv() -> str | None:
    uv = shutil.which("uv")
    works = uv and subprocess.run([uv, "--version"], capture_output=True, check=False).returncode == 0
    return uv if works else None  # a version manager's stand-in may be there without the program


def _is_usable(uv: str | None, kind: str) -> bool:
    """Whether the environment stands where it was made, has the wanted Python, and something can install into it."""
    stamps = [path.read_text() for path in VENVS[kind].glob("firmtrail-*.stamp")]
    if not _python(kind).exists() or not all(text.startswith(_home()) for text in stamps):
        return False
    return uv is not None or _succeeds([str(_python(kind)), "-I", "-c", "import pip"])


def _create(uv: str | None, venv: Path) -> None:
    base = getattr(sys, "_base_executable", None) or sys.executable
    if uv:
        _run([uv, "venv", "--quiet", "--clear", "--no-python-downloads", "--python", base, str(venv)])
        return
    missing = [name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None]
    if missing:
        raise CannotPrepare(
            f"{base} comes without {' and '.join(missing)}. On Debian and Ubuntu: apt install "
            "python3-venv. Or install uv, or set FIRMTRAIL_PYTHON to another Python."
        )
    _run([base, "-m", "venv", "--clear", str(venv)])


def _run(command: list[str]) -> None:
    if subprocess.run(command, cwd=ROOT, stdout=sys.stderr, check=False).returncode != 0:
        raise CannotPrepare(f"This failed, see above: {' '.join(command)}")


def _succeeds(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _say(text: str) -> None:
    print(f"dev: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        prepare(sys.argv[1])
    except CannotPrepare as error:
        _say(str(error))
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)

"""Builds what devices install.

`package.py deb [DIRECTORY]` makes a Debian package of the agent with dpkg-deb; `package.py wheels [DIRECTORY]` makes
its wheel, and those of the SDK and the contract, which it needs.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import version
from itertools import repeat
from pathlib import Path

from agent_tree import ROOT, lay_out

from firmtrail_agent.system.clock import BUILT_AT

AGENT = ROOT / "packages/device-agent"
WHEELS = ("contract", "sdk", "device-agent")
SCRIPTS = ("postinst", "prerm", "postrm")
LAUNCHER = """\
#!/usr/bin/python3 -I
import sys

sys.path.insert(0, "/usr/lib/firmtrail-agent")
from firmtrail_agent.cli import main

main()
"""
CONTROL = """\
Package: firmtrail-agent
Version: {version}
Section: admin
Priority: optional
Architecture: all
Depends: python3 (>= 3.11), ca-certificates
Installed-Size: {kib}
Maintainer: The Firmtrail developers <packages@firmtrail.invalid>
Description: reports the firmware versions that a device runs
 It reads every version again for every report, keeps what cannot be sent, and
 never repeats an old version when a source fails.
"""


def main(arguments: list[str]) -> int:
    if arguments[:1] not in (["deb"], ["wheels"]):
        print("usage: ./dev package deb|wheels [DIRECTORY]", file=sys.stderr)
        return 2
    if arguments[0] == "deb" and shutil.which("dpkg-deb") is None:
        print("package: dpkg-deb is not installed: apt install dpkg gets it.", file=sys.stderr)
        return 1
    folder = Path(arguments[1]).resolve() if arguments[1:] else ROOT / "dist"
    folder.mkdir(parents=True, exist_ok=True)
    for built in [_build_deb(folder)] if arguments[0] == "deb" else map(_build_wheel, WHEELS, repeat(folder)):
        print(built)
    return 0


def _build_wheel(place: str, folder: Path) -> str:
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder]
    built = subprocess.run(command, cwd=ROOT / "packages" / place, check=True, stdout=subprocess.PIPE, text=True)
    return built.stdout.strip()


def _build_deb(folder: Path) -> Path:
    name = f"firmtrail-agent_{version('firmtrail-agent')}_all.deb"
    with tempfile.TemporaryDirectory() as temporary:
        tree = Path(temporary) / "tree"
        _fill(tree)
        _describe(tree)
        command = ["dpkg-deb", "--root-owner-group", "--build", tree, folder / name]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=os.environ | _same_every_time())
    return folder / name


def _fill(tree: Path) -> None:
    tree.mkdir(mode=0o755)
    lay_out(tree / "usr/lib/firmtrail-agent")
    _put(tree / "usr/bin/firmtrail-agent", LAUNCHER, mode=0o755)
    for unit in (AGENT / "systemd").iterdir():
        _put(tree / "usr/lib/systemd/system" / unit.name, unit.read_text(encoding="utf-8"))
    (tree / "etc/firmtrail-agent").mkdir(parents=True)
    documents = tree / "usr/share/doc/firmtrail-agent"
    _put(documents / "config.toml.example", (AGENT / "debian/config.toml.example").read_text(encoding="utf-8"))
    _put(documents / "copyright", (ROOT / "LICENSE").read_text(encoding="utf-8"))
    for path in [tree, *tree.rglob("*")]:
        path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)


def _describe(tree: Path) -> None:
    kib = sum(path.lstat().st_size for path in tree.rglob("*")) // 1024
    _put(tree / "DEBIAN/control", CONTROL.format(version=version("firmtrail-agent"), kib=kib))
    for script in SCRIPTS:
        _put(tree / "DEBIAN" / script, (AGENT / "debian" / script).read_text(encoding="utf-8"), mode=0o755)
    (tree / "DEBIAN").chmod(0o755)


def _put(file: Path, text: str, *, mode: int = 0o644) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    file.chmod(mode)


def _same_every_time() -> dict[str, str]:
    """Let no file be newer than the moment that the agent was built at, unless another one is asked for."""
    return {"SOURCE_DATE_EPOCH": os.environ.get("SOURCE_DATE_EPOCH") or str(int(BUILT_AT.timestamp()))}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

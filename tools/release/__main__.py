"""Makes the files of a release in dist/ and checks them: `release [--dry-run] [--tag TAG]`.

It publishes nothing: .github/workflows/release.yml does, with what this made. A dry run needs no tag.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.release.building import build, differences
from tools.release.installing import try_installing
from tools.release.versions import complaints, lowest, versions
from tools.tool_environment import CannotInstall, environment

ROOT = Path(__file__).resolve().parents[2]


class NotReady(Exception):
    """The release cannot be made; the message says why."""


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="./dev release")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--dry-run", action="store_true", help="build and check what would be released now")
    which.add_argument("--tag", help="the same for a tag, such as v1.2.3, which must fit")
    try:
        _release(parser.parse_args(arguments).tag)
    except (NotReady, CannotInstall, subprocess.CalledProcessError) as error:
        print(f"release: {error}", file=sys.stderr)
        return 1
    return 0


def _release(tag: str | None) -> None:
    _refuse("the versions disagree", list(complaints(ROOT, tag)))
    built = _build(ROOT / "dist")
    _check_metadata(built)
    packages = list(versions(ROOT))
    wheels = [file for file in built if file.suffix == ".whl"]
    for name, pins in {"newest": [], "lowest": lowest(ROOT, packages)}.items():
        _say(f"installing with the {name} dependencies")
        try_installing(wheels, pins)
    _say("all is well; nothing was published")


def _build(folder: Path) -> list[Path]:
    shutil.rmtree(folder, ignore_errors=True)
    built: list[Path] = []
    for package in versions(ROOT):
        sdist, wheel = (build(ROOT / "packages" / package, folder, target) for target in ("sdist", "wheel"))
        _refuse("an sdist makes another wheel than the checkout", list(differences(sdist, wheel)))
        built += [sdist, wheel]
        _say(f"built {sdist.name} and {wheel.name}")
    return built


def _check_metadata(built: Sequence[Path]) -> None:
    _say("checking the metadata")
    command = [environment("release") / "twine", "--no-color", "check", "--strict", *built]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    _refuse("twine", done.stdout.splitlines() if done.returncode else [])


def _refuse(title: str, reasons: Sequence[str]) -> None:
    if reasons:
        raise NotReady("\n  ".join([f"{title}:", *reasons]))


def _say(text: str) -> None:
    print(f"release: {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

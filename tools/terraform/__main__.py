"""Check deploy/terraform: format, syntax, the provider's schema, references, checkov. It takes no arguments."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tools.terraform.checking import complaints, entries
from tools.terraform.schema import Schema
from tools.tool_environment import CannotInstall, environment, pip

ROOT = Path(__file__).resolve().parents[2]
FILES = ROOT / "deploy/terraform/aws"
#: version 21 of the bindings is of version 6 of the provider
BINDINGS = "cdktf-cdktf-provider-aws==21.22.1"
_PARSE = """
import hcl2, json, sys
print(json.dumps([hcl2.loads(open(file, encoding="utf-8").read()) for file in sys.argv[1:]]))
"""


def main() -> int:
    try:
        found = list(_complaints(environment("terraform")))
    except CannotInstall as error:
        print(f"terraform: nothing was checked: {error}", file=sys.stderr)
        return 1
    print(*found, sep="\n")
    print(f"terraform: {len(found)} complaints")
    return int(bool(found))


def _complaints(programs: Path) -> Iterator[str]:
    files = parsed(programs, FILES)
    print(f"terraform: {len(list(entries(files)))} resources and data sources against {BINDINGS}", flush=True)
    yield from complaints(files, Schema(_bindings(programs.parent)))
    yield from _formatting()
    print("terraform: checkov", flush=True)
    options = ["--framework", "terraform", "--quiet", "--compact", "--skip-download"]
    done = subprocess.run(
        [programs / "checkov", "--directory", FILES, *options], check=False, stdout=subprocess.PIPE, text=True
    )
    if done.returncode != 0:
        yield done.stdout


def parsed(programs: Path, folder: Path) -> list[dict[str, object]]:
    """Parse every file of a folder; a file that is no HCL ends it."""
    command = [programs / "python", "-c", _PARSE, *sorted(folder.glob("*.tf"))]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def _bindings(place: Path) -> Path:
    """Fetch the wheel once; it is read, and not installed."""
    folder = place / "bindings"
    if not list(folder.glob("*.whl")):
        pip(place, "download", "--no-deps", "--dest", folder, BINDINGS)
    (wheel,) = folder.glob("*.whl")
    return wheel


def _formatting() -> Iterator[str]:
    if shutil.which("terraform") is None:
        print("terraform: the program is not installed, so nobody looked at the format")
        return
    command = ["terraform", "fmt", "-check", "-recursive", FILES]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        yield f"terraform fmt would change: {' '.join(done.stdout.split())}"


if __name__ == "__main__":
    sys.exit(main())

"""Read the Python of all pages with mypy --strict, as the programs that users make of it: one file a block."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PATTERNS = ("*.md", "docs/**/*.md", "packages/*/*.md", "deploy/**/*.md", "examples/**/*.md")
#: what the text of a page has given its programs
GIVEN = {
    "README.md": "device_id = project_id = device_key = project_key = ''",
    "docs/fleet.md": "import datetime as dt, firmtrail; client = firmtrail.Client()",
    "docs/integrations.md": "import firmtrail; client = firmtrail.Client(); last_number = 0; store = print",
    "docs/testing.md": "import datetime as dt, firmtrail, pytest; from firmtrail.testing import RealServer, StandIn",
    "packages/sdk/README.md": "import datetime as dt, firmtrail; client = firmtrail.Client(); project_id = ''",
}


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="firmtrail-pages-") as folder:
        for page in sorted({page for pattern in PATTERNS for page in ROOT.glob(pattern)}):
            write_programs(page, Path(folder))
        strict = [
            "--strict",
            "--config-file=",
            "--cache-dir",
            ROOT / ".venv/mypy",
            "--python-executable",
            sys.executable,
        ]
        command = [Path(sys.executable).with_name("mypy"), *strict, "--scripts-are-modules", "."]
        return subprocess.run(command, cwd=folder, check=False).returncode


def write_programs(page: Path, folder: Path) -> None:
    """Write each block to a file, with its lines where they are on the page."""
    name, text = page.relative_to(ROOT).as_posix(), page.read_text(encoding="utf-8")
    for block in re.finditer(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        line = text.count("\n", 0, block.start(1)) + 1
        stem = re.sub(r"\W", "_", name.removesuffix(".md"))
        before = f"{GIVEN.get(name, '')}\n".rjust(line - 1 + len(GIVEN.get(name, "")), "\n")
        (folder / f"{stem}_{line}.py").write_text(before + block[1], encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())

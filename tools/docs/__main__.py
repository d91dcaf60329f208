"""Build the documentation into dist/docs: the pages, the decisions, the SDK's reference. It takes no arguments.

A link that leads nowhere, a page that no menu has and a public name without a docstring fail it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tools.docs.contents import index
from tools.docs.reference import reference
from tools.tool_environment import CannotInstall, environment

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "dist/docs"
#: that hold pages, or files that pages link to
FOLDERS = {".github", "bench", "deploy", "docs", "examples", "packages"}


def main() -> int:
    try:
        programs = environment("docs")
    except CannotInstall as error:
        print(f"docs: nothing was built: {error}", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="firmtrail-docs-") as folder:
        source = Path(folder).resolve()
        lay_out(source, {"index.rst": index()} | reference())
        shutil.rmtree(SITE, ignore_errors=True)
        failed = build(programs, source, SITE)
    if not failed:
        print(f"docs: open {SITE.relative_to(ROOT) / 'index.html'}")
    return int(failed)


def lay_out(source: Path, written: Mapping[str, str]) -> None:
    """Copy the project's files to beside the pages that are written here, so that links lead where they always do."""
    for entry in ROOT.iterdir():
        if entry.is_dir() and entry.name in FOLDERS:
            shutil.copytree(entry, source / entry.name, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
        elif entry.is_file():
            shutil.copy(entry, source)
    for name, text in written.items():
        page = source / name
        page.parent.mkdir(exist_ok=True)
        page.write_text(text, encoding="utf-8")


def build(programs: Path, source: Path, site: Path) -> bool:
    """Run Sphinx, which imports the SDK from the environment that this runs in; whether it complained."""
    command = [programs / "python", "-m", "sphinx", "--builder", "html", "--quiet", "--fail-on-warning"]
    folders = ["--conf-dir", ROOT / "tools/docs", "--doctree-dir", source / ".doctrees", source, site]
    environ = {**os.environ, "FIRMTRAIL_VENV": sys.prefix}
    return subprocess.run([*command, *folders], cwd=ROOT, env=environ, check=False).returncode != 0


if __name__ == "__main__":
    sys.exit(main())

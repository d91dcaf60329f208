"""docs/testing.md is a test suite, and passes; so does the one of an example."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.sdk.documentation.test_readmes import ROOT, examples


def passed(file: Path) -> str:
    """Run a test file as its author does, far from our own settings."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-c",
            os.devnull,
            "-p",
            "no:schemathesis",
            "-p",
            "no:cacheprovider",
            "--rootdir",
            ".",
            file.name,
        ],
        cwd=file.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_code_of_the_page_passes(tmp_path: Path) -> None:
    file = tmp_path / "test_page.py"
    file.write_text("\n\n".join(examples("docs/testing.md", "python")))

    assert "10 passed" in passed(file)


def test_the_tests_of_the_alerts_pass() -> None:
    assert "6 passed" in passed(ROOT / "examples/test_alerts.py")

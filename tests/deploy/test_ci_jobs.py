"""The jobs of docs/migrations.md are what the two services take, as their schemas say."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("number", "schema"), [(0, "vendor.github-workflows"), (1, "vendor.gitlab-ci")], ids=["github", "gitlab"]
)
def test_a_job_is_valid_by_the_schema_of_its_service(root: Path, tmp_path: Path, number: int, schema: str) -> None:
    page = (root / "docs/migrations.md").read_text(encoding="utf-8")
    jobs = re.findall(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert len(jobs) == 2
    (file := tmp_path / "job.yml").write_text(jobs[number], encoding="utf-8")

    program = str(Path(sys.executable).with_name("check-jsonschema"))
    checked = subprocess.run([program, "--builtin-schema", schema, file], capture_output=True, text=True, check=False)

    assert checked.returncode == 0, checked.stdout
    assert [
        word
        for word in ("migrate --plan", "migrate\n", "migrate --check")
        if f"firmtrail-server {word}" in jobs[number]
    ] == ["migrate --plan", "migrate\n", "migrate --check"]

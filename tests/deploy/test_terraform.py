"""What the Terraform files promise, and the script that migrates, with an `aws` of our own in its path."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

AWS = """#!/bin/sh
echo "$*" >> "$CALLS"
case "$2" in
run-task) echo "${TASK-arn:aws:ecs:eu-west-1:1:task/firmtrail/42}" ;;
wait) [ -e "$CALLS.waited" ] || { touch "$CALLS.waited"; exit 255; } ;;
describe-tasks) echo "$CODE" ;;
esac
"""


@pytest.fixture(scope="session")
def files(root: Path) -> dict[str, str]:
    return {file.name: file.read_text(encoding="utf-8") for file in (root / "deploy/terraform/aws").iterdir()}


def migrate(root: Path, folder: Path, **told: str) -> subprocess.CompletedProcess[str]:
    (folder / "aws").write_text(AWS, encoding="utf-8")
    (folder / "aws").chmod(0o755)
    environment = {"PATH": f"{folder}:/usr/bin:/bin", "CALLS": str(folder / "calls"), "CODE": "0", **told}
    names = ("CLUSTER", "TASK_DEFINITION", "SUBNETS", "SECURITY_GROUP", "LOG_GROUP")
    script = root / "deploy/terraform/aws/migrate.sh"
    return subprocess.run(
        [script],
        env={**{name: name.lower() for name in names}, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_migration_that_ends_well_lets_the_deploy_go_on(root: Path, tmp_path: Path) -> None:
    assert migrate(root, tmp_path).returncode == 0

    calls = (tmp_path / "calls").read_text(encoding="utf-8").splitlines()
    assert [call.split()[1] for call in calls] == ["run-task", "wait", "wait", "describe-tasks"]
    assert "subnets=[subnets],securityGroups=[security_group],assignPublicIp=DISABLED" in calls[0]


@pytest.mark.parametrize("told", [{"CODE": "70"}, {"CODE": "None"}, {"TASK": "None"}, {"TASK": ""}])
def test_a_migration_that_fails_stops_the_deploy(root: Path, tmp_path: Path, told: dict[str, str]) -> None:
    done = migrate(root, tmp_path, **told)

    assert done.returncode == 1
    assert "migrate:" in done.stderr


def test_the_service_waits_for_the_migration(files: dict[str, str]) -> None:
    service = files["service.tf"].split('resource "aws_ecs_service" "this"')[1].split("\nresource ")[0]

    assert re.search(r"depends_on = \[.*terraform_data\.migration.*\]", service)


def test_a_server_has_longer_to_stop_than_it_takes(files: dict[str, str]) -> None:
    seconds = re.search(r"stopTimeout\s*= (\d+)", files["service.tf"])

    assert seconds
    assert int(seconds[1]) > 30


def test_the_load_balancer_asks_whether_a_server_is_ready(files: dict[str, str]) -> None:
    assert re.search(r'path\s*= "/readyz"', files["balancer.tf"])


def test_every_variable_says_what_it_is(files: dict[str, str]) -> None:
    variables = re.split(r"^variable ", files["variables.tf"], flags=re.MULTILINE)[1:]

    assert [text.split()[0] for text in variables if "  description =" not in text or "  type " not in text] == []


def test_no_secret_is_a_variable_or_an_output(files: dict[str, str]) -> None:
    names = re.findall(r'^(?:variable|output) "(\w+)"', files["variables.tf"] + files["outputs.tf"], re.MULTILINE)

    assert [name for name in names if re.search("password|token|secret(?!_key_arns|_arn)|signing_keys$", name)] == []

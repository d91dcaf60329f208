"""The examples of the READMEs, run as they stand."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.served import Server
from tests.server.conftest import Demo

ROOT = Path(__file__).parents[3]
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("deploy/**/*.md"),
        *ROOT.glob("examples/**/*.md"),
        *ROOT.glob("packages/*/*.md"),
        *ROOT.glob("bench/**/*.md"),
    ]
)


def example(readme: str, language: str) -> str:
    (found,) = examples(readme, language)
    return found


def examples(readme: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", (ROOT / readme).read_text("utf-8"), re.MULTILINE | re.DOTALL)


async def output_of(program: str, script: str, server: Server, **environment: str) -> str:
    """Feed a script to a program, with the test's server in place of the one that the script names."""
    process = await asyncio.create_subprocess_exec(
        program,
        "-",
        env={**os.environ, **environment},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate(script.replace("http://127.0.0.1:8080", server.url).encode())
    assert process.returncode == 0
    return output.decode()


async def test_python_of_the_readme(server: Server, demo: Demo) -> None:
    given = f"""\
project_id, project_key = {demo.project_id!r}, {key(demo.project_key)!r}
device_id, device_key = {demo.device_id!r}, {key(demo.device_key)!r}
"""

    output = await output_of(sys.executable, given + example("README.md", "python"), server)

    history, counts = output.splitlines()
    assert history.startswith("main 1.4.2 ")
    assert counts == "main 1.4.2 1"


def test_python_of_the_contracts_readme() -> None:
    done = run_alone(example("packages/contract/README.md", "python"), Path.cwd())

    taken, *refused = done.splitlines()
    assert taken == "main 1.4.2"
    assert {line.split()[0] for line in refused} == {"/version", "/colour"}


def test_python_of_the_readme_of_the_embedded_postgresql() -> None:
    with tempfile.TemporaryDirectory(prefix="firmtrail-readme-") as folder:
        Path(folder).chmod(0o711)  # for the user that PostgreSQL runs as when root runs the tests

        output = run_alone(example("packages/postgres/README.md", "python"), Path(folder))

    assert output.startswith("postgresql://")


def run_alone(script: str, folder: Path) -> str:
    return subprocess.run(
        [sys.executable, "-"], cwd=folder, input=script, capture_output=True, text=True, check=True
    ).stdout


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_every_link_of_a_page_leads_to_a_file(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))

    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_every_anchor_of_a_link_is_a_heading(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]*)#([^)]*)\)", page.read_text(encoding="utf-8"))

    assert [(file, name) for file, name in links if name not in anchors(page.parent / file if file else page)] == []


def anchors(page: Path) -> set[str]:
    """Name the headings of a page as the hosting service does."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


async def test_python_of_the_sdks_readme(server: Server, demo: Demo) -> None:
    first, team, one_call, as_of = examples("packages/sdk/README.md", "python")
    given = "import datetime as dt, firmtrail\n"
    given += f"client = firmtrail.Client({server.url!r}, api_key={key(demo.project_key)!r})\n"
    given += f"project_id = {demo.project_id!r}\n"

    assert (await output_of(sys.executable, first, server)).startswith("1.4.2 ")
    assert (await output_of(sys.executable, team, server)).endswith(" Ada pump-1\n")
    assert (await output_of(sys.executable, one_call, server)).startswith("201 ")
    assert "as of 2026-05-03 23:59:59" in await output_of(sys.executable, given + as_of, server)


async def test_python_of_the_page_about_self_service(server: Server) -> None:
    output = await output_of(sys.executable, example("docs/self-service.md", "python"), server)

    lines = output.splitlines()
    assert {"member Ada admin", "member Ben editor", "member Cleo viewer"} <= {*lines}
    assert [line for line in lines if line.startswith("row")] == [
        "row 1 pump-1 created",
        "row 2 pump-2 created",
        "row 3 None refused is required",
    ]
    assert {"ran main 1.4.2", "Cleo may only look", "audit device.created by Ben"} <= {*lines}


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
async def test_shell_commands_of_the_page_about_self_service(server: Server, tmp_path: Path) -> None:
    script = "\n".join(["set -eu", f"cd {shlex.quote(str(tmp_path))}", *examples("docs/self-service.md", "sh")])
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

    output = await output_of("sh", script, server, PATH=path, HOME=str(tmp_path))

    lines = [line.split() for line in output.splitlines()]
    assert {line[3] for line in lines if line[2:3] == ["Cleo@example.com"]} == {"viewer"}
    assert ["3", "refused", "/name", "is", "required"] in lines
    assert [line[:2] for line in lines if line[0] == "main"][-1] == ["main", "1.4.2"]
    assert ["device.created", "Ben", "pump-1"] in [line[2:5] for line in lines]
    assert "Cleo may only look" in output


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
async def test_curl_of_the_readme(server: Server, demo: Demo) -> None:
    keys = {"DEVICE_KEY": key(demo.device_key), "PROJECT_KEY": key(demo.project_key), "DEVICE_ID": demo.device_id}

    output = await output_of("sh", example("README.md", "sh"), server, **keys)

    assert '"opened"' in output
    assert output.count('"1.4.3"') == 2


def key(pair: tuple[str, str]) -> str:
    return ":".join(pair)

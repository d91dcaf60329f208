"""The questions of `docs/fleet.md`: each answer by curl, by the command and by Python, run as it stands."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

import httpx
import pytest

from tests.sdk.documentation.test_readmes import ROOT, examples, output_of
from tests.sdk.small_fleet import SmallFleet, small_fleet
from tests.served import Server
from tests.server.conftest import Clock, Demo

PAGE = "docs/fleet.md"
#: what the answer to each question must name, whoever gives it
ANSWERS = {
    "What runs now?": ["1.5.0", "1.4.2", "2.1.0", "modem"],
    "What ran on 3 May?": ["1.4.2", "1.4.1", "4"],
    "Who still runs 1.4?": ["pump-4", "pump-6"],
    "How fast did 1.5 spread?": ["2026-05-10", "2026-05-29", "1.5.0"],
    "Who went back?": ["pump-6", "pump-2", "1.5.0", "1.4.2", "2026-05-14"],
    "Who is silent, and since when?": ["pump-5", "pump-4", "2026-05-20"],
    "Who keeps flapping?": ["pump-6", "5", "2026-05-30"],
    "What changed this week?": ["pump-2", "pump-3", "pump-6"],
    "What did one device run at a moment?": ["main", "1.5.0", "2026-05-12", "2026-05-14"],
}


@pytest.fixture
async def fleet(http: httpx.AsyncClient, server: Server, clock: Clock, demo: Demo) -> SmallFleet:
    return await small_fleet(http, server, clock, demo)


def questions() -> dict[str, str]:
    """The sections that hold examples, by their headings."""
    _, *parts = re.split(r"^## (.*)\n", (ROOT / PAGE).read_text("utf-8"), flags=re.MULTILINE)
    sections = dict(zip(parts[::2], parts[1::2], strict=True))
    return {heading: text for heading, text in sections.items() if "```" in text}


def blocks(section: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)


async def run(program: str, script: str, server: Server, fleet: SmallFleet, home: Path) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    own = {"FIRMTRAIL_URL": fleet.url, "FIRMTRAIL_API_KEY": fleet.project_key}
    return await output_of(program, script, server, PATH=path, HOME=str(home), PYTHONUTF8="1", LC_ALL="C.UTF-8", **own)


def lacking(output: str, heading: str) -> list[str]:
    return [word for word in ANSWERS[heading] if word not in output]


def test_every_question_of_the_page_is_known_here() -> None:
    assert [*questions()] == [*ANSWERS]


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
async def test_curl_answers_every_question(server: Server, fleet: SmallFleet, tmp_path: Path) -> None:
    for heading, section in questions().items():
        output = await run("sh", f"set -eu\n{blocks(section, 'sh')[0]}", server, fleet, tmp_path)

        assert (heading, lacking(output, heading)) == (heading, []), output


async def test_the_command_answers_every_question_as_shown(server: Server, fleet: SmallFleet, tmp_path: Path) -> None:
    for section in questions().values():
        _, command = blocks(section, "sh")
        (shown,) = blocks(section, "text")

        output = await run("sh", f"set -eu\n{command}", server, fleet, tmp_path)

        # a pipe has all columns, a narrow terminal the first ones
        lines = output.splitlines()
        assert [line[: len(begin)] for line, begin in zip(lines, shown.splitlines(), strict=True)] == shown.splitlines()


async def test_python_answers_every_question(server: Server, fleet: SmallFleet, tmp_path: Path) -> None:
    start = examples(PAGE, "python")[0]
    for heading, section in questions().items():
        (program,) = blocks(section, "python")

        output = await run(sys.executable, f"{start}\n{program}", server, fleet, tmp_path)

        assert (heading, lacking(output, heading)) == (heading, []), output

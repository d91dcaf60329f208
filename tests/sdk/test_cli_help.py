"""The help of every command, what is said of a mistyped one, and options that stand anywhere."""

from __future__ import annotations

import asyncio
import json
import shlex
import subprocess
import sys

import pytest

from firmtrail.cli.commands import NOUNS, VERBS, parser, verbs_of
from firmtrail.cli.verbs import Verb
from tests.sdk.shell import ADA, PASSWORD, Shell
from tests.served import Server
from tests.server.conftest import Demo

COMMANDS = {verb.name: verb for verb in VERBS} | {
    f"{noun} {verb.name}": verb for noun in NOUNS for verb in verbs_of(noun)
}


@pytest.mark.parametrize(("command", "verb"), COMMANDS.items(), ids=COMMANDS.keys())
def test_the_examples_of_every_verb_are_commands_that_it_takes(command: str, verb: Verb) -> None:
    name = verb.name if command == "devices history" else command

    assert verb.examples
    for example in verb.examples:
        words = shlex.split(example.partition(" > ")[0].partition(" < ")[0])
        assert parser(words).parse(words).verb is verb
        assert example.startswith(name)


@pytest.mark.parametrize("command", ["", *COMMANDS])
async def test_every_help_shows_examples_and_the_options_of_every_command(shell: Shell, command: str) -> None:
    text = await shell(*command.split(), "--help")

    assert "--project PROJECT" in text
    assert "examples:" in text or not command


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("devces list", "devices"),
        ("devices lst", "list"),
        ("keys list", "api-keys"),
        ("audit", "audit-events"),
        ("devices list --lables site=berlin", "--labels"),
        ("devices list --state retird", "retired"),
        ("fleet versions --component=main --stat any", "--state"),
    ],
)
async def test_a_mistyped_word_is_answered_with_the_nearest_one(shell: Shell, typed: str, meant: str) -> None:
    assert f"Did you mean {meant}?" in await shell(*typed.split(), code=2)


async def test_options_are_not_abbreviated(shell: Shell) -> None:
    assert "unrecognized arguments: --lim" in await shell("devices", "list", "--lim", "3", code=2)


async def test_global_options_stand_before_and_behind_the_verb(shell: Shell, server: Server, demo: Demo) -> None:
    shell.monkeypatch.setenv("FIRMTRAIL_API_KEY", ":".join(demo.project_key))
    given = ("--url", server.url, "--project", demo.project_id)

    assert await shell(*given, "devices", "list", "-q") == f"{demo.device_id}\n"
    assert await shell("devices", *given, "list", "-q") == f"{demo.device_id}\n"
    assert await shell("devices", "list", *given, "-q") == f"{demo.device_id}\n"
    assert (await shell.one(*given, "projects", "show"))["id"] == demo.project_id
    assert "no project called 'Valves'" in await shell(*given, "devices", "list", "--project", "Valves", code=1)


async def test_a_login_is_kept_in_the_profile_that_an_option_names(ada: Shell, server: Server) -> None:
    await ada("login", ADA, "--profile", "work", "--url", server.url, told=f"{PASSWORD}\n")
    await ada("logout")

    assert (await ada.one("whoami", "--profile", "work"))["email"] == ADA
    assert "firmtrail login" in await ada("whoami", code=78)
    assert "--profile is 'play'" in await ada("whoami", "--profile", "play", code=78)


async def test_a_login_is_used_when_the_environment_names_its_server(ada: Shell, server: Server) -> None:
    ada.monkeypatch.setenv("FIRMTRAIL_URL", f"{server.url}/")

    assert (await ada.one("whoami"))["email"] == ADA


async def test_config_show_says_where_each_setting_comes_from(ada: Shell, server: Server) -> None:
    ada.monkeypatch.setenv("FIRMTRAIL_AUTH", "basic")
    rows = {line.split(",")[0]: line.split(",") for line in (await ada("config", "show", "--csv")).splitlines()}

    assert rows["url"] == ["url", server.url, f"profile default in {ada.profiles}"]
    assert rows["auth"][1:] == ["basic", "FIRMTRAIL_AUTH"]
    assert rows["project"][1:] == ["Pumps", "FIRMTRAIL_PROJECT"]
    assert rows["ca_file"][1:] == ["", "default"]
    named = await ada("--url", "http://other", "config", "show", "--columns", "name,source")
    assert "--url" in named


async def test_config_show_hides_secrets(keyed: Shell, demo: Demo) -> None:
    shown = await keyed("config", "show") + await keyed("config", "show", "--json")

    assert f"API key {demo.project_key[0]}, secret hidden" in shown
    assert demo.project_key[1] not in shown


async def test_config_show_names_a_login_and_hides_its_tokens(ada: Shell) -> None:
    shown = await ada("config", "show") + await ada("config", "show", "--json")
    kept = json.loads((ada.profiles.parent / "sessions/default.json").read_text())

    assert "sessions/default.json" in shown
    assert kept["access_token"] not in shown
    assert kept["refresh_token"] not in shown


async def test_columns_are_chosen_by_name_for_tables_and_csv(keyed: Shell, demo: Demo) -> None:
    table = await keyed("devices", "list", "--columns", "id,last report,hardware_fingerprint")

    head, row = table.splitlines()
    assert head.split() == ["id", "last", "report", "hardware", "fingerprint"]
    assert row.split()[0] == demo.device_id
    assert await keyed("devices", "list", "--csv", "--columns", "id") == f"id\n{demo.device_id}\n"
    assert "no column 'colour'; there are: id, " in await keyed("devices", "list", "--columns", "colour", code=2)


async def test_an_unknown_column_writes_no_csv(keyed: Shell) -> None:
    assert not await keyed.written("devices", "list", "--csv", "--columns", "id,colour", code=2)


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
async def test_completion_knows_every_noun_and_option(shell: Shell, name: str) -> None:
    script = await shell("completion", name)

    assert all(word in script for word in ("device-api-keys", "changed-since", "flapping"))


async def test_completion_works_in_bash(shell: Shell) -> None:
    script = await shell("completion", "bash")
    typed = "COMP_WORDS=(firmtrail devi); COMP_CWORD=1; _shtab_firmtrail; echo ${COMPREPLY[@]}"

    bash = ["bash", "-c", f"{script}\n{typed}"]
    done = await asyncio.to_thread(subprocess.run, bash, capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["devices", "device-api-keys"]


def test_a_command_imports_the_module_of_its_noun_alone() -> None:
    script = "import sys; from firmtrail.cli.commands import parser; parser(['projects']); print(*sys.modules)"

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    loaded = {*done.stdout.split()}
    assert "firmtrail.cli.projects" in loaded
    assert not loaded & {"firmtrail.cli.devices", "firmtrail.cli.fleet", "httpx", "asyncio", "shtab"}


async def test_completion_without_its_package_says_what_to_install(shell: Shell) -> None:
    shell.monkeypatch.setitem(sys.modules, "shtab", None)

    assert "firmtrail[completion]" in await shell("completion", "bash", code=2)

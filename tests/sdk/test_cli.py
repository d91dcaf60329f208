"""`firmtrail` against the real server, in this process."""

from __future__ import annotations

import datetime as dt
import json
import os
import stat
import tomllib

import pytest

from tests.sdk.shell import ADA, PASSWORD, Shell
from tests.served import Server
from tests.server.conftest import Clock, Demo


async def test_who_logs_in_is_known_until_they_log_out(ada: Shell) -> None:
    assert (await ada.one("whoami"))["email"] == ADA
    assert stat.S_IMODE(ada.profiles.stat().st_mode) == 0o600

    await ada("logout")

    assert "firmtrail login" in await ada("whoami", code=78)
    assert "access_token" not in ada.profiles.read_text()


async def test_whoami_names_the_projects_of_a_user(ada: Shell) -> None:
    (project,) = (await ada.one("whoami"))["projects"]

    assert (project["name"], project["role"]) == ("Pumps", "admin")
    assert f"Pumps (admin, {project['id']})" in await ada("whoami")


async def test_a_user_has_to_say_which_project(ada: Shell) -> None:
    ada.monkeypatch.delenv("FIRMTRAIL_PROJECT")

    assert "--project NAME" in await ada("devices", "list", code=2)


async def test_a_project_key_implies_its_project(keyed: Shell, demo: Demo) -> None:
    keyed.monkeypatch.delenv("FIRMTRAIL_PROJECT")

    me = await keyed.one("whoami")

    assert (me["id"], me["api_key_id"], me["role"]) == (demo.project_id, demo.project_key[0], "admin")
    assert await keyed("devices", "list", "-q") == f"{demo.device_id}\n"
    assert await keyed("devices", "list", "-q", "--project", me["name"]) == f"{demo.device_id}\n"
    assert "no project called 'Pumps'" in await keyed("devices", "list", "--project", "Pumps", code=1)


async def test_a_device_key_names_its_device_and_project(keyed: Shell, demo: Demo) -> None:
    keyed.monkeypatch.setenv("FIRMTRAIL_API_KEY", ":".join(demo.device_key))

    me = await keyed.one("whoami")

    assert (me["id"], me["role"], me["device_id"]) == (demo.project_id, None, demo.device_id)


async def test_a_login_keeps_the_other_profiles_and_never_replaces_an_api_key(ada: Shell) -> None:
    other = {"url": "http://127.0.0.1:1", "api_key": 'id:"se\\cret\x7f', "auth": "basic"}
    lines = [f"{key} = {json.dumps(value).replace(chr(127), chr(92) + 'u007f')}" for key, value in other.items()]
    ada.profiles.write_text(ada.profiles.read_text() + "\n".join(["[profiles.'other one']", *lines, ""]))
    url = tomllib.loads(ada.profiles.read_text())["profiles"]["default"]["url"]

    await ada("login", "--url", url, told=f"{ADA}\n{PASSWORD}\n")
    ada.monkeypatch.setenv("FIRMTRAIL_PROFILE", "other one")
    refused = await ada("login", ADA, "--url", url, told=f"{PASSWORD}\n", code=78)

    assert "FIRMTRAIL_PROFILE" in refused
    assert tomllib.loads(ada.profiles.read_text())["profiles"]["other one"] == other
    assert {file.name for file in ada.profiles.parent.iterdir()} == {"config.toml", "sessions"}


async def test_a_wrong_password_is_refused_and_shown_nowhere(ada: Shell) -> None:
    kept = ada.profiles.read_text()

    said = await ada("login", ADA, told="another password\n", code=1)

    assert ("another password" in said, ada.profiles.read_text() == kept) == (False, True)
    assert "nothing was given" in await ada("login", ADA, told="", code=2)


async def test_a_project_is_named_by_id_or_name_and_lives_until_it_is_deleted(ada: Shell) -> None:
    project = await ada.one("projects", "show", "Pumps")
    await ada("projects", "rename", project["id"], "Valves")

    assert "add --yes" in await ada("projects", "delete", "Valves", code=2)
    assert "no project called 'Pumps'" in await ada("projects", "show", "Pumps", code=1)
    assert await ada("projects", "list", "-q") == f"{project['id']}\n"
    await ada("projects", "delete", "Valves", "--yes")
    assert await ada("projects", "list", "--json") == ""


async def test_a_sign_up_with_a_taken_address_is_not_said_to_have_worked(ada: Shell, server: Server) -> None:
    said = [
        await ada.said("sign-up", email, "--name", "Ada", "--url", server.url, told=f"{PASSWORD}\n")
        for email in ("ada@example.com", "eve@example.com")
    ]

    assert all("nothing changed" in one and "firmtrail login" in one for one in said)
    assert said[0] == said[1].replace("eve@", "ada@")


async def test_a_member_is_invited_raised_and_removed(ada: Shell, server: Server) -> None:
    secret = await ada("invitations", "create", "viewer", "-q")
    ada.monkeypatch.setenv("FIRMTRAIL_PROFILE", "ben")
    url = server.url
    await ada("sign-up", "ben@example.com", "--name", "Ben", "--url", url, "--invitation", told=f"{PASSWORD}\n{secret}")
    await ada("login", "ben@example.com", "--url", url, told=f"{PASSWORD}\n")
    invited = await ada.one("projects", "list")
    ada.monkeypatch.delenv("FIRMTRAIL_PROFILE")

    raised = await ada.one("members", "set-role", "ben@example.com", "editor")
    table = await ada("members", "list")
    await ada("members", "remove", "ben@example.com", "--yes")

    assert (invited["role"], raised["role"]) == ("viewer", "editor")
    assert sorted(line.split()[1] for line in table.splitlines()) == ["Ada", "Ben", "id"]
    assert len((await ada("members", "list", "-q")).splitlines()) == 1


async def test_an_invitation_is_listed_revoked_and_then_worth_nothing(ada: Shell) -> None:
    invitation = await ada.one("invitations", "create", "viewer", "--email", "cleo@example.com", "--expires", "2d")

    listed = await ada("invitations", "list", "-q")
    await ada("invitations", "revoke", invitation["id"])

    assert listed == f"{invitation['id']}\n"
    assert await ada("invitations", "list", "--json") == ""
    await ada("invitations", "accept", told=invitation["secret"], code=1)


async def test_the_keys_of_a_project_are_made_rotated_and_deleted(ada: Shell) -> None:
    shown = await ada("api-keys", "create", "viewer", "--label", "dashboard")
    first = dict(line.split(maxsplit=1) for line in shown.splitlines() if line.split()[1:])["id"]
    second = await ada("api-keys", "rotate", first, "--overlap", "0", "-q")

    listed = await ada("api-keys", "list")
    await ada("api-keys", "delete", second.partition(":")[0], "--yes")

    assert ("dashboard" in shown, second.partition(":")[0] in listed) == (True, True)
    assert second.partition(":")[0] not in await ada("api-keys", "list", "-q")


async def test_a_device_is_registered_reports_and_is_found_by_what_it_runs(ada: Shell) -> None:
    device = await ada.one("devices", "create", "pump-1", "--label", "site=berlin", "--label", "line=3")
    await ada("devices", "label", "pump-1", "site=bonn", "--remove", "line")
    await ada("devices", "rename", "pump-1", "pump-one")
    key = await ada("device-api-keys", "create", "pump-one", "-q")
    with ada.monkeypatch.context() as patched:
        patched.setenv("FIRMTRAIL_URL", tomllib.loads(ada.profiles.read_text())["profiles"]["default"]["url"])
        patched.setenv("FIRMTRAIL_API_KEY", key.strip())
        await ada("report", device["id"], "1.4.2")

    table = await ada("devices", "list", "--version", "1.4.2", "--labels", "site=bonn", "--two-machines", "false")

    assert [line.split()[:4] for line in table.splitlines()][1:] == [["pump-one", "main", "1.4.2", "site=bonn"]]
    assert table.rstrip().endswith(device["id"])
    assert (await ada.one("history", "pump-one"))["version"] == "1.4.2"
    assert "firmware" in await ada("devices", "show", "pump-one")
    assert await ada("devices", "list", "--reported-from", "1h", "--created-before", "2000-01-01T00:00:00Z", "-q") == ""


async def test_silent_devices_are_listed_by_labels(ada: Shell, server: Server, clock: Clock) -> None:
    device = await ada.one("devices", "create", "pump-1", "--label", "site=berlin")
    await ada("devices", "create", "pump-2")
    await server.services.silences.sweep(clock() + dt.timedelta(hours=2))

    table = await ada("fleet", "silent", "--labels", "site=berlin")

    assert [(line.split()[0], line.split()[-1]) for line in table.splitlines()][1:] == [("pump-1", device["id"])]
    assert (await ada.one("fleet", "silent", "--labels", "site"))["never_reported"] is True
    assert await ada("fleet", "silent", "--labels", "site", "-q") == f"{device['id']}\n"
    assert await ada("fleet", "silent", "--state", "ended", "-q") == ""


async def test_the_keys_of_a_device_end_one_by_one_or_with_it(ada: Shell) -> None:
    await ada("devices", "create", "pump-1")
    first = await ada.one("device-api-keys", "create", "pump-1", "--expires", "30d")
    second = await ada.one("device-api-keys", "rotate", "pump-1", first["id"], "--overlap", "0")
    listed = await ada("device-api-keys", "list", "pump-1", "-q")
    await ada("device-api-keys", "delete", "pump-1", second["id"], "--yes")
    await ada("devices", "retire", "pump-1")
    retired = await ada("devices", "list", "--state", "retired", "-q")
    await ada("devices", "restore", "pump-1")

    await ada("devices", "delete", "pump-1", "--yes")

    assert listed == f"{second['id']}\n"
    assert len(retired.splitlines()) == 1
    assert "no device called 'pump-1'" in await ada("devices", "show", "pump-1", code=1)


async def test_enrollment_keys_are_made_listed_and_deleted(ada: Shell) -> None:
    made = await ada.one("enrollment-keys", "create", "--expires", "30d", "--max-uses", "5", "--device-label", "lot=7")

    table = await ada("enrollment-keys", "list")
    await ada("enrollment-keys", "delete", made["id"], "--yes")

    assert "lot=7" in table
    assert made["secret"] not in table
    assert await ada("enrollment-keys", "list", "--json") == ""


async def test_the_audit_trail_is_filtered(ada: Shell) -> None:
    device = await ada.one("devices", "create", "pump-1")
    await ada("devices", "retire", "pump-1")

    event = await ada.one(
        "audit-events", "list", "--action", "device.created", "--target", device["id"], "--limit", "1"
    )

    assert (event["actor_name"], event["target_name"]) == ("Ada", "pump-1")


@pytest.mark.parametrize(
    ("arguments", "environment", "code", "said"),
    [
        (["projects", "list"], {"FIRMTRAIL_URL": "http://127.0.0.1:9"}, 69, "Cannot reach"),
        (["projects", "list"], {"FIRMTRAIL_URL": ""}, 78, "set FIRMTRAIL_URL"),
        (["devices", "create", ""], {}, 1, "NAME must have at least 1 character"),
        (["devices", "create", "pump-1", "--label", "site"], {}, 2, "A label is KEY=VALUE"),
        (
            ["audit-events", "list", "--since", "someday"],
            {},
            2,
            "must be such as 2026-05-03, 2026-05-03T12:00:00Z, yesterday",
        ),
        (
            ["report", "pump-1", "1.4.2", "--observed-at", "someday"],
            {},
            2,
            "must be such as 2026-05-03, 2026-05-03T12:00:00Z",
        ),
        (["projects", "frobnicate"], {}, 2, "invalid choice"),
    ],
)
async def test_what_cannot_be_done_is_one_sentence_and_an_exit_code(
    keyed: Shell, arguments: list[str], environment: dict[str, str], code: int, said: str
) -> None:
    for name, value in environment.items():
        keyed.monkeypatch.setenv(name, value)

    errors = await keyed(*arguments, code=code)

    assert said in errors
    assert os.environ["FIRMTRAIL_API_KEY"].partition(":")[2] not in errors


async def test_a_wrong_choice_is_refused_with_the_words_to_write(keyed: Shell) -> None:
    errors = await keyed("fleet", "versions", "--scheme", "roman", code=2)

    assert "semver" in errors
    assert "VersionScheme" not in errors


async def test_desired_versions_are_set_ended_and_complied_with(keyed: Shell, demo: Demo) -> None:
    keyed.monkeypatch.delenv("FIRMTRAIL_PROJECT")
    rule = await keyed.one("desired-versions", "set", "1.5.0", "1.4.2")
    berlin = await keyed("desired-versions", "set", "2.0", "--label", "site=berlin", "--priority", "1", "-q")

    assert (rule["versions"], rule["component"], rule["labels"]) == (["1.5.0", "1.4.2"], "main", {})
    assert await keyed("desired-versions", "list", "-q") == f"{berlin}{rule['id']}\n"
    _, head, first, second = (await keyed("fleet", "compliance")).splitlines()
    assert head.split("  ")[0] == "component"
    assert [first.split()[-4:], second.split()[-4:]] == [["0", "0", "0", "0"], ["1", "0", "0", "1"]]
    assert "1.5.0; 1.4.2" in second
    assert "add --yes" in await keyed("desired-versions", "end", rule["id"], code=2)
    assert (await keyed.one("desired-versions", "end", rule["id"], "--yes"))["ended_at"]
    assert await keyed("desired-versions", "list", "--state", "ended", "-q") == f"{rule['id']}\n"
    assert (await keyed("fleet", "compliance", "--at", "2026-05-31")).startswith(
        "As of 2026-05-31 23:59:59Z; labels are"
    )
    assert "must be such as 2026-05-03" in await keyed("fleet", "compliance", "--at", "2026-02-30", code=2)

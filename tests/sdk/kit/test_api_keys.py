"""API keys: the same powers and the same refusals of the stand-in and of the server."""

from __future__ import annotations

import datetime as dt

import pytest

from firmtrail import AuthenticationError, ConflictError, InvalidRequestError, NotFoundError, PermissionDeniedError
from tests.sdk.kit.installation import Asking, Call, written

HOUR = dt.timedelta(hours=1)


async def test_a_key_says_whose_it_is(ask: Asking) -> None:
    device_id = await ask.device("pump-1")
    key = await ask.device_key(device_id)

    project = await ask(lambda client: client.projects.current())
    of_device = await ask(lambda client: client.projects.current(), key=key)

    assert (str(project.id), project.role, project.device_id) == (ask.installation.project_id, "admin", None)
    assert (of_device.id, of_device.role, str(of_device.device_id)) == (project.id, None, device_id)


async def test_keys_are_listed_without_their_secrets(ask: Asking) -> None:
    made = await ask(lambda client: client.api_keys.create(None, "viewer", label="a screen", reports_for_devices=True))

    listed = await ask.all(lambda client: client.api_keys.list(page_size=1))

    (found,) = [one for one in listed if one.id == made.id]
    assert (found.role, found.label, found.reports_for_devices) == ("viewer", "a screen", True)
    assert made.secret.startswith(found.secret_start)
    assert len(found.secret_start) == 8
    assert made.secret not in repr(listed)


async def test_a_deleted_key_is_refused_at_the_next_request(ask: Asking) -> None:
    made = await ask(lambda client: client.api_keys.create(None, "viewer"))
    key = written(made)
    await ask.all(lambda client: client.devices.list(), key=key)

    await ask(lambda client: client.api_keys.delete(None, made.id))

    with pytest.raises(AuthenticationError):
        await ask.all(lambda client: client.devices.list(), key=key)
    with pytest.raises(NotFoundError):
        await ask(lambda client: client.api_keys.delete(None, made.id))


async def test_a_role_gives_no_more_than_it_may(ask: Asking) -> None:
    viewer = written(await ask(lambda client: client.api_keys.create(None, "viewer")))
    editor = written(await ask(lambda client: client.api_keys.create(None, "editor")))
    device_id = await ask.device("pump-1")

    calls: list[tuple[str, Call]] = [
        (viewer, lambda client: client.devices.create(None, "pump-2")),
        (viewer, lambda client: client.api_keys.create(None, "viewer")),
        (editor, lambda client: client.devices.delete(device_id)),
        (editor, lambda client: client.api_keys.create(None, "admin")),
    ]
    for key, call in calls:
        with pytest.raises(PermissionDeniedError) as refused:
            await ask(call, key=key)
        assert (refused.value.status, refused.value.code) == (403, "forbidden")
    await ask(lambda client: client.api_keys.create(None, "editor", reports_for_devices=True), key=editor)


async def test_a_device_has_two_keys_at_most(ask: Asking) -> None:
    device_id = await ask.device("pump-1")
    first = await ask(lambda client: client.device_api_keys.create(device_id, label="first"))
    await ask(lambda client: client.device_api_keys.create(device_id))

    with pytest.raises(ConflictError):
        await ask(lambda client: client.device_api_keys.create(device_id))
    listed = await ask.all(lambda client: client.device_api_keys.list(device_id))
    await ask(lambda client: client.device_api_keys.delete(device_id, first.id))

    assert {one.label for one in listed} == {"first", ""}
    with pytest.raises(AuthenticationError):
        await ask.ran(written(first), device_id, "1", ask.installation.now())
    with pytest.raises(NotFoundError):
        await ask(lambda client: client.device_api_keys.delete(device_id, first.id))


async def test_a_key_expires(ask: Asking) -> None:
    now = ask.installation.now()
    made = await ask(lambda client: client.api_keys.create(None, "viewer", expires_at=now + HOUR))
    await ask.all(lambda client: client.devices.list(), key=written(made))

    ask.installation.pass_time(2 * HOUR)

    with pytest.raises(AuthenticationError):
        await ask.all(lambda client: client.devices.list(), key=written(made))
    with pytest.raises(InvalidRequestError) as refused:
        await ask(lambda client: client.api_keys.create(None, "viewer", expires_at=now))
    assert [error.pointer for error in refused.value.errors] == ["/expires_at"]


async def test_an_access_token_ends_by_the_servers_clock(ask: Asking) -> None:
    await ask.all(lambda client: client.devices.list())

    ask.installation.pass_time(HOUR)

    assert await ask.all(lambda client: client.devices.list()) == []

"""A team sets itself up through the SDK, against the real server."""

from __future__ import annotations

import asyncio
import datetime as dt
import uuid
from collections.abc import AsyncGenerator

import pytest

from firmtrail import (
    AsyncClient,
    AuditAction,
    Client,
    ConfigError,
    ConflictError,
    ImportOutcome,
    InvalidRequestError,
    Login,
    NotFoundError,
    OAuthError,
    PermissionDeniedError,
    Project,
    Role,
)
from firmtrail._retry import RetryPolicy
from tests.sdk.cutting import Cuts, cutting
from tests.sdk.policies import with_policy
from tests.sdk.test_client import url
from tests.served import Server
from tests.server.conftest import Demo

ADA = Login(email="ada@example.com", password="correct horse")
BOB = Login(email="bob@example.com", password="battery staple")
DEVICE = "00000000-0000-4000-8000-000000000000"
LATER = dt.datetime(2099, 1, 1, tzinfo=dt.UTC)


@pytest.fixture
async def ada(server: Server) -> AsyncGenerator[AsyncClient]:
    async with AsyncClient(url(server), login=ADA) as client:
        await client.users.sign_up(ADA.email, "Ada", ADA.password)
        yield client


@pytest.fixture
async def project(ada: AsyncClient) -> Project:
    return await ada.projects.create("Pumps")


async def test_a_user_signs_up_and_has_projects(ada: AsyncClient, project: Project) -> None:
    renamed = await ada.projects.update(project.id, name="Pumps of Berlin")

    assert (await ada.users.me()).email == ADA.email
    assert (await ada.users.update_me(name="Ada L.")).name == "Ada L."
    assert [(one.name, one.role) async for one in ada.projects.list()] == [("Pumps of Berlin", Role.ADMIN)]
    assert await ada.projects.get(project.id) == renamed
    assert [one.action async for one in ada.users.audit_events(action=AuditAction.USER_CHANGED)] == ["user.changed"]


async def test_a_project_that_is_left_out_is_that_of_the_key(server: Server, demo: Demo) -> None:
    async with AsyncClient(url(server), api_key=":".join(demo.project_key)) as client:
        assert (await client.projects.current()).id == uuid.UUID(demo.project_id)
        pump = await client.devices.create(None, "pump-1")
        assert pump.project_id == uuid.UUID(demo.project_id)
        assert pump.id in [one.id async for one in client.devices.list()]
        assert pump.id in [one.id async for one in client.devices.list(demo.project_id)]
        assert (await client.fleet.versions()).items == []
        assert await client.projects.get() == await client.projects.get(demo.project_id)


async def test_a_user_has_no_project_to_leave_out(ada: AsyncClient, project: Project) -> None:
    with pytest.raises(PermissionDeniedError, match="Name the project"):
        await ada.devices.list().first()


async def test_a_sync_client_leaves_the_project_out_too(server: Server, demo: Demo) -> None:
    def listed() -> list[uuid.UUID]:
        with Client(url(server), api_key=":".join(demo.project_key)) as client:
            return [one.id for one in client.devices.list()]

    assert await asyncio.to_thread(listed) == [uuid.UUID(demo.device_id)]


async def test_a_client_gets_a_token_for_another_one(server: Server, ada: AsyncClient) -> None:
    granted = await ada.access_token()

    async with AsyncClient(url(server), access_token=granted.access_token) as other:
        assert (await other.users.me()).email == ADA.email
        with pytest.raises(ConfigError):
            await other.access_token()


async def test_a_password_is_changed_and_tokens_of_the_old_one_end(server: Server, ada: AsyncClient) -> None:
    await ada.users.me()

    granted = await ada.users.change_password(ADA.password, "another password")

    async with AsyncClient(url(server), access_token=granted.access_token) as new:
        assert (await new.users.me()).email == ADA.email
    with pytest.raises(OAuthError):
        await ada.users.me()


async def test_a_member_is_invited_gets_another_role_and_goes(
    server: Server, ada: AsyncClient, project: Project
) -> None:
    invitation = await ada.invitations.create(project.id, "viewer", email=BOB.email)
    pending = [one.email async for one in ada.invitations.list(project.id)]
    async with AsyncClient(url(server), login=BOB) as bob:
        await bob.users.sign_up(BOB.email, "Bob", BOB.password)
        joined = await bob.invitations.accept(invitation.secret)
        user = await bob.users.me()
        raised = await ada.members.update(project.id, user.id, role="editor")
        members = [(one.name, one.role) async for one in ada.members.list(project.id)]
        await bob.projects.leave(project.id)
        with pytest.raises(NotFoundError):
            await bob.projects.get(project.id)

    assert (joined.id, joined.role, pending) == (project.id, Role.VIEWER, [BOB.email])
    assert (raised.role, sorted(members)) == (Role.EDITOR, [("Ada", Role.ADMIN), ("Bob", Role.EDITOR)])


async def test_an_invitation_is_revoked_and_a_last_admin_stays(ada: AsyncClient, project: Project) -> None:
    invitation = await ada.invitations.create(project.id, Role.EDITOR, expires_at=LATER)

    await ada.invitations.revoke(project.id, invitation.id)

    assert [one async for one in ada.invitations.list(project.id)] == []
    with pytest.raises(ConflictError):
        await ada.members.remove(project.id, (await ada.users.me()).id)
    with pytest.raises(ConflictError):
        await ada.users.delete_me()


async def test_api_keys_are_made_rotated_and_deleted(server: Server, ada: AsyncClient, project: Project) -> None:
    first = await ada.api_keys.create(project.id, "viewer", label="dashboard")
    second = await ada.api_keys.rotate(project.id, first.id, overlap_seconds=0)
    async with AsyncClient(url(server), api_key=f"{second.id}:{second.secret}") as dashboard:
        assert (await dashboard.projects.get(project.id)).name == "Pumps"
    listed = [(one.id, one.label, one.role) async for one in ada.api_keys.list(project.id)]
    await ada.api_keys.delete(project.id, second.id)

    assert (second.id, "dashboard", Role.VIEWER) in listed
    assert second.id not in [one.id async for one in ada.api_keys.list(project.id)]


async def test_a_device_lives_from_registration_to_deletion(ada: AsyncClient, project: Project) -> None:
    device = await ada.devices.create(project.id, "pump-1", labels={"site": "berlin"}, hardware_fingerprint="F1047")
    labelled = await ada.devices.update(device.id, name="pump-one", labels={"site": None, "line": "3"})
    found = [one.name async for one in ada.devices.list(project.id, labels={"line": "3"}, two_machines=False)]
    retired = await ada.devices.retire(device.id)
    hidden = [one.name async for one in ada.devices.list(project.id)]
    shown = [one.name async for one in ada.devices.list(project.id, state="any", created_before=LATER)]
    restored = await ada.devices.restore(device.id)
    await ada.devices.delete(device.id)

    assert (labelled.name, labelled.labels) == ("pump-one", {"line": "3"})
    assert (found, hidden, shown) == (["pump-one"], [], ["pump-one"])
    assert (retired.retired_at is not None, restored.retired_at) == (True, None)
    with pytest.raises(NotFoundError):
        await ada.devices.get(device.id)


async def test_many_devices_are_imported_and_a_dry_run_changes_nothing(ada: AsyncClient, project: Project) -> None:
    table = 'name,labels.site\npump-1,berlin\npump-1,berlin\n"",berlin\n'

    tried = await ada.devices.import_rows(project.id, table, dry_run=True)
    before = [one.name async for one in ada.devices.list(project.id)]
    done = await ada.devices.import_rows(project.id, table)
    again = await ada.devices.import_rows(project.id, '{"name": "pump-1"}\n', media="ndjson")

    expected = [ImportOutcome.CREATED, ImportOutcome.KNOWN, ImportOutcome.REFUSED]
    assert [row.outcome for row in tried.rows] == [row.outcome for row in done.rows] == expected
    assert (before, again.known_count) == ([], 1)


async def test_a_device_enrolls_reports_and_rotates_its_key(server: Server, ada: AsyncClient, project: Project) -> None:
    key = await ada.enrollment_keys.create(project.id, expires_at=LATER, max_uses=2, labels={"batch": "7"})
    async with AsyncClient(url(server), api_key=f"{key.id}:{key.secret}") as factory:
        enrolled = await factory.enrollment.enroll("pump-1", "F1047")
    old = enrolled.api_key
    async with AsyncClient(url(server), api_key=f"{old.id}:{old.secret}") as device:
        await device.firmware.report(enrolled.device.id, "1.4.2")
        new = await device.device_api_keys.rotate(enrolled.device.id, old.id)
    both = [one async for one in ada.device_api_keys.list(enrolled.device.id)]
    async with AsyncClient(url(server), api_key=f"{new.id}:{new.secret}") as device:
        await device.device_api_keys.confirm(enrolled.device.id, new.id)
    details = await ada.devices.get(enrolled.device.id)

    assert (details.labels, [period.version for period in details.firmware]) == ({"batch": "7"}, ["1.4.2"])
    assert {one.id for one in both} == {old.id, new.id}
    assert [one.id async for one in ada.device_api_keys.list(enrolled.device.id)] == [new.id]
    assert [one.use_count async for one in ada.enrollment_keys.list(project.id)] == [1]


async def test_an_enrollment_whose_answer_is_lost_is_repeated(
    server: Server, ada: AsyncClient, project: Project
) -> None:
    key = await ada.enrollment_keys.create(project.id, expires_at=LATER, max_uses=1)
    cuts = Cuts([20, 20])

    async with cutting(server, cuts) as unsteady, AsyncClient(unsteady, api_key=f"{key.id}:{key.secret}") as factory:
        enrolled = await with_policy(factory, RetryPolicy(random=lambda: 0.0)).enrollment.enroll("pump-1", "F1047")
    async with AsyncClient(url(server), api_key=f"{enrolled.api_key.id}:{enrolled.api_key.secret}") as device:
        await device.firmware.report(enrolled.device.id, "1.4.2")

    assert cuts.made == 2
    assert [one.name async for one in ada.devices.list(project.id)] == ["pump-1"]
    assert [one.id async for one in ada.device_api_keys.list(enrolled.device.id)] == [enrolled.api_key.id]


async def test_keys_of_devices_and_of_enrollment_are_deleted(ada: AsyncClient, project: Project) -> None:
    enrollment = await ada.enrollment_keys.create(project.id, expires_at=LATER, max_uses=1, on_known="replace_keys")
    device = await ada.devices.create(project.id, "pump-1")
    key = await ada.device_api_keys.create(device.id, label="first", expires_at=LATER)

    await ada.enrollment_keys.delete(project.id, enrollment.id)
    await ada.device_api_keys.delete(device.id, key.id)

    assert [one async for one in ada.enrollment_keys.list(project.id)] == []
    assert [one async for one in ada.device_api_keys.list(device.id)] == []


async def test_the_audit_trail_says_who_did_what(ada: AsyncClient, project: Project) -> None:
    device = await ada.devices.create(project.id, "pump-1")

    (event,) = [one async for one in ada.audit_events.list(project.id, target_id=device.id, occurred_before=LATER)]

    assert (event.action, event.actor_name, event.target_name) == (AuditAction.DEVICE_CREATED, "Ada", "pump-1")


async def test_a_project_is_deleted_by_its_name_alone(ada: AsyncClient, project: Project) -> None:
    with pytest.raises(ConflictError):
        await ada.projects.delete(project.id, name="Valves")
    await ada.projects.delete(project.id, name="Pumps")

    assert [one async for one in ada.projects.list()] == []
    await ada.users.delete_me()


async def test_what_is_not_allowed_is_refused_before_it_is_sent() -> None:
    async with AsyncClient("http://127.0.0.1:1", login=ADA) as nowhere:
        for wrong in (
            lambda: nowhere.projects.create(""),
            lambda: nowhere.projects.get("../users/me"),
            lambda: nowhere.invitations.create(DEVICE, "owner"),
            lambda: nowhere.api_keys.create(DEVICE, "viewer", expires_at=dt.datetime(2099, 1, 1)),  # noqa: DTZ001  naive
            lambda: nowhere.users.sign_up("ada", "Ada", "correct horse"),
        ):
            with pytest.raises(InvalidRequestError):
                await wrong()


async def test_the_sync_client_sets_up_a_device_too(server: Server) -> None:
    def use() -> list[str]:
        with Client(url(server), login=BOB) as bob:
            bob.users.sign_up(BOB.email, "Bob", BOB.password)
            project = bob.projects.create("Valves")
            device = bob.devices.create(project.id, "valve-1")
            key = bob.device_api_keys.create(device.id)
            with Client(url(server), api_key=f"{key.id}:{key.secret}") as valve:
                valve.firmware.report(device.id, "2.0")
            return [one.name for one in bob.devices.list(project.id, version="2.0")]

    assert await asyncio.to_thread(use) == ["valve-1"]


async def test_desired_versions_are_set_read_and_complied_with(server: Server, demo: Demo) -> None:
    async with AsyncClient(url(server), api_key=":".join(demo.project_key)) as client:
        first = await client.desired_versions.set("1.5.0")
        rule = await client.desired_versions.set(["1.5.0", "1.6.0"], replaces=first.id, project_id=demo.project_id)
        assert [one.id async for one in client.desired_versions.list()] == [rule.id]
        assert [one.id async for one in client.desired_versions.list(demo.project_id, state="ended")] == [first.id]
        past = client.desired_versions.list(at=dt.date(2026, 5, 3))
        assert [one async for one in past] == []
        assert past.as_of == dt.datetime(2026, 5, 3, 23, 59, 59, 999_999, tzinfo=dt.UTC)
        (counted,) = (await client.fleet.compliance()).items
        assert (counted.rule, counted.devices, counted.without_version) == (rule, 1, 1)
        assert (await client.desired_versions.end(rule.id)).ended_at is not None
        with pytest.raises(InvalidRequestError):
            await client.desired_versions.set([])


async def test_a_device_reads_what_it_should_run(server: Server, demo: Demo) -> None:
    async with AsyncClient(url(server), api_key=":".join(demo.project_key)) as client:
        rule = await client.desired_versions.set("1.5.0")
    async with AsyncClient(url(server), api_key=":".join(demo.device_key)) as device:
        (desired,) = await device.desired_versions.of_device(demo.device_id)

    assert (desired.component, desired.versions, desired.desired_version_id) == ("main", ["1.5.0"], rule.id)

"""Invitations by e-mail, through a real SMTP server; and what happens when it refuses or is not there."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from pathlib import Path

import httpx
import pytest

from firmtrail_server.services.mail import BadSmtp, Mailer, Smtp, read_smtp
from firmtrail_server.settings import BadSetting, Settings, read_settings
from tests.authority import Authority
from tests.server.callers import Caller, made, read, wrong_fields
from tests.server.conftest import Demo
from tests.server.mailbox import Mailbox, confirmed_user, smtp_server

SENDER = "firmtrail@example.com"
HEADERS = ["content-transfer-encoding", "content-type", "from", "mime-version", "subject", "to"]


@pytest.fixture
async def mailbox() -> AsyncGenerator[Mailbox]:
    async with smtp_server() as mailbox:
        yield mailbox


@pytest.fixture
def settings(mailbox: Mailbox) -> Settings:
    smtp = read_smtp(f"smtp://127.0.0.1:{mailbox.port}", SENDER)
    return Settings(seed_enabled=True, password_cost=4, smtp=smtp, public_url="https://firmtrail.example.com")


@pytest.fixture
async def mara(http: httpx.AsyncClient, mailbox: Mailbox) -> Caller:
    """A user who makes projects."""
    return await confirmed_user(http, mailbox, "mara@example.com")


async def test_an_invitation_reaches_its_address_and_can_be_accepted(
    http: httpx.AsyncClient, admin: Caller, demo: Demo, mailbox: Mailbox
) -> None:
    issued = made(
        await admin.post(
            f"projects/{demo.project_id}/invitations", {"role": "editor", "email": "Ada.Lovelace+x@Example.com"}
        )
    )

    assert issued["is_sent"] is True
    (message,) = mailbox.messages
    assert mailbox.recipients == ["Ada.Lovelace+x@Example.com"]
    assert (message["From"], message["To"]) == (SENDER, "Ada.Lovelace+x@Example.com")
    assert message["Subject"] == "An invitation to Test Project"
    text = message.get_content()
    assert "https://firmtrail.example.com" in text
    (secret,) = re.findall(r"fti_\w+", text)
    ada = await confirmed_user(http, mailbox, "ada@example.com")
    assert read(await ada.post("invitations/accept", {"secret": secret}))["role"] == "editor"


@pytest.mark.parametrize(
    "text",
    [
        "=?utf-8?q?a=0D=0ABcc=3A_eve=40example=2Ecom?=",
        "=?utf-8?q?a=0D=0A=0D=0ARead_this_instead?=",
        "=?utf-8?q?a=0D=0A?=",
        "=?utf-8?b?!?=",
        "Pumpenprüfstand 3",
    ],
)
async def test_no_name_of_a_project_is_more_than_a_subject(mara: Caller, mailbox: Mailbox, text: str) -> None:
    project = made(await mara.post("projects", {"name": text}))["id"]

    issued = made(await mara.post(f"projects/{project}/invitations", {"role": "viewer", "email": "ada@example.com"}))

    message = mailbox.messages[-1]
    assert issued["is_sent"] is True
    assert sorted(map(str.lower, message.keys())) == HEADERS
    assert message["Subject"] == f"An invitation to {text}"
    assert message.get_content().startswith("You are invited to the project")


@pytest.mark.parametrize("name", ["=?utf-8?q?eve?=", "=?utf-8?q?a=0D=0ABcc=3A_eve?=", "=?utf-8?b?!?="])
async def test_an_address_that_mail_servers_may_read_as_another_is_refused(
    admin: Caller, demo: Demo, name: str
) -> None:
    body = {"role": "viewer", "email": f"{name}@example.com"}

    answer = await admin.post(f"projects/{demo.project_id}/invitations", body)

    assert wrong_fields(answer) == [("/email", "forbidden_characters")]


@pytest.mark.parametrize("name", ["-oX", "`id`", "a=b", "a?b", "!#$%&'*+/?=^_`{|}~-"])
async def test_an_address_is_sent_to_as_it_is(mara: Caller, mailbox: Mailbox, name: str) -> None:
    project = made(await mara.post("projects", {"name": "Pumps"}))["id"]

    issued = made(
        await mara.post(f"projects/{project}/invitations", {"role": "viewer", "email": f"{name}@example.com"})
    )

    assert issued["is_sent"] is True
    assert mailbox.recipients[-1] == f"{name}@example.com"
    assert sorted(map(str.lower, mailbox.messages[-1].keys())) == HEADERS


async def test_an_invitation_without_an_address_is_not_sent(admin: Caller, demo: Demo, mailbox: Mailbox) -> None:
    issued = made(await admin.post(f"projects/{demo.project_id}/invitations", {"role": "editor"}))

    assert (issued["is_sent"], mailbox.messages) == (False, [])


async def test_a_message_that_is_refused_leaves_the_invitation_to_be_handed_over(
    http: httpx.AsyncClient, admin: Caller, demo: Demo, mailbox: Mailbox, caplog: pytest.LogCaptureFixture
) -> None:
    mailbox.refusal = "554 no"

    issued = made(
        await admin.post(f"projects/{demo.project_id}/invitations", {"role": "editor", "email": "ada@example.com"})
    )

    assert issued["is_sent"] is False
    assert "no e-mail could be sent" in caplog.text
    assert issued["secret"][4:] not in caplog.text
    mailbox.refusal = ""
    ada = await confirmed_user(http, mailbox, "ada@example.com")
    read(await ada.post("invitations/accept", {"secret": issued["secret"]}))


@pytest.mark.parametrize("name", ["Prüfstand \N{SNOWMAN}", "=?utf-8?q?x?=", "x" * 100, "a: b, <c@d.e>", "%(x)s {x}"])
async def test_a_projects_name_stands_in_the_subject_whatever_it_is(
    http: httpx.AsyncClient, mailbox: Mailbox, name: str
) -> None:
    ada = await confirmed_user(http, mailbox, "ada@example.com")
    project = f"projects/{made(await ada.post('projects', {'name': name}))['id']}"

    made(await ada.post(f"{project}/invitations", {"role": "viewer", "email": "bob@example.com"}))

    message = mailbox.messages[-1]
    assert mailbox.recipients == ["ada@example.com", "bob@example.com"]
    assert {*message.keys()} >= {"From", "To", "Subject"}
    assert not {*message.keys()} & {"Bcc", "Cc"}


async def test_a_subject_of_two_lines_is_one_header(mailbox: Mailbox, settings: Settings) -> None:
    await Mailer(settings.smtp).send("ada@example.com", "Hello\r\nBcc: eve@example.com", "text")

    (message,) = mailbox.messages
    assert sorted(map(str.lower, message.keys())) == HEADERS
    assert mailbox.recipients == ["ada@example.com"]


async def test_a_server_that_is_not_there_is_no_error(mailbox: Mailbox) -> None:
    nowhere = Smtp(scheme="smtp", host="127.0.0.1", port=1, sender=SENDER)

    assert await Mailer(nowhere).send("ada@example.com", "Hello", "text") is False


async def test_a_password_goes_over_tls_to_a_server_that_proves_who_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path, "ours")
    async with smtp_server(tls_context=authority.server(), require_starttls=True, auth_required=True) as mailbox:
        smtp = read_smtp(f"smtp+starttls://ada:p%40ss@127.0.0.1:{mailbox.port}", SENDER)
        refused = await Mailer(smtp).send("bob@example.com", "Hello", "text")
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
        sent = await Mailer(smtp).send("bob@example.com", "Hello", "text")

    assert (refused, sent) == (False, True)
    assert [(login.login, login.password) for login in mailbox.logins] == [(b"ada", b"p@ss")]
    assert len(mailbox.messages) == 1


async def test_without_starttls_nothing_is_sent_to_who_asks_for_it(mailbox: Mailbox) -> None:
    smtp = read_smtp(f"smtp+starttls://ada:secret@127.0.0.1:{mailbox.port}", SENDER)

    assert await Mailer(smtp).send("bob@example.com", "Hello", "text") is False
    assert (mailbox.messages, mailbox.logins) == ([], [])


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("smtp://mail.example.com", "mail.example.com", 25),
        ("smtps://a:b@mail.example.com", "mail.example.com", 465),
        ("smtp+starttls://a:b@[::1]", "::1", 587),
        ("smtp+starttls://mail.example.com:2525/", "mail.example.com", 2525),
    ],
)
def test_a_url_names_the_server(url: str, host: str, port: int) -> None:
    smtp = read_smtp(url, SENDER)

    assert (smtp.host, smtp.port) == (host, port)


@pytest.mark.parametrize(
    ("url", "sender"),
    [
        ("mail.example.com:25", SENDER),
        ("http://u:hidden@mail.example.com", SENDER),
        ("smtp://u:hidden@mail.example.com", SENDER),
        ("smtps://u:hidden@", SENDER),
        ("smtps://u:hidden@h:port", SENDER),
        ("smtps://u:hidden@h/path", SENDER),
        ("smtps://u:hidden@h", ""),
        ("smtps://u:hidden@h", "no address"),
    ],
)
def test_a_bad_url_or_sender_stops_the_start_and_is_not_repeated(url: str, sender: str) -> None:
    with pytest.raises(BadSmtp) as bad:
        read_smtp(url, sender)
    with pytest.raises(BadSetting, match="FIRMTRAIL_SMTP"):
        read_settings({"FIRMTRAIL_SMTP_URL": url, "FIRMTRAIL_SMTP_FROM": sender})

    assert "hidden" not in f"{bad.value!r} {bad.value.__cause__!r} {bad.value.__context__!r}"
    assert "hidden" not in repr(read_smtp("smtps://u:hidden@h", SENDER))


def test_the_url_may_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "smtp"
    file.write_text("smtps://u:hidden@mail.example.com\n")

    settings = read_settings({"FIRMTRAIL_SMTP_URL_FILE": str(file), "FIRMTRAIL_SMTP_FROM": SENDER})

    assert settings.smtp == read_smtp("smtps://u:hidden@mail.example.com", SENDER)
    assert "hidden" not in repr(settings)


@pytest.mark.parametrize("mode", ["OPEN", "everyone", "true"])
def test_an_unknown_way_to_sign_up_stops_the_start(mode: str) -> None:
    with pytest.raises(BadSetting, match="FIRMTRAIL_SIGN_UP must be one of open, invited, off"):
        read_settings({"FIRMTRAIL_SIGN_UP": mode})

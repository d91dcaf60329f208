"""Signing up and a forgotten password by the command, on a server that sends e-mail, and on one that does not."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from firmtrail_server.services.mail import read_smtp
from firmtrail_server.settings import Settings
from tests.sdk.shell import ADA, PASSWORD, Shell
from tests.served import Server
from tests.server.mailbox import Mailbox, code_in, smtp_server

NEW_PASSWORD = "another long password"


@pytest.fixture
async def mailbox() -> AsyncGenerator[Mailbox]:
    async with smtp_server() as mailbox:
        yield mailbox


class TestWithMail:
    @pytest.fixture
    def settings(self, mailbox: Mailbox) -> Settings:
        return Settings(password_cost=4, smtp=read_smtp(f"smtp://127.0.0.1:{mailbox.port}", "firmtrail@example.com"))

    async def test_a_sign_up_is_confirmed_and_a_password_reset(
        self, shell: Shell, server: Server, mailbox: Mailbox
    ) -> None:
        shell.monkeypatch.setenv("FIRMTRAIL_URL", server.url)
        said = await shell.said("sign-up", ADA, "--name", "Ada", told=f"{PASSWORD}\n")
        assert "firmtrail confirm-sign-up" in said
        code = code_in((await mailbox.wait_for(1))[0])
        await shell("login", ADA, told=f"{PASSWORD}\n", code=1)

        assert "firmtrail login" in await shell.said("confirm-sign-up", told=f"{code}\n{PASSWORD}\n")
        assert "--code" in await shell.said("reset-password", ADA)
        code = code_in((await mailbox.wait_for(2))[1])
        await shell("reset-password", "--code", told=f"{code}\n{NEW_PASSWORD}\n")

        await shell("login", ADA, told=f"{PASSWORD}\n", code=1)
        await shell("login", ADA, told=f"{NEW_PASSWORD}\n")
        shell.monkeypatch.delenv("FIRMTRAIL_URL")
        assert (await shell.one("whoami"))["email"] == ADA


async def test_without_mail_a_reset_says_to_ask_the_operator(ada: Shell, server: Server) -> None:
    assert "operator" in await ada("reset-password", ADA, "--url", server.url, code=1)

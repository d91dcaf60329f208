"""The client."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from ssl import SSLContext
from typing import TYPE_CHECKING, Self

import attrs

import firmtrail_contract
from firmtrail._calls import Call, CallOptions, decode
from firmtrail._checks import project_of_client
from firmtrail._retry import RetryPolicy
from firmtrail._settings import Auth, checked_attempts, given_credential, read_settings
from firmtrail._sync.sender import Sender
from firmtrail._sync.transport import Transport
from firmtrail.credentials import ApiKey, Login
from firmtrail.errors import ConfigError
from firmtrail.proxies import proxy_for
from firmtrail.responses import RawResponse

if TYPE_CHECKING:  # each is imported when it is first used: a device that reports needs but one
    from firmtrail._sync.api_keys import ApiKeys
    from firmtrail._sync.audit_events import AuditEvents
    from firmtrail._sync.desired_versions import DesiredVersions
    from firmtrail._sync.device_api_keys import DeviceApiKeys
    from firmtrail._sync.devices import Devices
    from firmtrail._sync.enrollment import Enrolling
    from firmtrail._sync.enrollment_keys import EnrollmentKeys
    from firmtrail._sync.firmware import Firmware
    from firmtrail._sync.firmware_changes import ChangeFeed
    from firmtrail._sync.firmware_history import FirmwareHistory
    from firmtrail._sync.fleet import Fleet
    from firmtrail._sync.invitations import Invitations
    from firmtrail._sync.members import Members
    from firmtrail._sync.projects import Projects
    from firmtrail._sync.users import Users
    from firmtrail._sync.webhooks import Webhooks


class Client:
    """A connection pool to one Firmtrail server.

    Args:
        url: the server; else FIRMTRAIL_URL, else the user's profile.
        api_key: an `ApiKey` or "<key id>:<secret>"; else FIRMTRAIL_API_KEY or FIRMTRAIL_API_KEY_FILE, else the profile.
        login: a user's e-mail address and password, instead of an API key.
        access_token: an access token that you have, instead of both; it is used until it expires. Else
            FIRMTRAIL_ACCESS_TOKEN or FIRMTRAIL_ACCESS_TOKEN_FILE, else the profile.
        auth: "token" gets a short-lived access token with the API key and sends that, "basic" sends the key itself with
            each call; else FIRMTRAIL_AUTH, else the profile, else "token".
        profile: a profile of the user's file, which then counts before the environment; else FIRMTRAIL_PROFILE, else
            "default".
        project: the id of the project of calls that name none; else that of the API key.
        timeout: seconds that a call may take in all, its repetitions included.
        attempts: how often a call is tried in all, where trying again can help; 1: never again.
        ca_file: a file of certificates in PEM form to trust beside the usual ones; else FIRMTRAIL_CA_FILE, else the
            profile.
        client_cert: a file with the certificate to show a server that asks for one, and its private key, in PEM form.
        proxy: the URL of an HTTP proxy to go through, instead of what HTTPS_PROXY and its like say.
        ssl_context: how to speak TLS and whom to trust, all of it, in the place of `ca_file`, `client_cert`,
            FIRMTRAIL_CA_FILE and the usual certificates.

    Raises:
        ConfigError: a setting cannot be used; the message names it.
        CredentialsError: the API key or the access token is none.
    """

    def __init__(  # noqa: PLR0913  every one of them is an option of its own
        self,
        url: str | None = None,
        *,
        api_key: ApiKey | str | None = None,
        login: Login | None = None,
        access_token: str | None = None,
        auth: Auth | None = None,
        profile: str | None = None,
        project: uuid.UUID | str | None = None,
        timeout: float = 30.0,
        attempts: int = 3,
        ca_file: str | os.PathLike[str] | None = None,
        client_cert: str | os.PathLike[str] | None = None,
        proxy: str | None = None,
        ssl_context: SSLContext | None = None,
    ) -> None:
        credential = given_credential(api_key, login, access_token)
        if ssl_context is not None and (ca_file is not None or client_cert is not None):
            raise ConfigError("Pass ssl_context, or ca_file and client_cert: a context holds what they would add.")
        found = read_settings(url, credential, auth=auth, ca_file=ca_file, profile=profile)
        settings = attrs.evolve(
            found,
            client_cert=None if client_cert is None else Path(client_cert),
            proxy=proxy or proxy_for(found.url),
            ssl_context=ssl_context,
        )
        policy = RetryPolicy(attempts=checked_attempts(attempts))
        transport = Transport(settings, timeout=timeout, policy=policy)
        self._transport = Sender(transport, CallOptions(project=project_of_client(project)))

    def with_options(  # noqa: PLR0913  each is an option of its own
        self,
        *,
        timeout: float | None = None,
        attempts: int | None = None,
        project: uuid.UUID | str | None = None,
        api_key: ApiKey | str | None = None,
        login: Login | None = None,
        access_token: str | None = None,
        on_response: Callable[[RawResponse], object] | None = None,
    ) -> Self:
        """Make a client that differs in these, and shares the connections of this one.

        With a credential it is somebody else; without one it shares the access token too. Its connections close with
        this client, not with its own `with` block: make it for one call, or for each device of a gateway.

        Args:
            timeout: seconds that a call may take in all.
            attempts: how often a call is tried in all; 1: never again.
            project: the id of the project of calls that name none.
            api_key: an `ApiKey` or "<key id>:<secret>".
            login: a user's e-mail address and password, instead of an API key.
            access_token: an access token that you have, instead of both.
            on_response: called with the whole answer of each attempt, good or not, before it is read. What it raises
                ends the call. Answers that bring an access token are left out; of an export, which is read while it
                comes, only refusals are shown.

        Raises:
            ConfigError: an option cannot be used; the message names it.
            CredentialsError: the API key or the access token is none.
        """
        options = CallOptions(
            timeout=timeout, attempts=attempts, project=project_of_client(project), on_response=on_response
        )
        client = object.__new__(type(self))
        client._transport = self._transport.with_options(options, given_credential(api_key, login, access_token))
        return client

    @cached_property
    def users(self) -> Users:
        """The user who asks, and signing up."""
        from firmtrail._sync.users import Users

        return Users(self._transport)

    @cached_property
    def projects(self) -> Projects:
        """The projects of the user."""
        from firmtrail._sync.projects import Projects

        return Projects(self._transport)

    @cached_property
    def members(self) -> Members:
        """Who belongs to a project, and as what."""
        from firmtrail._sync.members import Members

        return Members(self._transport)

    @cached_property
    def invitations(self) -> Invitations:
        """Who is asked to join a project."""
        from firmtrail._sync.invitations import Invitations

        return Invitations(self._transport)

    @cached_property
    def api_keys(self) -> ApiKeys:
        """API keys of a project."""
        from firmtrail._sync.api_keys import ApiKeys

        return ApiKeys(self._transport)

    @cached_property
    def devices(self) -> Devices:
        """The devices of a project."""
        from firmtrail._sync.devices import Devices

        return Devices(self._transport)

    @cached_property
    def device_api_keys(self) -> DeviceApiKeys:
        """API keys of a device."""
        from firmtrail._sync.device_api_keys import DeviceApiKeys

        return DeviceApiKeys(self._transport)

    @cached_property
    def enrollment_keys(self) -> EnrollmentKeys:
        """Keys with which devices register themselves."""
        from firmtrail._sync.enrollment_keys import EnrollmentKeys

        return EnrollmentKeys(self._transport)

    @cached_property
    def enrollment(self) -> Enrolling:
        """How a device registers itself."""
        from firmtrail._sync.enrollment import Enrolling

        return Enrolling(self._transport)

    @cached_property
    def firmware(self) -> Firmware:
        """What a device runs and ran, and reporting it."""
        from firmtrail._sync.firmware import Firmware

        return Firmware(self._transport)

    @cached_property
    def firmware_changes(self) -> ChangeFeed:
        """The feed of a project: what changed, in one order."""
        from firmtrail._sync.firmware_changes import ChangeFeed

        return ChangeFeed(self._transport)

    @cached_property
    def firmware_history(self) -> FirmwareHistory:
        """The whole history of a project, streamed or written to a file."""
        from firmtrail._sync.firmware_history import FirmwareHistory

        return FirmwareHistory(self._transport)

    @cached_property
    def fleet(self) -> Fleet:
        """What all devices of a project run, and ran at any moment."""
        from firmtrail._sync.fleet import Fleet

        return Fleet(self._transport)

    @cached_property
    def desired_versions(self) -> DesiredVersions:
        """What the devices of a project should run."""
        from firmtrail._sync.desired_versions import DesiredVersions

        return DesiredVersions(self._transport)

    @cached_property
    def webhooks(self) -> Webhooks:
        """Where the changes of a project are sent to."""
        from firmtrail._sync.webhooks import Webhooks

        return Webhooks(self._transport)

    @cached_property
    def audit_events(self) -> AuditEvents:
        """Who did what in a project."""
        from firmtrail._sync.audit_events import AuditEvents

        return AuditEvents(self._transport)

    def seed(self) -> firmtrail_contract.Seed:
        """Make a demo project; no API key is needed. `NotFoundError` unless the server's operator allows it."""
        call = Call(method="POST", path="/v1/seed", repeatable=False, needs_key=False)
        return decode(self._transport.send(call), firmtrail_contract.Seed)

    def access_token(self, *, offline_access: bool = False) -> firmtrail_contract.AccessToken:
        """Get an access token to hand to another client or program: with it comes for how long it works.

        This client needs no such call: it gets its own tokens and keeps them.

        Args:
            offline_access: begin a session of the user of a `Login`, which lasts for weeks: the answer has a
                `refresh_token` too, to send to the token endpoint for the next access token and refresh token.

        Raises:
            ConfigError: the client was made with an access token or a session, which give none to hand on.
            OAuthError: the server gives none; it does not know the API key, or the address with this password.
        """
        return self._transport.access_token(offline_access=offline_access)

    @property
    def url(self) -> str:
        """The server."""
        return self._transport.url

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.url}>"

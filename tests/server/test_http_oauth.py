"""The token endpoint over plain HTTP: what RFC 6749 allows, what it refuses, and the metadata that leads to it."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import quote_plus, urlencode

import httpx
import psycopg
import pytest

from firmtrail_contract import Role
from firmtrail_server.app import create_app
from firmtrail_server.auth.permissions import KEY_SCOPES, OFFLINE_ACCESS, ROLE_SCOPES, SCOPE_MEANINGS
from firmtrail_server.http.requests import MAX_BODY_BYTES
from firmtrail_server.settings import Settings
from tests.served import serving
from tests.server.conftest import Clock, Demo

TOKEN = "/v1/oauth/token"
GRANT = {"grant_type": "client_credentials"}
ALL_OF_AN_ADMIN = " ".join(sorted(ROLE_SCOPES[Role.ADMIN] | KEY_SCOPES))
NOBODY = "00000000-0000-4000-8000-000000000000"


def in_form(key: tuple[str, str]) -> dict[str, str]:
    return {"client_id": key[0], "client_secret": key[1]}


async def send(http: httpx.AsyncClient, body: str | bytes, **options: Any) -> httpx.Response:
    return await http.post(
        TOKEN, content=body, headers={"Content-Type": "application/x-www-form-urlencoded"}, **options
    )


def assert_refused(answer: httpx.Response, status: int, error: str) -> str:
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"].partition(";")[0] == "application/json"
    assert (answer.headers["Cache-Control"], answer.headers["Pragma"]) == ("no-store", "no-cache")
    assert answer.headers["X-Request-Id"]
    said = answer.json()
    assert said.keys() == {"error", "error_description"}
    assert said["error"] == error
    assert not {*'"\\'} & {*said["error_description"]}
    return said["error_description"]


async def test_a_key_gets_a_token_by_basic_authentication(http: httpx.AsyncClient, demo: Demo) -> None:
    answer = await http.post(TOKEN, auth=demo.project_key, data=GRANT)

    assert answer.status_code == 200
    assert (answer.headers["Cache-Control"], answer.headers["Pragma"]) == ("no-store", "no-cache")
    token = answer.json()
    assert token.pop("access_token")
    assert token == {"token_type": "Bearer", "expires_in": 900, "scope": ALL_OF_AN_ADMIN}


async def test_a_key_gets_a_token_by_the_form(http: httpx.AsyncClient, demo: Demo) -> None:
    answer = await http.post(TOKEN, data=GRANT | in_form(demo.device_key))

    assert answer.status_code == 200
    assert answer.json()["scope"] == "device_desired_versions:read device_keys:rotate firmware:report own_key:read"


async def test_basic_credentials_may_be_encoded_as_rfc_6749_says(http: httpx.AsyncClient, demo: Demo) -> None:
    key_id, secret = (quote_plus(part).replace("-", "%2D").replace("_", "%5f") for part in demo.device_key)

    assert (await http.post(TOKEN, auth=(key_id, secret), data=GRANT)).status_code == 200


async def test_basic_credentials_may_be_accompanied_by_the_same_client_id(http: httpx.AsyncClient, demo: Demo) -> None:
    answer = await http.post(TOKEN, auth=demo.device_key, data=GRANT | {"client_id": demo.device_key[0]})

    assert answer.status_code == 200


async def test_unknown_parameters_are_ignored_and_empty_ones_count_as_left_out(
    http: httpx.AsyncClient, demo: Demo
) -> None:
    more = {"resource": "https://example.com", "client_secret": "", "scope": ""}

    assert (await http.post(TOKEN, auth=demo.device_key, data=GRANT | more)).status_code == 200


@pytest.mark.parametrize("scope", ["firmware:read", "firmware:read firmware:read"])
async def test_a_scope_that_the_key_has_may_be_named(http: httpx.AsyncClient, demo: Demo, scope: str) -> None:
    answer = await http.post(TOKEN, auth=demo.project_key, data=GRANT | {"scope": scope})

    assert answer.json()["scope"] == "firmware:read"


async def test_an_unknown_scope_or_one_beyond_the_key_is_refused(http: httpx.AsyncClient, demo: Demo) -> None:
    for scope in ("fleet:dance", "firmware:report", "firmware:read firmware:report", "public", "FIRMWARE:READ", " "):
        answer = await http.post(TOKEN, auth=demo.project_key, data=GRANT | {"scope": scope})

        assert_refused(answer, 400, "invalid_scope")


async def test_a_refused_scope_is_told_which_are_possible(http: httpx.AsyncClient, demo: Demo) -> None:
    answer = await http.post(TOKEN, auth=demo.project_key, data=GRANT | {"scope": "firmware:report"})

    assert "firmware:read" in assert_refused(answer, 400, "invalid_scope")


@pytest.mark.parametrize("grant_type", ["authorization_code", "CLIENT_CREDENTIALS", "x" * 64])
async def test_another_grant_type_is_refused(http: httpx.AsyncClient, demo: Demo, grant_type: str) -> None:
    answer = await http.post(TOKEN, auth=demo.project_key, data={"grant_type": grant_type})

    assert "client_credentials" in assert_refused(answer, 400, "unsupported_grant_type")


NOT_RIGHT = [
    "",
    "grant_type=",
    "scope=firmware:read",
    "grant_type=client_credentials&grant_type=client_credentials",
    "grant_type=client_credentials&scope=firmware:read&scope=firmware:read",
    "grant_type=client_credentials&unknown=1&unknown=2",
    "grant_type=client_credentials&scope=%00",
    "grant_type=client_credentials&scope=%FF",
    "grant_type=client_credentials&scope=\u00e9",
    "grant_type=" + "x" * 65,
    "grant_type=client_credentials&" + "&".join(f"x{number}=" for number in range(50)),
    '{"grant_type": "client_credentials"}',
]


async def test_a_form_that_is_not_right_is_an_invalid_request(http: httpx.AsyncClient, demo: Demo) -> None:
    for body in NOT_RIGHT:
        assert_refused(await send(http, body, auth=demo.project_key), 400, "invalid_request")


async def test_what_is_wrong_is_said_by_name(http: httpx.AsyncClient, demo: Demo) -> None:
    answer = await send(http, "scope=%00", auth=demo.project_key)

    description = assert_refused(answer, 400, "invalid_request")
    assert description == "grant_type is required; scope must hold no control characters"


async def test_parameters_in_the_url_are_refused_and_not_repeated(http: httpx.AsyncClient, demo: Demo) -> None:
    answer = await http.post(f"{TOKEN}?client_secret={demo.device_key[1]}", auth=demo.device_key, data=GRANT)

    assert demo.device_key[1] not in assert_refused(answer, 400, "invalid_request")


@pytest.mark.parametrize("header", [None, "application/json", "multipart/form-data; boundary=x", "text/plain"])
async def test_another_content_type_is_an_invalid_request(
    http: httpx.AsyncClient, demo: Demo, header: str | None
) -> None:
    answer = await http.post(
        TOKEN, auth=demo.device_key, content=urlencode(GRANT), headers={"Content-Type": header} if header else {}
    )

    assert "application/x-www-form-urlencoded" in assert_refused(answer, 400, "invalid_request")


async def test_a_body_that_is_too_large_is_413(http: httpx.AsyncClient, demo: Demo) -> None:
    answer = await http.post(TOKEN, auth=demo.device_key, data=GRANT | {"x": "x" * MAX_BODY_BYTES})

    assert_refused(answer, 413, "invalid_request")


async def test_credentials_in_two_places_are_an_invalid_request(http: httpx.AsyncClient, demo: Demo) -> None:
    answer = await http.post(TOKEN, auth=demo.device_key, data=GRANT | in_form(demo.device_key))

    assert "not both" in assert_refused(answer, 400, "invalid_request")


async def test_a_client_id_besides_another_clients_basic_is_an_invalid_request(
    http: httpx.AsyncClient, demo: Demo
) -> None:
    answer = await http.post(TOKEN, auth=demo.device_key, data=GRANT | {"client_id": demo.project_key[0]})

    assert_refused(answer, 400, "invalid_request")


async def test_another_authorization_header_is_an_invalid_client(http: httpx.AsyncClient) -> None:
    for header in ("", "Basic", "Basic !!!!", f"Basic {'QUFB' * 1_000}", "Bearer abc", "Digest username=x"):
        answer = await http.post(TOKEN, data=GRANT, headers={"Authorization": header})

        assert_refused(answer, 401, "invalid_client")
        assert answer.headers["WWW-Authenticate"].startswith("Basic ")


async def test_no_or_wrong_credentials_are_an_invalid_client(http: httpx.AsyncClient, demo: Demo, other: Demo) -> None:
    wrong = [(NOBODY, demo.device_key[1]), (demo.device_key[0], other.device_key[1]), ("no-uuid", demo.device_key[1])]
    answers = [await http.post(TOKEN, auth=key, data=GRANT) for key in wrong]
    answers += [await http.post(TOKEN, data=GRANT | in_form(key)) for key in wrong]
    answers += [await http.post(TOKEN, data=GRANT), await http.post(TOKEN, data=GRANT | {"client_id": NOBODY})]

    assert len({assert_refused(answer, 401, "invalid_client") for answer in answers}) == 1
    assert all("WWW-Authenticate" in answer.headers for answer in answers)


async def test_an_expired_key_gets_no_token(
    http: httpx.AsyncClient, demo: Demo, clock: Clock, database_url: str
) -> None:
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("update api_keys set expires_at = %s", [clock.moment])

    assert_refused(await http.post(TOKEN, auth=demo.device_key, data=GRANT), 401, "invalid_client")


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
async def test_only_post_is_possible(http: httpx.AsyncClient, method: str) -> None:
    answer = await http.request(method, f"{TOKEN}?grant_type=client_credentials")

    assert answer.status_code == 405
    assert answer.headers["Allow"] == "POST"


async def test_a_database_that_is_away_is_temporarily_unavailable(demo: Demo) -> None:
    nowhere = "postgresql://u@127.0.0.1:9/d"
    async with (
        serving(create_app(Settings(), nowhere)) as server,
        httpx.AsyncClient(base_url=server.url, timeout=30) as http,
    ):
        answer = await http.post(TOKEN, auth=demo.device_key, data=GRANT)

    assert_refused(answer, 503, "temporarily_unavailable")
    assert int(answer.headers["Retry-After"]) > 0


async def test_the_life_of_a_token_is_the_operators_choice(database_url: str, demo: Demo) -> None:
    settings = Settings(token_seconds=60, device_token_seconds=70)
    async with serving(create_app(settings, database_url)) as server, httpx.AsyncClient(base_url=server.url) as http:
        answers = [await http.post(TOKEN, auth=key, data=GRANT) for key in (demo.project_key, demo.device_key)]

    assert [answer.json()["expires_in"] for answer in answers] == [60, 70]


async def test_a_token_of_a_devices_key_lives_for_a_day(http: httpx.AsyncClient, demo: Demo, clock: Clock) -> None:
    granted = (await http.post(TOKEN, auth=demo.device_key, data=GRANT)).json()
    bearer = {"Authorization": f"Bearer {granted['access_token']}"}

    clock.advance(hours=23)
    good = await http.post(demo.path, headers=bearer, json={"version": "1"})
    clock.advance(hours=2)
    outlived = await http.post(demo.path, headers=bearer, json={"version": "1"})

    assert (granted["expires_in"], good.status_code, outlived.status_code) == (86_400, 201, 401)


async def test_no_secret_is_in_an_answer_or_a_log(
    http: httpx.AsyncClient, demo: Demo, other: Demo, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    key = (demo.device_key[0], other.device_key[1])
    answers = [
        await http.post(TOKEN, auth=key, data=GRANT),
        await http.post(TOKEN, data=GRANT | in_form(key)),
        await http.post(TOKEN, auth=key, data=GRANT | in_form(key)),
        await http.post(TOKEN, data={"grant_type": key[1]}),
    ]

    encoded = base64.b64encode(":".join(key).encode()).decode()
    texts = [*(answer.text for answer in answers), caplog.text]
    assert not any(hidden in text for text in texts for hidden in (key[1], encoded))


async def test_the_metadata_leads_to_the_endpoint_and_the_keys(database_url: str, demo: Demo) -> None:
    settings = Settings(public_url="https://firmtrail.example.com/api")
    async with (
        serving(create_app(settings, database_url)) as server,
        httpx.AsyncClient(base_url=server.url) as http,
    ):
        metadata = (await http.get("/.well-known/oauth-authorization-server")).raise_for_status().json()

    assert metadata == {
        "issuer": "https://firmtrail.example.com/api",
        "token_endpoint": "https://firmtrail.example.com/api/v1/oauth/token",
        "revocation_endpoint": "https://firmtrail.example.com/api/v1/oauth/revoke",
        "jwks_uri": "https://firmtrail.example.com/api/.well-known/jwks.json",
        "scopes_supported": sorted([*SCOPE_MEANINGS, OFFLINE_ACCESS]),
        "response_types_supported": [],
        "grant_types_supported": ["client_credentials", "password", "refresh_token"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
    }


async def test_published_keys_hold_no_private_half(http: httpx.AsyncClient) -> None:
    (key,) = (await http.get("/.well-known/jwks.json")).raise_for_status().json()["keys"]

    assert key.keys() == {"kty", "crv", "x", "kid", "use", "alg"}
    assert (key["kty"], key["crv"], key["use"], key["alg"]) == ("OKP", "Ed25519", "sig", "EdDSA")


async def test_everywhere_else_both_ways_to_authenticate_are_offered(http: httpx.AsyncClient, demo: Demo) -> None:
    answer = await http.get(demo.path)

    assert answer.headers["WWW-Authenticate"] == 'Basic realm="firmtrail", charset="UTF-8", Bearer realm="firmtrail"'

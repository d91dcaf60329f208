"""Access tokens at a real server: good ones are taken, forged, foreign and outlived ones refused."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import attrs
import httpx
import psycopg
import pytest

from firmtrail_contract import Role
from firmtrail_server.app import create_app
from firmtrail_server.auth.permissions import KEY_SCOPES, ROLE_SCOPES
from firmtrail_server.auth.signing_keys import read_signing_keys
from firmtrail_server.settings import Settings
from tests.served import serving
from tests.server.conftest import Clock, Demo
from tests.server.forging import ISSUER, Signer, decoded, encoded, good_claims, key_set, segment
from tests.server.refusals import assert_problem

#: of the last year that a datetime knows
LAST_SECOND = 253_402_300_799
OURS, THEIRS = Signer("ours"), Signer("theirs")
Claims = dict[str, Any]
Forge = Callable[[Claims], str]


@pytest.fixture
def settings() -> Settings:
    return Settings(seed_enabled=True, public_url=ISSUER, signing_keys=read_signing_keys(key_set(OURS)))


@pytest.fixture
def claims(demo: Demo, clock: Clock) -> Claims:
    return good_claims(demo.project_key[0], clock.moment.timestamp())


async def history(http: httpx.AsyncClient, demo: Demo, token: str) -> httpx.Response:
    return await http.get(demo.path, headers={"Authorization": f"Bearer {token}"})


async def token_for(http: httpx.AsyncClient, key: tuple[str, str], **form: str) -> str:
    answer = await http.post("/v1/oauth/token", auth=key, data={"grant_type": "client_credentials"} | form)
    return answer.raise_for_status().json()["access_token"]


def assert_token_refused(answer: httpx.Response) -> None:
    assert_problem(answer, 401, "unauthenticated")
    assert 'Bearer realm="firmtrail", error="invalid_token"' in answer.headers["WWW-Authenticate"]


async def test_a_token_stands_for_its_key(http: httpx.AsyncClient, demo: Demo) -> None:
    device_token, project_token = await token_for(http, demo.device_key), await token_for(http, demo.project_key)

    reported = await http.post(
        demo.path, headers={"Authorization": f"bearer {device_token}"}, json={"version": "1.4.2"}
    )

    assert reported.status_code == 201
    assert (await history(http, demo, project_token)).json()["items"][0]["version"] == "1.4.2"


async def test_a_token_made_by_hand_is_taken(http: httpx.AsyncClient, demo: Demo, claims: Claims) -> None:
    assert (await history(http, demo, OURS.sign(OURS.header, claims))).status_code == 200


async def test_a_token_of_a_newer_server_may_say_more(http: httpx.AsyncClient, demo: Demo, claims: Claims) -> None:
    newer = claims | {"nbf": claims["iat"], "more": "x", "scope": "firmware:read fleet:dance"}

    assert (await history(http, demo, OURS.sign(OURS.header, newer))).status_code == 200


def hs256(header: dict[str, Any], claims: Claims, secret: bytes) -> str:
    signed = f"{segment(header)}.{segment(claims)}"
    return f"{signed}.{encoded(hmac.digest(secret, signed.encode(), hashlib.sha256))}"


def with_header(**changes: Any) -> Forge:
    return lambda claims: OURS.sign(OURS.header | changes, claims)


def with_claims(**changes: Any) -> Forge:
    return lambda claims: OURS.sign(OURS.header, claims | changes)


def without_header(name: str) -> Forge:
    return lambda claims: OURS.sign({key: value for key, value in OURS.header.items() if key != name}, claims)


def without_claim(name: str) -> Forge:
    return lambda claims: OURS.sign(OURS.header, {key: value for key, value in claims.items() if key != name})


def exchanged(part: int, text: str) -> Forge:
    """Put another text in the place of header, claims or signature."""

    def forge(claims: Claims) -> str:
        parts = OURS.sign(OURS.header, claims).split(".")
        parts[part] = text
        return ".".join(parts)

    return forge


FORGED: dict[str, Forge] = {
    "alg none, no signature": lambda claims: f"{segment(OURS.header | {'alg': 'none'})}.{segment(claims)}.",
    "alg None": lambda claims: f"{segment(OURS.header | {'alg': 'None'})}.{segment(claims)}.",
    "alg none, signed": with_header(alg="none"),
    "alg Ed25519": with_header(alg="Ed25519"),
    "alg Ed448": with_header(alg="Ed448"),
    "alg RS256": with_header(alg="RS256"),
    "alg eddsa": with_header(alg="eddsa"),
    "alg a list": with_header(alg=["EdDSA"]),
    "alg missing": without_header("alg"),
    "HS256 with the raw public key": lambda claims: hs256(OURS.header | {"alg": "HS256"}, claims, OURS.public_bytes),
    "HS256 with the public key as in the JWKS": lambda claims: hs256(
        OURS.header | {"alg": "HS256"}, claims, OURS.jwk["x"].encode()
    ),
    "HS256 with nothing": lambda claims: hs256(OURS.header | {"alg": "HS256"}, claims, b""),
    "EdDSA in name, HMAC in fact": lambda claims: hs256(OURS.header, claims, OURS.public_bytes),
    "signed by a stranger": lambda claims: THEIRS.sign(OURS.header, claims),
    "signed by a stranger who names himself": lambda claims: THEIRS.sign(THEIRS.header, claims),
    "a stranger's key in the header": lambda claims: THEIRS.sign(OURS.header | {"jwk": THEIRS.jwk}, claims),
    "a stranger's key at a URL": lambda claims: THEIRS.sign(OURS.header | {"jku": "http://127.0.0.1:9/jwks"}, claims),
    "our signature, a key in the header": with_header(jwk=OURS.jwk),
    "kid missing": without_header("kid"),
    "kid unknown": with_header(kid="OURS"),
    "kid empty": with_header(kid=""),
    "kid a path": with_header(kid="../../../../dev/null"),
    "kid SQL": with_header(kid="ours' or '1'='1"),
    "kid a number": with_header(kid=0),
    "kid a list": with_header(kid=["ours"]),
    "kid null": with_header(kid=None),
    "typ JWT": with_header(typ="JWT"),
    "typ missing": without_header("typ"),
    "crit of something unknown": with_header(crit=["exp"], exp=1),
    "crit empty": with_header(crit=[]),
    "crit no list": with_header(crit=7),
    "crit b64": with_header(crit=["b64"], b64=False),
    "b64 without crit": with_header(b64=False),
    "another header": with_header(cty="JWT"),
    "issuer foreign": with_claims(iss="https://evil.example.com"),
    "issuer with a slash": with_claims(iss=ISSUER + "/"),
    "audience foreign": with_claims(aud="https://evil.example.com"),
    "audience a list": with_claims(aud=[ISSUER, "https://evil.example.com"]),
    "subject another than the client": with_claims(sub="someone"),
    "client no UUID": with_claims(sub="x", client_id="x"),
    "expiry a text": with_claims(exp="9999999999"),
    "expiry true": with_claims(exp=True),
    "expiry infinite": with_claims(exp=float("inf")),
    "expiry no number": with_claims(exp=float("nan")),
    "expiry negative": with_claims(exp=-1),
    "expiry before the year 1": with_claims(exp=-(10**12)),
    "expiry in the year 10000": with_claims(exp=LAST_SECOND + 1),
    "expiry in milliseconds": with_claims(exp=LAST_SECOND * 1000),
    "expiry beyond 32 bits of years": with_claims(exp=2**62),
    "expiry beyond 64 bits": with_claims(exp=2**64),
    "expiry immense": with_claims(exp=10**400),
    "expiry immense, a float": with_claims(exp=1e300),
    "expiry with a fraction": with_claims(exp=9_999_999_999.5),
    "issued before all time, expiry immense": with_claims(iat=-(10**400), exp=10**400),
    "issued in a far future": with_claims(iat=99_999_999_999),
    "not valid before a far future": with_claims(nbf=99_999_999_999),
    "not before a text": with_claims(nbf="now"),
    "scope a list": with_claims(scope=["firmware:read"]),
    **{f"{name} missing": without_claim(name) for name in good_claims("", 0)},
    "claims a list": lambda _: OURS.sign(OURS.header, []),
    "claims null": lambda _: OURS.sign(OURS.header, None),
    "claims deeply nested": lambda _: OURS.sign(OURS.header, json.loads("[" * 600 + "]" * 600)),
    "header a text": lambda claims: OURS.sign("alg b64", claims),
    "header a list": lambda claims: OURS.sign(["alg", "b64", "typ", "kid"], claims),
    "header null": lambda claims: OURS.sign(None, claims),
    "header no JSON": exchanged(0, encoded(b"{")),
    "header no UTF-8": exchanged(0, encoded(b"\xff\xfe")),
    "claims altered": exchanged(1, segment(good_claims("00000000-0000-4000-8000-000000000000", 2e9))),
    "claims left out": exchanged(1, ""),
    "signature left out": exchanged(2, ""),
    "signature cut": exchanged(2, encoded(b"x" * 63)),
    "signature of zeros": exchanged(2, encoded(bytes(64))),
    "signature padded": lambda claims: OURS.sign(OURS.header, claims) + "==",
    "two parts": lambda claims: OURS.sign(OURS.header, claims).rpartition(".")[0],
    "four parts": lambda claims: OURS.sign(OURS.header, claims) + ".x",
    "an encrypted token's five parts": lambda _: ".".join(
        [segment({"alg": "dir", "enc": "A128GCM"}), "", "a", "b", "c"]
    ),
    "oversized": lambda claims: OURS.sign(OURS.header, claims | {"more": "x" * 3_000}),
    "two tokens": lambda claims: " ".join([OURS.sign(OURS.header, claims)] * 2),
}


async def test_a_token_may_live_until_the_last_second_that_a_datetime_knows(
    http: httpx.AsyncClient, demo: Demo, claims: Claims
) -> None:
    assert (await history(http, demo, OURS.sign(OURS.header, claims | {"exp": LAST_SECOND}))).status_code == 200


async def test_every_forged_token_is_refused(
    http: httpx.AsyncClient, demo: Demo, claims: Claims, caplog: pytest.LogCaptureFixture
) -> None:
    for name, forge in FORGED.items():
        answer = await history(http, demo, forge(claims))

        assert answer.status_code == 401, name
        assert_token_refused(answer)
    assert caplog.text == ""


async def test_not_one_bit_of_a_token_may_change(http: httpx.AsyncClient, demo: Demo, claims: Claims) -> None:
    token = OURS.sign(OURS.header, claims).encode()
    altered = [token[:at] + bytes([token[at] ^ 1]) + token[at + 1 :] for at in range(0, len(token), 7)]

    for forged in altered:
        assert_token_refused(await http.get(demo.path, headers={b"Authorization": b"Bearer " + forged}))


async def test_bytes_that_are_no_text_are_refused_too(http: httpx.AsyncClient, demo: Demo) -> None:
    for token in (b"\xff\xfe", b"\xc3\xa9.\xc3\xa9.\xc3\xa9", b"a.b.\xf0\x9f\x9a\x80"):
        assert_token_refused(await http.get(demo.path, headers={b"Authorization": b"Bearer " + token}))


async def test_a_token_lives_until_its_last_second(http: httpx.AsyncClient, demo: Demo, clock: Clock) -> None:
    token = await token_for(http, demo.project_key)

    clock.advance(seconds=899.999)
    assert (await history(http, demo, token)).status_code == 200
    clock.advance(seconds=0.001)
    assert_token_refused(await history(http, demo, token))


@pytest.mark.parametrize("claim", ["iat", "nbf"])
async def test_the_clock_of_another_server_may_be_a_minute_ahead_and_not_more(
    http: httpx.AsyncClient, demo: Demo, claims: Claims, claim: str
) -> None:
    within, beyond = claims | {claim: claims["iat"] + 60}, claims | {claim: claims["iat"] + 61}

    assert (await history(http, demo, OURS.sign(OURS.header, within))).status_code == 200
    assert_token_refused(await history(http, demo, OURS.sign(OURS.header, beyond)))


async def test_a_token_of_a_deleted_key_is_refused_at_once(
    http: httpx.AsyncClient, demo: Demo, database_url: str
) -> None:
    token = await token_for(http, demo.project_key)
    assert (await history(http, demo, token)).status_code == 200

    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("delete from api_keys where id = %s", [demo.project_key[0]])

    assert_token_refused(await history(http, demo, token))


async def test_a_devices_token_that_two_servers_remember_ends_with_its_key_at_both(
    http: httpx.AsyncClient, demo: Demo, settings: Settings, clock: Clock, database_url: str
) -> None:
    headers = {"Authorization": f"Bearer {await token_for(http, demo.device_key)}"}
    async with (
        serving(create_app(settings, database_url, clock=clock)) as server,
        httpx.AsyncClient(base_url=server.url) as second,
    ):
        for one in (http, second):
            (await one.post(demo.path, headers=headers, json={"version": "1"})).raise_for_status()

        with psycopg.connect(database_url, autocommit=True) as conn:
            conn.execute("delete from api_keys where id = %s", [demo.device_key[0]])

        for one in (http, second):
            assert_token_refused(await one.post(demo.path, headers=headers, json={"version": "2"}))


async def test_a_token_of_an_expired_key_is_refused_at_once(
    http: httpx.AsyncClient, demo: Demo, clock: Clock, database_url: str
) -> None:
    token = await token_for(http, demo.project_key)

    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("update api_keys set expires_at = %s", [clock.moment])

    assert_token_refused(await history(http, demo, token))


async def test_a_devices_token_finds_no_other_device(http: httpx.AsyncClient, demo: Demo, other: Demo) -> None:
    token = await token_for(http, demo.device_key)

    answer = await http.post(other.path, headers={"Authorization": f"Bearer {token}"}, json={"version": "1"})

    assert_problem(answer, 404, "not_found")


async def test_a_projects_token_finds_no_device_of_another_project(
    http: httpx.AsyncClient, demo: Demo, other: Demo
) -> None:
    assert_problem(await history(http, other, await token_for(http, demo.project_key)), 404, "not_found")


async def test_a_token_without_the_scope_is_403_and_told_which(http: httpx.AsyncClient, demo: Demo) -> None:
    answer = await history(http, demo, await token_for(http, demo.device_key))

    assert_problem(answer, 403, "forbidden")
    assert (
        answer.headers["WWW-Authenticate"]
        == 'Bearer realm="firmtrail", error="insufficient_scope", scope="firmware:read"'
    )


async def test_a_token_cannot_claim_a_scope_that_its_key_has_not(
    http: httpx.AsyncClient, demo: Demo, clock: Clock
) -> None:
    claims = good_claims(demo.device_key[0], clock.moment.timestamp(), "firmware:read firmware:report")

    assert_problem(await history(http, demo, OURS.sign(OURS.header, claims)), 403, "forbidden")


async def test_during_a_rotation_tokens_of_both_keys_are_taken_and_both_keys_published(
    http: httpx.AsyncClient, settings: Settings, demo: Demo, clock: Clock, database_url: str
) -> None:
    old = await token_for(http, demo.project_key)
    rotated = attrs.evolve(settings, signing_keys=read_signing_keys(key_set(THEIRS, OURS)))

    async with (
        serving(create_app(rotated, database_url, clock=clock)) as server,
        httpx.AsyncClient(base_url=server.url) as after,
    ):
        new = await token_for(after, demo.project_key)
        statuses = [(await history(after, demo, token)).status_code for token in (old, new)]
        published = [key["kid"] for key in (await after.get("/.well-known/jwks.json")).json()["keys"]]

    assert statuses == [200, 200]
    assert published == ["theirs", "ours"]
    assert json.loads(decoded(new.split(".")[0]))["kid"] == "theirs"
    assert_token_refused(await history(http, demo, new))  # a server that was not told yet


async def test_a_token_says_what_rfc_9068_asks_for(http: httpx.AsyncClient, demo: Demo, clock: Clock) -> None:
    header, payload, signature = (await token_for(http, demo.project_key)).split(".")

    OURS.key.public_key().verify(decoded(signature), f"{header}.{payload}".encode())
    assert json.loads(decoded(header)) == OURS.header
    said = json.loads(decoded(payload))
    assert said.pop("jti")
    assert said == {
        "iss": ISSUER,
        "aud": ISSUER,
        "sub": demo.project_key[0],
        "client_id": demo.project_key[0],
        "iat": int(clock.moment.timestamp()),
        "exp": int(clock.moment.timestamp()) + 900,
        "scope": " ".join(sorted(ROLE_SCOPES[Role.ADMIN] | KEY_SCOPES)),
    }


async def test_two_tokens_are_never_the_same(http: httpx.AsyncClient, demo: Demo) -> None:
    assert await token_for(http, demo.project_key) != await token_for(http, demo.project_key)


async def test_no_token_is_in_an_answer_or_a_log(
    http: httpx.AsyncClient, demo: Demo, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    token = await token_for(http, demo.device_key)
    signature = token.rpartition(".")[2]

    answers = [await history(http, demo, token), await history(http, demo, token[:-8] + "AAAAAAAA")]

    assert not any(signature[:20] in text for text in [*(answer.text for answer in answers), caplog.text])

"""The public key in a certificate, against what the cryptography package finds."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st

from firmtrail_agent.validation.pins import pin_of
from firmtrail_agent.validation.spki import NotACertificate, subject_public_key_info

DER = serialization.Encoding.DER
KEYS = {
    "RSA": rsa.generate_private_key(65537, 2048),
    "P-256": ec.generate_private_key(ec.SECP256R1()),
    "P-521": ec.generate_private_key(ec.SECP521R1()),
    "Ed25519": ed25519.Ed25519PrivateKey.generate(),
}


def certificate_of(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> bytes:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "firmtrail " * 6)])
    built = x509.CertificateBuilder(name, name, key.public_key(), 2**150 + 1)
    built = built.not_valid_before(dt.datetime(1999, 1, 1)).not_valid_after(dt.datetime(2051, 1, 1))  # noqa: DTZ001  UTC
    return built.sign(key, None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()).public_bytes(DER)


EXAMPLE = certificate_of(KEYS["P-256"])
#: made by `openssl x509 -req -signkey`
FIRST_VERSION = base64.b64decode(
    "MIHSMIGFAhQ6LKvdXQQy8ol1GpExld4rpFehTzAFBgMrZXAwDDEKMAgGA1UEAwwBeDAeFw0yNjExMjQxNTU1MDZaFw0yNjEyMjQx"
    "NTU1MDZaMAwxCjAIBgNVBAMMAXgwKjAFBgMrZXADIQBYU/XMLYzh601KqNp7GreYPyKm++YXyU3G1nAKF1KnNjAFBgMrZXADQQAy"
    "foDDEfa1oeca8sY26m+YGpIVhM7nWXLbiEH8dpUPol7U7mz/orZ8Vm5r2CANoZfcdhShpp6H0/V0fKYNgqoG"
)
#: by `openssl pkey -pubout -outform der | openssl dgst -sha256 -binary | openssl base64`, as an operator makes one
PIN_OF_FIRST_VERSION = "sha256/04Wk9EzuSv2JaeV1HYDPLqI4t+qNaBirMXFBDKiDRFs="


@pytest.mark.parametrize("kind", KEYS)
def test_the_key_of_a_certificate_is_found(kind: str) -> None:
    key = KEYS[kind]

    found = subject_public_key_info(certificate_of(key))

    assert found == key.public_key().public_bytes(DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def test_a_certificate_of_the_first_version_says_no_version_and_has_a_key() -> None:
    assert x509.load_der_x509_certificate(FIRST_VERSION).version is x509.Version.v1
    assert pin_of(FIRST_VERSION) == PIN_OF_FIRST_VERSION


def test_a_pin_is_the_hash_of_the_key_in_base64() -> None:
    digest = hashlib.sha256(subject_public_key_info(EXAMPLE)).digest()

    assert pin_of(EXAMPLE) == f"sha256/{base64.b64encode(digest).decode()}"


def test_a_certificate_that_is_cut_anywhere_is_none() -> None:
    for length in range(len(EXAMPLE)):
        with pytest.raises(NotACertificate):
            subject_public_key_info(EXAMPLE[:length])


@pytest.mark.parametrize(
    "garbage",
    [
        EXAMPLE + b"\0",
        b"\x31" + EXAMPLE[1:],
        b"\x30\x80" + EXAMPLE[4:] + b"\0\0",
        b"\x30\x83\0" + EXAMPLE[2:],
        b"\x30\x81\x02\x30\0",
        b"\x30\x84\xff\xff\xff\xff",
        b"\x30\xff" + b"\x01" * 200,
        b"\x30\x02\x30\x00\x30\x00",
        b"\x30\x02\x30\x00",
        b"-----BEGIN CERTIFICATE-----\n",
    ],
    ids=[
        "more after it",
        "another tag",
        "no definite length",
        "a length with a leading zero",
        "a long form for a short length",
        "4 GB",
        "a length of 127 bytes",
        "two elements",
        "nothing inside",
        "PEM",
    ],
)
def test_what_is_not_strictly_a_certificate_is_none(garbage: bytes) -> None:
    with pytest.raises(NotACertificate):
        subject_public_key_info(garbage)


@given(st.integers(0, len(EXAMPLE) - 1), st.integers(0, 255))
def test_a_damaged_byte_gives_a_key_or_an_error_of_ours(at: int, byte: int) -> None:
    damaged = EXAMPLE[:at] + bytes([byte]) + EXAMPLE[at + 1 :]
    try:
        found = subject_public_key_info(damaged)
    except NotACertificate:
        return
    assert found in damaged


@given(st.binary(max_size=64))
def test_any_bytes_are_an_error_of_ours(data: bytes) -> None:
    with pytest.raises(NotACertificate):
        subject_public_key_info(b"\x30" + data)

"""The public key in a certificate, cut out of its DER (X.690): the standard library shows everything else of it.

Only what leads to the key is read, and that strictly: a length that is not DER, or leads outside, is an error.
"""

from __future__ import annotations

_INTEGER, _SEQUENCE, _VERSION = 0x02, 0x30, 0xA0
#: what a certificate holds before the key (RFC 5280, section 4.1): serial number, signature, issuer, validity, subject
_BEFORE_THE_KEY = (_INTEGER, _SEQUENCE, _SEQUENCE, _SEQUENCE, _SEQUENCE)
_LONG_FORM, _SHORTEST_LONG, _MOST_LENGTH_BYTES = 0x80, 0x80, 4


class NotACertificate(ValueError):
    """The bytes are no certificate in DER form."""


def subject_public_key_info(certificate: bytes) -> bytes:
    """Give the SubjectPublicKeyInfo of a certificate in DER form, tag and length included.

    Raises:
        NotACertificate: it is none.
    """
    content, stop = _expect(_SEQUENCE, certificate, 0, len(certificate))
    if stop != len(certificate):
        raise NotACertificate
    at, end = _expect(_SEQUENCE, certificate, content, stop)
    if certificate[at : at + 1] == bytes([_VERSION]):  # the first version does not say it
        _, at = _expect(_VERSION, certificate, at, end)
    for tag in _BEFORE_THE_KEY:
        _, at = _expect(tag, certificate, at, end)
    _, stop = _expect(_SEQUENCE, certificate, at, end)
    return certificate[at:stop]


def _expect(tag: int, data: bytes, at: int, end: int) -> tuple[int, int]:
    """Find where the content of the element at a place begins and ends."""
    content = at + 2
    if content > end or data[at] != tag:
        raise NotACertificate
    length = data[at + 1]
    if length & _LONG_FORM:
        size = length & ~_LONG_FORM
        length, content = int.from_bytes(data[content : content + size]), content + size
        is_shortest = length >= _SHORTEST_LONG and length.bit_length() > 8 * (size - 1)
        if not is_shortest or size > _MOST_LENGTH_BYTES or content > end:
            raise NotACertificate
    if content + length > end:
        raise NotACertificate
    return content, content + length

"""A certificate authority of one's own, for servers on loopback that speak TLS."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

LOOPBACK = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
ELSEWHERE = x509.DNSName("firmtrail.example.com")
_SIGNS_CERTIFICATES = x509.KeyUsage(
    key_cert_sign=True,
    crl_sign=True,
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    encipher_only=False,
    decipher_only=False,
)


class Authority:
    """A certificate authority of one's own; `file` holds its certificate."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        self._key = new_key()
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(_pem(self._sign(self._name, self._key.public_key(), days=(-9, 1), ca=True)))

    def server(self, place: x509.GeneralName = LOOPBACK, *, days: tuple[int, int] = (-9, 1)) -> ssl.SSLContext:
        """What a server of that place needs to prove who it is; valid from that day to that one, from now."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._issue("server", place, days=days))
        return context

    def certificate(self, place: x509.GeneralName) -> Path:
        """Write the certificate of a server of that place, and its key."""
        return self._issue("server", place, days=(-9, 1))

    def server_for_known_clients(self) -> ssl.SSLContext:
        """What a server needs that talks with those alone who have a certificate of this authority."""
        context = self.server()
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(self.file)
        return context

    def client(self, *, passphrase: bytes | None = None, days: tuple[int, int] = (-9, 1)) -> Path:
        """Write a certificate and its key for somebody who has to show one."""
        file = self._issue("client", LOOPBACK, days=days, passphrase=passphrase)
        file.chmod(0o600)
        return file

    def _issue(
        self, name: str, place: x509.GeneralName, *, days: tuple[int, int], passphrase: bytes | None = None
    ) -> Path:
        key = new_key()
        certificate = self._sign(x509.Name([]), key.public_key(), days=days, place=place)
        file = self._folder / f"{name}.pem"
        file.write_bytes(private_pem(key, passphrase=passphrase) + _pem(certificate))
        return file

    def _sign(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePublicKey,
        *,
        days: tuple[int, int],
        ca: bool = False,
        place: x509.GeneralName = LOOPBACK,
    ) -> x509.Certificate:
        now = dt.datetime.now(dt.UTC)
        unsigned = (
            x509.CertificateBuilder(self._name, subject, key, x509.random_serial_number())
            .not_valid_before(now + dt.timedelta(days=days[0]))
            .not_valid_after(now + dt.timedelta(days=days[1]))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([place]), critical=not ca)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )
        if ca:  # Python 3.13 asks for all of it
            unsigned = unsigned.add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key), critical=False
            ).add_extension(_SIGNS_CERTIFICATES, critical=True)
        return unsigned.sign(self._key, hashes.SHA256())


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def private_pem(key: ec.EllipticCurvePrivateKey, *, passphrase: bytes | None = None) -> bytes:
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    encryption = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    return key.private_bytes(encoding, form, encryption)


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())

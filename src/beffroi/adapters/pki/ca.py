"""The commune's own certificate authority: P-256 certificates for the broker and for devices.

Knows keys, names, dates and serials. Refuses to know the store, tokens, or who may ask: that is
`enrol`. Every certificate it signs is first written to `issued.jsonl`, so that none is unknown.
P-256 because every TLS library on small devices has it; the authority's key never leaves `ca/`.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from beffroi.adapters import durable
from beffroi.model.limits import (
    CA_DAYS,
    CSR_BYTES_MAX,
    DEVICE_CERT_DAYS,
    SERVER_CERT_DAYS,
    SERVER_CERT_RENEW_DAYS,
)

CLOCK_SLACK = dt.timedelta(minutes=10)  # a device whose clock is a little late must still connect


class AuthorityError(Exception):
    """The authority is missing, damaged or was asked for something it does not sign."""


class CsrError(AuthorityError):
    """The certificate signing request cannot be used; the text says what to send instead."""


class Issued(NamedTuple):
    """A signed certificate. `serial` is lower-case hex without leading zeros."""

    cert_pem: bytes
    serial: str
    not_after_ms: int


def new_key() -> ec.EllipticCurvePrivateKey:
    """A fresh P-256 key."""
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Unencrypted PKCS#8: what mosquitto and most device libraries read."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def read_csr(pem: bytes) -> ec.EllipticCurvePublicKey:
    """The public key of a request: it must be P-256 and prove possession of its private key.

    The name in the request is not read: the device's name comes from the enrolment token.
    """
    if len(pem) > CSR_BYTES_MAX:
        raise CsrError(f"the request has {len(pem)} bytes; at most {CSR_BYTES_MAX}")
    try:
        csr = x509.load_pem_x509_csr(pem)
        key = csr.public_key()
        sound = csr.is_signature_valid
    except (ValueError, InvalidSignature, TypeError) as error:
        raise CsrError(f"not a PEM certificate request (openssl req -new): {error}") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != "secp256r1":
        raise CsrError("the key must be P-256: openssl ecparam -name prime256v1 -genkey")
    if not sound:
        raise CsrError("the request is not signed by its own key; make it again")
    return key


class CertificateAuthority:
    """Opened on a folder (`home/ca`); made there the first time.

    Holds `ca.key` (0600), `ca.crt`, `server.key` (0600), `server.crt`, `issued.jsonl`.
    """

    def __init__(self, folder: Path, now_ms: int, name: str = "Beffroi") -> None:
        self.folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not (folder / "ca.crt").exists():
            self._create(name, now_ms)
        self._key, self.cert = self._load()
        self.ca_pem = self.cert.public_bytes(serialization.Encoding.PEM)

    def issue_device(self, device_id: str, key: ec.EllipticCurvePublicKey, now_ms: int) -> Issued:
        """A client certificate whose common name is the device's id."""
        builder = self._builder(device_id, key, now_ms, DEVICE_CERT_DAYS).add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=True
        )
        return self._sign(builder, "device", device_id, now_ms)

    def server_files(self, sans: Sequence[str], now_ms: int) -> tuple[Path, Path]:
        """(certificate, key) of the broker for these host names and addresses.

        Made again when it is missing, near its end, or for other names.
        """
        cert, key = self.folder / "server.crt", self.folder / "server.key"
        if not (cert.exists() and key.exists() and self._server_fits(cert, sans, now_ms)):
            private = new_key()
            names = [_general_name(san) for san in sans]
            builder = (
                self._builder("beffroi-broker", private.public_key(), now_ms, SERVER_CERT_DAYS)
                .add_extension(
                    x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=True
                )
                .add_extension(x509.SubjectAlternativeName(names), critical=False)
            )
            issued = self._sign(builder, "server", ",".join(sans), now_ms)
            durable.replace(key, key_pem(private))
            durable.replace(cert, issued.cert_pem)
        return cert, key

    def issued(self) -> list[dict[str, str | int]]:
        """Every certificate ever signed, oldest first: {serial, kind, name, at_ms, not_after_ms}"""
        path = self.folder / "issued.jsonl"
        if not path.exists():
            return []
        return [json.loads(line) for line in path.read_text().splitlines() if line]

    # ----------------------------------------------------------------------------------------
    def _create(self, name: str, now_ms: int) -> None:
        key = new_key()
        subject = _name(f"{name} - autorité de la commune")
        now = _when(now_ms)
        cert = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - CLOCK_SLACK)
            .not_valid_after(now + dt.timedelta(days=CA_DAYS))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(ca=True), critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
            .sign(key, hashes.SHA256())
        )
        durable.replace(self.folder / "ca.key", key_pem(key))
        durable.replace(self.folder / "ca.crt", cert.public_bytes(serialization.Encoding.PEM))

    def _load(self) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
        try:
            cert = x509.load_pem_x509_certificate((self.folder / "ca.crt").read_bytes())
            key = serialization.load_pem_private_key((self.folder / "ca.key").read_bytes(), None)
        except (OSError, ValueError) as error:
            raise AuthorityError(
                f"the authority in {self.folder} cannot be read ({error}); restore it from a "
                "backup: a new one would lock every enrolled device out"
            ) from error
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != cert.public_key():
            raise AuthorityError(f"{self.folder}/ca.key does not belong to ca.crt; restore both")
        return key, cert

    def _builder(
        self, common_name: str, key: ec.EllipticCurvePublicKey, now_ms: int, days: int
    ) -> x509.CertificateBuilder:
        now = _when(now_ms)
        end = min(now + dt.timedelta(days=days), self.cert.not_valid_after_utc)
        return (
            x509.CertificateBuilder()
            .subject_name(_name(common_name))
            .issuer_name(self.cert.subject)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(max(now - CLOCK_SLACK, self.cert.not_valid_before_utc))
            .not_valid_after(end)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(ca=False), critical=True)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
                critical=False,
            )
        )

    def _sign(self, builder: x509.CertificateBuilder, kind: str, name: str, now_ms: int) -> Issued:
        cert = builder.sign(self._key, hashes.SHA256())
        issued = Issued(
            cert.public_bytes(serialization.Encoding.PEM),
            f"{cert.serial_number:x}",
            int(cert.not_valid_after_utc.timestamp() * 1000),
        )
        line = json.dumps(
            {
                "serial": issued.serial,
                "kind": kind,
                "name": name,
                "at_ms": now_ms,
                "not_after_ms": issued.not_after_ms,
            }
        )
        with (self.folder / "issued.jsonl").open("a") as file:
            file.write(line + "\n")
            file.flush()
            os.fsync(file.fileno())
        return issued

    def _server_fits(self, path: Path, sans: Sequence[str], now_ms: int) -> bool:
        try:
            cert = x509.load_pem_x509_certificate(path.read_bytes())
            names = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except (ValueError, x509.ExtensionNotFound):
            return False
        wanted = {_general_name(san) for san in sans}
        return (
            set(names) == wanted
            and cert.issuer == self.cert.subject
            and not _near_end(cert, now_ms)
        )


def _near_end(cert: x509.Certificate, now_ms: int) -> bool:
    return cert.not_valid_after_utc - _when(now_ms) < dt.timedelta(days=SERVER_CERT_RENEW_DAYS)


def _when(now_ms: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(now_ms // 1000, dt.UTC)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _general_name(san: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(san))
    except ValueError:
        return x509.DNSName(san)


def _usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )

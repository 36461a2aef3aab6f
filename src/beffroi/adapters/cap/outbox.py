"""The commune's own alerts as signed files, and the key that signs them.

    out/<identifier>.xml        signed CAP 1.2, written once
    own/key.pem  own/cert.pem   made at the first alert; receivers pin the certificate

The key lies on the hub: who has root there can sign an alert, but not make a guard show it. It is
used for nothing else. Decides nothing about what is announced.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from beffroi.adapters import durable
from beffroi.adapters.cap.atom import atom
from beffroi.adapters.cap.signature import signed
from beffroi.adapters.cap.xml import read
from beffroi.model.cap import Alert, CapError
from beffroi.model.limits import (
    CAP_CERTIFICATE_DAYS,
    CAP_FEED_MAX,
    CAP_OUT_BACK_MS,
    CAP_OUT_KEPT_MAX,
)

log = structlog.get_logger("alerts")
NAME = re.compile(r"[0-9a-f]{64}(\.end)?")  # the digest of a command; `.end` cancels


class OwnKeyError(CapError):
    """The key of our own alerts cannot be used; the text says what to do."""


class OwnAlerts:
    """See `ports.bulletins.Outbox`. `sender` is the name that receivers list us under."""

    def __init__(self, folder: Path, sender: str) -> None:
        self._out, self._own, self._sender = folder / "out", folder / "own", sender
        for place in (self._out, self._own):
            place.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = threading.Lock()
        self._known = dict(self._before())

    def _before(self) -> Iterator[tuple[str, Alert]]:
        for path in self._out.glob("*.xml"):
            try:
                yield path.stem, read(path.read_bytes())
            except (CapError, OSError) as error:
                log.warning("own_alert_unreadable", file=path.name, why=str(error))

    def has(self, identifier: str) -> bool:
        return identifier in self._known

    def sign(self, alert: Alert, now_ms: int) -> bytes:
        with self._lock:
            key, certificate = self._key(now_ms)
        return signed(alert, key, certificate)

    def put(self, identifier: str, signed: bytes) -> None:
        if not NAME.fullmatch(identifier):
            raise CapError(f"{identifier!r} is no name of an alert of ours")
        alert = read(signed)
        with self._lock:
            durable.replace(self._out / f"{identifier}.xml", signed)
            by_age = sorted((*self._known.items(), (identifier, alert)), key=lambda x: x[1].sent_ms)
            # One that may still be announced stays: else it would be signed and logged for ever.
            young_ms = by_age[-1][1].sent_ms - CAP_OUT_BACK_MS - 1_000
            old = [name for name, one in by_age[:-CAP_OUT_KEPT_MAX] if one.sent_ms < young_ms]
            for name in old:
                (self._out / f"{name}.xml").unlink(missing_ok=True)
            self._known = {name: one for name, one in by_age if name not in old}

    def text(self, identifier: str) -> bytes | None:
        if identifier not in self._known:
            return None
        try:
            return (self._out / f"{identifier}.xml").read_bytes()
        except FileNotFoundError:
            return None

    def published(self) -> Sequence[Alert]:
        return list(reversed(self._known.values()))

    def feed(self, base: str) -> bytes:
        return atom(self.published()[:CAP_FEED_MAX], self._sender, base)

    def certificate(self, now_ms: int) -> bytes:
        with self._lock:
            return self._key(now_ms)[1]

    def _key(self, now_ms: int) -> tuple[ec.EllipticCurvePrivateKey, bytes]:
        """The certificate is written last: without it the key was never used."""
        key_file, cert_file = self._own / "key.pem", self._own / "cert.pem"
        if not cert_file.exists():
            self._make(key_file, cert_file, now_ms)
        pem = cert_file.read_bytes()
        try:
            key = load_pem_private_key(key_file.read_bytes(), None)
            ends = x509.load_pem_x509_certificate(pem).not_valid_after_utc
        except ValueError as error:
            raise OwnKeyError(
                f"{self._own.name}/ is damaged ({error}): restore it from a backup"
            ) from error
        if not isinstance(key, ec.EllipticCurvePrivateKey) or ends.timestamp() * 1000 < now_ms:
            raise OwnKeyError(
                f"the certificate of the commune's own alerts ended on {ends:%Y-%m-%d} or is not "
                f"ours: move {self._own.name}/ away, a new one is made; tell those who listed it"
            )
        return key, pem

    def _make(self, key_file: Path, cert_file: Path, now_ms: int) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self._sender[:64])])
        since = datetime.fromtimestamp(now_ms / 1000, UTC) - timedelta(hours=1)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(since)
            .not_valid_after(since + timedelta(days=CAP_CERTIFICATE_DAYS))
            .sign(key, hashes.SHA256())
        )
        pkcs8 = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        durable.replace(key_file, pkcs8)
        durable.replace(cert_file, certificate.public_bytes(Encoding.PEM))

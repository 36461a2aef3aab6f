"""The only door to cryptography: Ed25519 signatures, passkey assertions, SHA-256.

An unreadable key or signature is a signature that does not hold, never an exception.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from beffroi.kernel.document import Blob
from beffroi.kernel.limits import WEBAUTHN_BYTES_MAX

ED25519 = "ed25519"
PASSKEY = "passkey-es256"  # WebAuthn with ES256; the public key is the uncompressed P-256 point
KINDS = (ED25519, PASSKEY)
PUBLIC_BYTES = {ED25519: 32, PASSKEY: 65}

_PRESENT_VERIFIED = 0x01 | 0x04  # both flags: somebody pressed, and it was the right person
_P = 2**255 - 19
_Y8 = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
_SMALL_ORDER = (0, 1, _P - 1, _P, _P + 1, _Y8, _P - _Y8)


@dataclass(frozen=True, slots=True)
class Assertion:
    """What a passkey adds to its signature (WebAuthn Level 2, section 7.2)."""

    authenticator_data: Annotated[bytes, Blob(37, WEBAUTHN_BYTES_MAX)]
    client_data_json: Annotated[bytes, Blob(2, WEBAUTHN_BYTES_MAX)]


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def same(left: bytes, right: bytes) -> bool:
    return hmac.compare_digest(left, right)


def key_id(kind: str, public: bytes) -> str:
    """Derived from the key, so that one key can never be listed under two names."""
    return sha256(b"beffroi-key\0" + kind.encode() + b"\0" + public).hex()[:32]


def weak(public: bytes) -> bool:
    """An Ed25519 point of small order: anybody can forge signatures that hold under it."""
    return int.from_bytes(public, "little") % 2**255 in _SMALL_ORDER


def verify(public: bytes, signature: bytes, message: bytes) -> bool:
    """An Ed25519 signature."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def sign(private: bytes, message: bytes) -> bytes:
    """With a raw Ed25519 seed of 32 bytes."""
    return Ed25519PrivateKey.from_private_bytes(private).sign(message)


def public_of(private: bytes) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def challenge(message: bytes) -> bytes:
    """What a passkey is asked to sign for `message`."""
    return sha256(message)


def verify_passkey(
    public: bytes,
    signature: bytes,
    message: bytes,
    assertion: Assertion,
    rp_id: str,
    origins: Sequence[str],
) -> bool:
    """The person was present and verified, on our site, for exactly this message."""
    data = assertion.authenticator_data
    ours = len(data) >= 37 and same(data[:32], sha256(rp_id.encode()))
    there = ours and data[32] & _PRESENT_VERIFIED == _PRESENT_VERIFIED
    if not there or not _says(assertion.client_data_json, message, origins):
        return False
    signed = data + sha256(assertion.client_data_json)
    try:
        key = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), public)
        key.verify(signature, signed, ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True


def _says(client_data: bytes, message: bytes, origins: Sequence[str]) -> bool:
    try:
        said = json.loads(client_data.decode())
    except (ValueError, RecursionError):
        return False
    wanted = base64.urlsafe_b64encode(challenge(message)).decode().rstrip("=")
    return (
        isinstance(said, dict)
        and said.get("type") == "webauthn.get"
        and said.get("challenge") == wanted
        and said.get("origin") in origins
        and said.get("crossOrigin", False) is False
    )

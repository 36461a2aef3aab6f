"""A parking entitlement: what was paid for, signed by the commune, readable by nobody else's key.

It holds a bay or a zone, times, paid minutes and 16 random bytes; a vehicle only as a salted hash,
or not at all. Its text is one base32 word that fits a QR code or a label. Draws no randomness.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from dataclasses import dataclass
from typing import Annotated

from beffroi.kernel import document
from beffroi.kernel.document import Blob, FieldError, Id, Whole
from beffroi.kernel.dsse import pae

KIND = "application/vnd.beffroi.entitlement+cbor"
NONCE_BYTES = 16
PLATE_HASH_BYTES = 16
SALT_BYTES_MIN = 16
TOKEN_BYTES_MAX = 1_024
MINUTES_MAX = 7 * 1_440  # then R417-12 begins
PLATE_CHARS_MAX = 16


class TokenError(ValueError):
    """No entitlement of ours in its one form; the text says what is wrong."""


@dataclass(frozen=True, slots=True)
class Token:
    """`place` is a bay or a zone. Valid from `from_s` until (not at) `until_s`, seconds since 1970,
    UTC. `plate` is empty or `plate_hash`. `nonce` is its name: the same one is never issued twice.
    """

    commune: Annotated[str, Id()]
    place: Annotated[str, Id()]
    from_s: Annotated[int, Whole()]
    until_s: Annotated[int, Whole()]
    paid_min: Annotated[int, Whole(0, MINUTES_MAX)]
    nonce: Annotated[bytes, Blob(NONCE_BYTES, NONCE_BYTES)]
    plate: Annotated[bytes, Blob(0, PLATE_HASH_BYTES)] = b""

    def __post_init__(self) -> None:
        if not 0 < self.until_s - self.from_s <= MINUTES_MAX * 60:
            raise FieldError("it ends before it begins, or lasts longer than seven days")
        if len(self.plate) not in (0, PLATE_HASH_BYTES):
            raise FieldError(f"a plate's hash has {PLATE_HASH_BYTES} bytes")


@dataclass(frozen=True, slots=True)
class Sealed:
    """A token with the commune's Ed25519 signature over its exact bytes."""

    payload: Annotated[bytes, Blob(1, TOKEN_BYTES_MAX)]
    key: Annotated[str, Id()]
    signature: Annotated[bytes, Blob(64, 64)]


def plate_hash(salt: bytes, plate: str) -> bytes:
    """The same vehicle under the same salt. The salt is secret: plates are few enough to be tried
    one by one by whoever holds it. TokenError for a short salt or no plate."""
    if len(salt) < SALT_BYTES_MIN:
        raise TokenError(f"the salt has {len(salt)} bytes, at least {SALT_BYTES_MIN} are needed")
    plain = "".join(char for char in plate.upper() if char.isalnum())
    if not 0 < len(plain) <= PLATE_CHARS_MAX:
        raise TokenError("a plate has 1 to 16 letters and digits")
    return hmac.digest(salt, plain.encode(), "sha256")[:PLATE_HASH_BYTES]


def message(token: Token) -> bytes:
    """What the commune's key signs."""
    return pae(KIND, document.write(token))


def seal(token: Token, key: str, signature: bytes) -> str:
    """The word that is printed or shown; `signature` is of `message(token)` by the key `key`."""
    sealed = Sealed(document.write(token), key, signature)
    return base64.b32encode(document.write(sealed)).decode().rstrip("=")


def unseal(word: str) -> tuple[Sealed, Token]:
    """What a word says, whoever signed it. TokenError: there is exactly one way to write each."""
    if len(word) > 2 * TOKEN_BYTES_MAX or not word.isascii():
        raise TokenError("too long, or not in base32")
    try:
        raw = base64.b32decode(word + "=" * (-len(word) % 8))
        sealed = document.read(Sealed, raw, TOKEN_BYTES_MAX)
        token = document.read(Token, sealed.payload, TOKEN_BYTES_MAX)
    except (binascii.Error, ValueError) as error:
        raise TokenError(f"not an entitlement: {error}") from error
    if base64.b32encode(raw).decode().rstrip("=") != word:
        raise TokenError("written in another way than ours")
    return sealed, token

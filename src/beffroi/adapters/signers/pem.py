"""A private key at rest: PKCS#8 PEM, encrypted by a passphrase through scrypt (RFC 7914, PBES2).

`cryptography` reads this form but only writes 2,048 rounds of PBKDF2, which a stolen USB stick
would not resist; hence the few lines of DER here. (`openssl pkey` reads the form too, but its tool
stops at 32 MiB of scrypt.) Refuses to know where a passphrase comes from.
"""

from __future__ import annotations

import base64
import os
import textwrap

from cryptography.hazmat.primitives import padding, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from beffroi.ports.signer import SignerError

SCRYPT_N, SCRYPT_R, SCRYPT_P = 2**16, 8, 1  # 64 MiB and about 0.2 s a guess
PASSPHRASE_CHARS_MIN = 10
PEM_BYTES_MAX = 4_096

_PBES2 = bytes.fromhex("06092a864886f70d01050d")
_SCRYPT = bytes.fromhex("06092b06010401da47040b")
_AES256_CBC = bytes.fromhex("060960864801650304012a")
_LABEL = "ENCRYPTED PRIVATE KEY"
_BEGIN, _END = f"-----BEGIN {_LABEL}-----", f"-----END {_LABEL}-----"


class PassphraseError(SignerError):
    """The passphrase does not open this key, or is too short to protect one."""


def locked(seed: bytes, passphrase: str) -> bytes:
    """The PEM of an Ed25519 seed of 32 bytes."""
    if len(passphrase) < PASSPHRASE_CHARS_MIN:
        raise PassphraseError(f"a passphrase has at least {PASSPHRASE_CHARS_MIN} characters")
    salt, iv = os.urandom(16), os.urandom(16)
    kdf = Scrypt(salt=salt, length=32, n=SCRYPT_N, r=SCRYPT_R, p=SCRYPT_P)
    aes = Cipher(algorithms.AES(kdf.derive(passphrase.encode())), modes.CBC(iv)).encryptor()
    pad = padding.PKCS7(128).padder()
    plain = pad.update(_pkcs8(seed)) + pad.finalize()
    numbers = _whole(SCRYPT_N) + _whole(SCRYPT_R) + _whole(SCRYPT_P)
    scheme = _sequence(
        _sequence(_SCRYPT + _sequence(_octets(salt) + numbers)),
        _sequence(_AES256_CBC + _octets(iv)),
    )
    der = _sequence(_sequence(_PBES2 + scheme), _octets(aes.update(plain) + aes.finalize()))
    lines = textwrap.wrap(base64.b64encode(der).decode(), 64)
    return "\n".join([_BEGIN, *lines, _END, ""]).encode()


def is_locked(pem: bytes) -> bool:
    return _BEGIN.encode() in pem


def opened(pem: bytes, passphrase: str | None) -> bytes:
    """The seed. PassphraseError for a wrong passphrase, SignerError for anything else."""
    if len(pem) > PEM_BYTES_MAX:
        raise SignerError("not a key file: it is too long")
    secret = passphrase.encode() if passphrase is not None and is_locked(pem) else None
    try:
        key = serialization.load_pem_private_key(pem, secret)
    except TypeError as error:
        raise PassphraseError("this key needs its passphrase") from error
    except ValueError as error:
        if is_locked(pem):
            raise PassphraseError("this passphrase does not open the key") from error
        raise SignerError("not a private key in PEM form; choose the .pem file") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SignerError("not an Ed25519 key; make one with `beffroi sign key`")
    return key.private_bytes_raw()


def unlocked(seed: bytes) -> bytes:
    """The PEM of a key that a service must open alone. The file's mode is its only protection."""
    return Ed25519PrivateKey.from_private_bytes(seed).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _pkcs8(seed: bytes) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(seed).private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _tlv(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    width = (length.bit_length() + 7) // 8
    return bytes([tag, 0x80 | width]) + length.to_bytes(width, "big") + content


def _sequence(*parts: bytes) -> bytes:
    return _tlv(0x30, b"".join(parts))


def _octets(content: bytes) -> bytes:
    return _tlv(0x04, content)


def _whole(number: int) -> bytes:
    return _tlv(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big"))

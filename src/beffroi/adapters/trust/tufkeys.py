"""Our signers as python-tuf sees them: Ed25519 keys with the name of who holds them.

TUF signs canonical JSON, which begins with `{`; commands are signed as DSSE, which begins with
`DSSEv1 `: one key may serve for both, no signature passes from one to the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from securesystemslib.signer import Key, Signature, SSlibKey
from tuf.api.metadata import Metadata

from beffroi.kernel import keys
from beffroi.ports.signer import Signer, SignerError

HOLDER = "x-beffroi-holder"


def key_of(kind: str, public: bytes, holder: str) -> SSlibKey:
    """SignerError for a key that cannot sign trust documents."""
    if kind != keys.ED25519:
        raise SignerError(f"{holder}: trust documents are signed with Ed25519 keys, not {kind}")
    key = SSlibKey.from_crypto(Ed25519PublicKey.from_public_bytes(public))
    key.unrecognized_fields[HOLDER] = holder
    return key


def holder_of(key: Key) -> str:
    return str(key.unrecognized_fields.get(HOLDER, key.keyid[:8]))


def public_of(key: Key) -> str:
    """Hex of the raw key."""
    return str(key.keyval["public"])


def sign(metadata: Metadata[Any], known: Mapping[str, Key], signers: Iterable[Signer]) -> None:
    """Add the signature of every signer whose key is among `known` (by key id)."""
    by_public = {public_of(key): keyid for keyid, key in known.items()}
    message = metadata.signed_bytes
    for signer in signers:
        keyid = by_public.get(signer.public.hex())
        if keyid is not None and keyid not in metadata.signatures:
            value = signer.sign(message).value
            metadata.signatures[keyid] = Signature(keyid, value.hex())


def fingerprint(data: bytes) -> str:
    """Twenty hexadecimal figures in groups of four: enough to compare aloud, 80 bits."""
    digits = keys.sha256(data).hex()[:20]
    return " ".join(digits[at : at + 4] for at in range(0, 20, 4))

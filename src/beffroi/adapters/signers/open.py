"""One way to name a signer: `file:/media/key/maire.pem`, `pkcs11:...`, `fido:...`.

Loads the library of a kind only when that kind is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from beffroi.ports.signer import Signer, SignerError

FORMS = "file:PATH"


def open_signer(uri: str, secret: Callable[[str], str]) -> Signer:
    """`secret(what)` is asked for a passphrase or PIN. SignerError with what to do."""
    scheme, colon, rest = uri.partition(":")
    if not colon or not rest:
        raise SignerError(f"{uri!r} names no signer; write {FORMS}")
    if scheme == "file":
        from beffroi.adapters.signers.file import load

        return load(Path(rest), secret)
    raise SignerError(f"no signer of kind {scheme!r}; write {FORMS}")

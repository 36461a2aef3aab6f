"""One way to name a signer: `file:/media/cle/maire.pem`, `pkcs11:...`, `fido:...`.

Loads the library of a kind only when that kind is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from beffroi.ports.signer import Signer, SignerError

FORMS = "file:PATH, pkcs11:token=NAME;object=NAME?module-path=PATH or fido:PATH"


def open_signer(uri: str, secret: Callable[[str], str]) -> Signer:
    """`secret(what)` is asked for a passphrase or PIN. SignerError with what to do."""
    scheme, _, rest = uri.partition(":")
    if scheme == "file" and rest:
        from beffroi.adapters.signers.file import load

        return load(Path(rest), secret)
    if scheme == "pkcs11" and rest:
        from beffroi.adapters.signers import hsm

        return hsm.load(uri, secret)
    if scheme == "fido" and rest:
        from beffroi.adapters.signers import fido

        return fido.load(Path(rest), secret)
    raise SignerError(f"{uri!r} names no signer; write {FORMS}")

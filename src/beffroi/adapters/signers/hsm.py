"""An Ed25519 key inside a PKCS#11 module (a card, a token, an HSM): it never leaves it.

Named by an RFC 7512 URI: `pkcs11:token=mairie;object=maire?module-path=/usr/lib/.../module.so`
(without `module-path`: the module that BEFFROI_PKCS11_MODULE names). The PIN is asked, never in
the URI. Needs the extra `hsm`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote

from beffroi.kernel import keys
from beffroi.kernel.dsse import Signature
from beffroi.ports.signer import SignerError

MODULE_ENV = "BEFFROI_PKCS11_MODULE"
_CURVE = bytes.fromhex("130c") + b"edwards25519"  # PrintableString, as PKCS#11 3.0 names it


class Place(NamedTuple):
    module: str
    token: str
    label: str


def place(uri: str) -> Place:
    """SignerError when a part is missing or unknown."""
    path, _, query = uri.removeprefix("pkcs11:").partition("?")
    parts = dict(part.partition("=")[::2] for part in path.split(";") if part)
    asked = parse_qs(query)
    module = asked.pop("module-path", [os.environ.get(MODULE_ENV, "")])[0]
    if asked or parts.keys() != {"token", "object"}:
        raise SignerError("write pkcs11:token=NAME;object=NAME?module-path=/path/to/module.so")
    if not module:
        raise SignerError(f"name the module: ?module-path=/path/to/module.so, or {MODULE_ENV}")
    return Place(module, unquote(parts["token"]), unquote(parts["object"]))


class HsmSigner:
    """Logs in for each signature and out again: the token may be pulled in between."""

    kind = keys.ED25519

    def __init__(self, where: Place, pin: str) -> None:
        self._where, self._pin = where, pin
        with _session(where, pin) as (session, pkcs11):
            key = _key(session, pkcs11, where, pkcs11.ObjectClass.PUBLIC_KEY)
            self.public = _raw_point(bytes(key[pkcs11.Attribute.EC_POINT]))

    def sign(self, message: bytes) -> Signature:
        with _session(self._where, self._pin) as (session, pkcs11):
            key = _key(session, pkcs11, self._where, pkcs11.ObjectClass.PRIVATE_KEY)
            value = bytes(key.sign(message, mechanism=pkcs11.Mechanism.EDDSA))
        if not keys.verify(self.public, value, message):
            raise SignerError("the module's signature does not hold for its own public key")
        return Signature(keys.key_id(self.kind, self.public), value)


def load(uri: str, secret: Callable[[str], str]) -> HsmSigner:
    where = place(uri)
    return HsmSigner(where, secret(f"PIN {where.token}"))


def create(uri: str, secret: Callable[[str], str]) -> HsmSigner:
    """A new key pair in the module; the private half can be neither read nor copied."""
    where = place(uri)
    pin = secret(f"PIN {where.token}")
    with _session(where, pin, write=True) as (session, pkcs11):
        found = session.get_objects({pkcs11.Attribute.LABEL: where.label})
        if next(iter(found), None) is not None:
            raise SignerError(f"{where.label} exists already in {where.token}; use another name")
        kind = pkcs11.KeyType.EC_EDWARDS
        curve = session.create_domain_parameters(
            kind, {pkcs11.Attribute.EC_PARAMS: _CURVE}, local=True
        )
        curve.generate_keypair(
            label=where.label,
            store=True,
            private_template={
                pkcs11.Attribute.SENSITIVE: True,
                pkcs11.Attribute.EXTRACTABLE: False,
            },
        )
    return HsmSigner(where, pin)


@contextmanager
def _session(where: Place, pin: str, *, write: bool = False) -> Iterator[tuple[Any, Any]]:
    try:
        import pkcs11
    except ImportError as error:
        raise SignerError(
            "python-pkcs11 is missing: `make setup` in Beffroi's folder installs it"
        ) from error
    try:
        token = pkcs11.lib(where.module).get_token(token_label=where.token)
        with token.open(rw=write, user_pin=pin) as session:
            yield session, pkcs11
    except pkcs11.NoSuchToken as error:
        raise SignerError(f"no token named {where.token}; is it plugged in?") from error
    except (pkcs11.PinIncorrect, pkcs11.PinLenRange) as error:
        raise SignerError("wrong PIN; the token locks itself after a few") from error
    except (pkcs11.PKCS11Error, RuntimeError, OSError) as error:
        text = str(error) or type(error).__name__
        raise SignerError(f"the module {where.module} does not work: {text}") from error


def _key(session: Any, pkcs11: Any, where: Place, kind: Any) -> Any:
    try:
        return session.get_key(
            object_class=kind, key_type=pkcs11.KeyType.EC_EDWARDS, label=where.label
        )
    except (pkcs11.NoSuchKey, pkcs11.MultipleObjectsReturned) as error:
        raise SignerError(f"no single Ed25519 key {where.label} in {where.token}") from error


def _raw_point(point: bytes) -> bytes:
    """Modules give the 32 bytes bare, or as a DER octet string."""
    raw = point[2:] if len(point) == 34 and point[:2] == b"\x04\x20" else point
    if len(raw) != 32:
        raise SignerError("the module's public key is not an Ed25519 key")
    return raw

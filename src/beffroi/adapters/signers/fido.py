"""A FIDO2 security key on USB: a touch and its PIN for each signature. Needs the extra `fido`.

`fido:/path/maire.fido.json` names a small public file (which credential, of which site). Only ES256
is made or accepted, the one kind of passkey that the kernel verifies. Such a key also answers the
hub's pages, so the roster never counts it as independent of the hub.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from beffroi.kernel import keys
from beffroi.kernel.dsse import Signature
from beffroi.kernel.keys import Assertion
from beffroi.ports.signer import SignerError

ES256 = -7
FILE_BYTES_MAX = 4_096
Devices = Callable[[], Iterable[Any]]  # of fido2.ctap.CtapDevice


@dataclass(frozen=True, slots=True)
class Credential:
    """Public. All in hexadecimal but the two names of the site."""

    rp_id: str
    origin: str
    credential: str
    public: str

    def write(self, path: Path) -> None:
        if path.exists():
            raise SignerError(f"{path} exists already; a key is never overwritten")
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")


def read_credential(path: Path) -> Credential:
    try:
        with path.open("rb") as file:
            found = Credential(**json.loads(file.read(FILE_BYTES_MAX + 1).decode()))
        bytes.fromhex(found.credential)
        point = bytes.fromhex(found.public)
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise SignerError(f"{path} is not a file of `beffroi signer new --make`") from error
    if len(point) != keys.PUBLIC_BYTES[keys.PASSKEY]:
        raise SignerError(f"{path} holds no P-256 key")
    return found


def usb() -> Iterable[Any]:
    """The security keys that are plugged in."""
    _needs_fido()
    from fido2.hid import CtapHidDevice

    try:
        return list(CtapHidDevice.list_devices())
    except OSError as error:
        raise SignerError(f"USB security keys cannot be seen here: {error}") from error


class FidoSigner:
    kind = keys.PASSKEY

    def __init__(
        self, credential: Credential, secret: Callable[[str], str], devices: Devices = usb
    ) -> None:
        self._credential, self._secret, self._devices = credential, secret, devices
        self.public = bytes.fromhex(credential.public)

    def sign(self, message: bytes) -> Signature:
        where = self._credential
        client = _client(where.origin, self._secret, self._devices)
        asked = _request(where, keys.challenge(message))
        answer = _asked(lambda: client.get_assertion(asked).get_response(0)).response
        assertion = Assertion(bytes(answer.authenticator_data), bytes(answer.client_data))
        value = bytes(answer.signature)
        rule = (where.rp_id, (where.origin,))
        if not keys.verify_passkey(self.public, value, message, assertion, *rule):
            raise SignerError("the security key's answer does not hold: another key, or no PIN")
        return Signature(keys.key_id(self.kind, self.public), value, assertion)


def load(path: Path, secret: Callable[[str], str]) -> FidoSigner:
    return FidoSigner(read_credential(path), secret)


def create(
    path: Path, origin: str, secret: Callable[[str], str], devices: Devices = usb
) -> FidoSigner:
    """A new credential for the site `origin` (https://...), and its public file."""
    rp_id = origin.removeprefix("https://").split("/")[0].split(":")[0]
    client = _client(origin, secret, devices)
    asked = _creation(rp_id, path.stem)
    made = _asked(lambda: client.make_credential(asked))
    data = made.response.attestation_object.auth_data.credential_data
    point = data.public_key
    if point.get(3) != ES256:
        raise SignerError("this security key makes no ES256 keys")
    public = b"\x04" + bytes(point[-2]) + bytes(point[-3])
    credential = Credential(rp_id, origin, bytes(data.credential_id).hex(), public.hex())
    credential.write(path)
    return FidoSigner(credential, secret, devices)


def _needs_fido() -> None:
    try:
        import fido2  # noqa: F401
    except ImportError as error:
        raise SignerError(
            "fido2 is missing: `make setup` in Beffroi's folder installs it"
        ) from error


def _client(origin: str, secret: Callable[[str], str], devices: Devices) -> Any:
    _needs_fido()
    from fido2.client import DefaultClientDataCollector, Fido2Client, UserInteraction

    class Person(UserInteraction):
        def request_pin(self, permissions: Any, rp_id: str | None) -> str | None:
            del permissions, rp_id
            return secret("PIN")

    found = list(devices())
    if len(found) != 1:
        raise SignerError(f"{len(found)} security keys are plugged in; plug in exactly one")
    return Fido2Client(found[0], DefaultClientDataCollector(origin), Person())


def _asked(ask: Callable[[], Any]) -> Any:
    from fido2.client import ClientError
    from fido2.ctap import CtapError

    try:
        return ask()
    except (ClientError, CtapError, OSError, ValueError) as error:
        raise SignerError(f"the security key refused: {error}") from error


def _request(where: Credential, challenge: bytes) -> Any:
    from fido2.webauthn import (
        PublicKeyCredentialDescriptor,
        PublicKeyCredentialRequestOptions,
        PublicKeyCredentialType,
        UserVerificationRequirement,
    )

    own = bytes.fromhex(where.credential)
    return PublicKeyCredentialRequestOptions(
        challenge=challenge,
        rp_id=where.rp_id,
        allow_credentials=[
            PublicKeyCredentialDescriptor(type=PublicKeyCredentialType.PUBLIC_KEY, id=own)
        ],
        user_verification=UserVerificationRequirement.REQUIRED,
    )


def _creation(rp_id: str, name: str) -> Any:
    from fido2.webauthn import (
        AuthenticatorSelectionCriteria,
        PublicKeyCredentialCreationOptions,
        PublicKeyCredentialParameters,
        PublicKeyCredentialRpEntity,
        PublicKeyCredentialType,
        PublicKeyCredentialUserEntity,
        UserVerificationRequirement,
    )

    return PublicKeyCredentialCreationOptions(
        rp=PublicKeyCredentialRpEntity(id=rp_id, name="Beffroi"),
        user=PublicKeyCredentialUserEntity(
            id=keys.sha256(name.encode()), name=name, display_name=name
        ),
        challenge=keys.sha256(b"beffroi-signer"),  # nobody checks an attestation here
        pub_key_cred_params=[
            PublicKeyCredentialParameters(type=PublicKeyCredentialType.PUBLIC_KEY, alg=ES256)
        ],
        authenticator_selection=AuthenticatorSelectionCriteria(
            user_verification=UserVerificationRequirement.REQUIRED
        ),
    )

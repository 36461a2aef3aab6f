"""Signing in with a passkey: no passphrase, no code; the authenticator checks its person itself.

Apart from the passkeys that sign commands: those count only when the roster names them. Public keys
lie in the vault with the account's other secrets. A challenge is random, used once, and ends soon.
The name of this hub is the one in the address bar, which the border has found in its own list.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import threading
from typing import Any, NamedTuple

from webauthn import (
    base64url_to_bytes,
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from beffroi.api import second_factor, sessions
from beffroi.api.problems import Refusal
from beffroi.hub.services import Services
from beffroi.model.limits import (
    NAME_CHARS_MAX,
    PASSKEY_TIMEOUT_MS,
    SECOND_STEPS_MAX,
    SIGN_IN_PASSKEYS_MAX,
)
from beffroi.ports.store import PeopleStore, User

FIELD = "secret.passkeys"
OWNER = "passkey_of:"  # setting per credential (hashed): the account's id
HAS = "passkeys:"  # setting per account: how many, for pages that list accounts
UV = UserVerificationRequirement.REQUIRED
_using = threading.Lock()  # the count of an authenticator is read and written in one step


class Site(NamedTuple):
    """The hub's name as browsers see it, and its whole origin."""

    rp_id: str
    origin: str


class Challenges:
    """Used once, in bounded memory. `whose` is an account's id, "" before signing in."""

    def __init__(self) -> None:
        self._open: dict[bytes, tuple[str, int]] = {}
        self._lock = threading.Lock()

    def issue(self, whose: str, now_ms: int) -> bytes:
        made = secrets.token_bytes(32)
        with self._lock:
            while len(self._open) >= SECOND_STEPS_MAX:
                self._open.pop(next(iter(self._open)))
            self._open[made] = (whose, now_ms + PASSKEY_TIMEOUT_MS)
        return made

    def take(self, client_data: str, whose: str, now_ms: int) -> bytes:
        try:
            said = json.loads(base64url_to_bytes(client_data))["challenge"]
            challenge = base64url_to_bytes(said)
        except (ValueError, KeyError, TypeError) as error:
            raise wrong() from error
        with self._lock:
            kept = self._open.pop(challenge, None)
        if kept is None or kept[0] != whose or kept[1] <= now_ms:
            raise wrong()
        return challenge


def wrong() -> Refusal:
    return Refusal(401, "passkey_wrong", "This passkey does not open here. Use your passphrase.")


def creation(services: Services, site: Site, open_: Challenges, user: User) -> dict[str, Any]:
    """For `navigator.credentials.create`."""
    known = held(services, user.id)
    if len(known) >= SIGN_IN_PASSKEYS_MAX:
        raise Refusal(409, "too_many_passkeys", "Your account has enough passkeys already.")
    options = generate_registration_options(
        rp_id=site.rp_id,
        rp_name="Beffroi",
        user_name=user.name,
        user_id=hashlib.sha256(b"sign-in" + user.id.encode()).digest(),
        challenge=open_.issue(user.id, services.clock.now_ms()),
        timeout=PASSKEY_TIMEOUT_MS,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UV
        ),
        exclude_credentials=[
            PublicKeyCredentialDescriptor(id=base64url_to_bytes(one["id"])) for one in known
        ],
    )
    shown: dict[str, Any] = json.loads(options_to_json(options))
    return shown


def register(
    services: Services, site: Site, open_: Challenges, user: User, answer: dict[str, str]
) -> None:
    now = services.clock.now_ms()
    challenge = open_.take(answer["clientDataJSON"], user.id, now)
    response = {name: answer[name] for name in ("attestationObject", "clientDataJSON")}
    try:
        verified = verify_registration_response(
            credential=_credential(answer["id"], response),
            expected_challenge=challenge,
            expected_rp_id=site.rp_id,
            expected_origin=site.origin,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise wrong() from error
    made: dict[str, Any] = {
        "id": bytes_to_base64url(verified.credential_id),
        "public": bytes_to_base64url(verified.credential_public_key),
        "count": verified.sign_count,
        "name": answer["name"][:NAME_CHARS_MAX] or user.name,
    }
    with _using:
        second_factor.keep(services, user.id, FIELD, json.dumps([*held(services, user.id), made]))
        _count(services, user.id)
    services.store.people.put_setting(OWNER + sessions.hashed(made["id"]), user.id)
    services.store.people.log_access(now, user.id, "sign_in_passkey.add", user.id)


def request(services: Services, site: Site, open_: Challenges) -> dict[str, Any]:
    """For `navigator.credentials.get`: names nobody."""
    options = generate_authentication_options(
        rp_id=site.rp_id,
        challenge=open_.issue("", services.clock.now_ms()),
        timeout=PASSKEY_TIMEOUT_MS,
        user_verification=UV,
    )
    shown: dict[str, Any] = json.loads(options_to_json(options))
    return shown


def sign_in(services: Services, site: Site, open_: Challenges, answer: dict[str, str]) -> User:
    """The person, or one and the same refusal for every cause."""
    people, now = services.store.people, services.clock.now_ms()
    challenge = open_.take(answer["clientDataJSON"], "", now)
    owner = people.setting(OWNER + sessions.hashed(answer["id"])) or ""
    user = people.user(owner) if owner else None
    names = ("authenticatorData", "clientDataJSON", "signature")
    with _using:
        kept = held(services, owner) if user is not None and user.active else []
        ours = next((one for one in kept if one["id"] == answer["id"]), None)
        if user is None or ours is None:
            raise wrong()
        try:
            verified = verify_authentication_response(
                credential=_credential(answer["id"], {name: answer[name] for name in names}),
                expected_challenge=challenge,
                expected_rp_id=site.rp_id,
                expected_origin=site.origin,
                credential_public_key=base64url_to_bytes(ours["public"]),
                credential_current_sign_count=ours["count"],
                require_user_verification=True,
            )
        except (WebAuthnException, ValueError, KeyError, TypeError) as error:
            people.log_access(now, owner, "sign_in_failed", "passkey")
            raise wrong() from error
        ours["count"] = verified.new_sign_count
        second_factor.keep(services, owner, FIELD, json.dumps(kept))
    people.log_access(now, owner, "sign_in", "passkey")
    return user


def instead(services: Services, user: User) -> bool:
    """Whether the passphrase alone must not open this account: its role needs two factors and a
    passkey is what it has. Otherwise whoever knows the passphrase could add a factor of their own.
    """
    needed = second_factor.required(services, user.role)
    return needed and not second_factor.is_on(services, user.id) and bool(held(services, user.id))


def forget(services: Services, user_id: str, by: User) -> None:
    """All of an account, by an administrator: its telephone is lost."""
    with _using:
        for one in held(services, user_id):
            services.store.people.put_setting(OWNER + sessions.hashed(one["id"]), "")
            second_factor.keep(services, user_id, FIELD, "[]")
        _count(services, user_id)
    now = services.clock.now_ms()
    services.store.people.log_access(now, by.id, "sign_in_passkey.remove", user_id)


def remove(services: Services, user: User, passkey_id: str) -> None:
    with _using:
        kept = [one for one in held(services, user.id) if one["id"] != passkey_id]
        second_factor.keep(services, user.id, FIELD, json.dumps(kept))
        _count(services, user.id)
    now = services.clock.now_ms()
    services.store.people.log_access(now, user.id, "sign_in_passkey.remove", user.id)


def has(services: Services, user_id: str) -> bool:
    """Without a reading of the vault."""
    return has_in(services.store.people, user_id)


def has_in(people: PeopleStore, user_id: str) -> bool:
    return (people.setting(HAS + user_id) or "0") != "0"


def _count(services: Services, user_id: str) -> None:
    services.store.people.put_setting(HAS + user_id, str(len(held(services, user_id))))


def held(services: Services, user_id: str) -> list[dict[str, Any]]:
    """One's own: id, public key, count and name of each."""
    found: list[dict[str, Any]] = json.loads(second_factor.kept(services, user_id, FIELD) or "[]")
    return found


def _credential(ident: str, response: dict[str, str]) -> dict[str, Any]:
    return {"id": ident, "rawId": ident, "type": "public-key", "response": response}

"""Who is who: passkeys of accounts, and which person of the roster an account is.

A passkey counts only once the holders of the commune's root have put its key into the roster; the
hub cannot do that. Registration checks the browser's answer with the `webauthn` library.
"""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from webauthn import generate_registration_options, options_to_json, verify_registration_response
from webauthn.helpers import decode_credential_public_key
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.decode_credential_public_key import DecodedEC2PublicKey
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from beffroi.api import command_views
from beffroi.api.access import Me, Svc, needs
from beffroi.api.command_views import dispatch_of
from beffroi.api.problems import Refusal, not_found
from beffroi.api.routes.commands import B64, Ident, b64, unb64
from beffroi.api.sessions import Person, hashed
from beffroi.api.sign_in_passkeys import Challenges
from beffroi.hub.services import Services
from beffroi.kernel import keys
from beffroi.kernel.keys import PASSKEY
from beffroi.kernel.roster import Roster
from beffroi.model.limits import (
    NAME_CHARS_MAX,
    PASSKEY_TIMEOUT_MS,
    PASSKEYS_PER_USER_MAX,
    PERSON_CHARS_MAX,
)
from beffroi.ports.commands import Passkey

router = APIRouter(prefix="/api", tags=["people"])
ES256 = [COSEAlgorithmIdentifier.ECDSA_SHA_256]
COORDINATE_BYTES = 32


class NameIn(BaseModel, extra="forbid"):
    name: str = Field(default="", max_length=NAME_CHARS_MAX)


class AttestationIn(BaseModel, extra="forbid"):
    """What `navigator.credentials.create` answers, in base64url."""

    id: B64
    attestationObject: Annotated[str, Field(max_length=16_384)]  # noqa: N815 - the browser's name
    clientDataJSON: B64  # noqa: N815
    name: str = Field(default="", max_length=NAME_CHARS_MAX)


class PersonIn(BaseModel, extra="forbid"):
    person: str = Field(max_length=PERSON_CHARS_MAX)


@router.get("/passkeys")
def read_passkeys(services: Svc, me: Me) -> list[dict[str, Any]]:
    """One's own."""
    roster = dispatch_of(services).book.trusted.roster
    found = dispatch_of(services).book.store.passkeys(me.user.id)
    return [_shown(one, roster) for one in found]


@router.post("/passkeys/options")
def registration_options(request: Request, services: Svc, me: Me, body: NameIn) -> dict[str, Any]:
    """For `navigator.credentials.create`."""
    roster = _roster(services)
    known = dispatch_of(services).book.store.passkeys(me.user.id)
    if len(known) >= PASSKEYS_PER_USER_MAX:
        raise Refusal(409, "too_many_passkeys", "Your account has enough passkeys already.")
    options = generate_registration_options(
        rp_id=roster.rp_id,
        rp_name="Beffroi",
        user_name=body.name or me.user.name,
        user_id=bytes.fromhex(hashed(me.user.id)),
        user_display_name=me.user.name,
        challenge=_challenges(request).issue(hashed(me.token), services.clock.now_ms()),
        timeout=PASSKEY_TIMEOUT_MS,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=unb64(one.id)) for one in known],
        supported_pub_key_algs=ES256,
    )
    shown: dict[str, Any] = json.loads(options_to_json(options))
    return shown


@router.post("/passkeys", status_code=201)
def register(request: Request, services: Svc, me: Me, body: AttestationIn) -> dict[str, Any]:
    """Kept, and shown as what the holders of the root put into the roster."""
    roster = _roster(services)
    challenge = _take_challenge(request, services, me, body.clientDataJSON)
    try:
        verified = verify_registration_response(
            credential={
                "id": body.id,
                "rawId": body.id,
                "type": "public-key",
                "response": {
                    "attestationObject": body.attestationObject,
                    "clientDataJSON": body.clientDataJSON,
                },
            },
            expected_challenge=challenge,
            expected_rp_id=roster.rp_id,
            expected_origin=list(roster.origins),
            require_user_verification=True,
            supported_pub_key_algs=ES256,
        )
        public = _point(verified.credential_public_key)
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        text = "The passkey could not be checked ({why}). Try again."
        raise Refusal(422, "passkey", text, why=str(error)[:200]) from error
    now = services.clock.now_ms()
    made = Passkey(
        b64(verified.credential_id),
        me.user.id,
        body.name or me.user.name,
        public,
        keys.key_id(PASSKEY, public),
        now,
    )
    dispatch_of(services).book.store.put_passkey(made)
    services.store.people.log_access(now, me.user.id, "passkey.register", made.key)
    return _shown(made, roster)


@router.delete("/passkeys/{passkey_id}")
def remove(services: Svc, me: Me, passkey_id: str) -> dict[str, str]:
    """Forget it here. The roster still holds its key until the root's holders take it out."""
    if not dispatch_of(services).book.store.drop_passkey(passkey_id, me.user.id):
        raise not_found(passkey_id[:NAME_CHARS_MAX])
    services.store.people.log_access(
        services.clock.now_ms(), me.user.id, "passkey.remove", passkey_id[:NAME_CHARS_MAX]
    )
    return {"id": passkey_id}


@router.get("/persons")
def read_persons(services: Svc) -> dict[str, Any]:
    """Accounts with who they are in the roster, and the roster's persons."""
    roster = dispatch_of(services).book.trusted.roster
    return {
        "accounts": [
            {
                "user": user.id,
                "user_name": user.name,
                "role": user.role,
                "active": user.active,
                "person": command_views.person_of(services, user.id),
            }
            for user in services.store.people.users()
        ],
        "persons": [
            {
                "person": member.person,
                "org": member.org,
                "name": member.name,
                "role": member.role,
                "services": list(member.services),
                "kind": member.kind,
                "key": member.key,
                "independent": member.independent,
            }
            for member in roster.members
        ],
        "roster_version": roster.version,
        "roster_expires_ms": roster.expires_ms,
    }


@router.put("/persons/{user_id}")
@needs("admin")
def put_person(services: Svc, me: Me, user_id: Ident, body: PersonIn) -> dict[str, str]:
    """It only tells the pages whom to ask: what counts is the key, which the root has named."""
    user = services.store.people.user(user_id)
    if user is None:
        raise not_found(user_id)
    roster = dispatch_of(services).book.trusted.roster
    if body.person and all(member.person != body.person for member in roster.members):
        text = "There is no {person} in the commune's roster."
        raise Refusal(422, "person_unknown", text, person=body.person)
    command_views.put_person(services, user_id, body.person)
    now = services.clock.now_ms()
    services.store.people.log_access(now, me.user.id, "person.set", user_id)
    return {"user": user_id, "person": body.person}


# ---------------------------------------------------------------------------------------------
def _shown(passkey: Passkey, roster: Roster) -> dict[str, Any]:
    return {
        "id": passkey.id,
        "name": passkey.name,
        "key": passkey.key,
        "kind": PASSKEY,
        "public": passkey.public.hex(),
        "created_ms": passkey.created_ms,
        "in_roster": roster.member(passkey.key) is not None,
    }


def _roster(services: Services) -> Roster:
    roster = dispatch_of(services).book.trusted.roster
    if not roster.origins:
        text = "The roster names no address of this hub: passkeys are off until the root adds one."
        raise Refusal(409, "passkeys_off", text)
    return roster


def _challenges(request: Request) -> Challenges:
    """In memory, of a session: a restart asks the person to try again."""
    found: Challenges = request.app.state.passkey_challenges
    return found


def _take_challenge(request: Request, services: Services, me: Person, client_data: str) -> bytes:
    try:
        now = services.clock.now_ms()
        return _challenges(request).take(client_data, hashed(me.token), now)
    except Refusal as refusal:
        text = "This took too long. Start the registration again."
        raise Refusal(409, "no_challenge", text) from refusal


def _point(cose: bytes) -> bytes:
    """The uncompressed point of a P-256 key, as the roster holds it."""
    key = decode_credential_public_key(cose)
    if not isinstance(key, DecodedEC2PublicKey) or len(key.x) != COORDINATE_BYTES:
        raise ValueError("only ES256 passkeys can be used")
    return b"\x04" + key.x + key.y.rjust(COORDINATE_BYTES, b"\0")

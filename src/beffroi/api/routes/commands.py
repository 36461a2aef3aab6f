"""Commands: what can be asked, asking, approving, taking back; what guards say of themselves.

The envelope decides what is possible and the roster who may approve; a route only carries it.
"""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Path, Request
from pydantic import BaseModel, Field, StrictInt, StrictStr
from starlette.responses import Response

from beffroi.api import command_views, sight, trust_views
from beffroi.api.access import Me, Svc, needs
from beffroi.api.asked import Moment
from beffroi.api.command_views import View, dispatch_of
from beffroi.api.described import sends
from beffroi.api.problems import Refusal
from beffroi.api.words import lang_of
from beffroi.hub.dispatch import approve
from beffroi.hub.dispatch.denied import Denied, DeniedError
from beffroi.hub.dispatch.office import OPEN
from beffroi.hub.dispatch.request import Wish, say
from beffroi.kernel import keys
from beffroi.kernel.dsse import Signature
from beffroi.kernel.keys import Assertion
from beffroi.kernel.limits import ID_CHARS_MAX, PARAMS_MAX, TEXT_CHARS_MAX, WEBAUTHN_BYTES_MAX
from beffroi.model.limits import PASSKEY_TIMEOUT_MS, SIGNED_FILE_BYTES_MAX
from beffroi.ports.commands import FINAL

router = APIRouter(prefix="/api/commands", tags=["commands"])
Name = Annotated[str, Field(max_length=ID_CHARS_MAX, min_length=1)]
Ident = Annotated[str, Path(max_length=ID_CHARS_MAX)]
Value = StrictInt | Annotated[StrictStr, Field(max_length=TEXT_CHARS_MAX)]
B64 = Annotated[str, Field(max_length=4 * WEBAUTHN_BYTES_MAX)]


class WishIn(BaseModel, extra="forbid"):
    """What is wanted. Times: 0 is now, and as long as is usual."""

    target: Name
    action: Name
    params: dict[Name, Value] = Field(default_factory=dict, max_length=PARAMS_MAX)
    not_before_ms: int = Field(default=0, ge=0, le=2**53 - 1)
    lifetime_s: int = Field(default=0, ge=0, le=86_400)

    def wish(self) -> Wish:
        return Wish(
            self.target, self.action, self.params, self.not_before_ms, self.lifetime_s * 1000
        )


class AssertionIn(BaseModel, extra="forbid"):
    """What `navigator.credentials.get` answers, in base64url."""

    id: B64
    authenticatorData: B64  # noqa: N815 - the browser's name
    clientDataJSON: B64  # noqa: N815
    signature: B64


@router.get("")
def read_commands(
    request: Request,
    services: Svc,
    me: Me,
    state: Literal["open", "final", "all"] = "open",
    target: str = "",
    before_ms: Moment = 0,
) -> list[dict[str, Any]]:
    """Newest first, PAGE_ROWS_MAX at a time."""
    states = {"open": OPEN, "final": tuple(FINAL), "all": ()}[state]
    rows = sight.commands_seen(services, me.user, states, target, before_ms)
    return View(services, lang_of(request), me.user).many(rows)


@router.get("/targets")
def read_targets(request: Request, services: Svc, me: Me) -> list[dict[str, Any]]:
    """What can be commanded, with the names and limits that a form needs."""
    told = sight.sees(services, me.user, sight.COMMANDS)
    return [
        one for one in View(services, lang_of(request), me.user).targets() if told(one["target"])
    ]


@router.get("/guards")
def read_guards(services: Svc) -> list[dict[str, Any]]:
    return trust_views.guards_json(services)


@router.post("/preview")
def preview(request: Request, services: Svc, body: WishIn) -> dict[str, Any]:
    """What it would need and what stands against it; nothing is kept."""
    found = dispatch_of(services).office.preview(body.wish())
    return {
        "class": found.need.klass,
        "safe": found.need.case.safe,
        "say": say(found.need.action, body.params, lang_of(request)),
        "problems": [command_views.problem_json(one) for one in found.problems],
        "independent": found.missing.independent_missing,
        **command_views.missing_json(found.missing),
    }


@router.post("", status_code=201)
def ask(request: Request, services: Svc, me: Me, body: WishIn) -> dict[str, Any]:
    """In the evidence log and durable when answered."""
    row = dispatch_of(services).office.request(body.wish(), me.user.id)
    return View(services, lang_of(request), me.user).one(row)


@router.get("/{command_id}")
def read_command(request: Request, services: Svc, me: Me, command_id: Ident) -> dict[str, Any]:
    """With its story."""
    row = dispatch_of(services).office.command(command_id)
    view = View(services, lang_of(request), me.user)
    return view.one(row) | {"events": view.story(row)}


@router.post("/{command_id}/cancel")
def cancel(request: Request, services: Svc, me: Me, command_id: Ident) -> dict[str, Any]:
    row = dispatch_of(services).office.cancel(command_id, me.user.id)
    return View(services, lang_of(request), me.user).one(row)


@router.get("/{command_id}/passkey")
@needs("operator")
def passkey_options(services: Svc, me: Me, command_id: Ident) -> dict[str, Any]:
    """For `navigator.credentials.get`: the challenge is the hash of exactly what is signed."""
    dispatch = dispatch_of(services)
    row = dispatch.office.command(command_id)
    roster = dispatch.book.trusted.roster
    known = [one for one in dispatch.book.store.passkeys(me.user.id) if roster.member(one.key)]
    if not known:
        text = (
            "None of your passkeys is in the commune's roster. Have the holders of the root add it."
        )
        raise Refusal(409, "no_passkey", text)
    return {
        "challenge": b64(keys.challenge(dispatch.office.unsigned(row).pae)),
        "rpId": roster.rp_id,
        "allowCredentials": [{"id": one.id, "type": "public-key"} for one in known],
        "userVerification": "required",
        "timeout": PASSKEY_TIMEOUT_MS,
    }


@router.post("/{command_id}/passkey")
def approve_by_passkey(
    request: Request, services: Svc, me: Me, command_id: Ident, body: AssertionIn
) -> dict[str, Any]:
    """One person's approval, made in this page."""
    dispatch = dispatch_of(services)
    known = [one for one in dispatch.book.store.passkeys(me.user.id) if one.id == body.id]
    if not known:
        raise Refusal(409, "no_passkey", "This passkey is not one of your account.")
    assertion = Assertion(unb64(body.authenticatorData), unb64(body.clientDataJSON))
    signature = Signature(known[0].key, unb64(body.signature), assertion)
    person = command_views.person_of(services, me.user.id)
    if not person:
        text = (
            "Your account is nobody in the commune's roster yet. Ask an administrator to say who."
        )
        raise Refusal(409, "no_person", text)
    row = dispatch.office.approve(command_id, signature, approve.PASSKEY, me.user.id, person)
    return View(services, lang_of(request), me.user).one(row)


@router.get("/{command_id}/request", **sends("application/octet-stream"))
@needs("operator")
def request_file(services: Svc, me: Me, command_id: Ident) -> Response:
    """The file for `beffroi sign`, with the rules that its own copy is checked against. They are of
    all that the guard moves: another body signs by its own copy."""
    name = f'attachment; filename="{command_id}.beffroi"'
    office = dispatch_of(services).office
    content = office.request_file(command_id, rules=sight.of_commune(me.user))
    headers = {"content-disposition": name}
    return Response(content, media_type="application/octet-stream", headers=headers)


@router.post("/{command_id}/signature")
def approve_by_file(
    request: Request,
    services: Svc,
    me: Me,
    command_id: Ident,
    body: Annotated[bytes, Body(media_type="application/octet-stream")],
) -> dict[str, Any]:
    """What `beffroi sign` wrote. Anybody may bring it: the signature says whose it is."""
    if len(body) > SIGNED_FILE_BYTES_MAX:
        raise Refusal(413, "too_large", "This file is too large to be a signature.")
    office = dispatch_of(services).office
    signature = approve.signature_in(body, office.command(command_id).payload)
    if isinstance(signature, Denied):
        raise DeniedError(signature)
    row = office.approve(command_id, signature, approve.SIGNER, me.user.id, None)
    return View(services, lang_of(request), me.user).one(row)


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def unb64(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise Refusal(422, "base64", "A part of the answer is not base64url.") from None

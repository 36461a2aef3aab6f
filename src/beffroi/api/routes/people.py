"""Accounts: who is who, invitations, closing an account. Administrators only, but for one's own."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from beffroi.api import accounts
from beffroi.api.access import Me, Svc, needs
from beffroi.api.policies import COMMUNE
from beffroi.model.limits import NAME_CHARS_MAX, PASSPHRASE_CHARS_MAX

router = APIRouter(prefix="/api", tags=["people"])


class InviteIn(BaseModel, extra="forbid"):
    role: Literal["reader", "operator", "admin"]
    organisation: str = Field(default=COMMUNE, max_length=NAME_CHARS_MAX)


class ActiveIn(BaseModel, extra="forbid"):
    active: bool


class PassphraseIn(BaseModel, extra="forbid"):
    old: str = Field(max_length=PASSPHRASE_CHARS_MAX)
    new: str = Field(max_length=PASSPHRASE_CHARS_MAX)


@router.get("/me")
def read_me(me: Me) -> dict[str, str]:
    """`csrf` must come back in `X-CSRF-Token` with every write."""
    return {"id": me.user.id, "name": me.user.name, "role": me.user.role, "csrf": me.csrf}


@router.get("/people")
@needs("admin")
def read_people(services: Svc) -> list[dict[str, Any]]:
    return [
        {
            "id": u.id,
            "name": u.name,
            "role": u.role,
            "organisation": u.organisation,
            "active": u.active,
        }
        for u in services.store.people.users()
    ]


@router.post("/people/invitations", status_code=201)
@needs("admin")
def invite(services: Svc, me: Me, body: InviteIn) -> dict[str, str]:
    """The path of a one-time link, shown once."""
    return {"path": accounts.invite(services, body.role, me.user, body.organisation)}


@router.put("/people/{user_id}")
@needs("admin")
def put_active(services: Svc, me: Me, user_id: str, body: ActiveIn) -> dict[str, Any]:
    user = accounts.set_active(services, user_id, body.active, me.user)
    return {"id": user.id, "active": user.active}


@router.post("/me/passphrase", status_code=204)
@needs("reader")
def change(request: Request, services: Svc, me: Me, body: PassphraseIn) -> None:
    """Every session of the person ends, this one too."""
    tries = request.app.state.tries
    accounts.change_passphrase(services, tries, me.user, body.old, body.new)

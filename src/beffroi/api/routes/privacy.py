"""Personal data: one's own to read and take away, and what administrators answer for.

Everything that shows more than one's own is for administrators; reading a person's fields passes
the gate that counts (`hub.privacy.egress`).
"""

from __future__ import annotations

import base64
import csv
import io
import re
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter
from fastapi import Request as HttpRequest
from pydantic import BaseModel, Field
from starlette.responses import Response

from beffroi.api import accounts, own_data
from beffroi.api.access import Me, Svc, needs
from beffroi.api.asked import Number
from beffroi.api.command_views import person_of
from beffroi.api.described import sends
from beffroi.api.own_data import keeper_of
from beffroi.api.problems import Refusal, not_found
from beffroi.api.sessions import Person
from beffroi.hub.privacy import register
from beffroi.hub.privacy.bulk import BulkError, By, Request, Rows
from beffroi.hub.services import Services
from beffroi.model.cells import inert
from beffroi.model.limits import COMMENT_CHARS_MAX, PAGE_ROWS_MAX, PASSPHRASE_CHARS_MAX
from beffroi.model.purposes import PURPOSES
from beffroi.ports.personal import EgressError, PersonalError

router = APIRouter(prefix="/api", tags=["privacy"])
PSEUDONYM = r"s-[0-9a-f]{32}"
Pseudonym = Annotated[str, Field(pattern=rf"^{PSEUDONYM}$")]
Result = TypeVar("Result")


class PassIn(BaseModel, extra="forbid"):
    passphrase: str = Field(max_length=PASSPHRASE_CHARS_MAX)


class AskIn(BaseModel, extra="forbid"):
    purpose: str = Field(max_length=40)
    why: str = Field(max_length=COMMENT_CHARS_MAX)


class SubjectIn(BaseModel, extra="forbid"):
    subject: Pseudonym


# --- one's own -----------------------------------------------------------------------------------
@router.get("/me/data")
def read_my_data(services: Svc, me: Me) -> dict[str, Any]:
    """Everything about the account that asks (RGPD article 15)."""
    return own_data.everything(services, me.user)


@router.get("/me/data.zip", **sends("application/zip"))
def take_my_data(services: Svc, me: Me) -> Response:
    """The same as a file."""
    headers = {"content-disposition": 'attachment; filename="mes-donnees-beffroi.zip"'}
    return Response(own_data.zipped(services, me.user), 200, headers, "application/zip")


@router.post("/me/erase", status_code=204)
@needs("reader")
def erase_me(request: HttpRequest, services: Svc, me: Me, body: PassIn) -> None:
    """The passphrase again: a session left open must not be enough."""
    forget_me(request, services, me, body.passphrase)


# --- administrators ------------------------------------------------------------------------------
@router.post("/people/{user_id}/erase", status_code=204)
@needs("admin")
def erase_person(services: Svc, me: Me, user_id: str) -> None:
    if user_id == me.user.id:
        text = "Erase your own account on the page “My account”, with your passphrase."
        raise Refusal(409, "yourself", text)
    own_data.erase_account(services, user_id, me.user)


@router.get("/privacy")
@needs("admin")
def read_privacy(services: Svc) -> dict[str, Any]:
    """What is kept, by purpose; nobody is named."""
    held = {one.purpose: one for one in keeper_of(services).vault.held()}
    return {
        "purposes": [
            {
                "purpose": one.id,
                "days": one.days,
                "persons": held[one.id].subjects if one.id in held else 0,
                "fields": held[one.id].fields if one.id in held else 0,
            }
            for one in PURPOSES.values()
        ],
        "accesses": keeper_of(services).vault.chain()[0],
    }


@router.get("/privacy/record")
def read_record(services: Svc) -> list[dict[str, Any]]:
    """The record of processing (article 30)."""
    return [
        {
            "name": line.activity.name,
            "aim": line.activity.aim,
            "basis": line.activity.basis,
            "people": line.activity.people,
            "data": line.activity.data,
            "recipients": line.activity.recipients,
            "life": line.activity.life,
            "safety": line.activity.safety,
            "persons": line.persons,
        }
        for line in record_of(services)
    ]


@router.get("/privacy/accesses")
@needs("admin")
def read_accesses(services: Svc, before: Number = 0, subject: str = "") -> list[dict[str, Any]]:
    """The access log, newest first. There is no way to change it."""
    lines = keeper_of(services).vault.accesses(PAGE_ROWS_MAX, before, subject[:40])
    return [line._asdict() for line in lines]


@router.get("/privacy/people/{subject}")
@needs("admin")
def read_subject(services: Svc, me: Me, subject: Pseudonym) -> dict[str, str]:
    """Everything about one person, to answer their request. It is noted and counted."""
    found = _guarded(keeper_of(services).vault.export, subject, me.user.id, services.clock.now_ms())
    if not found:
        raise not_found(subject)
    return {name: text_of(value) for name, value in found.items()}


@router.post("/privacy/erase")
@needs("admin")
def erase_subject(services: Svc, me: Me, body: SubjectIn) -> dict[str, int]:
    """One person, by the pseudonym that their report or request names."""
    return {"fields": erase_named(services, me, body.subject)}


@router.get("/privacy/exports")
@needs("admin")
def read_exports(services: Svc) -> list[dict[str, Any]]:
    return [shown(one) for one in keeper_of(services).bulk.open(services.clock.now_ms())]


@router.post("/privacy/exports", status_code=201)
@needs("admin")
def ask_export(services: Svc, me: Me, body: AskIn) -> dict[str, Any]:
    return shown(ask(services, me, body.purpose, body.why))


@router.post("/privacy/exports/{request_id}/confirm")
@needs("admin")
def confirm_export(services: Svc, me: Me, request_id: str) -> dict[str, Any]:
    return shown(confirm(services, me, request_id))


@router.post("/privacy/exports/{request_id}/take", **sends("text/csv"))
@needs("admin")
def take_export(services: Svc, me: Me, request_id: str) -> Response:
    """CSV, once. A POST: a link that a page preloads must not use it up."""
    rows = take(services, me, request_id)
    headers = {"content-disposition": 'attachment; filename="export.csv"'}
    return Response(csv_of(rows), 200, headers, "text/csv; charset=utf-8")


# --- shared with the pages -----------------------------------------------------------------------
def confirm_me(request: HttpRequest, services: Services, me: Person, passphrase: str) -> None:
    accounts.check_passphrase(services, request.app.state.tries, me.user, passphrase)


def forget_me(request: HttpRequest, services: Services, me: Person, passphrase: str) -> None:
    confirm_me(request, services, me, passphrase)
    own_data.erase_account(services, me.user.id, me.user)


def erase_named(services: Services, me: Person, subject: str) -> int:
    """How many fields there were. An account is erased as an account, not by its pseudonym."""
    if not re.fullmatch(PSEUDONYM, subject):
        text = "A pseudonym begins with s- and has 32 signs: copy it from the report."
        raise Refusal(422, "pseudonym", text)
    owners = services.store.people.users()
    if any(own_data.subject_of(services, user.id) == subject for user in owners):
        raise Refusal(409, "account", "This is an account: erase it on the page of accounts.")
    return _guarded(keeper_of(services).erase, subject, me.user.id)


def ask(services: Services, me: Person, purpose: str, why: str) -> Request:
    bulk, now = keeper_of(services).bulk, services.clock.now_ms()
    return _guarded(bulk.ask, purpose, why, _by(services, me), now)


def confirm(services: Services, me: Person, request_id: str) -> Request:
    bulk, now = keeper_of(services).bulk, services.clock.now_ms()
    return _guarded(bulk.confirm, request_id, _by(services, me), now)


def take(services: Services, me: Person, request_id: str) -> Rows:
    bulk, now = keeper_of(services).bulk, services.clock.now_ms()
    return _guarded(bulk.take, request_id, me.user.id, now)


def record_of(services: Services) -> list[register.Line]:
    modules = {"commands"} if services.dispatch is not None else set()
    if getattr(services, "reports", None) is not None:
        modules.add("reports")
    return register.record(modules, keeper_of(services).vault.held())


def csv_of(rows: Rows) -> str:
    """One line a person. A cell that a spreadsheet would run is made text."""
    names = sorted({name for row in rows for name in row})
    made = io.StringIO()
    writer = csv.writer(made)
    writer.writerow(names)
    for row in rows:
        writer.writerow([inert(text_of(row.get(name, b""))) for name in names])
    return made.getvalue()


def text_of(value: bytes) -> str:
    """Text as it is; anything else in base64."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return base64.b64encode(value).decode()


def shown(request: Request) -> dict[str, Any]:
    return {
        "id": request.id,
        "purpose": request.purpose,
        "count": request.count,
        "why": request.why,
        "asked_by": request.asked.account,
        "asked_ms": request.asked_ms,
        "confirmed_by": request.confirmed.account if request.confirmed else "",
        "ends_ms": request.ends_ms,
    }


def _by(services: Services, me: Person) -> By:
    return By(me.user.id, person_of(services, me.user.id))


def _guarded(call: Callable[..., Result], *args: object) -> Result:
    try:
        return call(*args)
    except BulkError as error:
        raise Refusal(409, f"bulk_{error.code}", error.text, **error.facts) from error
    except EgressError as error:
        text = (
            "So many persons were read in a day that reading is blocked until tomorrow. "
            "An alarm was raised; an administrator can look at the access log."
        )
        raise Refusal(429, "egress", text) from error
    except PersonalError as error:
        raise Refusal(409, "personal", "{text}", text=str(error)) from error

"""Commands: what runs, what waits for me, one command with its story, and its approval.

Everything works with plain forms; a passkey alone needs a script, which fills a form and sends it.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, UploadFile
from starlette.responses import RedirectResponse, Response

from beffroi.api import evidence_views, sight
from beffroi.api.access import Me, Svc, needs
from beffroi.api.asked import Moment
from beffroi.api.command_views import View, dispatch_of, person_of
from beffroi.api.problems import Refusal, understood
from beffroi.api.routes import commands as routes
from beffroi.api.routes.commands import AssertionIn
from beffroi.api.words import lang_of
from beffroi.hub.dispatch.denied import DeniedError
from beffroi.hub.dispatch.office import OPEN
from beffroi.kernel.code import code_of
from beffroi.model.limits import PAGE_ROWS_MAX, SIGNED_FILE_BYTES_MAX
from beffroi.ports.commands import FINAL, CommandRow, State
from beffroi.ports.log_store import LogError
from beffroi.ui.pages.beginning import how_to_begin
from beffroi.ui.render import page

router = APIRouter()
Text = Annotated[str, Form()]
VIEWS = ("open", "mine", "final", "refused")
STATES = {
    "open": OPEN,
    "mine": (State.AWAITING,),
    "final": tuple(FINAL),
    "refused": (State.REFUSED, State.FAILED, State.UNKNOWN),
}
MARK_CHARS = 16  # of the digest: as many as `beffroi sign` shows


@router.get("/commands")
def commands_page(
    request: Request,
    services: Svc,
    me: Me,
    view: str = "open",
    service: str = "",
    before: Moment = 0,
) -> Response:
    """Without trust: how to begin."""
    if services.dispatch is None:
        return how_to_begin(request, services)
    view = view if view in VIEWS else "open"
    lang = lang_of(request)
    shown = View(services, lang, me.user)
    person, told = person_of(services, me.user.id), sight.sees(services, me.user, sight.COMMANDS)
    waiting = shown.many(sight.commands_seen(services, me.user, (State.AWAITING,)))
    mine = [one for one in waiting if _asks(one, person)]
    if view == "mine":
        rows, last = mine, 0
    else:
        found = sight.commands_seen(services, me.user, STATES[view], before_ms=before)
        rows = shown.many([row for row in found if not service or row.service == service])
        last = found[-1].created_ms if len(found) == PAGE_ROWS_MAX else 0
    facts: dict[str, Any] = {
        "view": view,
        "service": service,
        "rows": rows,
        "mine": len(mine),
        "person_of_me": person,
        "figures": _figures(sight.commands_seen(services, me.user, OPEN), len(waiting)),
        "older": last,
        "services_known": sorted({t["service"] for t in shown.targets() if told(t["target"])}),
    }
    return page(request, "commands.html", **facts)


@router.get("/commands/{command_id}")
def command_page(request: Request, services: Svc, me: Me, command_id: str) -> Response:
    return _command(request, services, me, command_id)


@router.post("/commands/{command_id}/cancel")
def cancel(request: Request, services: Svc, me: Me, command_id: str) -> Response:
    try:
        dispatch_of(services).office.cancel(command_id, me.user.id)
    except (DeniedError, Refusal) as error:
        return _command(request, services, me, command_id, understood(error))
    return RedirectResponse(f"/commands/{command_id}", 303)


@router.post("/commands/{command_id}/passkey")
def approve_by_passkey(
    request: Request,
    services: Svc,
    me: Me,
    command_id: str,
    id: Text = "",  # noqa: A002 - the browser's name
    authenticatorData: Text = "",  # noqa: N803
    clientDataJSON: Text = "",  # noqa: N803
    signature: Text = "",
) -> Response:
    """What the script has put into the form. The same checks as the API's."""
    try:
        answer = AssertionIn(
            id=id,
            authenticatorData=authenticatorData,
            clientDataJSON=clientDataJSON,
            signature=signature,
        )
        routes.approve_by_passkey(request, services, me, command_id, answer)
    except (DeniedError, Refusal) as error:
        return _command(request, services, me, command_id, understood(error))
    except ValueError:
        refusal = Refusal(422, "passkey_form", "The passkey's answer is incomplete. Try again.")
        return _command(request, services, me, command_id, refusal)
    return RedirectResponse(f"/commands/{command_id}", 303)


@router.post("/commands/{command_id}/signature")
def approve_by_file(
    request: Request, services: Svc, me: Me, command_id: str, file: UploadFile
) -> Response:
    """What `beffroi sign` wrote."""
    try:
        content = file.file.read(SIGNED_FILE_BYTES_MAX + 1)
        if not content:
            raise Refusal(422, "no_file", "Choose the file that `beffroi sign` wrote.")
        routes.approve_by_file(request, services, me, command_id, content)
    except (DeniedError, Refusal) as error:
        return _command(request, services, me, command_id, understood(error))
    return RedirectResponse(f"/commands/{command_id}", 303)


@router.get("/commands/{command_id}/evidence")
@needs("operator")
def evidence_file(services: Svc, command_id: str, payloads: str = "yes") -> Response:
    """For `beffroi verify`."""
    dispatch = dispatch_of(services)
    row = dispatch.office.command(command_id)
    try:
        content = evidence_views.dossier(dispatch, row, payloads=payloads != "no")
    except LogError as error:
        raise Refusal(409, "log", "{text}", text=str(error)) from error
    headers = {"content-disposition": f'attachment; filename="{row.id}.evidence.txt"'}
    return Response(content, media_type="text/plain", headers=headers)


def _command(
    request: Request, services: Svc, me: Me, command_id: str, refusal: Refusal | None = None
) -> Response:
    dispatch, lang = dispatch_of(services), lang_of(request)
    row = dispatch.office.command(command_id)
    view = View(services, lang, me.user)
    shown = view.one(row)
    entries, log_wrong = _entries(services, row, lang)
    facts: dict[str, Any] = {
        "command": shown,
        "story": list(reversed(view.story(row))),
        "entries": entries,
        "log_wrong": log_wrong,
        "person_of_me": person_of(services, me.user.id),
        "asks_me": _asks(shown, person_of(services, me.user.id)),
        "held": view.held(row.target, row.action),
        "mark": row.digest[:MARK_CHARS],
        "code": code_of(bytes.fromhex(row.digest)),
        "code_public": view.public(row.target, row.action),
        "place": f"{row.epoch}/{row.counter}",
        "asset": services.store.assets.asset(row.target),
        "final": row.state in FINAL,
        "refusal": refusal,
        "live": row.state not in FINAL,
    }
    return page(request, "command.html", refusal.status if refusal else 200, **facts)


def _entries(services: Svc, row: CommandRow, lang: str) -> tuple[list[Any], str]:
    """An unreadable log must not hide the command."""
    try:
        return evidence_views.of_command(dispatch_of(services).book.log, row, lang), ""
    except (LogError, ValueError) as error:
        return [], str(error)


def _asks(command: dict[str, Any], person: str) -> bool:
    """Whether this person may be the one who is missing."""
    needed = command["needed"]
    return bool(person and needed and any(one["person"] == person for one in needed["asked"]))


def _figures(rows: list[CommandRow], waiting: int) -> dict[str, int]:
    return {
        "waiting": waiting,
        "ready": sum(row.state is State.READY for row in rows),
        "sent": sum(row.state is State.SENT for row in rows),
        "open": len(rows),
    }

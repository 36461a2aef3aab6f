"""Alerts of authorities and our own: what came, from whom, what could be shown, what went out.

A proposal leads to the ordinary request of a command, with its approvals; turning an alert down
needs a reason, which is logged. Nothing is shown from here.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, Path, Request
from starlette.responses import RedirectResponse, Response

from beffroi.api.access import Me, Svc, needs
from beffroi.api.problems import Refusal, not_found, understood
from beffroi.domains.base import Proposal
from beffroi.hub.advice import Advisor, key_of
from beffroi.hub.announcer import Announcer
from beffroi.hub.dispatch.denied import DeniedError
from beffroi.hub.services import Services
from beffroi.model.cap import Alert, in_force
from beffroi.model.limits import ALERT_REASON_CHARS_MAX
from beffroi.ui.pages.acts import PREFIX
from beffroi.ui.render import page

router = APIRouter()
SHOWN = 30


@router.get("/alerts")
@needs("operator")
def alerts_page(request: Request, services: Svc) -> Response:
    return _page(request, services)


@router.post("/alerts/{key}/refuse")
def refuse(
    request: Request,
    services: Svc,
    me: Me,
    key: Annotated[str, Path(max_length=40)],
    reason: Annotated[str, Form()] = "",
) -> Response:
    """Nothing of it is proposed any more."""
    why = " ".join(reason.split())
    if not 3 <= len(why) <= ALERT_REASON_CHARS_MAX:
        text = "Say why in a few words (3 to {most} characters): it is kept in the log."
        return _page(request, services, Refusal(422, "reason", text, most=ALERT_REASON_CHARS_MAX))
    try:
        known = _advisor(request).turn_down(key, why, me.user.id)
    except DeniedError as error:
        return _page(request, services, understood(error))
    if not known:
        raise not_found(key)
    return RedirectResponse("/alerts", 303)


def _advisor(request: Request) -> Advisor:
    found: Advisor | None = request.app.state.advisor
    if found is None:
        raise not_found("alerts")
    return found


def _page(request: Request, services: Services, refusal: Refusal | None = None) -> Response:
    advisor: Advisor | None = request.app.state.advisor
    announcer: Announcer | None = request.app.state.announcer
    now_ms = services.clock.now_ms()
    came = sorted(advisor.alerts if advisor else (), key=lambda one: -one.sent_ms)[:SHOWN]
    holding = {one.ref for one in in_force(advisor.alerts if advisor else (), now_ms)}
    facts: dict[str, Any] = {
        "came": [_came(services, advisor, one, one.ref in holding) for one in came if advisor],
        "refused": advisor.refused if advisor else (),
        "sent": announcer.outbox.published()[:SHOWN] if announcer else [],
        "people": {user.id: user.name for user in services.store.people.users()},
        "refusal": refusal,
        "reason_chars_max": ALERT_REASON_CHARS_MAX,
    }
    return page(request, "alerts.html", refusal.status if refusal else 200, **facts)


def _came(services: Services, advisor: Advisor, alert: Alert, holds: bool) -> dict[str, Any]:
    key = key_of(alert.ref)
    down = advisor.turned_down.get(key)
    follows = [one for one in advisor.proposals if one.of == alert.ref]
    return {
        "key": key,
        "alert": alert,
        "info": alert.infos[0] if alert.infos else None,
        "holds": holds,
        "down": down,
        "proposals": [] if down else [_proposal(services, one) for one in follows],
    }


def _proposal(services: Services, one: Proposal) -> dict[str, Any]:
    asset = services.store.assets.asset(one.asset)
    act = None
    if asset is not None:
        act = services.domains[asset.domain].acts.get(asset.kind, {}).get(one.action)
    template = act.params["template"].words if act and "template" in act.params else {}
    return {
        "asset": one.asset,
        "name": asset.name if asset else one.asset,
        "act": act.label if act else None,
        "message": template.get(str(one.params.get("template"))),
        "minutes": one.params.get("minutes"),
        "missing": [act.params[name].label for name in one.missing if act and name in act.params],
        "query": {"action": one.action, **{PREFIX + k: v for k, v in one.params.items()}},
    }

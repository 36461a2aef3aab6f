"""What an organisation reads of the competence that this commune delegated to it: open alarms.

Public as routes go, because programs have no session: a token of that delegation opens it and
nothing else. An unknown, revoked or ended one gets the same answer. Nothing of persons is told.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from beffroi.api import alarm_views
from beffroi.api.access import Svc, public
from beffroi.api.asked import household
from beffroi.api.problems import Refusal
from beffroi.hub.delegations import Delegation, Delegations
from beffroi.hub.services import Services
from beffroi.model.alarm import Alarm
from beffroi.model.finding import Severity
from beffroi.model.limits import PAGE_ROWS_MAX

router = APIRouter(prefix="/api", tags=["delegated"])


def delegations_of(services: Services) -> Delegations:
    if services.office is None:
        raise Refusal(503, "no_office", "Registers are not open here: start the hub anew.")
    return Delegations(services.office.registers, services.store.assets, services.clock)


@router.get("/delegated")
@public
def read_delegated(request: Request, services: Svc) -> dict[str, Any]:
    """`Authorization: Bearer bfd_…`."""
    tries, now = request.app.state.delegated_tries, services.clock.now_ms()
    if not tries.allowed(household(request), now):
        raise Refusal(429, "too_many_requests", "Too many requests. Wait ten minutes.")
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    held = delegations_of(services).holder(token) if scheme.lower() == "bearer" else None
    if held is None:
        text = "This token opens nothing here. Ask the commune for a new one."
        raise Refusal(401, "token", text)
    return _told(services, held)


def _told(services: Services, held: Delegation) -> dict[str, Any]:
    mine = theirs(services, held)
    mine.sort(key=lambda alarm: (-alarm.severity, alarm.raised_ms))
    page = mine[:PAGE_ROWS_MAX]
    french = alarm_views.views(services, page, "fr")
    english = alarm_views.views(services, page, "en")
    commune = services.store.assets.commune()
    domain = services.domains.get(held.domain)
    return {
        "commune": commune.name or commune.id if commune else "",
        "organisation": held.organisation,
        "domain": held.domain,
        "domain_fr": domain.label.fr if domain else held.domain,
        "domain_en": domain.label.en if domain else held.domain,
        "until_ms": held.until_ms,
        "count": len(mine),
        "undecided": sum(a.severity >= Severity.GRAVE and a.decision is None for a in mine),
        "alarms": [
            {
                "id": fr.alarm.id,
                "title_fr": fr.title,
                "title_en": en.title,
                "asset": fr.asset_name,
                "severity": fr.severity,
                "raised_ms": fr.alarm.raised_ms,
                "decided": fr.alarm.decision is not None,
            }
            for fr, en in zip(french, english, strict=True)
        ],
    }


def theirs(services: Services, held: Delegation) -> list[Alarm]:
    """Open alarms of the assets that the organisation is in charge of; a flood counts once."""
    found, in_charge = [], {}
    for alarm in services.desk.open():
        if alarm.domain != held.domain or alarm.group or not alarm.asset:
            continue
        if alarm.asset not in in_charge:
            asset = services.store.assets.asset(alarm.asset)
            in_charge[alarm.asset] = asset is not None and asset.authority == held.organisation
        if in_charge[alarm.asset]:
            found.append(alarm)
    return found

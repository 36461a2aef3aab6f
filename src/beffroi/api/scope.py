"""What a request is about, for the policies: its subject, its thing, and who is competent for it.

Subjects are told by the path that a route was declared with. Decides nothing: `policies` does.
"""

from __future__ import annotations

from collections.abc import Iterable

from fastapi import Request

from beffroi.api.policies import COMMUNE, What, Who, ask
from beffroi.hub.services import Services
from beffroi.model.alarm import Alarm
from beffroi.model.asset import Asset
from beffroi.ports.store import User

LISTS = ("/alarms", "/api/alarms", "/api/assets")  # filtered line by line by their routes
ENDS = (  # a copy to take away, whatever it is about
    (".csv", "exports"),
    ("/extract", "exports"),
    ("/extract.pdf", "exports"),
    ("/evidence", "exports"),
)
BEGINS = {
    "/account": "account",
    "/act": "commands",
    "/add": "devices",
    "/alarms": "alarms",
    "/alerts": "publication",
    "/api/alarms": "alarms",
    "/api/assets": "assets",
    "/api/codecs": "data",
    "/api/commands": "commands",
    "/api/devices": "devices",
    "/api/imports": "data",
    "/api/indicators": "indicators",
    "/api/interlocks": "commands",
    "/api/lab": "lab",
    "/api/maturity": "indicators",
    "/api/me": "account",
    "/api/open-data": "publication",
    "/api/passkeys": "commands",
    "/api/people": "people",
    "/api/persons": "commands",
    "/api/plans": "commands",
    "/api/privacy": "privacy",
    "/api/quarantine": "data",
    "/api/reports": "reports",
    "/api/sources": "data",
    "/assets": "assets",
    "/commands": "commands",
    "/compare": "indicators",
    "/data": "data",
    "/data/open": "publication",
    "/delegated": "delegations",
    "/devices": "devices",
    "/dossier": "exports",
    "/evidence": "trust",
    "/guards": "commands",
    "/incidents": "incidents",
    "/indicators": "indicators",
    "/lab": "lab",
    "/maire": "mayor",
    "/maturity": "indicators",
    "/mayor": "mayor",
    "/people": "people",
    "/people/delegations": "delegations",
    "/plans": "commands",
    "/privacy": "privacy",
    "/registers": "registers",
    "/reports": "reports",
    "/results": "publication",
    "/sign-out": "account",
    "/town-hall": "publication",
    "/trust": "trust",
}


def subject_of(path: str) -> str:
    """Of a route as declared; "town" for the map and what else concerns the whole commune."""
    for end, subject in ENDS:
        if path.endswith(end) and path != end:
            return subject
    parts = path.split("/")
    for count in range(len(parts), 1, -1):
        found = BEGINS.get("/".join(parts[:count]))
        if found is not None:
            return found
    return "town"


def declared(request: Request) -> str:
    return str(getattr(request.scope.get("route"), "path", request.url.path))


def what_of(services: Services, path: str, params: dict[str, str]) -> What:
    """What a request to the route `path` is about; an unknown thing is of no authority."""
    if "asset_id" in params:
        return _of_asset(services, params["asset_id"])
    if "alarm_id" in params:
        return _of_alarm(services, params["alarm_id"])
    return What("List" if path in LISTS else "Town")


def who_of(user: User) -> Who:
    return Who(user.role, user.organisation, user.active)


def assets_seen(user: User, assets: Iterable[Asset]) -> list[Asset]:
    """Those of a list that the policies let this account see."""
    who = who_of(user)
    return [one for one in assets if ask(who, "assets.reader", _thing(one)).allowed]


def alarms_seen(services: Services, user: User, alarms: Iterable[Alarm]) -> list[Alarm]:
    """Those of a list that the policies let this account see; one without an asset is everybody's
    in the commune and nobody's elsewhere."""
    if user.organisation == COMMUNE:
        return list(alarms)  # the route itself was asked: no rule for the commune looks further
    who = who_of(user)
    asked: dict[str, What] = {}
    for alarm in alarms:
        if alarm.asset not in asked:
            asked[alarm.asset] = _of_asset(services, alarm.asset)
    return [one for one in alarms if ask(who, "alarms.reader", asked[one.asset]).allowed]


def _of_alarm(services: Services, alarm_id: str) -> What:
    alarm = next((one for one in services.desk.open() if one.id == alarm_id), None)
    alarm = alarm or services.store.alarms.alarm(alarm_id)
    return _of_asset(services, alarm.asset if alarm else "")


def _of_asset(services: Services, asset_id: str) -> What:
    asset = services.store.assets.asset(asset_id) if asset_id else None
    return _thing(asset) if asset else What("Thing")


def _thing(asset: Asset) -> What:
    return What("Thing", asset.authority, asset.domain)

"""What a request is about, for the policies: its subject, its thing, and who is competent for it.

Subjects are told by the path that a route was declared with. Decides nothing: `policies` does.
"""

from __future__ import annotations

from collections.abc import Callable

from fastapi import Request

from beffroi.api.policies import What, Who, ask
from beffroi.hub.services import Services
from beffroi.model.asset import Asset, Device
from beffroi.ports.store import User

LISTS = (  # filtered line by line by their routes, see `sight`
    "/",
    "/alarms",
    "/api/alarms",
    "/api/assets",
    "/api/catalogue",
    "/api/commands",
    "/api/commands/targets",
    "/api/devices",
    "/api/map",
    "/api/map/base",
    "/api/map/shapes",
    "/commands",
    "/devices",
    "/devices.csv",
    "/events",
    "/list",
)
ENDS = (  # a copy to take away, whatever it is about
    (".csv", "exports"),
    ("/extract", "exports"),
    ("/extract.pdf", "exports"),
    ("/evidence", "exports"),
)
TOWN = What()
BEGINS = {
    "/": "map",
    "/account": "account",
    "/act": "commands",
    "/add": "devices",
    "/alarms": "alarms",
    "/alerts": "publication",
    "/api/alarms": "alarms",
    "/api/assets": "assets",
    "/api/catalogue": "map",
    "/api/codecs": "data",
    "/api/commands": "commands",
    "/api/devices": "devices",
    "/api/imports": "data",
    "/api/indicators": "indicators",
    "/api/interlocks": "commands",
    "/api/lab": "lab",
    "/api/map": "map",
    "/api/maturity": "indicators",
    "/api/me": "account",
    "/api/open-data": "publication",
    "/api/passkeys": "account",
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
    "/devices.csv": "devices",
    "/dossier": "exports",
    "/events": "map",
    "/evidence": "trust",
    "/guards": "commands",
    "/incidents": "incidents",
    "/indicators": "indicators",
    "/lab": "lab",
    "/list": "map",
    "/maire": "mayor",
    "/maturity": "indicators",
    "/mayor": "mayor",
    "/people": "people",
    "/people/delegations": "delegations",
    "/people/policies.csv": "people",
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
    """Of a route as declared; "town" for what concerns the whole commune and nothing else says."""
    if path in BEGINS:
        return BEGINS[path]
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


def kind_of(path: str) -> str:
    """Of what a request to the route `path` is about: Thing, List or Town."""
    if any(f"{{{name}}}" in path for name in THINGS):
        return "Thing"
    return "List" if path in LISTS else "Town"


def what_of(services: Services, path: str, params: dict[str, str]) -> What:
    """What a request to the route `path` is about; an unknown thing is of no authority."""
    for name, found in THINGS.items():
        if name in params:
            return found(services, params[name])
    return What(kind_of(path))


def who_of(user: User) -> Who:
    return Who(user.role, user.organisation, user.active)


def may(user: User, action: str, what: What = TOWN) -> bool:
    return ask(who_of(user), action, what).allowed


def of_asset(services: Services, asset_id: str) -> What:
    asset = services.store.assets.asset(asset_id) if asset_id else None
    return thing_of(asset) if asset else What("Thing")


def thing_of(asset: Asset) -> What:
    return What("Thing", asset.authority, asset.domain)


def measured_by(device: Device) -> set[str]:
    """The assets that it measures; none for a gateway or a guard."""
    return {device.asset, *(asset for asset, _ in device.points.values())} - {""}


def _of_alarm(services: Services, alarm_id: str) -> What:
    alarm = next((one for one in services.desk.open() if one.id == alarm_id), None)
    alarm = alarm or services.store.alarms.alarm(alarm_id)
    return of_asset(services, alarm.asset if alarm else "")


def _of_command(services: Services, command_id: str) -> What:
    row = services.dispatch.book.store.command(command_id) if services.dispatch else None
    return of_asset(services, row.target if row else "")


def _of_device(services: Services, device_id: str) -> What:
    """Of whoever is competent for everything that it measures; of nobody when that is several."""
    device = services.store.assets.device(device_id)
    things = {of_asset(services, one) for one in measured_by(device)} if device else set()
    whose = {one.authority for one in things}
    return min(things) if len(whose) == 1 else What("Thing")


THINGS: dict[str, Callable[[Services, str], What]] = {  # by the name of a route's parameter
    "asset_id": of_asset,
    "target": of_asset,
    "alarm_id": _of_alarm,
    "command_id": _of_command,
    "device_id": _of_device,
}

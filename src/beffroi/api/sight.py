"""What an account sees of the town: lists, the map and live events, filtered line by line.

Each line is a question to the policies. An account of the commune sees every line: the route itself
was asked, and no rule for the commune looks further. Decides nothing; knows no request.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from beffroi.api.command_views import dispatch_of
from beffroi.api.policies import COMMUNE
from beffroi.api.scope import may, measured_by, of_asset, thing_of
from beffroi.api.town import Index, Mask
from beffroi.hub.live import Event
from beffroi.hub.services import Services
from beffroi.model.alarm import Alarm
from beffroi.model.asset import Asset, Device
from beffroi.model.limits import PAGE_ROWS_MAX
from beffroi.ports.commands import CommandRow, State
from beffroi.ports.store import User

ASSETS, ALARMS, COMMANDS = "assets.reader", "alarms.reader", "commands.reader"
Sees = Callable[[str], bool]  # of an asset, by its id
_IDENT = re.compile(r"[\w.:~-]+")


def of_commune(user: User) -> bool:
    return user.organisation == COMMUNE


def sees(services: Services, user: User, action: str) -> Sees:
    """Read from the store, once for each asset; what is of no known asset is the commune's."""

    @cache
    def told(asset: str) -> bool:
        return of_commune(user) or may(user, action, of_asset(services, asset))

    return told


def assets_seen(user: User, assets: Iterable[Asset]) -> list[Asset]:
    return [one for one in assets if may(user, ASSETS, thing_of(one))]


def alarms_seen(services: Services, user: User, alarms: Iterable[Alarm]) -> list[Alarm]:
    """One without an asset is everybody's in the commune and nobody's elsewhere."""
    told = sees(services, user, ALARMS)
    return [one for one in alarms if told(one.asset)]


def devices_seen(services: Services, user: User, devices: Iterable[Device]) -> list[Device]:
    """Those that measure nothing but assets that this account sees."""
    told = sees(services, user, "devices.reader")
    return [one for one in devices if of_commune(user) or _all(told, measured_by(one))]


def commands_seen(
    services: Services,
    user: User,
    states: Sequence[State] = (),
    target: str = "",
    before_ms: int = 0,
) -> list[CommandRow]:
    """Newest first: a full page of those that this account sees, if there is one."""
    store, told = dispatch_of(services).book.store, sees(services, user, COMMANDS)
    found: list[CommandRow] = []
    while True:
        some = store.commands(states, target=target, limit=PAGE_ROWS_MAX, before_ms=before_ms)
        found += [row for row in some if told(row.target)]
        if len(found) >= PAGE_ROWS_MAX or len(some) < PAGE_ROWS_MAX:
            return found[:PAGE_ROWS_MAX]
        before_ms = some[-1].created_ms


def rows_seen(user: User, index: Index) -> Mask:
    """A mask over the rows of the map's index."""
    return _opened(user, index)[index.owner]


def attrs_seen(user: User, index: Index, asset: Asset) -> Mapping[str, Any]:
    """The settings of an asset without those that name one that this account does not see."""
    if of_commune(user):
        return asset.attrs
    seen = rows_seen(user, index)

    def hidden(value: Any) -> bool:
        if isinstance(value, str):
            named = (index.rows.get(one) for one in _IDENT.findall(value))
            return any(row is not None and not seen[row] for row in named)
        if isinstance(value, Mapping):
            return any(hidden(one) for pair in value.items() for one in pair)
        return isinstance(value, list | tuple) and any(hidden(one) for one in value)

    return {key: value for key, value in asset.attrs.items() if not hidden(value)}


def event_seen(user: User, index: Index, event: Event) -> Event | None:
    """What of a live event this account may hear; None: nothing of it."""
    if of_commune(user):
        return event
    opened = _opened(user, index)

    def told(asset: object) -> bool:
        row = index.rows.get(str(asset))
        return row is not None and bool(opened[index.owner[row]])

    if event.kind == "readings":
        kept = {asset: news for asset, news in event.data.items() if told(asset)}
        return Event(event.kind, kept) if kept else None
    if event.kind in ("alarm", "command"):
        about = event.data.get("asset" if event.kind == "alarm" else "target")
        return event if told(about) else None
    if event.kind in ("inventory", "resync"):
        return Event(event.kind, {})  # that something changed, not what
    return None


def _all(told: Sees, assets: set[str]) -> bool:
    return bool(assets) and all(map(told, assets))


def _opened(user: User, index: Index) -> Mask:
    """Of each kind of owner whether this account sees its assets: asked once a kind, not a row."""
    answers = (of_commune(user) or may(user, ASSETS, one) for one in index.owners)
    return np.fromiter(answers, bool, len(index.owners))

"""Two communes behind one front door, as alike as can be: same names, same ids, same accounts.

What only A has carries MARK. `Wallet` is everything that opens something at A.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn
from tests.ui.world import NAME, PASSPHRASE, World, world

from beffroi.adapters.door import Door
from beffroi.api import accounts, sessions
from beffroi.api.settings import WebSettings
from beffroi.hub.delegations import Delegations
from beffroi.hub.incidents.desk import Opening
from beffroi.hub.incidents.sheets import SHEETS
from beffroi.hub.links.webhooks import create_source
from beffroi.hub.reports.sent import Sent
from beffroi.model.asset import Asset, Device
from beffroi.model.reading import Quarantined
from beffroi.ports.identity import Bundle
from beffroi.ports.store import Batch

MARK = "MarqueDeA7f3"
KEYS = {"a": "cle-open311-de-a", "b": "cle-open311-de-b"}
QUIET = ("access_log",)  # a wrong passphrase at B is written down at B


@dataclass
class Wallet:
    """`headers` open A's routes, `ids` name what A has, by the name of a path's parameter."""

    headers: dict[str, str]
    ids: dict[str, str] = field(default_factory=dict)
    bundle: Bundle | None = None


@dataclass
class Pair:
    a: World
    b: World
    home_b: Path
    door: str
    wallet: Wallet
    bundle_b: Bundle

    def names(self, which: str) -> str:
        return f"{which}.localhost"


@contextmanager
def two(folder: Path) -> Iterator[Pair]:
    homes = {name: folder / name for name in ("a", "b")}
    for home in homes.values():
        home.mkdir()
    webs = {
        name: WebSettings(
            hosts=(f"{name}.localhost",),
            open311_keys=(hashlib.sha256(KEYS[name].encode()).hexdigest(),),
        )
        for name in homes
    }
    with world(homes["a"], web=webs["a"]) as a, world(homes["b"], web=webs["b"]) as b:
        ports = {"a.localhost": port(a), "b.localhost": port(b)}
        with opened(Door(lambda: ports, https=False, clock=time.monotonic)) as door:
            wallet = filled(a)
            admin(b)
            yield Pair(a, b, homes["b"], door, wallet, certificate(b, "capteur-1"))


def port(town: World) -> int:
    return int(town.url.rpartition(":")[2])


def admin(town: World) -> tuple[str, str]:
    """(id, session) of the first administrator, who has the same name everywhere."""
    path = accounts.first_link(town.services) or ""
    user = accounts.accept(town.services, "first", path.rpartition("/")[2], NAME, PASSPHRASE)
    return user.id, sessions.start(town.services, user)


def certificate(town: World, device: str) -> Bundle:
    town.services.store.assets.put_devices([Device(device, "", status="pending")])
    identity = town.services.identity
    return identity.redeem(identity.invite(device))


def filled(town: World) -> Wallet:
    """Everything of A that somebody might carry elsewhere."""
    services = town.services
    user, token = admin(town)
    store, office, reports = services.store, services.office, services.reports
    assert office is not None
    assert reports is not None
    known = store.assets.assets("water")
    mine = Asset("seul-a", "water", known[0].kind, f"Vanne {MARK}", known[0].lon, known[0].lat)
    store.assets.put_assets([mine])
    now = services.clock.now_ms()
    store.readings.commit(
        Batch(quarantined=[Quarantined(now, "mqtt", MARK, "unreadable", MARK, MARK.encode())])
    )
    sent = Sent("lighting", f"Lampe {MARK}", place=MARK, lon=known[0].lon, lat=known[0].lat)
    topic = next(iter(reports.topics))
    received = reports.receive(Sent(topic, sent.text, sent.place, sent.lon, sent.lat))
    case = office.incidents.open(Opening(next(iter(SHEETS)), f"Incident {MARK}"), user)
    line = office.registers.write("delegation", "", "declared", {"what": MARK}, user)
    desk = Delegations(office.registers, store.assets, services.clock)
    granted = desk.grant("water", f"Syndicat {MARK}", MARK, "2026-01-01", 1, 0, user)
    lead = store.people.user(user)
    assert lead is not None
    invitation = accounts.invite(services, "admin", lead).rpartition("/")[2]
    alarm = services.desk.open()[0].id
    headers = {
        "cookie": f"{sessions.COOKIE}={token}",
        "x-csrf-token": sessions.csrf_of(token),
        "authorization": f"Bearer {desk.issue(granted.id, user)}",
        "x-api-key": KEYS["a"],
        "x-beffroi-secret": create_source(services, "source-a", "chirpstack", "passerelle-a"),
    }
    ids = {
        "asset_id": "seul-a", "alarm_id": alarm, "report_id": received.report.id,
        "request_id": received.report.id, "secret": received.secret, "token": invitation,
        "case_id": case.id, "record": line.id, "ident": granted.id, "user_id": user,
        "device_id": "capteur-1", "source": "source-a", "link": "chirpstack", "book": "delegation",
        "fmt": "json", "form": "csv", "name": "assets", "code": topic, "target": "seul-a",
    }  # fmt: skip
    return Wallet(headers, ids, certificate(town, "capteur-1"))


@contextmanager
def opened(door: Door) -> Iterator[str]:
    """The door on a thread of its own; its address."""
    place = socket.socket()
    place.bind(("127.0.0.1", 0))
    config = uvicorn.Config(
        door, log_level="critical", lifespan="off", ws="none", proxy_headers=False
    )
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    thread = threading.Thread(target=lambda: asyncio.run(server._serve([place])), daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
    try:
        yield f"http://127.0.0.1:{place.getsockname()[1]}"
    finally:
        server.should_exit = server.force_exit = True
        thread.join(10)
        place.close()


def routes(town: World) -> list[tuple[str, str]]:
    """(method, path with its parameters) of the whole application."""
    found: list[tuple[str, str]] = []

    def walk(listed: object) -> None:
        for route in listed or ():  # type: ignore[attr-defined]
            path = getattr(route, "path", "")
            for method in sorted(getattr(route, "methods", None) or ()):
                found.append((method, path))
            inner = getattr(route, "original_router", route)
            walk(getattr(inner, "routes", None))

    walk(town.app.routes)
    return list(dict.fromkeys(pair for pair in found if pair[1]))


def path_of(pattern: str, ids: Mapping[str, str], otherwise: str) -> str:
    return re.sub(r"\{([a-z_]+)(:[a-z]+)?\}", lambda one: ids.get(one[1], otherwise), pattern)


def contents(home: Path) -> dict[str, str]:
    """A digest of every table of a commune's databases."""
    found = {}
    for name in ("beffroi.sqlite", "personal.sqlite"):
        with sqlite3.connect(f"file:{home / name}?mode=ro", uri=True) as conn:
            listed = conn.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            for (table,) in listed:
                if table not in QUIET:
                    rows = sorted(map(repr, conn.execute(f'SELECT * FROM "{table}"')))  # noqa: S608
                    found[f"{name}:{table}"] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
        conn.close()
    return found


__all__ = ["MARK", "Pair", "contents", "path_of", "routes", "two"]

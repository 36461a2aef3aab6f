"""`beffroi demo`: puts the lab's commune into an installation and its street beside the hub."""

from __future__ import annotations

import asyncio
import contextlib
import json
from pathlib import Path

import typer

from beffroi.adapters.clock import SystemClock
from beffroi.adapters.nats.config import Endpoint
from beffroi.adapters.personal import open_vault
from beffroi.adapters.photos.cleaner import Cleaner
from beffroi.adapters.pki.enrol import Enrolment
from beffroi.adapters.sql import SqlStore
from beffroi.cli import place
from beffroi.cli.diligence import open_alone
from beffroi.cli.reports import link_of
from beffroi.cli.serve import end_signals
from beffroi.cli.settings import Settings
from beffroi.domains.registry import domains
from beffroi.hub.consultations.desk import Consultations
from beffroi.hub.dossier.registers import Registers
from beffroi.hub.indicators.public import open_or_close
from beffroi.hub.reports.desk import ReportDesk
from beffroi.lab import demo, inhabitants
from beffroi.lab.guards.demo import DemoGuards
from beffroi.lab.street import Address

VOICES = "demo_voices"


def prepare(settings: Settings, inhabitants: int, seed: int) -> demo.Prepared:
    """Inventory, map, certificates and a simulated past; quick when they are there already."""
    store = place.store_of(settings)
    clock = SystemClock()
    mqtt = settings.mqtt
    identity = Enrolment(place.authority(settings), store, clock, mqtt.names[0], mqtt.port)
    folder = settings.home / "street"
    try:
        prepared = demo.prepare(store, identity, domains(), clock, folder, inhabitants, seed)
        guards = guards_of(settings, prepared)
        if guards.install(store, identity, clock.now_ms(), f"http://localhost:{settings.web.port}"):
            typer.echo(
                f"Gardes de démonstration : clés et phrase de passe dans {guards.trustees.folder}\n"
                f"Guards of the demonstration: keys and passphrase in that folder"
            )
        guards.close()
        if not store.people.setting(VOICES):
            left = voices(settings, store, prepared, clock.now_ms())
            store.people.put_setting(VOICES, "told")
            typer.echo(f"Codes de vote à essayer / voting codes to try: {left}")
        return prepared
    finally:
        store.close()


def voices(settings: Settings, store: SqlStore, prepared: demo.Prepared, now_ms: int) -> Path:
    """Inhabitants and town hall, through the real desks; the file of the unused voting codes."""
    commune, vault = prepared.made.commune, open_vault(settings.home)
    try:
        journal = open_alone(settings, store)
        try:
            inhabitants.tell(
                lambda clock: ReportDesk(
                    store.reports,
                    store.assets,
                    vault,
                    Cleaner(),
                    domains(),
                    clock,
                    alarms=lambda _: None,  # the hub's first turn raises what still holds
                    post=lambda _: None,  # nobody left an address
                    link=link_of(settings),
                ),
                prepared.made.assets,
                now_ms,
                (commune.lon, commune.lat),
            )
            inhabitants.write_down(Registers(store.registers, journal, SystemClock()))
            codes = inhabitants.ask(Consultations(store.consultations, journal), now_ms)
        finally:
            journal.close()
    finally:
        vault.close()
    open_or_close(store.people, True)
    path = settings.home / "lab" / "voting-codes.txt"
    path.touch(mode=0o600)
    path.write_text("\n".join(codes) + "\n")
    return path


def guards_of(settings: Settings, prepared: demo.Prepared) -> DemoGuards:
    address = Address("127.0.0.1", settings.mqtt.port)
    return DemoGuards(settings.home, prepared.made, address)


async def street_process(settings: Settings) -> None:
    """The devices of the demonstration, until a signal."""
    stop = end_signals()
    prepared = await asyncio.to_thread(_again, settings)
    where: Endpoint = place.endpoint(settings)
    address, guards = Address(where.mqtt_host, where.mqtt_port), guards_of(settings, prepared)
    street = asyncio.create_task(demo.run(prepared, address, SystemClock(), guards=guards))
    waiting = asyncio.create_task(stop.wait())
    await asyncio.wait({street, waiting}, return_when=asyncio.FIRST_COMPLETED)
    if street.done():
        street.result()
    street.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await street
    guards.close()


def _again(settings: Settings) -> demo.Prepared:
    store = place.store_of(settings)
    about = json.loads(store.people.setting(demo.SETTING) or "{}")
    store.close()
    return prepare(settings, about["inhabitants"], about["seed"])

"""`beffroi demo`: puts the lab's commune into an installation and its street beside the hub."""

from __future__ import annotations

import asyncio
import contextlib
import json

import typer

from beffroi.adapters.clock import SystemClock
from beffroi.adapters.nats.config import Endpoint
from beffroi.adapters.pki.enrol import Enrolment
from beffroi.cli import place
from beffroi.cli.serve import end_signals
from beffroi.cli.settings import Settings
from beffroi.domains.registry import domains
from beffroi.lab import demo
from beffroi.lab.guards.demo import DemoGuards
from beffroi.lab.street import Address


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
        return prepared
    finally:
        store.close()


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

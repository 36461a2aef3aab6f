"""The demonstration: a procedural commune installed, with a past, and then alive.

`prepare` once before the hub serves (inventory, map, certificates, some weeks of history);
`run` beside the hub for as long as people watch. All of it is simulated and says so: the setting
`demo` holds {"inhabitants", "seed", "made_ms"}. Composition is the command line's business.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from beffroi.domains.base import Domain
from beffroi.lab import incidents, keys, people
from beffroi.lab.commune import LabCommune, commune
from beffroi.lab.guards.demo import DemoGuards
from beffroi.lab.history import Past, Teller
from beffroi.lab.sources import (
    BAYS_PAST_S,
    FIXTURES_PAST_S,
    LAMPS_PAST_S,
    LEVEL,
    METERS,
    SIGNALS_PAST_S,
    WATER_PAST_S,
    Sources,
)
from beffroi.lab.street import Address, Source, Street
from beffroi.ports.clock import Clock
from beffroi.ports.identity import Bundle, Identity
from beffroi.ports.store import SeriesKey, Store

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
SETTING = "demo"
BACKGROUND = "map_background"
PEOPLE_DAYS, WATER_DAYS, LAMPS_DAYS, BAYS_DAYS, FIXTURES_DAYS = 28, 19, 6, 5, 19
TALLY_S = 300.0


class DemoError(Exception):
    """The home folder holds something else; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What `run` needs. `folder` holds the devices' keys, as the devices would."""

    made: LabCommune
    seed: int
    sources: tuple[Source, ...]
    bundles: Mapping[str, Bundle]
    worlds: Sources  # behind the sources: what guards move shows in what is measured


def install_commune(store: Store, made: LabCommune) -> None:
    """Commune, assets, devices (to be enrolled) and map background, all at once."""
    store.assets.put_commune(made.commune)
    store.assets.put_assets(made.assets)
    devices = [replace(d, status="enrolled" if d.gateway else "pending") for d in made.devices]
    store.assets.put_devices(devices)
    background = json.dumps(made.background, ensure_ascii=False, separators=(",", ":"))
    store.people.put_setting(BACKGROUND, background)


def enrol_devices(identity: Identity, made: LabCommune, folder: Path) -> dict[str, Bundle]:
    """A certificate for every device with a connection of its own; kept in `folder` (0700)."""
    kept = keys.load(folder)
    wanted = [device.id for device in made.connected]
    for device in wanted:
        if device not in kept:
            kept[device] = identity.redeem(identity.invite(device))
            keys.keep(folder, kept[device])
    return {device: kept[device] for device in wanted}


def prepare(
    store: Store,
    identity: Identity,
    domains: Mapping[str, Domain],
    clock: Clock,
    folder: Path,
    inhabitants: int = 800,
    seed: int = 1,
    console: Console | None = None,
) -> Prepared:
    """Make the demonstration, or find it again. Raises DemoError in a home that is in real use."""
    console = console or Console()
    made = commune(inhabitants, seed)
    first = _first_time(store, made, seed)
    now_ms = clock.now_ms()
    start_ms = now_ms - now_ms % HOUR_MS - WATER_DAYS * DAY_MS if first else now_ms
    bays_ms = now_ms - BAYS_DAYS * DAY_MS if first else now_ms
    sources = Sources.of(made, seed, start_ms, {} if first else _known(store, made), bays_ms)
    scripted = incidents.script(sources, now_ms)
    console.print(
        f"[bold]{made.commune.name}[/] : {inhabitants} habitants (imaginaires), "
        f"{len(made.assets)} équipements, {len(made.devices)} capteurs"
    )
    if first:
        install_commune(store, made)
        _tell_history(store, domains, scripted, now_ms, console)
        people.act(store, domains, now_ms)
    bundles = enrol_devices(identity, made, folder)
    if first:
        about = {"inhabitants": inhabitants, "seed": seed, "made_ms": now_ms}
        store.people.put_setting(SETTING, json.dumps(about))
    return Prepared(made, seed, tuple(scripted), bundles, sources)


def _first_time(store: Store, made: LabCommune, seed: int) -> bool:
    saved = store.people.setting(SETTING)
    if saved:
        about = json.loads(saved)
        if (about["inhabitants"], about["seed"]) != (made.commune.inhabitants, seed):
            raise DemoError(
                f"this home already holds the demonstration of {about['inhabitants']} inhabitants "
                f"with seed {about['seed']}; give the same, or another --home"
            )
        return False
    if store.assets.commune() is not None and store.readings.counts().observations:
        raise DemoError("this home holds a real commune: give an empty --home for a demonstration")
    return True


def _known(store: Store, made: LabCommune) -> dict[tuple[str, str], float]:
    """The last meter readings and level: no meter may go back when the lab starts again."""
    wanted = [asset.id for asset in made.assets if asset.domain == "lighting"] + [LEVEL[0]]
    series = store.readings.series_of(wanted)
    keys_of: dict[int, SeriesKey] = {
        number: key for key, number in series.items() if key.prop in (*METERS, LEVEL[1])
    }
    lasts = store.readings.last(list(keys_of))
    return {(keys_of[x.series_id].asset, keys_of[x.series_id].prop): x.value for x in lasts}


def _tell_history(
    store: Store,
    domains: Mapping[str, Domain],
    scripted: Sequence[incidents.Scripted],
    now_ms: int,
    console: Console,
) -> None:
    end_ms = now_ms
    hour_ms = now_ms - now_ms % HOUR_MS
    lights, water, counters, bays, signals, fixtures = scripted
    pasts = [
        Past(lights, hour_ms - LAMPS_DAYS * DAY_MS, LAMPS_PAST_S),
        Past(water, hour_ms - WATER_DAYS * DAY_MS, WATER_PAST_S),
        Past(counters, hour_ms - PEOPLE_DAYS * DAY_MS, 3_600.0),
        Past(bays, hour_ms - BAYS_DAYS * DAY_MS, BAYS_PAST_S),
        Past(signals, hour_ms - HOUR_MS, SIGNALS_PAST_S),
        Past(fixtures, hour_ms - FIXTURES_DAYS * DAY_MS, FIXTURES_PAST_S),
    ]
    teller = Teller(store, domains, min(past.start_ms for past in pasts))
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("Historique simulé / simulated history", total=1.0)
        told = teller.tell(pasts, end_ms, lambda share: bar.update(task, completed=share))
    teller.close()
    console.print(
        f"Historique simulé : {told.readings:,} mesures, {told.stored:,} valeurs, "
        f"{told.quarantined} refusées".replace(",", " ")
    )


async def run(
    prepared: Prepared,
    address: Address,
    clock: Clock,
    console: Console | None = None,
    guards: DemoGuards | None = None,
) -> None:
    """The street, and what guards drive in it, until cancelled."""
    console = console or Console()
    sources: Sequence[Source] = prepared.sources
    if guards is not None:
        sources = [guards.coupled(one, prepared.worlds) for one in sources]
    street = Street(
        address,
        prepared.made.devices,
        prepared.bundles,
        sources,
        clock,
        prepared.seed,
        ledger=False,
    )
    say = asyncio.create_task(_say(street, console))
    beside = None if guards is None else asyncio.create_task(guards.run())
    try:
        await street.run()
    finally:
        say.cancel()
        if beside is not None:
            beside.cancel()
            await asyncio.wait({beside})
        await street.stop()


async def _say(street: Street, console: Console) -> None:
    while True:
        await asyncio.sleep(TALLY_S)
        tally = street.tally()
        console.print(
            f"La rue : {tally.connected} appareils connectés, {tally.acked} mesures acquittées"
            + (f", {tally.dropped} perdues dans la rue (mémoire pleine)" if tally.dropped else "")
        )

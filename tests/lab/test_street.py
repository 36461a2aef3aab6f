"""A street against the real broker, gate, ingest and store: counted in and out, equal."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from tests.worlds.running import Hub, running_hub

from beffroi.lab.commune import LabCommune, commune
from beffroi.lab.demo import enrol_devices, install_commune
from beffroi.lab.devices import Measure
from beffroi.lab.sources import Sources
from beffroi.lab.street import Address, Source, Street

STEPS, STEP_MS = 20, 60_000


@pytest.fixture(scope="module")
def made() -> LabCommune:
    """Everything of a village of 500, but only the first cabinet's lamps and a few others."""
    whole = commune(500, 4)
    kept = {"arm-0001", "gw-0001", "cnt-001", "rtu-tank-1", "rtu-station", "rtu-quality-1"}
    devices = [d for d in whole.devices if d.id in kept or d.gateway == "arm-0001"]
    return replace(whole, devices=tuple(devices))


class Here(Source):
    """The commune's own sources, without the devices that are not there."""

    period_s = 60.0

    def __init__(self, made: LabCommune, start_ms: int) -> None:
        sources = Sources.of(made, 1, start_ms)
        self._sources: Sequence[Source] = (sources.people, sources.water, sources.lights)
        self._here = {device.id for device in made.devices}

    def measures(self, now_ms: int) -> Iterable[Measure]:
        for source in self._sources:
            for measure in source.measures(now_ms):
                if measure.device in self._here:
                    yield measure


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    async with running_hub(tmp_path) as hub:
        yield hub


def _stored(hub: Hub) -> int:
    """Values that devices sent (not derived ones) in the store."""
    readings = hub.stack.store.readings
    series = readings.series_of([])
    return sum(
        len(readings.points(number, 0, 2**62).ts_ms) for key, number in series.items() if key.device
    )


async def _walk(
    hub: Hub, made: LabCommune, kill_at: int = -1, ledger: bool = True
) -> tuple[Street, int]:
    """STEPS minutes of last evening in a second or two; returns distinct values reported."""
    install_commune(hub.stack.store, made)
    bundles = enrol_devices(hub.stack.enrolment(), made, hub.stack.home / "lab")
    now_ms = hub.stack.clock.now_ms()
    start_ms = now_ms - now_ms % 86_400_000 - 4 * 3_600_000  # eight or nine in the evening
    source = Here(made, start_ms)
    address = Address(hub.stack.endpoint.mqtt_host, hub.stack.endpoint.mqtt_port)
    street = Street(address, made.devices, bundles, [], hub.stack.clock, ledger=ledger)
    seen: set[tuple[str, int, str]] = set()
    await street.run(0.0, jitter_s=0.2)
    for step in range(STEPS):
        if step == kill_at:
            os.kill(hub.stack.broker.pid, signal.SIGKILL)
        measures = list(source.measures(start_ms + step * STEP_MS))
        seen |= {(m.device, m.ts_ms, prop) for m in measures for prop in m.values}
        street.report(measures)
        await asyncio.sleep(0.05)
    await asyncio.wait_for(street.drain(), 60)
    await hub.idle()
    return street, len(seen)


async def test_counted_in_and_out(hub: Hub, made: LabCommune) -> None:
    street, values = await _walk(hub, made)
    tally = street.tally()
    await street.stop()
    assert len(made.devices) >= 20
    assert tally.connected == len(made.connected)
    assert tally.reported == tally.acked
    assert tally.dropped == 0
    assert _stored(hub) == values
    assert not hub.stack.store.readings.quarantine_counts()


async def test_a_street_without_ledger_counts_and_forgets(hub: Hub, made: LabCommune) -> None:
    street, _ = await _walk(hub, made, ledger=False)
    tally = street.tally()
    await street.stop()
    assert tally.reported == tally.acked == street.tally().acked
    assert street.acked() == []


async def test_the_broker_dies_on_the_way(hub: Hub, made: LabCommune) -> None:
    """kill -9; the devices reconnect and send again; nothing is lost, nothing is there twice."""
    street, values = await _walk(hub, made, kill_at=STEPS // 2)
    tally = street.tally()
    await street.stop()
    assert tally.reported == tally.acked
    assert tally.dropped == 0
    assert _stored(hub) == values
    assert not hub.stack.store.readings.quarantine_counts()

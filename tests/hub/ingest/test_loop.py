"""The loop on a real broker and a real store: durable before acknowledged, whatever fails."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.hub.ingest.town import TOWER
from tests.worlds.running import Hub, start_hub

from beffroi.lab.publisher import Publisher
from beffroi.lab.stack import Stack, tls_context
from beffroi.model.asset import Asset, Device
from beffroi.ports.store import Batch, Committed, SeriesKey, StoreError

DOMAINS = {"tower": TOWER}


@pytest.fixture
async def stack(tmp_path: Path) -> AsyncIterator[Stack]:
    async with Stack(tmp_path) as made:
        made.store.assets.put_assets(
            [Asset(id="t1", domain="tower", kind="tower", name="T", lon=2.0, lat=48.0)]
        )
        yield made


def publisher(stack: Stack, device: Device) -> Publisher:
    bundle = stack.enrol(device)
    here = stack.endpoint
    made = Publisher(here.mqtt_host, here.mqtt_port, device.id, tls_context(bundle), window=50)
    made.start()
    return made


def reading(ts_ms: int, level_m: float = 1.0) -> bytes:
    return json.dumps({"ts": ts_ms, "values": {"level_m": level_m}}).encode()


def stored(stack: Stack) -> list[int]:
    number = stack.store.readings.series_of(["t1"]).get(SeriesKey("t1", "d1", "level_m"))
    if number is None:
        return []
    times: list[int] = stack.store.readings.points(number, 0, 2**62).ts_ms.tolist()
    return times


async def send(stack: Stack, device: Publisher, count: int, start: int = 0) -> list[int]:
    base = stack.clock.now_ms() - 10_000_000
    times = [base + start + n for n in range(count)]
    for ts_ms in times:
        await device.send("d/d1/tele", reading(ts_ms), ts_ms)
    await device.drain()
    return times


async def test_from_device_to_store_and_page(stack: Stack) -> None:
    hub = await start_hub(stack, DOMAINS)
    page = hub.live.subscribe()
    device = publisher(stack, Device(id="d1", asset="t1"))
    times = await send(stack, device, 200)
    await hub.idle()
    assert stored(stack) == times
    assert hub.loop.stats.balanced()
    assert hub.live.values("t1")["level_m"].ts_ms == times[-1]
    kinds = set()
    while (event := await page.get(0.1)) is not None:
        kinds.add(event.kind)
    assert kinds == {"readings", "inventory"}
    assert stack.store.assets.device("d1").last_seen_ms > 0  # type: ignore[union-attr]
    await device.stop()
    await hub.stop()


async def test_newest_values_are_there_after_a_restart(stack: Stack) -> None:
    hub = await start_hub(stack, DOMAINS)
    device = publisher(stack, Device(id="d1", asset="t1"))
    times = await send(stack, device, 5)
    await hub.idle()
    await hub.stop()
    again = await start_hub(stack, DOMAINS)
    assert again.live.values("t1")["level_m"].ts_ms == times[-1]
    assert again.live.values("t1")["double_m"].value == 2.0
    await device.stop()
    await again.stop()


async def test_what_came_while_the_hub_was_down(stack: Stack) -> None:
    device = publisher(stack, Device(id="d1", asset="t1"))
    times = await send(stack, device, 300)
    hub = await start_hub(stack, DOMAINS)
    await hub.idle()
    assert stored(stack) == times
    await device.stop()
    await hub.stop()


class FailingReadings:
    """The real store's readings, which fail for a while (a full disk) or for some rows."""

    def __init__(self, real: Any) -> None:
        self.real = real
        self.failures = 0
        self.poison: float | None = None
        self.lost_answers = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    def commit(self, batch: Batch) -> Committed:
        if self.failures and (batch.rows or batch.quarantined):
            self.failures -= 1
            raise StoreError("the disk is full: free some space")
        if self.poison is not None and any(row.value == self.poison for row in batch.rows):
            raise StoreError("this row cannot be written")
        done: Committed = self.real.commit(batch)
        if self.lost_answers and batch.rows:
            self.lost_answers -= 1
            raise StoreError("written, but the answer got lost")
        return done


async def failing(stack: Stack) -> tuple[Hub, FailingReadings, Publisher]:
    faulty = FailingReadings(stack.store.readings)
    stack.store.readings = faulty  # type: ignore[assignment]
    hub = await start_hub(stack, DOMAINS)
    return hub, faulty, publisher(stack, Device(id="d1", asset="t1"))


async def test_a_store_that_fails_for_a_while_loses_nothing(stack: Stack) -> None:
    hub, faulty, device = await failing(stack)
    faulty.failures = 4
    times = await send(stack, device, 50)
    await hub.until(lambda: hub.loop.stats.degraded != "")
    assert "disk is full" in hub.loop.stats.degraded
    await hub.idle()
    assert stored(stack) == times
    assert hub.loop.stats.degraded == ""
    assert hub.loop.stats.balanced()
    await device.stop()
    await hub.stop()


async def test_a_commit_whose_answer_is_lost_is_not_counted_twice(stack: Stack) -> None:
    hub, faulty, device = await failing(stack)
    faulty.lost_answers = 2
    times = await send(stack, device, 50)
    await hub.idle()
    assert stored(stack) == times
    assert hub.loop.stats.balanced()
    assert hub.loop.stats.duplicates > 0
    series = stack.store.readings.series_of(["t1"])[SeriesKey("t1", "d1", "level_m")]
    assert sum(hour.n for hour in stack.store.readings.hours(series, 0, 2**62)) == 50
    await device.stop()
    await hub.stop()


async def test_a_row_that_the_store_cannot_take_is_alone_in_quarantine(stack: Stack) -> None:
    hub, faulty, device = await failing(stack)
    faulty.poison = 3.25
    base = stack.clock.now_ms() - 1_000_000
    for n in range(40):
        await device.send("d/d1/tele", reading(base + n, 3.25 if n == 17 else 9.5))
    await device.drain()
    await hub.idle()
    assert stored(stack) == [base + n for n in range(40) if n != 17]
    reasons = [row.detail for _, row in stack.store.readings.quarantine(10)]
    assert any("cannot take this row" in detail for detail in reasons)
    assert len(stack.store.alarms.open_alarms()) == 1
    assert hub.loop.stats.balanced()
    await device.stop()
    await hub.stop()


async def test_stopping_while_the_store_fails_acknowledges_nothing(stack: Stack) -> None:
    hub, faulty, device = await failing(stack)
    faulty.failures = 1_000_000
    times = await send(stack, device, 20)
    await hub.until(lambda: hub.loop.stats.store_errors > 1)
    await hub.stop()
    assert stored(stack) == []
    faulty.failures = 0
    again = await start_hub(stack, DOMAINS)
    await again.idle()
    assert stored(stack) == times
    await device.stop()
    await again.stop()


async def test_killed_between_commit_and_acknowledgement(stack: Stack) -> None:
    """No loss, no double rollup, no double alarm."""
    hub = await start_hub(stack, DOMAINS)
    committed = asyncio.Event()

    async def never(messages: Any) -> None:
        committed.set()
        await asyncio.Event().wait()

    hub.bus.ack = never  # type: ignore[method-assign]
    device = publisher(stack, Device(id="d1", asset="t1"))
    ts_ms = stack.clock.now_ms()
    await device.send("d/d1/tele", reading(ts_ms, 9.5))
    await committed.wait()
    assert stored(stack) == [ts_ms]
    hub.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hub.task
    await hub.bus.stop()

    again = await start_hub(stack, DOMAINS)
    await again.until(lambda: again.loop.stats.duplicates == 1)
    await again.idle()
    assert stored(stack) == [ts_ms]
    series = stack.store.readings.series_of(["t1"])[SeriesKey("t1", "d1", "level_m")]
    assert [hour.n for hour in stack.store.readings.hours(series, 0, 2**62)] == [1]
    alarms = stack.store.alarms.open_alarms()
    assert [(alarm.rule, alarm.occurrences) for alarm in alarms] == [("tower.high", 1)]
    await device.stop()
    await again.stop()


async def test_watch_states_survive_an_orderly_stop(stack: Stack) -> None:
    hub = await start_hub(stack, DOMAINS)
    device = publisher(stack, Device(id="d1", asset="t1"))
    await send(stack, device, 7)
    await hub.idle()
    await hub.stop()
    assert stack.store.readings.states()["t1"]["seen"] == 7
    await device.stop()


async def test_watches_are_ticked_and_kept_on_the_way(stack: Stack) -> None:
    hub = await start_hub(stack, DOMAINS)
    device = publisher(stack, Device(id="d1", asset="t1"))
    await send(stack, device, 7)
    await hub.until(lambda: stack.store.readings.states().get("t1", {}).get("seen") == 7)
    await device.stop()
    await hub.stop()


async def test_the_broker_goes_away_and_comes_back(stack: Stack) -> None:
    hub = await start_hub(stack, DOMAINS)
    device = publisher(stack, Device(id="d1", asset="t1"))
    first = await send(stack, device, 50)
    os.kill(stack.broker.pid, signal.SIGKILL)  # its keeper starts it again
    second = await send(stack, device, 50, start=1_000)
    await hub.until(lambda: len(stored(stack)) == 100)
    assert stored(stack) == sorted(first + second)
    assert not hub.task.done()
    await device.stop()
    await hub.stop()

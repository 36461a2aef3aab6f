"""Where the time of Beffroi's pipeline goes: gateway batches of 100, real store, no broker."""

from __future__ import annotations

import cProfile
import gc
import pstats
import tempfile
import time
from pathlib import Path

from beffroi.adapters.clock import SystemClock
from beffroi.adapters.sql import open_store
from beffroi.domains.registry import domains
from beffroi.hub.alarms.desk import Desk
from beffroi.hub.ingest.inventory import Inventory
from beffroi.hub.ingest.keeper import Keeper
from beffroi.hub.ingest.loop import GC_THRESHOLDS
from beffroi.hub.ingest.pipeline import Pipeline
from beffroi.hub.ingest.stats import Stats
from beffroi.hub.ingest.watches import Watches
from beffroi.model.asset import Asset, Device
from beffroi.ports.bus import Message
from beffroi.ports.codec import CodecError, Uplink

DEVICES, BATCH, TURN, TURNS = 1_000, 100, 100, 20


class NoCodecs:
    def decode(self, sha256: str, frames: list[Uplink]) -> list[CodecError]:
        return [CodecError(f"no codec {sha256}") for _ in frames]

    def close(self) -> None:
        pass


def messages(turn: int, now_ms: int) -> list[Message]:
    found = []
    for m in range(TURN):
        at = now_ms - 10_000_000 + turn * 1_000 + m // (DEVICES // BATCH)
        items = ",".join(
            f'{{"device":"d-{(m * BATCH + i) % DEVICES}","ts":{at},'
            f'"values":{{"level_m":{2 + i % 100 / 100}}}}}'
            for i in range(BATCH)
        )
        found.append(Message("g", "mqtt", "batch", f'{{"readings":[{items}]}}'.encode(), now_ms, 0))
    return found


def profile() -> None:
    """Prints CPU microseconds a reading by stage, then the flat profile."""
    clock, now_ms = SystemClock(), SystemClock().now_ms()
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"sqlite:///{Path(folder) / 'b.sqlite'}")
        store.assets.put_assets(
            [Asset(f"t-{n}", "water", "tank", "T", 2.0, 48.0) for n in range(DEVICES)]
        )
        store.assets.put_devices([Device("g", "", is_gateway=True)])
        store.assets.put_devices([Device(f"d-{n}", f"t-{n}", gateway="g") for n in range(DEVICES)])
        watches, stats = Watches(domains()), Stats()
        inventory = Inventory(store, domains(), watches)
        inventory.refresh()
        pipeline = Pipeline(inventory, watches, NoCodecs())  # type: ignore[arg-type]
        keeper = Keeper(store.readings, Desk(store.alarms, {}), clock, stats)
        gc.set_threshold(*GC_THRESHOLDS)
        spent: dict[str, float] = {}

        def turn(batch: list[Message]) -> None:
            at = time.thread_time()

            def stage(name: str) -> None:
                nonlocal at
                now = time.thread_time()
                spent[name] = spent.get(name, 0.0) + now - at
                at = now

            made = pipeline.take(batch)
            stage("parse, identity, quota, decode, bounds")
            pipeline.resolve(made)
            pipeline.fold(made)
            stage("rows, watches")
            pipeline.resolve(made)
            pipeline.close(made)
            stage("derived")
            stats.count(made, keeper.keep(made), now_ms)
            stage("store")

        turn(messages(0, now_ms))
        spent.clear()
        for n in range(1, TURNS + 1):
            turn(messages(n, now_ms))
        total = TURNS * TURN * BATCH
        for name, seconds in spent.items():
            print(f"{seconds / total * 1e6:7.2f} us CPU a reading  {name}")
        profiler = cProfile.Profile()
        profiler.enable()
        for n in range(TURNS + 1, 2 * TURNS + 1):
            turn(messages(n, now_ms))
        profiler.disable()
        pstats.Stats(profiler).sort_stats("tottime").print_stats(25)
        assert stats.balanced()
        store.close()

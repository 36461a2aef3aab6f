"""A small town for the ingest's tests: one domain of its own, so that no real one is meant."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from beffroi.adapters.sql.store import SqlStore, open_store
from beffroi.domains.base import DecodeError, Domain
from beffroi.hub.alarms.desk import Desk
from beffroi.hub.ingest.inventory import Inventory
from beffroi.hub.ingest.keeper import Keeper
from beffroi.hub.ingest.pipeline import Pipeline
from beffroi.hub.ingest.quota import Quota
from beffroi.hub.ingest.stats import Stats
from beffroi.hub.ingest.watches import Watches
from beffroi.model.asset import Asset, Device, Kind, Label, Property
from beffroi.model.finding import Derived, Finding, Rule, Severity, Step
from beffroi.model.reading import Obs
from beffroi.ports.bus import Message
from beffroi.ports.codec import CodecError, Uplink
from beffroi.ports.store import SeriesKey

NOW_MS = 1_790_000_000_000
TEXT = Label("texte", "text")


class HighWatch:
    """Level above 9: an alarm. Derives the double of each level. Counts what it saw, in order."""

    def __init__(self, asset: Asset, saved: Mapping[str, Any] | None) -> None:
        self.asset = asset.id
        self.high = bool((saved or {}).get("high", False))
        self.seen = int((saved or {}).get("seen", 0))
        self.ticks = 0
        self.order: list[tuple[str, str, int]] = []

    def step(self, obs: Sequence[Obs]) -> Step:
        findings, derived, suspects = [], [], []
        for index, one in enumerate(obs):
            self.seen += 1
            self.order.append((one.device, one.prop, one.ts_ms))
            if one.prop != "level_m":
                continue
            if one.value == 6.66:
                raise RuntimeError("a bug of the domain")
            if one.value < 0.5:
                suspects.append(index)
            derived.append(Derived("double_m", one.ts_ms, one.value * 2))
            if (one.value > 9) != self.high:
                self.high = one.value > 9
                findings.append(Finding("tower.high", self.asset, self.high, one.ts_ms))
        return Step(findings, derived, suspects)

    def tick(self, now_ms: int) -> Step:
        self.ticks += 1
        return Step()

    def dump(self) -> dict[str, Any]:
        return {"high": self.high, "seen": self.seen}


def decode(model: str, raw: Mapping[str, Any]) -> Mapping[str, Any]:
    if model == "":
        return raw
    if model == "cm":
        if "cm" not in raw:
            raise DecodeError('expected "cm"')
        return {"level_m": raw["cm"] / 100}  # a text here is an unexpected TypeError
    raise DecodeError(f"unknown model {model!r}")


TOWER = Domain(
    name="tower",
    label=TEXT,
    kinds={
        "tower": Kind(
            "tower",
            TEXT,
            {
                "level_m": Property("level_m", TEXT, "m", 0.0, 10.0),
                "on": Property("on", TEXT, "", 0.0, 1.0),
                "double_m": Property("double_m", TEXT, "m"),
            },
            "level_m",
            derived=("double_m",),
        )
    },
    rules={"tower.high": Rule("tower.high", Severity.WARNING, TEXT, TEXT)},
    decode=decode,
    watch=HighWatch,
    models={"": TEXT, "cm": TEXT},
)


class TableCodecs:
    """A codec runner of three fixed answers; the real one has its own tests."""

    def decode(self, sha256: str, frames: Sequence[Uplink]) -> list[dict[str, Any] | CodecError]:
        if sha256 == "broken":
            raise RuntimeError("the runner is gone")
        if sha256 == "refusing":
            return [CodecError("no such codec") for _ in frames]
        return [{"level_m": frame.payload[0] / 10 if frame.payload else None} for frame in frames]

    def close(self) -> None:
        pass


@dataclass
class Clock:
    at_ms: int = NOW_MS

    def now_ms(self) -> int:
        return self.at_ms


@dataclass
class Town:
    """Pipeline, keeper and store without a broker: `feed` is one turn of the loop."""

    store: SqlStore
    quota: Quota = field(default_factory=lambda: Quota(per_s=1e6, burst=1e9))
    clock: Clock = field(default_factory=Clock)
    domain: Domain = TOWER

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """As after a restart of the hub."""
        domains = {self.domain.name: self.domain}
        self.stats = Stats()
        self.watches = Watches(domains)
        self.watches.restore(self.store.readings.states())
        self.inventory = Inventory(self.store, domains, self.watches)
        self.inventory.refresh()
        self.pipeline = Pipeline(self.inventory, self.watches, TableCodecs(), self.quota)
        self.desk = Desk(self.store.alarms, self.domain.rules)
        self.keeper = Keeper(self.store.readings, self.desk, self.clock, self.stats)

    def feed(self, *messages: Message) -> Any:
        self.inventory.refresh()
        turn = self.pipeline.take(messages)
        self.pipeline.resolve(turn)
        self.pipeline.fold(turn)
        self.pipeline.resolve(turn)
        self.pipeline.close(turn)
        kept = self.keeper.keep(turn)
        self.stats.count(turn, kept, self.clock.now_ms())
        return turn

    def snapshot(self) -> None:
        turn = self.pipeline.take([])
        turn.states = dict(self.watches.snapshot(0, 1))
        self.keeper.keep(turn)

    def put(self, *devices: Device) -> None:
        self.store.assets.put_devices(devices)

    def points(self, device: str, prop: str = "level_m", asset: str = "t1") -> dict[int, float]:
        """What is stored: {ts_ms: value}."""
        series = self.store.readings.series_of([asset]).get(SeriesKey(asset, device, prop))
        if series is None:
            return {}
        points = self.store.readings.points(series, 0, 2**62)
        return dict(zip(points.ts_ms.tolist(), points.value.tolist(), strict=True))

    def reasons(self) -> list[str]:
        """Of the quarantine, oldest first."""
        return [row.reason for _, row in reversed(self.store.readings.quarantine(10_000))]

    def watch(self, asset: str = "t1") -> HighWatch:
        watched = self.watches.of(asset)
        assert watched is not None
        assert isinstance(watched.watch, HighWatch)
        return watched.watch


@cache
def _template() -> Path:
    """Migrations take longer than most tests: made once, then copied."""
    path = Path(tempfile.mkdtemp(prefix="beffroi-town-")) / "beffroi.sqlite"
    open_store(f"sqlite:///{path}").close()
    atexit.register(shutil.rmtree, path.parent, ignore_errors=True)
    return path


def build(folder: Path, url: str = "", **options: Any) -> Town:
    """Two towers; d1 and d2 measure t1, g is a gateway with the child c on t2, mono alone on t2."""
    if not url:
        shutil.copy(_template(), folder / "beffroi.sqlite")
    store = open_store(url or f"sqlite:///{folder / 'beffroi.sqlite'}")
    towers = [
        Asset(id=f"t{n}", domain="tower", kind="tower", name=f"T{n}", lon=2.0, lat=48.0)
        for n in (1, 2)
    ]
    points = {"A": ("t1", "level_m"), "B": ("t2", "on")}
    store.assets.put_assets(towers)
    store.assets.put_devices(
        [
            Device(id="d1", asset="t1"),
            Device(id="d2", asset="t1"),
            Device(id="g", asset="", is_gateway=True),
            Device(id="c", asset="t2", gateway="g"),
            Device(id="cm", asset="t2", gateway="g", model="cm"),
            Device(id="plc", asset="", gateway="g", points=points),
            Device(id="lora", asset="t2", gateway="g", dev_eui="70B3D57ED005B89A"),
            Device(id="coded", asset="t2", gateway="g", dev_eui="70B3D57ED005B89B", codec="ok"),
        ]
    )
    return Town(store, **options)


def mqtt(sender: str, payload: bytes, kind: str = "tele", recv_ms: int = NOW_MS) -> Message:
    """A message as the broker gives it."""
    return Message(sender, "mqtt", kind, payload, recv_ms, None)

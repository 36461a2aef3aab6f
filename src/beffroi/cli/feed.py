"""Sends a mapped table into a running hub, by one of two ways, and counts it out of the store.

By MQTT with the gateway's own certificate, as a real device would; or, for an import, on the hub's
own stream. Both are acknowledged when durable. Keeps its place in a file, so that an interrupted
feed goes on. Knows no screen.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from beffroi.adapters import durable
from beffroi.adapters.clock import SystemClock
from beffroi.adapters.nats import keys
from beffroi.adapters.nats.config import Endpoint
from beffroi.adapters.nats.wire import Wire, WireError
from beffroi.adapters.pki.ca import CertificateAuthority
from beffroi.adapters.pki.enrol import Enrolment
from beffroi.hub.links.csv_import import Chunk, chunks
from beffroi.hub.links.formats import IMPORT
from beffroi.hub.links.import_map import ImportMap
from beffroi.lab.publisher import Publisher
from beffroi.model.asset import Device
from beffroi.ports.store import Store

WINDOW = 20  # messages unacknowledged at a time
SAVE_EVERY_S = 1.0
SETTLE_S = 20.0  # without a new row in the store for this long, nothing more will come


class FeedError(Exception):
    """The table cannot be fed in; the text says what to do."""


@dataclass(slots=True)
class Counts:
    """What went in and what came out."""

    rows: int = 0  # of the table, acknowledged
    values: int = 0  # filled cells sent in this run
    messages: int = 0
    stored: int = 0  # values of the map's series in the time span of this run
    quarantined: int = 0  # new rows in quarantine since the start
    first_ms: int = 0
    last_ms: int = 0


class Sender(Protocol):
    """`acked` is told the numbers of messages as they become durable."""

    async def send(self, number: int, payload: bytes) -> None: ...
    async def drain(self) -> None: ...
    def acked(self) -> list[int]: ...


# --- the two ways --------------------------------------------------------------------------------
class MqttSender:
    """As an enrolled gateway over mutual TLS; reconnects and resends."""

    def __init__(self, publisher: Publisher, gateway: str) -> None:
        self._publisher = publisher
        self._topic = f"d/{gateway}/batch"

    async def send(self, number: int, payload: bytes) -> None:
        await self._publisher.send(self._topic, payload, number)

    async def drain(self) -> None:
        await self._publisher.drain()

    def acked(self) -> list[int]:
        return [key for key in self._publisher.acked if isinstance(key, int)]


class LinkSender:
    """On the hub's stream of links. `acked` when the broker has written it."""

    def __init__(self, wire: Wire, sender: str) -> None:
        self._wire = wire
        self._subject = f"link.{IMPORT}.{sender}"
        self._running: set[asyncio.Task[None]] = set()
        self._acked: list[int] = []
        self._failed: FeedError | None = None

    async def send(self, number: int, payload: bytes) -> None:
        while len(self._running) >= WINDOW:
            await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)
        self._check()
        task = asyncio.create_task(self._put(number, payload))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def drain(self) -> None:
        if self._running:
            await asyncio.wait(self._running)
        self._check()

    def acked(self) -> list[int]:
        return self._acked

    def _check(self) -> None:
        if self._failed is not None:
            raise self._failed

    async def _put(self, number: int, payload: bytes) -> None:
        try:
            answer = json.loads(await self._wire.request(self._subject, payload))
        except (WireError, ValueError) as error:
            self._failed = FeedError(f"the broker did not take it: {error}; start again")
            return
        if "error" in answer:
            self._failed = FeedError(f"the broker refused: {answer['error'].get('description')}")
            return
        self._acked.append(number)


@contextlib.asynccontextmanager
async def by_mqtt(
    home: Path, store: Store, endpoint: Endpoint, mapping: ImportMap
) -> AsyncIterator[Sender]:
    """The gateway's certificate is kept in `home/replay/` and used again."""
    context = await asyncio.to_thread(_identity, home, store, endpoint, mapping)
    publisher = Publisher(
        endpoint.mqtt_host, endpoint.mqtt_port, mapping.gateway, context, window=WINDOW
    )
    publisher.start()
    try:
        yield MqttSender(publisher, mapping.gateway)
    finally:
        await publisher.stop()


@contextlib.asynccontextmanager
async def by_link(home: Path, endpoint: Endpoint, mapping: ImportMap) -> AsyncIterator[Sender]:
    """With the hub's own key: only who may read the home folder can do it."""
    key = keys.load(home / "nats", "hub")
    try:
        wire = await Wire.connect("127.0.0.1", endpoint.client_port, key, "import")
    except WireError as error:
        raise FeedError(f"is the hub running here (beffroi serve)? {error}") from error
    try:
        yield LinkSender(wire, mapping.gateway)
    finally:
        wire.close()


def _identity(home: Path, store: Store, endpoint: Endpoint, mapping: ImportMap) -> ssl.SSLContext:
    folder = home / "replay" / mapping.gateway
    device = store.assets.device(mapping.gateway)
    known = folder / "serial"
    if device is None:
        raise FeedError(f"no device {mapping.gateway!r}: let the map create it")
    mine = known.read_text() if known.exists() else ""
    if device.cert_serial and device.cert_serial != mine:
        raise FeedError(
            f"device {mapping.gateway!r} is enrolled elsewhere: choose another gateway in the map, "
            "or use --via link"
        )
    if not mine or device.status != "enrolled":
        clock = SystemClock()
        authority = CertificateAuthority(home / "ca", clock.now_ms())
        enrolment = Enrolment(authority, store, clock, endpoint.mqtt_host, endpoint.mqtt_port)
        bundle = enrolment.redeem(enrolment.invite(mapping.gateway))
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, content in bundle.files.items():
            durable.replace(folder / name, content)
        durable.replace(known, bundle.cert_serial.encode())
    context = ssl.create_default_context(cafile=str(folder / "ca.crt"))
    context.load_cert_chain(folder / "device.crt", folder / "device.key")
    return context


# --- what the map needs in the inventory ---------------------------------------------------------
def prepare(store: Store, mapping: ImportMap) -> None:
    """Create the assets and devices of the map that are missing; existing ones stay, but a
    device of the map gets the map's points."""
    missing = [asset for asset in mapping.assets if store.assets.asset(asset.id) is None]
    if missing:
        store.assets.put_assets(missing)
    changed: list[Device] = []
    for device in mapping.devices():
        old = store.assets.device(device.id)
        if old is None:
            changed.append(replace(device, created_ms=SystemClock().now_ms()))
        elif dict(old.points) != {**old.points, **device.points}:
            changed.append(replace(old, points={**old.points, **device.points}))
    if changed:
        store.assets.put_devices(changed)


# --- the feed ------------------------------------------------------------------------------------
class Place:
    """How far a feed has come: every row before `row` is acknowledged."""

    def __init__(self, home: Path, table: Path, text: str, shift_ms: int) -> None:
        stat = table.stat()
        what = f"{text}|{table.name}|{stat.st_size}|{stat.st_mtime_ns}|{shift_ms}"
        digest = hashlib.sha256(what.encode()).hexdigest()[:24]
        self._path = home / "replay" / f"{digest}.json"
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.row = json.loads(self._path.read_text())["row"] if self._path.exists() else 0

    def save(self, row: int) -> None:
        self.row = row
        temporary = self._path.with_suffix(".new")
        temporary.write_text(json.dumps({"row": row}))
        temporary.replace(self._path)

    def forget(self) -> None:
        self._path.unlink(missing_ok=True)
        self.row = 0


async def feed(
    table: Path,
    mapping: ImportMap,
    sender: Sender,
    place: Place,
    *,
    shift_ms: int = 0,
    speed: float = 0.0,
    moved: Callable[[int], object] = int,
) -> Counts:
    """From the place on to the end. `speed` 0 is as fast as it goes, 60 an hour in a minute.

    `moved` is told how many rows are acknowledged.
    """
    counts = Counts(rows=place.row)
    ends: dict[int, int] = {}
    saved = time.monotonic()
    with table.open(encoding="utf-8-sig", newline="") as lines:
        pace = _Pace(speed)
        for number, chunk in enumerate(_chunks(lines, mapping, place, shift_ms, speed)):
            await pace.wait(chunk)
            ends[number] = chunk.row
            await sender.send(number, chunk.payload)
            _count(counts, chunk)
            if time.monotonic() - saved > SAVE_EVERY_S:
                saved = time.monotonic()
                _moved(counts, ends, sender, place, moved)
    await sender.drain()
    _moved(counts, ends, sender, place, moved)
    return counts


def _chunks(
    lines: Iterator[str], mapping: ImportMap, place: Place, shift_ms: int, speed: float
) -> Iterator[Chunk]:
    if speed:
        return chunks(lines, mapping, skip_rows=place.row, shift_ms=shift_ms, readings_max=1)
    return chunks(lines, mapping, skip_rows=place.row, shift_ms=shift_ms)


def _count(counts: Counts, chunk: Chunk) -> None:
    counts.values += chunk.values
    counts.messages += 1
    if chunk.first_ms is not None and chunk.last_ms is not None:
        counts.first_ms = min(counts.first_ms or chunk.first_ms, chunk.first_ms)
        counts.last_ms = max(counts.last_ms, chunk.last_ms)


def _moved(
    counts: Counts,
    ends: dict[int, int],
    sender: Sender,
    place: Place,
    moved: Callable[[int], object],
) -> None:
    """The place is the end of the longest acknowledged beginning."""
    done = set(sender.acked())
    for number in sorted(ends):
        if number not in done:
            break
        counts.rows = ends.pop(number)
    place.save(counts.rows)
    moved(counts.rows)


class _Pace:
    """Waits so that the table's time passes `speed` times as fast as ours."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._from: tuple[float, int] | None = None

    async def wait(self, chunk: Chunk) -> None:
        if not self._speed or chunk.first_ms is None:
            return
        now = time.monotonic()
        if self._from is None:
            self._from = (now, chunk.first_ms)
        due = self._from[0] + (chunk.first_ms - self._from[1]) / 1000 / self._speed
        if due > now:
            await asyncio.sleep(due - now)


# --- counted out ---------------------------------------------------------------------------------
def stored(store: Store, mapping: ImportMap, start_ms: int, end_ms: int) -> int:
    """Values of the map's series with start <= time <= end."""
    wanted = {(column.asset, column.device, column.prop) for column in mapping.columns}
    series = store.readings.series_of(sorted({column.asset for column in mapping.columns}))
    return sum(
        len(store.readings.points(number, start_ms, end_ms + 1).ts_ms)
        for key, number in series.items()
        if (key.asset, key.device, key.prop) in wanted
    )


async def settle(store: Store, mapping: ImportMap, counts: Counts, before: int) -> None:
    """Wait until all values are accounted for, or nothing more comes. Fills `counts`."""
    seen, since = -1, time.monotonic()
    while time.monotonic() - since < SETTLE_S:
        span = (counts.first_ms, counts.last_ms)
        counts.stored = await asyncio.to_thread(stored, store, mapping, *span)
        refused = await asyncio.to_thread(store.readings.quarantine_counts)
        counts.quarantined = sum(refused.values()) - before
        if counts.stored + counts.quarantined >= counts.values:
            return
        if counts.stored + counts.quarantined != seen:
            seen, since = counts.stored + counts.quarantined, time.monotonic()
        await asyncio.sleep(0.3)

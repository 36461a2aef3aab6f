"""Load on the real broker from a process of its own: many devices, windows, and a ledger.

    python -m beffroi.lab.load SPEC.json

SPEC is a `Spec` as JSON. Each device publishes `{"ts", "seq", "values": {"level_m"}}` on its topic
with its bundle's certificate, reconnecting and resending as needed, for `seconds`, until SIGTERM,
or until `count` each. At the end the ledger file holds `Result` as JSON: the sequence numbers
whose PUBACK came, by device, which is what a store must then hold.
"""

from __future__ import annotations

import asyncio
import json
import signal
import ssl
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from beffroi.lab.publisher import Publisher
from beffroi.ports.identity import Bundle


@dataclass(frozen=True, slots=True)
class Spec:
    """`bundles` has one folder per device. `readings` above 1 sends that many in one message (a
    list). `rate` is messages a second and device, 0 as fast as the window lets."""

    host: str
    port: int
    bundles: str
    devices: Sequence[str]
    ledger: str
    window: int = 10
    seconds: float = 5.0
    count: int = 0
    rate: float = 0.0
    readings: int = 1
    drain_s: float = 30.0


@dataclass(slots=True)
class Result:
    """What happened. `acked` has the number of the first reading of each acknowledged message."""

    acked: dict[str, list[int]] = field(default_factory=dict)
    seconds: float = 0.0
    connects: int = 0
    resent: int = 0
    undrained: int = 0
    cpu_s: float = 0.0

    @property
    def total(self) -> int:
        return sum(len(numbers) for numbers in self.acked.values())


def write_bundle(folder: Path, bundle: Bundle) -> None:
    """The files of one device under `folder/<device>/`."""
    place = folder / bundle.device
    place.mkdir(parents=True, exist_ok=True)
    for name, content in bundle.files.items():
        (place / name).write_bytes(content)


def read_ledger(path: Path) -> Result:
    """What a finished load process left."""
    return Result(**json.loads(path.read_text()))


def context_of(folder: Path) -> ssl.SSLContext:
    """The TLS context of a bundle folder."""
    context = ssl.create_default_context(cafile=str(folder / "ca.crt"))
    context.load_cert_chain(folder / "device.crt", folder / "device.key")
    return context


def payload(number: int, readings: int) -> bytes:
    """Message `number` of a device: `readings` values, one millisecond of device time apart."""
    now_ms = time.time_ns() // 1_000_000
    items: list[Mapping[str, object]] = [
        {"ts": now_ms + i, "seq": number + i, "values": {"level_m": round(2 + i % 100 / 100, 2)}}
        for i in range(readings)
    ]
    return json.dumps(items[0] if readings == 1 else items).encode()


async def run(spec: Spec, stop: asyncio.Event) -> Result:
    """The whole load."""
    publishers = {
        name: Publisher(
            spec.host, spec.port, name, context_of(Path(spec.bundles) / name), window=spec.window
        )
        for name in spec.devices
    }
    for publisher in publishers.values():
        publisher.start()
    while not all(p.connected for p in publishers.values()) and not stop.is_set():
        await asyncio.sleep(0.02)
    started, cpu = time.monotonic(), time.process_time()
    sending = [asyncio.create_task(_send(spec, name, p, stop)) for name, p in publishers.items()]
    try:
        await asyncio.wait_for(asyncio.gather(*sending), spec.drain_s + (spec.seconds or 1e9))
        await asyncio.wait_for(
            asyncio.gather(*(p.drain() for p in publishers.values())), spec.drain_s
        )
    except TimeoutError:
        pass  # a broker that is gone: the ledger says what was acknowledged before
    result = Result(seconds=time.monotonic() - started, cpu_s=time.process_time() - cpu)
    for name, publisher in publishers.items():
        result.acked[name] = [int(str(key)) for key in publisher.acked]
        result.connects += publisher.connects
        result.resent += publisher.resent
        result.undrained += publisher.unacked
        await publisher.stop()
    return result


async def _send(spec: Spec, name: str, publisher: Publisher, stop: asyncio.Event) -> None:
    started, sent = time.monotonic(), 0
    while not stop.is_set() and (not spec.count or sent < spec.count):
        now = time.monotonic() - started
        if spec.seconds and now > spec.seconds:
            return
        if spec.rate and sent > now * spec.rate:
            await asyncio.sleep(sent / spec.rate - now)
        number = sent * spec.readings
        topic = f"d/{name}/tele"
        await publisher.send(topic, payload(number, spec.readings), key=number)
        sent += 1


async def _main(path: Path) -> None:
    spec = Spec(**json.loads(path.read_text()))
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    result = await run(spec, stop)
    temporary = Path(spec.ledger + ".part")
    temporary.write_text(json.dumps(asdict(result)))
    temporary.replace(spec.ledger)


def main() -> None:
    """One argument: the file of the `Spec`."""
    try:
        import uvloop

        uvloop.run(_main(Path(sys.argv[1])))
    except ImportError:
        asyncio.run(_main(Path(sys.argv[1])))


if __name__ == "__main__":
    main()

"""The load, the same for every system: N connections over mutual TLS, QoS 1, a window each.

    python bench/peers/load.py SPEC.json

A process of its own. Each connection is a device `c-<n>` with its certificate. Single: one reading
a message on `d/<c>/tele`; batch: 100 readings of 100 children on `d/<c>/batch`. Device time grows
by one millisecond a message, so that (device, time) is unique. The ledger tells what was
acknowledged. Reconnects and resends, as a device must.
"""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import uvloop

from beffroi.lab.publisher import Publisher

CHILDREN = 100


@dataclass
class Spec:
    host: str
    port: int
    bundles: str
    connections: int
    window: int
    seconds: float
    batch: bool
    base_ms: int
    ledger: str
    drain_s: float = 60.0


@dataclass
class Ledger:
    """`acked` is the number of acknowledged messages of each connection, in its own order."""

    acked: list[list[int]] = field(default_factory=list)
    seconds: float = 0.0
    cpu_s: float = 0.0
    resent: int = 0
    started: float = 0.0

    def readings(self, batch: bool) -> int:
        return sum(len(one) for one in self.acked) * (CHILDREN if batch else 1)


def context(folder: Path) -> ssl.SSLContext:
    made = ssl.create_default_context(cafile=str(folder / "ca.crt"))
    made.load_cert_chain(folder / "device.crt", folder / "device.key")
    return made


def single(base_ms: int, number: int) -> bytes:
    level = 2 + number % 100 / 100
    return b'{"ts":%d,"seq":%d,"values":{"level_m":%.2f}}' % (base_ms + number, number, level)


def batch(base_ms: int, number: int, heads: list[bytes]) -> bytes:
    tail = b'","ts":%d,"values":{"level_m":%.2f}}' % (base_ms + number, 2 + number % 100 / 100)
    return b'{"readings":[' + (tail + b",").join(heads) + tail + b"]}"


async def drive(spec: Spec, index: int, publisher: Publisher, end: float) -> None:
    topic = f"d/c-{index}/{'batch' if spec.batch else 'tele'}"
    heads = [b'{"device":"c-%d-%d' % (index, child) for child in range(CHILDREN)]

    def make(number: int) -> bytes:
        if spec.batch:
            return batch(spec.base_ms, number, heads)
        return single(spec.base_ms, number)

    number = 0
    while time.monotonic() < end:
        await publisher.send(topic, make(number), number)
        number += 1
    await publisher.drain()


async def main(path: Path) -> None:
    spec = Spec(**json.loads(path.read_text()))
    publishers = [
        Publisher(
            spec.host,
            spec.port,
            f"c-{index}",
            context(Path(spec.bundles) / f"c-{index}"),
            window=spec.window,
        )
        for index in range(spec.connections)
    ]
    for publisher in publishers:
        publisher.start()
    while not all(publisher.connected for publisher in publishers):
        await asyncio.sleep(0.05)
    ledger = Ledger(started=time.time())
    Path(spec.ledger + ".started").touch()
    start, cpu = time.monotonic(), time.process_time()
    end = start + spec.seconds
    work = [drive(spec, index, one, end) for index, one in enumerate(publishers)]
    try:
        await asyncio.wait_for(asyncio.gather(*work), spec.seconds + spec.drain_s)
    except TimeoutError:
        print("some publishes were never acknowledged", file=sys.stderr)
    ledger.seconds = time.monotonic() - start
    ledger.cpu_s = time.process_time() - cpu
    for publisher in publishers:
        ledger.acked.append([int(str(key)) for key in publisher.acked])
        ledger.resent += publisher.resent
        await publisher.stop()
    Path(spec.ledger).write_text(json.dumps(asdict(ledger)))


if __name__ == "__main__":
    logging.getLogger("asyncio").setLevel(logging.ERROR)  # writes to a killed broker
    uvloop.run(main(Path(sys.argv[1])))

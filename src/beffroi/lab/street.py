"""The street: every device of a commune, connected and fed by the worlds, in real time.

Brings together sources (what is measured, when) and devices (who says it). Knows no domain: a
source gives final names and values. Time is a parameter.
"""

from __future__ import annotations

import asyncio
import random
import ssl
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from beffroi.lab.devices import Measure, StreetDevice
from beffroi.model.asset import Device
from beffroi.ports.clock import Clock
from beffroi.ports.identity import Bundle

START_JITTER_S = 4.0


class Source(Protocol):
    """A part of the town that measures itself."""

    @property
    def period_s(self) -> float:
        """How often it wishes to be asked."""

    def measures(self, now_ms: int) -> Iterable[Measure]:
        """What its devices say at this instant; called with growing times."""


class Address(NamedTuple):
    """Where the hub's broker listens."""

    host: str
    port: int


class Tally(NamedTuple):
    """Readings, over the whole street."""

    reported: int
    acked: int
    dropped: int
    connected: int


class Street:
    """All connections. `bundles` are the enrolment files of each device that connects itself.

    `ledger` keeps every acknowledged reading for `acked`: for tests, not for weeks.
    """

    def __init__(
        self,
        address: Address,
        devices: Sequence[Device],
        bundles: Mapping[str, Bundle],
        sources: Sequence[Source],
        clock: Clock,
        seed: int = 0,
        *,
        ledger: bool = True,
    ) -> None:
        rng = random.Random(f"{seed}/street")
        self._carrier = {d.id: d.gateway or d.id for d in devices}
        self._sources, self._clock = sources, clock
        self._radios = {
            d.id: StreetDevice(
                d,
                address.host,
                address.port,
                context(bundles[d.id]),
                random.Random(rng.random()),
                ledger=ledger,
            )
            for d in devices
            if not d.gateway and d.id in bundles
        }

    async def run(self, seconds: float | None = None, jitter_s: float = START_JITTER_S) -> None:
        """Connect everything and report until cancelled, or for so many seconds."""
        for radio in self._radios.values():
            radio.start(jitter_s)
        try:
            async with asyncio.timeout(seconds):
                await asyncio.gather(*(self._feed(source) for source in self._sources))
        except TimeoutError:
            return

    def tally(self) -> Tally:
        radios = self._radios.values()
        return Tally(
            sum(r.reported for r in radios),
            sum(r.acked_count for r in radios),
            sum(r.dropped for r in radios),
            sum(r.connected for r in radios),
        )

    def acked(self) -> list[tuple[str, int]]:
        """(device, device time) of every acknowledged reading."""
        return [key for radio in self._radios.values() for key in radio.acked]

    async def drain(self) -> None:
        """Until the broker has acknowledged everything."""
        await asyncio.gather(*(radio.drain() for radio in self._radios.values()))

    async def stop(self) -> None:
        await asyncio.gather(*(radio.stop() for radio in self._radios.values()))

    async def _feed(self, source: Source) -> None:
        while True:
            self.report(source.measures(self._clock.now_ms()))
            # whole periods, so that device times are round and two towns are comparable
            now_s = self._clock.now_ms() / 1000
            await asyncio.sleep(source.period_s - now_s % source.period_s)

    def report(self, measures: Iterable[Measure]) -> None:
        """Hand each measure to the connection that carries it."""
        by_radio: dict[str, list[Measure]] = {}
        for measure in measures:
            by_radio.setdefault(self._carrier[measure.device], []).append(measure)
        for carrier, part in by_radio.items():
            radio = self._radios.get(carrier)
            if radio is not None:
                radio.report(part)


def context(bundle: Bundle) -> ssl.SSLContext:
    """The TLS side of a device, from the files of its enrolment."""
    made = ssl.create_default_context(cadata=bundle.files["ca.crt"].decode())
    with tempfile.TemporaryDirectory() as folder:  # ssl can only load a key from a file
        cert, key = Path(folder, "cert"), Path(folder, "key")
        cert.write_bytes(bundle.files["device.crt"])
        key.write_bytes(bundle.files["device.key"])
        made.load_cert_chain(cert, key)
    return made

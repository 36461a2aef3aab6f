"""What goes wrong in the demonstration commune, so that its alarm desk has something to say.

Small believable things, each at a time relative to the start: nothing here is random, nobody is
hurt, and every one is listed in docs/lab.md. Knows worlds and assets, not the hub.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from beffroi.lab.bays import last_half_past_nine
from beffroi.lab.devices import Measure
from beffroi.lab.sources import Sources
from beffroi.lab.street import Source
from beffroi.lab.worlds.mains import Leak
from beffroi.lab.worlds.stops import Parked

MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000


@dataclass(frozen=True, slots=True)
class Incident:
    """`apply` changes a world when its time has come."""

    at_ms: int
    apply: Callable[[], None]


@dataclass(slots=True)
class Scripted:
    """A source to which things happen. `mute` gives the device time from which one is silent."""

    source: Source
    incidents: Sequence[Incident] = ()
    mute: dict[str, int] = field(default_factory=dict)
    _next: int = 0

    @property
    def period_s(self) -> float:
        return self.source.period_s

    def measures(self, now_ms: int) -> Iterator[Measure]:
        while self._next < len(self.incidents) and self.incidents[self._next].at_ms <= now_ms:
            self.incidents[self._next].apply()
            self._next += 1
        for measure in self.source.measures(now_ms):
            if measure.ts_ms < self.mute.get(measure.device, measure.ts_ms + 1):
                yield measure


def script(sources: Sources, now_ms: int) -> list[Scripted]:
    """The sources with their incidents, for a demonstration that starts at `now_ms`."""
    lights, water = sources.lights.world, sources.water.world
    lamps = [name for name in sources.lights.assets if name.startswith("lamp-")]
    out, dim = lamps[len(lamps) // 3], lamps[2 * len(lamps) // 3]
    door = next(name for name in sources.lights.assets if name.startswith("cabinet-"))
    evening = now_ms - now_ms % DAY_MS - 2 * DAY_MS + 20 * HOUR_MS
    sector = water.zones[-1].asset
    mean_l_s = water.zones[-1].heads * 0.148 / 86.4
    leak = Leak(sector, round(0.9 * mean_l_s, 2), now_ms - 3 * DAY_MS - 5 * HOUR_MS, 2**62)
    water.leaks.append(leak)
    sources.bays.parked.append(Parked(2, last_half_past_nine(now_ms), now_ms + 6 * HOUR_MS))
    return [
        Scripted(
            sources.lights,
            [
                Incident(evening, lambda: lights.inject("lamp_out", out)),
                Incident(evening + HOUR_MS, lambda: lights.inject("dim_ignored", dim)),
                Incident(now_ms - 26 * HOUR_MS, lambda: lights.inject("door_open", door)),
                Incident(now_ms - 25 * HOUR_MS, lambda: lights.mend("door_open", door)),
            ],
        ),
        Scripted(sources.water, mute={"rtu-node-0003": now_ms - 9 * HOUR_MS}),
        Scripted(sources.people),
        Scripted(sources.bays),
        Scripted(sources.signals),
        Scripted(sources.fixtures),
    ]

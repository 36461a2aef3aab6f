"""Grows the streets of a town the way towns grow: roads to the neighbours, then lanes off them.

A pure function of a random generator and a size; metres around the square. Knows nothing of
names, lamps or pipes. A new stretch that would cross or crowd an old one joins it instead, so
blocks close by themselves and no two towns look alike (and none like a chessboard).
"""

from __future__ import annotations

import heapq
import itertools
import math
import random
from dataclasses import dataclass, field

from beffroi.lab.geometry import Cells, crosses, distance_to_segment, turn

ROAD, BOULEVARD, STREET, LANE = 0, 1, 2, 3  # ranks
SHARP = math.radians(48)  # no two stretches leave a crossing at less
DEGREE_MAX = 5


@dataclass(slots=True)
class Street:
    """A chain of crossings under one name. `lit` is false outside the built-up area."""

    rank: int
    nodes: list[int]
    lit: bool = True


@dataclass(slots=True)
class Network:
    """Crossings and streets. `radius_m` is that of the built-up area."""

    radius_m: float
    xy: list[tuple[float, float]] = field(default_factory=list)
    links: list[list[int]] = field(default_factory=list)  # neighbours of each crossing
    streets: list[Street] = field(default_factory=list)
    river: list[tuple[float, float]] = field(default_factory=list)
    headings: list[float] = field(default_factory=list)  # of the roads where they leave the square

    def line(self, street: Street) -> list[tuple[float, float]]:
        """Its places, in metres."""
        return [self.xy[node] for node in street.nodes]


@dataclass(frozen=True, slots=True)
class Size:
    """What depends on the number of inhabitants. Lengths in metres."""

    radius_m: float
    length_m: float  # of lit streets
    step_m: float
    roads: int
    rings: tuple[float, ...]  # share of the radius
    dead_end: float  # probability that a lane stops

    @classmethod
    def of(cls, inhabitants: int) -> Size:
        """Density and street length per head: villages spread, cities do not."""
        big = math.log10(max(inhabitants, 500) / 500)  # 0 for 500, 3.3 for a million
        per_km2 = 1_900 * 1.42**big
        per_head_m = 5.6 - 0.45 * big
        rings = tuple(
            share
            for share, floor in ((0.22, 60_000), (0.38, 6_000), (0.72, 120_000))
            if inhabitants >= floor
        )
        return cls(
            radius_m=1_000 * math.sqrt(inhabitants / per_km2 / math.pi),
            length_m=inhabitants * per_head_m,
            step_m=52 + 3 * big,
            roads=3 + round(1.7 * big),
            rings=rings,
            dead_end=max(0.03, 0.10 - 0.02 * big),
        )


def grow(rng: random.Random, inhabitants: int) -> Network:
    """The streets of a town of so many inhabitants."""
    size = Size.of(inhabitants)
    return _Growth(rng, size).run()


class _Growth:
    """One town while it grows."""

    def __init__(self, rng: random.Random, size: Size) -> None:
        self.rng, self.size = rng, size
        self.net = Network(size.radius_m)
        self.nodes = Cells(size.step_m * 1.5)
        self.edges = Cells(size.step_m * 1.5)  # by the middle of the edge
        self.ends: list[tuple[int, int]] = []
        self.length_m = 0.0
        self.queue: list[tuple[float, int, int, float, int, int]] = []
        self.pushed = 0

    def run(self) -> Network:
        self._river()
        self._roads()
        for share in self.size.rings:
            self._ring(share * self.size.radius_m)
        for road in list(self.net.streets):
            if road.lit:
                self._offshoots(road)
        while self.queue and self.length_m < self.size.length_m:
            _, _, node, heading, street, left = heapq.heappop(self.queue)
            self._extend(node, heading, street, left)
        self.net.streets = [street for street in self.net.streets if len(street.nodes) > 1]
        return self.net

    # --- the skeleton ----------------------------------------------------------------------------
    def _river(self) -> None:
        """A meandering line that passes beside the square."""
        rng, radius = self.rng, self.size.radius_m
        heading = rng.uniform(0, 2 * math.pi)
        offset = rng.choice((-1, 1)) * (rng.uniform(0.28, 0.5) * radius + 30)
        wave, phase = rng.uniform(0.5, 0.8) * radius, rng.uniform(0, 6.28)
        cos, sin = math.cos(heading), math.sin(heading)
        count = 80
        for i in range(count + 1):
            u = (i / count - 0.5) * 4.4 * radius
            v = offset + 0.10 * radius * math.sin(u / wave + phase)
            v += 0.04 * radius * math.sin(2.7 * u / wave + 2 * phase)
            self.net.river.append((u * cos - v * sin, u * sin + v * cos))

    def _roads(self) -> None:
        """The main road through the square and the roads that fork off, out into the fields."""
        rng, size = self.rng, self.size
        centre = self._node(0.0, 0.0)
        first = rng.uniform(0, 2 * math.pi)
        self.net.headings = [
            first + 2 * math.pi * (i + rng.uniform(-0.22, 0.22)) / size.roads
            for i in range(size.roads)
        ]
        for heading in self.net.headings:
            end = centre
            chain, lit, done, bend = [centre], True, 0.0, 0.0
            reach = size.radius_m * rng.uniform(0.86, 1.08)
            while done < reach * 1.55:
                bend = 0.8 * bend + rng.gauss(0, 0.045)
                away = math.atan2(self.net.xy[end][1], self.net.xy[end][0]) if done else heading
                direction = heading + bend + 0.25 * _signed(away - heading)
                step = size.step_m * rng.uniform(0.8, 1.1)
                x, y = self.net.xy[end]
                end = self._join(
                    end, x + step * math.cos(direction), y + step * math.sin(direction)
                )
                chain.append(end)
                done += step
                if lit and done >= reach:
                    self.net.streets.append(Street(ROAD, chain))
                    self.length_m += done
                    chain, lit = [end], False
            self.net.streets.append(Street(ROAD, chain, lit=False))

    def _ring(self, radius_m: float) -> None:
        """A boulevard where the wall or the tollgates were, from road to road."""
        xy, rng = self.net.xy, self.rng
        gates = []
        for street in self.net.streets:
            if street.rank == ROAD and street.lit:
                gate = min(street.nodes, key=lambda n: abs(math.hypot(*xy[n]) - radius_m))
                gates.append((math.atan2(xy[gate][1], xy[gate][0]), gate))
        gates.sort()
        for (angle, gate), (angle2, gate2) in zip(gates, gates[1:] + gates[:1], strict=True):
            sweep = (angle2 - angle) % (2 * math.pi)
            count = max(2, round(sweep * radius_m / self.size.step_m))
            near, far = math.hypot(*xy[gate]), math.hypot(*xy[gate2])
            bulge = rng.uniform(-0.06, 0.10) * radius_m
            chain = [gate]
            for i in range(1, count):
                part = i / count
                r = near + (far - near) * part + bulge * math.sin(math.pi * part)
                a = angle + sweep * part
                chain.append(self._join(chain[-1], r * math.cos(a), r * math.sin(a)))
            self._edge(chain[-1], gate2)
            self.net.streets.append(Street(BOULEVARD, [*chain, gate2]))
            self.length_m += sweep * radius_m

    def _offshoots(self, street: Street) -> None:
        """Places along a road or boulevard where streets may start."""
        every = 2
        for i in range(self.rng.randrange(1, 3), len(street.nodes) - 1, every):
            before, after = self.net.xy[street.nodes[i - 1]], self.net.xy[street.nodes[i + 1]]
            heading = math.atan2(after[1] - before[1], after[0] - before[0])
            for side in (-1, 1):
                if self.rng.random() < 0.85:
                    self._push(street.nodes[i], heading + side * self._corner(), -1)

    # --- growing ---------------------------------------------------------------------------------
    def _corner(self) -> float:
        return math.pi / 2 + self.rng.gauss(0, 0.14)

    def _push(self, node: int, heading: float, street: int, left: int = -1) -> None:
        """Wish to build from here. The nearer to the square and to a road, the sooner."""
        x, y = self.net.xy[node]
        off = min(turn(math.atan2(y, x), road) for road in self.net.headings)
        cost = math.hypot(x, y) * (0.75 + 0.5 * min(off, 0.8)) * self.rng.uniform(0.8, 1.25)
        if left < 0:
            rng, dead = self.rng, self.size.dead_end
            left = rng.randint(1, 2) if rng.random() < dead else rng.randint(4, 14)
        self.pushed += 1
        heapq.heappush(self.queue, (cost, self.pushed, node, heading, street, left))

    def _extend(self, node: int, heading: float, street: int, left: int) -> None:
        """Build one stretch if the place allows, and wish for the next ones."""
        rng, step = self.rng, self.size.step_m * self.rng.uniform(0.75, 1.2)
        heading += rng.gauss(0, 0.07)
        x, y = self.net.xy[node]
        target = (x + step * math.cos(heading), y + step * math.sin(heading))
        joined = self._meets(node, target)
        if joined is None:
            if self._crowded(node, target):
                return
            end = self._join(node, *target)
        else:
            if not self._may_join(node, joined):
                return
            end = joined
            self._edge(node, end)
        self.length_m += math.dist(self.net.xy[node], self.net.xy[end])
        street = self._belongs(node, end, street)
        if joined is None:
            self._wishes(end, heading, street, left)

    def _wishes(self, end: int, heading: float, street: int, left: int) -> None:
        """Go on, and branch at about every second crossing."""
        if left > 1:
            self._push(end, heading, street, left - 1)
        count = len(self.net.streets[street].nodes)
        if count % 2 == 0 or self.rng.random() < 0.15:
            for side in (-1, 1):
                if self.rng.random() < 0.72:
                    self._push(end, heading + side * self._corner(), -1)

    def _belongs(self, node: int, end: int, street: int) -> int:
        """Add the stretch to its street, or start a new one."""
        if street < 0 or self.net.streets[street].nodes[-1] != node:
            self.net.streets.append(Street(STREET, [node]))
            street = len(self.net.streets) - 1
        self.net.streets[street].nodes.append(end)
        return street

    # --- what the place allows -------------------------------------------------------------------
    def _meets(self, node: int, target: tuple[float, float]) -> int | None:
        """The crossing that a stretch would run into or pass too near."""
        xy, here = self.net.xy, self.net.xy[node]
        first, found = 2.0, None
        for edge in self.edges.near((here[0] + target[0]) / 2, (here[1] + target[1]) / 2):
            a, b = self.ends[edge]
            if node in (a, b):
                continue
            at = crosses(here, target, xy[a], xy[b])
            if at is None and distance_to_segment(target, xy[a], xy[b]) < 0.5 * self.size.step_m:
                at = 1.0
            if at is not None and at < first:
                first = at
                found = a if math.dist(xy[a], target) < math.dist(xy[b], target) else b
        if found is not None:
            return found
        reach, best = 0.62 * self.size.step_m, None
        for other in self.nodes.near(*target):
            gap = math.dist(xy[other], target)
            if other != node and gap < reach:
                reach, best = gap, other
        return best

    def _may_join(self, node: int, other: int) -> bool:
        xy, step = self.net.xy, self.size.step_m
        gap = math.dist(xy[node], xy[other])
        if not 0.45 * step < gap < 1.7 * step:
            return False
        if len(self.net.links[other]) >= DEGREE_MAX or self._sharp(other, xy[node]):
            return False
        return not self._crowded(node, xy[other], other)

    def _crowded(self, node: int, target: tuple[float, float], other: int = -1) -> bool:
        """The stretch would make a sharp corner, cut another or wade the river."""
        xy, here = self.net.xy, self.net.xy[node]
        if len(self.net.links[node]) >= DEGREE_MAX or self._sharp(node, target):
            return True
        if math.hypot(*target) > 1.25 * self.size.radius_m or self._wades(here, target):
            return True
        for edge in self.edges.near((here[0] + target[0]) / 2, (here[1] + target[1]) / 2):
            a, b = self.ends[edge]
            ours = {a, b} & {node, other}
            if not ours and crosses(here, target, xy[a], xy[b]) is not None:
                return True
        return False

    def _sharp(self, node: int, target: tuple[float, float]) -> bool:
        x, y = self.net.xy[node]
        heading = math.atan2(target[1] - y, target[0] - x)
        for neighbour in self.net.links[node]:
            nx, ny = self.net.xy[neighbour]
            if turn(heading, math.atan2(ny - y, nx - x)) < SHARP:
                return True
        return False

    def _wades(self, a: tuple[float, float], b: tuple[float, float]) -> bool:
        """Only roads and boulevards have bridges; one lane in twelve has a footbridge."""
        river = self.net.river
        wet = any(
            crosses(a, b, c, d) is not None or distance_to_segment(b, c, d) < 0.4 * self.size.step_m
            for c, d in itertools.pairwise(river)
            if abs(c[0] - a[0]) + abs(c[1] - a[1]) < self.size.radius_m
        )
        return wet and self.rng.random() > 0.08

    # --- bookkeeping -----------------------------------------------------------------------------
    def _node(self, x: float, y: float) -> int:
        self.net.xy.append((x, y))
        self.net.links.append([])
        self.nodes.add(len(self.net.xy) - 1, x, y)
        return len(self.net.xy) - 1

    def _join(self, node: int, x: float, y: float) -> int:
        """A new crossing at the end of a stretch from `node`."""
        end = self._node(x, y)
        self._edge(node, end)
        return end

    def _edge(self, a: int, b: int) -> None:
        self.net.links[a].append(b)
        self.net.links[b].append(a)
        (ax, ay), (bx, by) = self.net.xy[a], self.net.xy[b]
        self.ends.append((a, b))
        self.edges.add(len(self.ends) - 1, (ax + bx) / 2, (ay + by) / 2)


def _signed(angle: float) -> float:
    return (angle + math.pi) % (2 * math.pi) - math.pi

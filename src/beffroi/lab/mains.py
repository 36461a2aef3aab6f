"""The drinking-water network under the streets: source, tower, sectors, pressure points, pipes.

Pure function of a town; metres. Only the shape: flows and pressures are a world's business.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from beffroi.lab.geometry import Array
from beffroi.lab.streets import Network
from beffroi.lab.town import Place, Town

HEADS_PER_POINT = 55  # pressure points of a village; a city has fewer per head
HEADS_PER_SECTOR = 900
PIPES_MAX = 4_000  # drawn; the biggest first


@dataclass(frozen=True, slots=True)
class Mains:
    """`sector_of` gives each crossing's sector; `points` are (crossing, sector)."""

    source: Place  # borehole and pumping station
    tower: Place
    tower_height_m: float  # of its ground above the square
    sectors: tuple[int, ...]  # the crossing at the entrance of each
    sector_of: tuple[int, ...]
    heads: tuple[int, ...]  # inhabitants of each sector
    points: tuple[tuple[int, int], ...]
    pipes: tuple[tuple[Place, ...], ...]


def mains(town: Town) -> Mains:
    """Every crossing of the town is fed from the tower by the shortest way along the streets."""
    net = town.net
    inside = _inside(net)
    (tower, height), rng = town.hill, town.rng("mains")
    root = min(inside, key=lambda n: math.dist(net.xy[n], tower))
    sectors = _seeds(town, inside, root)
    sector_of, _ = _flood(net, sectors)
    before, far = _ways(net, root)
    points = []
    for sector in range(len(sectors)):
        members = [n for n in inside if sector_of[n] == sector]
        share = len(members) / len(inside)
        wanted = max(
            2, round(share * town.inhabitants / (HEADS_PER_POINT + 0.0004 * town.inhabitants))
        )
        members.sort(key=lambda n: far[n])
        step = max(1.0, len(members) / wanted)
        points += [(members[int(i * step)], sector) for i in range(min(wanted, len(members)))]
    count = np.bincount([sector_of[n] for n in inside], minlength=len(sectors))
    wet = min(net.river, key=lambda p: abs(math.hypot(*p) - 1.15 * net.radius_m))
    source = (wet[0] + rng.uniform(25, 45), wet[1] + rng.uniform(25, 45))
    return Mains(
        source=source,
        tower=tower,
        tower_height_m=height,
        sectors=tuple(sectors),
        sector_of=tuple(sector_of),
        heads=tuple(round(town.inhabitants * c / len(inside)) for c in count),
        points=tuple(points),
        pipes=_pipes(net, inside, before, root, (source, tower)),
    )


def _inside(net: Network) -> list[int]:
    """Crossings of the built-up area."""
    lit = {node for street in net.streets if street.lit for node in street.nodes}
    return sorted(lit)


def _seeds(town: Town, inside: Sequence[int], root: int) -> list[int]:
    """Sector entrances, far from each other: each new one is the farthest from those before."""
    wanted = max(2, min(400, round(town.inhabitants / HEADS_PER_SECTOR)))
    xy: Array = np.array([town.net.xy[n] for n in inside])
    seeds = [root]
    gap = np.hypot(*(xy - np.array(town.net.xy[root])).T)
    while len(seeds) < wanted:
        new = int(np.argmax(gap))
        seeds.append(inside[new])
        gap = np.minimum(gap, np.hypot(*(xy - xy[new]).T))
    return seeds


def _flood(net: Network, seeds: Sequence[int]) -> tuple[list[int], list[float]]:
    """The nearest seed of each crossing along the streets, and how far it is."""
    owner, far = [0] * len(net.xy), [math.inf] * len(net.xy)
    queue = [(0.0, seed, number) for number, seed in enumerate(seeds)]
    heapq.heapify(queue)
    while queue:
        at, node, number = heapq.heappop(queue)
        if at >= far[node]:
            continue
        far[node], owner[node] = at, number
        for other in net.links[node]:
            way = at + math.dist(net.xy[node], net.xy[other])
            if way < far[other]:
                heapq.heappush(queue, (way, other, number))
    return owner, far


def _ways(net: Network, root: int) -> tuple[list[int], list[float]]:
    """For each crossing the one before it on the shortest way from the root."""
    _, far = _flood(net, [root])
    before = [
        min(
            links,
            key=lambda o: far[o] + math.dist(net.xy[o], net.xy[n]),
            default=n,
        )
        for n, links in enumerate(net.links)
    ]
    before[root] = root
    return before, far


def _pipes(
    net: Network, inside: Sequence[int], before: Sequence[int], root: int, ends: tuple[Place, Place]
) -> tuple[tuple[Place, ...], ...]:
    """The feeder from the source under the streets to the tower, then the tree, thickest first."""
    load = np.zeros(len(net.xy), dtype=np.int64)
    for start in inside:
        node = start
        while node != root:
            load[node] += 1
            node = before[node]
    tree = [n for n in np.argsort(-load, kind="stable")[:PIPES_MAX] if load[n] > 0]
    side = 2.2
    source, tower = ends
    node = min(inside, key=lambda n: math.dist(net.xy[n], source))
    feeder = [source, net.xy[node]]
    while node != root:
        node = before[node]
        feeder.append(net.xy[node])
    found: list[tuple[Place, ...]] = [(*feeder, tower)]
    for node in tree:
        (ax, ay), (bx, by) = net.xy[before[node]], net.xy[node]
        long = math.hypot(bx - ax, by - ay) or 1.0
        dx, dy = side * (by - ay) / long, side * (ax - bx) / long
        found.append(((ax + dx, ay + dy), (bx + dx, by + dy)))
    return tuple(found)

"""Makes junctions of a SUMO network, and says of each whether its own program may be trusted.

Two streams conflict when the network says that they meet, except where the rules of the road settle
it at green: a turn against oncoming traffic, and a turn into a road that pedestrians are crossing.
Distances are the whole way through the junction, so clearance is never too short. A program that
breaks a rule is refused with its trace; the proposal beside it keeps its stages and leaves amber,
clearance and minimum green to the controller, and is proven like any other junction.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from beffroi.domains import signal_law as law
from beffroi.domains.signal_controller import AMBER, FLASH, GREEN, RED
from beffroi.domains.signal_junction import (
    PEDESTRIAN,
    VEHICLE,
    Group,
    Junction,
    JunctionError,
    Plan,
    Stage,
)
from beffroi.domains.signal_proof import Proof, explore, prove
from beffroi.lab.geometry import turn
from beffroi.lab.sumo_net import Link, Net, Phase, SumoError, read
from beffroi.model.asset import Label

OPPOSITE = math.radians(130)
ALSO_MAX = 20_000  # states in which further faults of a refused program are looked for
_LAMPS = {"G": GREEN, "g": GREEN, "y": AMBER, "Y": AMBER, "r": RED, "s": RED, "o": FLASH,
          "O": FLASH}  # fmt: skip


class Found(NamedTuple):
    """One junction of a network, `place` in degrees. `written` is the proof of the program as the
    file has it, whose groups are those of `junction`; `proof` is that of `junction`, the proposal.
    `notes` say what was changed, or why there is no junction at all."""

    id: str
    place: tuple[float, float] | None
    junction: Junction | None
    written: Proof | None
    proof: Proof | None
    notes: tuple[Label, ...]


class _Stream(NamedTuple):
    """Links under one lamp column, of one approach: what becomes a group."""

    kind: str
    links: tuple[Link, ...]
    lamps: tuple[int, ...]


def networks(data: bytes) -> Iterator[Found]:
    """Every signalled junction of a `net.xml`, in order of its id. SumoError."""
    net = read(data)
    for ident in sorted(net.programs):
        yield _found(net, ident)


def _found(net: Net, ident: str) -> Found:
    links = net.links.get(ident, [])
    at = net.places.get(_owner(links[0].via) if links else ident)
    place = net.degrees(*at) if at else None
    try:
        return _made(net, ident, links, place)
    except (JunctionError, SumoError) as error:
        why = Label(str(error), str(error))
    except (KeyError, IndexError, ValueError) as error:
        why = Label(f"réseau incomplet : {error!r}", f"the network is incomplete: {error!r}")
    return Found(ident, place, None, None, None, (why,))


def _made(net: Net, ident: str, links: list[Link], place: tuple[float, float] | None) -> Found:
    programs = list(net.programs[ident].values())[: law.PLANS_MAX]
    if not links:
        raise SumoError(f"{ident}: no connection names it")
    if any(len(phase.lamps) <= link.lamp for p in programs for phase in p for link in links):
        raise SumoError(f"{ident}: a phase has fewer lamps than the connections name")
    streams = _streams(programs, links)
    groups = tuple(_group(net, stream) for stream in streams)
    conflicts: dict[tuple[int, int], int] = {}
    for a, first in enumerate(streams):
        for b, second in enumerate(streams):
            if a != b and any(_meet(net, p, q) for p in first.links for q in second.links):
                way_m = max(_way_m(net, link) for link in first.links)
                conflicts[a, b] = min(math.ceil(10 * way_m), 10 * law.DISTANCE_M_MAX)
    notes: list[Label] = []
    plans = {
        number: Plan(f"Programme {number}", _stages(phases, streams, groups, conflicts, notes))
        for number, phases in enumerate(programs, 1)
    }
    streets = [net.names[link.source] for link in links if link.source in net.names]
    name = " / ".join(list(dict.fromkeys(streets))[:2])[: law.NAME_CHARS_MAX]
    junction = Junction(ident[: law.NAME_CHARS_MAX], name, groups, conflicts, plans, 1)
    written = _written(programs, streams, junction)
    return Found(ident, place, junction, written, prove(junction), tuple(dict.fromkeys(notes)))


# --- groups --------------------------------------------------------------------------------------
def _streams(programs: list[list[Phase]], links: Sequence[Link]) -> list[_Stream]:
    by: dict[tuple[str, str, str], list[Link]] = defaultdict(list)
    for link in links:
        kind = PEDESTRIAN if link.source.startswith(":") else VEHICLE
        column = "".join(phase.lamps[link.lamp] for p in programs for phase in p)
        approach = link.via if kind == PEDESTRIAN else link.source
        by[kind, approach, column.replace("g", "G")].append(link)
    made = [
        _Stream(kind, tuple(members), tuple(sorted({link.lamp for link in members})))
        for (kind, _, _), members in by.items()
    ]
    return sorted(made, key=lambda stream: (stream.kind != VEHICLE, stream.lamps))


def _group(net: Net, stream: _Stream) -> Group:
    """Named by its street and lamps. The fastest lane of the approach counts."""
    lamps = "+".join(map(str, stream.lamps))
    link = stream.links[0]
    if stream.kind == PEDESTRIAN:
        roads = net.crossed.get(link.target, ())
        street = next((net.names[road] for road in roads if road in net.names), link.target)
        return Group(f"P {street[:40]} [{lamps}]", PEDESTRIAN)
    street = net.names.get(link.source, link.source)
    speeds = [net.lanes[f"{one.source}_{one.source_lane}"].speed_kmh for one in stream.links]
    return Group(f"V {street[:40]} [{lamps}]", VEHICLE, max(speeds))


# --- conflicts -----------------------------------------------------------------------------------
def _owner(via: str) -> str:
    """The junction in which a lane ":<junction>_<number>_<lane>" lies."""
    return via[1:].rsplit("_", 2)[0]


def _number(net: Net, link: Link) -> int:
    """Of the link in the junction's right-of-way table; crossings come after all vehicles."""
    edge, lane = link.via.rsplit("_", 2)[1:]
    if not edge.startswith("c"):
        return int(edge) + int(lane)
    owner = _owner(link.via)
    crossings = sum(one.rsplit("_", 1)[0] == f":{owner}" for one in net.crossed)
    return len(net.requests.get(owner, {})) - crossings + int(edge[1:])


def _meet(net: Net, a: Link, b: Link) -> bool:
    """Must lamps keep these two apart?"""
    owner = _owner(a.via)
    if owner != _owner(b.via):
        return False
    table = net.requests[owner]
    if not (_foe(table[_number(net, a)].foes, _number(net, b))
            or _foe(table[_number(net, b)].foes, _number(net, a))):  # fmt: skip
        return False
    walk = [link.source.startswith(":") for link in (a, b)]
    if all(walk):
        return False
    if any(walk):
        vehicle, crossing = (b, a) if walk[0] else (a, b)
        entered = vehicle.target in net.crossed.get(crossing.target, ())
        leaves = vehicle.source in net.crossed.get(crossing.target, ())
        return leaves or not entered or vehicle.turn == "s"
    if a.source == b.source:
        return False  # side by side in one approach: they merge by the rules of the road
    apart = turn(*(net.lanes[f"{x.source}_{x.source_lane}"].heading for x in (a, b)))
    return apart < OPPOSITE or (a.turn == "s" and b.turn == "s")


def _foe(bits: str, number: int) -> bool:
    """IndexError when the table says nothing of it: nothing known is never "no conflict"."""
    return bits[::-1][number] == "1"


def _way_m(net: Net, link: Link) -> float:
    """From stop line to exit; across, for pedestrians."""
    length, lane = 0.0, link.via
    for _ in range(8):
        length += net.lanes[lane].length_m
        if lane not in net.on:
            break
        lane = net.on[lane]
    return max(length, 1.0)


# --- programs ------------------------------------------------------------------------------------
def _stages(
    phases: list[Phase],
    streams: list[_Stream],
    groups: tuple[Group, ...],
    conflicts: dict[tuple[int, int], int],
    notes: list[Label],
) -> tuple[Stage, ...]:
    """The file's phases without those of amber or all red, made free of conflicts: pedestrians give
    way to vehicles, and whoever never had green gets it wherever nobody meets him."""
    greens = []
    for phase in phases:
        if "y" in phase.lamps.lower():
            continue
        shown = {n for n, s in enumerate(streams) if phase.lamps[s.lamps[0]] in "Gg"}
        for n in sorted(shown, reverse=True):  # pedestrians are numbered last
            if groups[n].kind == PEDESTRIAN and any((n, m) in conflicts for m in shown):
                shown.discard(n)
                notes.append(_note("{} perd un vert en conflit avec des véhicules",
                                   "{} loses a green that meets vehicles", groups[n]))  # fmt: skip
        if shown:
            greens.append((shown, phase.usual_s))
    for n in range(len(groups)):
        if not any(n in shown for shown, _ in greens):
            free = [s for s, t in greens if t >= law.GREEN_S_MIN
                    and not any((n, m) in conflicts for m in s)]  # fmt: skip
            for shown in free[:1]:
                shown.add(n)
                notes.append(_note("{} reçoit un vert à part", "{} gets a green of its own",
                                   groups[n]))  # fmt: skip
    return tuple(Stage(frozenset(shown), min(s, law.STAGE_S_MAX)) for shown, s in greens)


def _note(fr: str, en: str, group: Group) -> Label:
    return Label(fr.format(group.name), en.format(group.name))


class _Shown(NamedTuple):
    phase: int
    held: int
    lamps: tuple[int, ...]


class _Written:
    """The program as the file has it: each phase lasts anything between its bounds."""

    def __init__(self, phases: list[Phase], streams: list[_Stream]) -> None:
        self._phases = phases
        self._lamps = [tuple(_lamp(p, s) for s in streams) for p in phases]

    def first(self) -> _Shown:
        return _Shown(0, 1, self._lamps[0])

    def inputs(self) -> tuple[bool, ...]:
        return False, True

    def step(self, state: _Shown, given: bool) -> _Shown:
        phase = self._phases[state.phase]
        if state.held < phase.most_s and not (given and state.held >= phase.least_s):
            return state._replace(held=state.held + 1)
        after = (state.phase + 1) % len(self._phases)
        return _Shown(after, 1, self._lamps[after])


def _lamp(phase: Phase, stream: _Stream) -> int:
    shown = phase.lamps[stream.lamps[0]]
    if shown not in _LAMPS:
        raise SumoError(f"lamp {stream.lamps[0]} shows {shown!r}, which no French signal does")
    return _LAMPS[shown]


def _written(programs: list[list[Phase]], streams: list[_Stream], junction: Junction) -> Proof:
    """The first program that breaks a rule, with what else it breaks; else all of them together."""
    proofs = []
    for phases in programs:
        machine, warm_s = _Written(phases, streams), 2 * sum(phase.most_s for phase in phases)
        proof = explore(machine, junction, warm_s=warm_s)
        if proof.wrong:
            return explore(machine, junction, warm_s=warm_s, to_the_end=True, states_max=ALSO_MAX)
        proofs.append(proof)
    whole = all(proof.whole for proof in proofs)
    counts = (sum(p.states for p in proofs), sum(p.transitions for p in proofs))
    return Proof(*counts, whole=whole)

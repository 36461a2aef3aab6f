"""Reads what a SUMO network says of signals: programs, links, right of way, lengths. XML, safely.

Parsed as a stream by expat with limits; a document type (so any entity) is refused. Knows the
format of `net.xml` and nothing of what is allowed on a street; `sumo` makes junctions of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from xml.parsers import expat

BYTES_MAX = 256 * 1024 * 1024
DEPTH_MAX = 16
ELEMENTS_MAX = 4_000_000
PHASES_MAX = 64
LINKS_MAX = 256  # lamps of one program
_CHUNK = 1 << 16


class SumoError(ValueError):
    """Not a SUMO network that can be read; the text says where and why."""


class Lane(NamedTuple):
    """`heading` (radians) is that of its last stretch."""

    speed_kmh: int
    length_m: float
    heading: float


class Link(NamedTuple):
    """One connection under a lamp. `via` is the first lane inside the junction, or the crossing."""

    lamp: int
    source: str
    source_lane: int
    target: str
    via: str
    turn: str  # SUMO's `dir`: "s" straight on, others turn


class Phase(NamedTuple):
    lamps: str
    least_s: int
    most_s: int
    usual_s: int


class Request(NamedTuple):
    """Bit strings, link 0 last: whom it gives way to, whom it meets."""

    gives_way: str
    foes: str


@dataclass(slots=True)
class Net:
    """By identifier. `requests` of a junction are by link number; `on` are the next lanes inside a
    junction, `crossed` the edges that a pedestrian crossing crosses."""

    links: dict[str, list[Link]] = field(default_factory=dict)
    programs: dict[str, dict[str, list[Phase]]] = field(default_factory=dict)
    requests: dict[str, dict[int, Request]] = field(default_factory=dict)
    places: dict[str, tuple[float, float]] = field(default_factory=dict)
    lanes: dict[str, Lane] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    crossed: dict[str, tuple[str, ...]] = field(default_factory=dict)
    on: dict[str, str] = field(default_factory=dict)
    corners: tuple[tuple[float, ...], tuple[float, ...]] | None = None  # in metres, in degrees

    def degrees(self, x_m: float, y_m: float) -> tuple[float, float] | None:
        """Longitude and latitude by the network's corners: good enough for a mark on a map."""
        if self.corners is None:
            return None
        (x, y, x2, y2), (lon, lat, lon2, lat2) = self.corners
        if x2 <= x or y2 <= y or not (-180 <= lon < lon2 <= 180 and -90 <= lat < lat2 <= 90):
            return None
        east, north = (x_m - x) / (x2 - x), (y_m - y) / (y2 - y)
        return round(lon + east * (lon2 - lon), 6), round(lat + north * (lat2 - lat), 6)


def read(data: bytes) -> Net:
    """SumoError for anything but a network within the limits."""
    if len(data) > BYTES_MAX:
        raise SumoError(f"{len(data)} bytes, at most {BYTES_MAX} are read")
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.StartDoctypeDeclHandler = reader.doctype
    try:
        for at in range(0, len(data), _CHUNK):
            parser.Parse(data[at : at + _CHUNK], False)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise SumoError(f"not XML: {error}") from error
    except SumoError:
        raise
    except (KeyError, IndexError, ValueError, OverflowError) as error:
        raise SumoError(f"line {parser.CurrentLineNumber}: {error!r}") from error
    if reader.root != "net":
        raise SumoError("the root element is not <net>: give a SUMO network (*.net.xml)")
    return reader.net


class _Reader:
    """Handlers by element name."""

    def __init__(self) -> None:
        self.net, self.root = Net(), ""
        self._depth = self._count = 0
        self._junction, self._phases = "", list[Phase]()
        self._make: Mapping[str, Callable[[dict[str, str]], None]] = {
            "location": self._location,
            "edge": self._edge,
            "lane": self._lane,
            "connection": self._connection,
            "junction": self._enter_junction,
            "request": self._request,
            "tlLogic": self._program,
            "phase": self._phase,
        }

    def doctype(self, *_: object) -> None:
        raise SumoError("a document type is not accepted: it could hold entities")

    def start(self, name: str, attrs: dict[str, str]) -> None:
        self._depth += 1
        self._count += 1
        if self._depth > DEPTH_MAX or self._count > ELEMENTS_MAX:
            raise SumoError(f"more than {DEPTH_MAX} levels or {ELEMENTS_MAX} elements")
        if self._depth == 1:
            self.root = name
        make = self._make.get(name)
        if make:
            make(attrs)

    def end(self, _: str) -> None:
        self._depth -= 1

    def _location(self, attrs: dict[str, str]) -> None:
        metres, degrees = (
            tuple(map(float, attrs[key].split(","))) for key in ("convBoundary", "origBoundary")
        )
        if len(metres) == len(degrees) == 4:
            self.net.corners = metres, degrees

    def _edge(self, attrs: dict[str, str]) -> None:
        if attrs.get("name"):
            self.net.names[attrs["id"]] = attrs["name"]
        if attrs.get("function") == "crossing":
            self.net.crossed[attrs["id"]] = tuple(attrs.get("crossingEdges", "").split())

    def _lane(self, attrs: dict[str, str]) -> None:
        points = [tuple(map(float, p.split(",")[:2])) for p in attrs["shape"].split()[-2:]]
        (x, y), (x2, y2) = points[0], points[-1]
        speed = round(3.6 * float(attrs["speed"]))
        heading = math.atan2(y2 - y, x2 - x)
        self.net.lanes[attrs["id"]] = Lane(speed, float(attrs["length"]), heading)

    def _connection(self, attrs: dict[str, str]) -> None:
        source, lane = attrs["from"], int(attrs["fromLane"])
        via = attrs.get("via", "")
        if source.startswith(":") and via:
            self.net.on[f"{source}_{lane}"] = via
        if "tl" not in attrs:
            return
        if source.startswith(":"):  # pedestrians: from a walking area onto a crossing
            via = f"{attrs['to']}_{attrs['toLane']}"
        lamp = int(attrs["linkIndex"])
        if lamp == -1:  # SUMO's word for a link that no lamp rules
            return
        if not 0 <= lamp < LINKS_MAX:
            raise SumoError(f"{attrs['tl']}: lamp {lamp}, at most {LINKS_MAX} are read")
        link = Link(lamp, source, lane, attrs["to"], via, attrs.get("dir", "s"))
        self.net.links.setdefault(attrs["tl"], []).append(link)

    def _enter_junction(self, attrs: dict[str, str]) -> None:
        self._junction = attrs["id"]
        self.net.places[self._junction] = (float(attrs.get("x", 0)), float(attrs.get("y", 0)))

    def _request(self, attrs: dict[str, str]) -> None:
        made = Request(attrs["response"], attrs["foes"])
        self.net.requests.setdefault(self._junction, {})[int(attrs["index"])] = made

    def _program(self, attrs: dict[str, str]) -> None:
        self._phases = []
        programs = self.net.programs.setdefault(attrs["id"], {})
        programs[attrs.get("programID", "0")] = self._phases

    def _phase(self, attrs: dict[str, str]) -> None:
        if len(self._phases) >= PHASES_MAX or len(attrs["state"]) > LINKS_MAX:
            raise SumoError(f"a program of more than {PHASES_MAX} phases or {LINKS_MAX} lamps")
        usual = _whole(attrs["duration"])
        least, most = (_whole(attrs.get(key, attrs["duration"])) for key in ("minDur", "maxDur"))
        if not 0 < least <= most <= 3_600:
            raise SumoError(f"a phase of {least} to {most} s")
        self._phases.append(Phase(attrs["state"], least, most, usual))


def _whole(text: str) -> int:
    value = float(text)
    if not value.is_integer():
        raise SumoError(f"a phase of {text} s: only whole seconds are read")
    return int(value)

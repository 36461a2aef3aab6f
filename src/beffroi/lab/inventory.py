"""From places to the town's books: assets and devices of each service, as the hub keeps them.

Pure functions of a town. Here, and only here, the lab knows which kinds and attributes the
domains have; how anything behaves is the business of `worlds`.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from beffroi.domains.signals.table import table
from beffroi.lab import junctions
from beffroi.lab.furniture import Bay, Counter, Crossing, Lamps
from beffroi.lab.geometry import Frame
from beffroi.lab.mains import Mains
from beffroi.lab.streets import LANE, ROAD, STREET
from beffroi.lab.town import Place, Town
from beffroi.model.asset import Asset, Device

WATER_AUTHORITY = "syndicat des eaux"
CREATED_MS = int(datetime(2025, 3, 3, 8, tzinfo=UTC).timestamp() * 1000)
HEADS_PER_METER = 2_000
DIM = [{"from": "22:30", "to": "05:30", "pct": 50}]  # every night, as most communes decide
ORDER = {
    "max_stay_min": 20,
    "timezone": "Europe/Paris",
    "hours": [
        {"days": [1, 2, 3, 4, 5, 6], "from": "08:00", "to": "12:30"},
        {"days": [1, 2, 3, 4, 5, 6], "from": "14:00", "to": "19:00"},
    ],
}


@dataclass(slots=True)
class Books:
    """What one service of the town owns and what measures it."""

    assets: list[Asset] = field(default_factory=list)
    devices: list[Device] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Maker:
    """Of a fictional product line: what the inventory's security posture is about."""

    maker: str
    firmware: str
    newest: str
    support_end: str


_LAMP = Maker("Luxanor", "3.2.1", "3.2.1", "2032-12-31")
_LAMP_OLD = Maker("Luxanor", "2.7.0", "2.7.4", "2024-06-30")  # no longer supported
_CABINET = Maker("Luxanor", "5.0.2", "5.0.2", "2031-12-31")
_BAY = Maker("Stationa", "1.14", "1.14", "2030-03-31")
_GATEWAY = Maker("Ondelys", "7.1.0", "7.1.3", "2029-12-31")
_RTU = Maker("Hydrotel", "4.8", "4.8", "2033-12-31")
_SIGNALS = Maker("Carrefeux", "6.2.0", "6.2.0", "2034-12-31")
_BOARD = Maker("Afficom", "9.3", "9.3", "2033-06-30")
_METER = Maker("Stationa", "4.1", "4.1", "2031-06-30")
_COUNTER = Maker("Passango", "2.0.5", "2.0.5", "2028-12-31")


def _device(
    ident: str,
    asset: str,
    made: Maker,
    *,
    gateway: str = "",
    is_gateway: bool = False,
    points: dict[str, tuple[str, str]] | None = None,
) -> Device:
    return Device(
        id=ident,
        asset=asset,
        gateway=gateway,
        is_gateway=is_gateway,
        points=points or {},
        maker=made.maker,
        firmware=made.firmware,
        firmware_newest=made.newest,
        support_end=made.support_end,
        default_secret=False,
        created_ms=CREATED_MS,
    )


# --- lighting ------------------------------------------------------------------------------------
def lighting(town: Town, lamps: Lamps) -> Books:
    """Each cabinet is a gateway (and meters its lamps); each lamp has a controller behind it."""
    books, rng = Books(), town.rng("lighting")
    powers = [_power(town.net.streets[s].rank) for s in lamps.street.tolist()]
    load = [0.0] * len(lamps.cabinets)
    for cabinet, power in zip(lamps.cabinet.tolist(), powers, strict=True):
        load[cabinet] += power
    for c, (x, y) in enumerate(lamps.cabinets.tolist()):
        lon, lat = town.frame.degrees(x, y)
        attrs: dict[str, Any] = {
            "power_W_nominal": round(load[c], 1),
            "dim": DIM,
            "lamps": int((lamps.cabinet == c).sum()),
        }
        books.assets.append(
            Asset(f"cabinet-{c + 1:04d}", "lighting", "cabinet", f"Armoire {c + 1}", lon, lat,
                  attrs=attrs)
        )  # fmt: skip
        gateway = _device(f"arm-{c + 1:04d}", f"cabinet-{c + 1:04d}", _CABINET, is_gateway=True)
        books.devices.append(gateway)
    for i, ((x, y), street, number, cabinet) in enumerate(
        zip(lamps.xy.tolist(), lamps.street.tolist(), lamps.number.tolist(),
            lamps.cabinet.tolist(), strict=True)
    ):  # fmt: skip
        lon, lat = town.frame.degrees(x, y)
        ident = f"{i + 1:06d}"
        attrs = {"power_W_nominal": powers[i], "dim": DIM, "cabinet": f"cabinet-{cabinet + 1:04d}"}
        name = f"Lampadaire {number}, {town.street_names[street]}"
        books.assets.append(
            Asset(f"lamp-{ident}", "lighting", "luminaire", name, lon, lat,
                  zone=town.street_names[street], attrs=attrs)
        )  # fmt: skip
        made = _LAMP_OLD if rng.random() < 0.06 else _LAMP
        gateway_id = f"arm-{cabinet + 1:04d}"
        books.devices.append(_device(f"lc-{ident}", f"lamp-{ident}", made, gateway=gateway_id))
    return books


def _power(rank: int) -> float:
    """Of an LED luminaire: roads are lit more than lanes."""
    return 58.0 if rank == ROAD else 36.0


# --- parking -------------------------------------------------------------------------------------
def parking(town: Town, bays: Sequence[Bay]) -> Books:
    """One two-technology sensor for each bay, behind a gateway on a roof nearby."""
    books = Books()
    centres: dict[int, list[Place]] = {}
    for bay in bays:
        centres.setdefault(bay.gateway, []).append(bay.place)
    first = {bay.gateway: i for i, bay in reversed(list(enumerate(bays)))}
    for g in sorted(centres):
        owner = f"bay-{first[g] + 1:05d}"
        gateway = _device(f"gw-{g + 1:04d}", owner, _GATEWAY, is_gateway=True)
        books.devices.append(replace(gateway, model=""))
    for i, bay in enumerate(bays):
        lon, lat = town.frame.degrees(*bay.place)
        ident, street = f"{i + 1:05d}", town.street_names[bay.street]
        order = {"reference": f"arrêté municipal {2024 + bay.street % 2}-{17 + bay.street % 40}"}
        attrs = {"order": {**order, **ORDER}, "heading_deg": _compass(bay.heading)}
        books.assets.append(
            Asset(f"bay-{ident}", "parking", "bay", f"Arrêt minute {i + 1} ({bay.shop}, {street})",
                  lon, lat, zone=f"{bay.shop}, {street}", attrs=attrs)
        )  # fmt: skip
        books.devices.append(
            _device(f"ps-{ident}", f"bay-{ident}", _BAY, gateway=f"gw-{bay.gateway + 1:04d}")
        )
    return books


def _compass(heading: float) -> int:
    return round(90 - math.degrees(heading)) % 360


# --- water ---------------------------------------------------------------------------------------
def water(town: Town, mains: Mains) -> Books:
    """Station, tower, sectors, pressure points: a remote unit each, connected by itself."""
    books, frame = Books(), town.frame
    scale = town.inhabitants
    volume = max(120.0, 0.35 * scale)  # m3: about a day and a half of a village
    height = 5.0
    area = round(volume / height, 1)
    _add(books, frame, "tank-1", "tank", f"Château d’eau de {town.name}", mains.tower,
         {"area_m2": area, "height_m": height})  # fmt: skip
    for number in (1, 2):
        place = (mains.source[0] + 6 * number, mains.source[1])
        _add(books, frame, f"pump-{number}", "pump", f"Pompe {number} du captage", place, {})
    _add(books, frame, "quality-1", "quality", "Qualité au départ du réservoir",
         (mains.tower[0] + 9, mains.tower[1] - 7), {})  # fmt: skip
    _add(books, frame, "network-1", "network", f"Réseau d’eau de {town.name}", mains.source, {})
    for s, node in enumerate(mains.sectors):
        attrs: dict[str, Any] = {"inhabitants": mains.heads[s]}
        _add(books, frame, f"sector-{s + 1:03d}", "sector", f"Secteur {s + 1}",
             town.net.xy[node], attrs)  # fmt: skip
    for p, (node, sector) in enumerate(mains.points):
        place = town.net.xy[node]
        attrs = {
            "elevation_m": round(town.height_m(*place), 1),
            "sector": f"sector-{sector + 1:03d}",
        }
        street = town.street_of[node]
        name = f"Pression, {town.street_names[street]}" if street >= 0 else f"Pression {p + 1}"
        _add(books, frame, f"node-{p + 1:04d}", "node", name, place, attrs)
    station = {
        "p1_flow": ("pump-1", "flow_l_s"), "p1_run": ("pump-1", "running"),
        "p1_bar": ("pump-1", "pressure_bar"), "p1_kw": ("pump-1", "power_kW"),
        "p2_flow": ("pump-2", "flow_l_s"), "p2_run": ("pump-2", "running"),
        "p2_bar": ("pump-2", "pressure_bar"), "p2_kw": ("pump-2", "power_kW"),
    }  # fmt: skip
    books.devices.append(_device("rtu-station", "pump-1", _RTU, points=station))
    return books


def _add(
    books: Books, frame: Frame, ident: str, kind: str, name: str, place: Place,
    attrs: Mapping[str, Any],
) -> None:  # fmt: skip
    """An asset and, unless the station's unit measures it, a remote unit of its own."""
    lon, lat = frame.degrees(*place)
    if kind != "network":
        attrs = {**attrs, "network": "network-1"}  # whose watch sees them all together
    books.assets.append(
        Asset(ident, "water", kind, name, lon, lat, authority=WATER_AUTHORITY, attrs=attrs)
    )
    if kind not in ("pump", "network"):
        books.devices.append(_device(f"rtu-{ident}", ident, _RTU))


# --- people flow ---------------------------------------------------------------------------------
def flows(town: Town, counters: Iterable[Counter]) -> Books:
    """Each counter connects by itself."""
    books = Books()
    for i, counter in enumerate(counters):
        lon, lat = town.frame.degrees(*counter.place)
        ident = f"counter-{i + 1:03d}"
        books.assets.append(
            Asset(ident, "flows", "counter", f"Comptage, {counter.name}", lon, lat,
                  zone=counter.name, attrs={"scale": counter.scale})
        )  # fmt: skip
        books.devices.append(_device(f"cnt-{i + 1:03d}", ident, _COUNTER))
    return books


# --- boards, paying zones, plant -----------------------------------------------------------------
def boards(town: Town, places: Sequence[Counter]) -> Books:
    """Each board connects by itself and knows the names that its fields may take."""
    books = Books()
    names = ["MAIRIE", "ÉCOLE", "GYMNASE", "SALLE DES FÊTES", "STADE", "PLACE DE LA MAIRIE"]
    names += sorted({one.name.upper().replace("'", "’") for one in places if len(one.name) <= 18})
    market = {
        "template": "marche", "days": [5], "from": "07:00", "to": "13:00",
        "place": "PLACE DE LA MAIRIE",
    }  # fmt: skip
    for i, one in enumerate(places):
        lon, lat = town.frame.degrees(*one.place)
        ident = f"board-{i + 1:03d}"
        attrs: dict[str, Any] = {"places": names, "schedule": [market]}
        books.assets.append(
            Asset(ident, "boards", "board", f"Panneau, {one.name}"[:80], lon, lat, zone=one.name,
                  attrs=attrs)
        )  # fmt: skip
        books.devices.append(_device(f"pmv-{i + 1:03d}", ident, _BOARD))
    return books


def paying(town: Town) -> Books:
    """One zone around the square, a meter for so many inhabitants; totals of a day, no vehicle."""
    books = Books()
    lon, lat = town.frame.degrees(-38.0, 12.0)
    books.assets.append(Asset("zone-001", "entitlement", "zone", "Zone payante, centre", lon, lat))
    books.devices.append(_device("pay-001", "zone-001", _METER))
    for i in range(max(1, min(50, town.inhabitants // HEADS_PER_METER))):
        turn = town.square_axis + 2.2 + 0.7 * i
        far = 34.0 + 22.0 * (i // 9)
        lon, lat = town.frame.degrees(far * math.cos(turn), far * math.sin(turn))
        ident = f"meter-{i + 1:03d}"
        books.assets.append(
            Asset(ident, "entitlement", "meter", f"Horodateur {i + 1}", lon, lat, zone="zone-001")
        )
        books.devices.append(_device(f"hor-{i + 1:03d}", ident, _METER))
    return books


def plant(town: Town, mains: Mains) -> Books:
    """What of the water can be set from afar: a pressure reducer, the chlorination, hot water."""
    books = Books()
    x, y = mains.tower
    for ident, kind, name, (east, north), owner, attrs in (
        ("valve-1", "valve", "Réducteur de pression du bourg", (x - 14, y + 6), WATER_AUTHORITY,
         {"pressure_bar_min": 1.5, "pressure_bar_max": 4.0}),
        ("doser-1", "doser", "Chloration au réservoir", (x + 14, y + 4), WATER_AUTHORITY,
         {"place": "reservoir_outlet", "dose_mg_l_max": 0.8}),
        ("hot-1", "hot_water", "Eau chaude du gymnase", (-120.0, 80.0), "commune",
         {"mixers": True}),
    ):  # fmt: skip
        lon, lat = town.frame.degrees(east, north)
        books.assets.append(
            Asset(ident, "water", kind, name, lon, lat, authority=owner, attrs=attrs)
        )
        books.devices.append(_device(f"plc-{ident}", ident, _RTU))
    return books


# --- traffic signals ------------------------------------------------------------------------------
def signals(town: Town, crossings: Iterable[Crossing]) -> Books:
    """Each controller connects by itself. Its data are those that an engineer would hand over."""
    books, rng = Books(), town.rng("signals")
    for i, crossing in enumerate(crossings):
        lon, lat = town.frame.degrees(*crossing.place)
        ident = f"junction-{i + 1:03d}"
        streets = list(dict.fromkeys(town.street_names[street] for street, _ in crossing.legs))
        name = " / ".join(streets[:2])[:80]
        made = junctions.signalled(rng, ident, name, _legs(town, crossing))
        attrs = {
            "junction": table(made),
            "proof": made.digest,
            "usual": list(junctions.USUAL),
            "day": [{"from": start, "to": end, "plan": plan} for start, end, plan in junctions.DAY],
        }
        books.assets.append(
            Asset(ident, "signals", "junction", f"Carrefour {name}"[:80], lon, lat, attrs=attrs)
        )
        books.devices.append(_device(f"sig-{i + 1:03d}", ident, _SIGNALS))
    return books


_WINDS = ("est", "nord-est", "nord", "nord-ouest", "ouest", "sud-ouest", "sud", "sud-est")


def _legs(town: Town, crossing: Crossing) -> list[junctions.Leg]:
    """A street that passes through has two: its names differ by where they lead."""
    legs = []
    for number, (street, heading) in enumerate(crossing.legs):
        rank = town.net.streets[street].rank
        wind = _WINDS[round(heading / (math.pi / 4)) % 8]
        width, speed = (5.0, 30) if rank == LANE else (6.0, 30) if rank == STREET else (7.0, 50)
        name = f"{number + 1} {town.street_names[street][:40]} ({wind})"
        legs.append(junctions.Leg(name, heading, width, speed))
    return legs


def neglect(books: Books, rng: random.Random) -> None:
    """Two believable sins for the inventory page: a secret never changed, one nobody checked."""
    own = [i for i, device in enumerate(books.devices) if not device.gateway]
    for value in (True, None):
        i = own[rng.randrange(len(own))]
        books.devices[i] = replace(books.devices[i], default_secret=value)

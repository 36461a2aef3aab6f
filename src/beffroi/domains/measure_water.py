"""What is measured of a drinking-water network over a period: volumes, pressure, interruptions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from beffroi.domains.attrs import number, number_or, text
from beffroi.domains.measuring import hourly
from beffroi.model.asset import Asset, Label
from beffroi.model.measure import (
    HOUR_MS,
    NO_ASSETS,
    NO_DATA,
    Entry,
    Measured,
    Money,
    Reader,
    missing,
    unproven,
)

SECTOR, POINT = "sector", "node"
PRESSURE_BAR_MIN = 0.3  # 3 m of head at the point of delivery
NETWORK_KM = Entry(Label("longueur du réseau d’eau", "length of the water network"), "km", 1e6)
PRICE = Entry(Label("prix de l’eau", "price of water"), "€/m³", 100.0)
UNMETERED = Entry(
    Label("volumes autorisés non comptés par an", "authorised unmetered volumes a year"), "m³"
)
NO_LENGTHS = Label(
    "longueur des secteurs à saisir (length_km de chaque secteur)",
    "length of the sectors to be entered (length_km of each sector)",
)


class Volumes(NamedTuple):
    """m³ over the hours in which inflow and consumption are both known; `years` of such hours."""

    entered: float
    used: float
    known: float
    years: float
    n: int


Figure = Callable[[Volumes], float]


def network_yield(reader: Reader) -> Measured:
    """W1. Without unmetered volumes the figure is a lower bound."""
    return _of_volumes(reader, lambda v: 100 * v.used / v.entered)


def loss_share(reader: Reader) -> Measured:
    """W3 = 100 - W1, and what the lost water costs."""
    found = _of_volumes(reader, lambda v: 100 - 100 * v.used / v.entered)
    price, volumes = reader.given("water_eur_m3"), _volumes(reader)
    if found.value is None or not price:
        return found
    lost = Label("Eau perdue sur la période", "Water lost over the period")
    money = (Money(lost, max(0.0, volumes.entered - volumes.used) * price),)
    return Measured(found.value, found.known, found.n, money=money, declared=found.declared)


def linear_loss(reader: Reader) -> Measured:
    """W2."""
    length = reader.given("network_km")
    if reader.assets(SECTOR) and not length:
        return missing(NETWORK_KM)
    found = _of_volumes(reader, lambda v: (v.entered - v.used) / (365 * v.years * (length or 1.0)))
    return Measured(found.value, found.known, found.n, found.why, declared=True)


def interruptions(reader: Reader) -> Measured:
    """W4. A pressure point stands for its sector's inhabitants, shared with its other points."""
    points = reader.assets(POINT)
    if not points:
        return unproven(NO_ASSETS)
    known = _hours_known(reader)
    if not known:
        return unproven(NO_DATA)
    weight = _weights(reader, points)
    cut = sum(
        (one.end_ms - one.start_ms) / HOUR_MS * weight.get(one.asset, 0.0)
        for one in reader.episodes("water.pressure_low")
    )
    years = reader.span.years * known
    n = int(known * len(points) * reader.span.hours)
    return Measured(cut / sum(weight.values()) / years, known, n)


def pressure_held(reader: Reader) -> Measured:
    """W5."""
    points = {point.id: point for point in reader.assets(POINT)}
    if not points:
        return unproven(NO_ASSETS)
    good = hours = 0
    for track in reader.tracks(POINT, "pressure_bar"):
        attrs = points[track.asset].attrs if track.asset in points else {}
        low = number_or(attrs, "pressure_bar_min", PRESSURE_BAR_MIN)
        high = number_or(attrs, "pressure_bar_max", np.inf)
        good += int(np.count_nonzero((track.low >= low) & (track.high <= high)))
        hours += len(track.start_ms)
    known = min(hours / (len(points) * reader.span.hours), 1.0)
    return Measured(100 * good / hours, known, hours) if hours else unproven(NO_DATA)


def watched_share(reader: Reader) -> Measured:
    """W6."""
    sectors, length = reader.assets(SECTOR), reader.given("network_km")
    if not sectors:
        return unproven(NO_ASSETS)
    if not length:
        return missing(NETWORK_KM)
    spoke = {track.asset for track in reader.tracks(SECTOR, "inflow_m3_h")}
    lengths = {one.id: number(one.attrs, "length_km") for one in sectors}
    told = {asset: km for asset, km in lengths.items() if km is not None}
    if not told:
        return unproven(NO_LENGTHS)
    km = sum(km for asset, km in told.items() if asset in spoke)
    return Measured(
        min(100 * km / length, 100.0), len(told) / len(sectors), len(told), declared=True
    )


def _of_volumes(reader: Reader, figure: Figure) -> Measured:
    if not reader.assets(SECTOR):
        return unproven(NO_ASSETS)
    volumes = _volumes(reader)
    if volumes.entered <= 0:
        return unproven(NO_DATA, volumes.known)
    declared = reader.given("unmetered_m3") is not None
    return Measured(figure(volumes), volumes.known, volumes.n, declared=declared)


def _volumes(reader: Reader) -> Volumes:
    sectors = reader.assets(SECTOR)
    inflow = hourly(reader.tracks(SECTOR, "inflow_m3_h"), reader.span)
    outflow = hourly(reader.tracks(SECTOR, "outflow_m3_h"), reader.span)
    metered = hourly(reader.tracks(SECTOR, "metered_m3_h"), reader.span)
    entered = used = 0.0
    n = 0
    for asset in inflow.keys() & metered.keys():
        net = inflow[asset] - np.nan_to_num(outflow.get(asset, np.zeros(reader.span.hours)))
        both = ~np.isnan(net) & ~np.isnan(metered[asset])
        entered += float(net[both].sum())
        used += float(metered[asset][both].sum())
        n += int(both.sum())
    known = min(n / (len(sectors) * reader.span.hours), 1.0) if sectors else 0.0
    years = reader.span.years * known
    return Volumes(entered, used + (reader.given("unmetered_m3") or 0.0) * years, known, years, n)


def _hours_known(reader: Reader) -> float:
    points = reader.assets(POINT)
    hours = sum(len(track.start_ms) for track in reader.tracks(POINT, "pressure_bar"))
    return min(hours / (len(points) * reader.span.hours), 1.0)


def _weights(reader: Reader, points: Sequence[Asset]) -> dict[str, float]:
    heads = {one.id: number_or(one.attrs, "inhabitants", 1.0) for one in reader.assets(SECTOR)}
    in_sector: dict[str, int] = {}
    for point in points:
        name = text(point.attrs, "sector")
        in_sector[name] = in_sector.get(name, 0) + 1
    return {
        point.id: max(heads.get(name := text(point.attrs, "sector"), 1.0), 1e-9) / in_sector[name]
        for point in points
    }


MEASURES = {
    "W1": network_yield,
    "W2": linear_loss,
    "W3": loss_share,
    "W4": interruptions,
    "W5": pressure_held,
    "W6": watched_share,
}
ENTRIES = {"network_km": NETWORK_KM, "water_eur_m3": PRICE, "unmetered_m3": UNMETERED}

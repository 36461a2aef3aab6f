"""What is measured of public lighting over a period, from the accounts of its nights."""

from __future__ import annotations

from statistics import median

from beffroi.domains.attrs import number
from beffroi.domains.measuring import heard, totals
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
    share,
    unproven,
)

LAMP, CABINET = "luminaire", "cabinet"
FAILURES = ("lighting.lamp_out", "lighting.cabinet_dark")
LIT_KM = Entry(Label("longueur de voie éclairée", "length of lit road"), "km", 1e5)
TARIFF = Entry(Label("prix de l’électricité", "price of electricity"), "€/kWh", 10.0)
CCT_K_MAX, DSFLI_MAX, ULR_PCT_MAX = 3_000.0, 35.0, 4.0  # order of 27 December 2018; lamps in place
NO_FAILURE = Label("aucune panne constatée sur la période", "no failure seen in the period")
NOT_DESCRIBED = Label(
    "aucun point n’est renseigné (cct_K, dsfli_lm_m2, ulr_pct)",
    "no light point is described (cct_K, dsfli_lm_m2, ulr_pct)",
)


def energy_per_km(reader: Reader) -> Measured:
    """L1. The mean night of each meter, over a year."""
    year_kwh, known, nights = _year_kwh(reader)
    if not nights:
        return unproven(NO_DATA, known)
    length = reader.given("lit_km")
    if not length:
        return missing(LIT_KM)
    tariff = reader.given("energy_eur_kwh")
    cost = Label("Énergie d’une année", "Energy of a year")
    money = (Money(cost, year_kwh * tariff),) if tariff else ()
    parts = {"kWh": year_kwh, "km": length}
    return Measured(year_kwh / length, known, nights, money=money, declared=True, parts=parts)


def reporting(reader: Reader) -> Measured:
    """L2."""
    lamps = len(reader.assets(LAMP))
    if not lamps:
        return unproven(NO_ASSETS)
    spoke = len(heard(reader, LAMP, "power_W", "on", "energy_kWh"))
    return Measured(100 * spoke / lamps, 1.0, lamps) if spoke else unproven(NO_DATA)


def dimmed(reader: Reader) -> Measured:
    """L3. Measured against full light from sunset to sunrise."""
    lamps = reader.assets(LAMP)
    if not lamps:
        return unproven(NO_ASSETS)
    used, nights, _ = totals(reader.tracks(LAMP, "night_kWh"))
    saved, _, _ = totals(reader.tracks(LAMP, "saved_kWh"))
    known = min(nights / (len(lamps) * max(reader.span.days, 1.0)), 1.0)
    if used + saved <= 0:
        return unproven(NO_DATA, known)
    tariff = reader.given("energy_eur_kwh")
    label = Label("Économisé sur la période", "Saved over the period")
    money = (Money(label, saved * tariff),) if tariff else ()
    value = 100 * saved / (used + saved)
    return Measured(value, known, nights, money=money, parts={"kWh": saved})


def out_of_bounds(reader: Reader) -> Measured:
    """L4. Only points with at least one of the three figures count."""
    lamps = reader.assets(LAMP)
    if not lamps:
        return unproven(NO_ASSETS)
    told = [bad for bad in map(_breaks, lamps) if bad is not None]
    if not told:
        return unproven(NOT_DESCRIBED)
    return share(sum(told), len(told), len(told) / len(lamps), len(told))


def relighting(reader: Reader) -> Measured:
    """L5. A failure that still lasts counts with the time it has lasted so far."""
    lamps = len(reader.assets(LAMP)) + len(reader.assets(CABINET))
    if not lamps:
        return unproven(NO_ASSETS)
    known = len(heard(reader, LAMP, "power_W") | heard(reader, CABINET, "power_W")) / lamps
    failed = reader.episodes(*FAILURES)
    if not failed:
        return unproven(NO_FAILURE if known else NO_DATA, known)
    hours = sorted((one.end_ms - one.start_ms) / HOUR_MS for one in failed)
    p90 = hours[min(len(hours) - 1, int(0.9 * len(hours)))]
    still = float(sum(one.open for one in failed))
    return Measured(median(hours), known, len(hours), parts={"p90_h": p90, "open": still})


def _year_kwh(reader: Reader) -> tuple[float, float, int]:
    """(kWh of a year, share of nights known, nights): of the cabinets' meters, else of lamps."""
    for kind in (CABINET, LAMP):
        year, nights, meters = 0.0, 0, len(reader.assets(kind))
        for track in reader.tracks(kind, "night_kWh"):
            n = int(track.n.sum())
            year += 365 * float(track.total.sum()) / max(n, 1)
            nights += n
        if nights:
            return year, min(nights / (meters * max(reader.span.days, 1.0)), 1.0), nights
    return 0.0, 0.0, 0


def _breaks(lamp: Asset) -> bool | None:
    limits = {"cct_K": CCT_K_MAX, "dsfli_lm_m2": DSFLI_MAX, "ulr_pct": ULR_PCT_MAX}
    found = [(number(lamp.attrs, name), limit) for name, limit in limits.items()]
    known = [value > limit for value, limit in found if value is not None]
    return any(known) if known else None


MEASURES = {
    "L1": energy_per_km,
    "L2": reporting,
    "L3": dimmed,
    "L4": out_of_bounds,
    "L5": relighting,
}
ENTRIES = {"lit_km": LIT_KM, "energy_eur_kwh": TARIFF}

"""The lab's twin: what a change would do, drawn many times over with what nobody knows exactly.

Each simulation draws RUNS worlds with a fixed seed, and lives each of them twice: as it is and
changed, with the same nights, vehicles and leaks. Nothing is fitted to the town: the numbers that
matter are asked for, and each method says what it takes for granted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from beffroi.model.asset import Label
from beffroi.model.experiment import Guess, TwinOffer, TwinParam
from beffroi.ports.twin import TwinError

RUNS = 200
SEED = 20_261_124
Rng = np.random.Generator
Array = npt.NDArray[np.float64]
Params = Mapping[str, float]


def _param(
    name: str, fr: str, en: str, unit: str, default: float, low: float, high: float
) -> TwinParam:
    return TwinParam(name, Label(fr, en), unit, default, low, high)


def dimming(p: Params, rng: Rng) -> tuple[float, float]:
    """kWh of one night of one luminaire, as it is and dimmed."""
    night_h = p["night_h"] * rng.normal(1.0, 0.02)
    standby = rng.uniform(0.04, 0.14)  # of the driver: power does not follow the light to zero
    dimmed_h = min(p["dimmed_h"], night_h)
    full = night_h
    level = standby + (1 - standby) * p["level_pct"] / 100
    return full, full - dimmed_h * (1 - level)


def bays(p: Params, rng: Rng) -> tuple[float, float]:
    """Share of time a bay is taken (a day of ten hours), with the bays of today and with more."""
    per_h = p["arrivals_per_h"] * rng.lognormal(0.0, 0.15)
    hours = 10.0
    many = int(rng.poisson(per_h * hours))
    arrive = np.sort(rng.uniform(0, hours, many))
    stay = rng.lognormal(np.log(p["stay_min"] / 60) - 0.32, 0.8, many)  # mean stay_min
    now, more = int(p["bays"]), int(p["bays"] + p["new_bays"])
    return _taken(arrive, stay, now, hours), _taken(arrive, stay, more, hours)


def _taken(arrive: Array, stay: Array, count: int, hours: float) -> float:
    """Who finds no free bay goes away."""
    free_at = np.zeros(count)
    used = 0.0
    for at, length in zip(arrive, stay, strict=True):
        bay = int(np.argmin(free_at))
        if free_at[bay] <= at:
            free_at[bay] = at + length
            used += min(at + length, hours) - at
    return used / (count * hours)


def pressure(p: Params, rng: Rng) -> tuple[float, float]:
    """Night flow of a sector, as it is and at the lower pressure: leaks follow it, use does not."""
    exponent = rng.uniform(0.5, 1.5)  # 0.5 a hole in steel, 1.5 a crack in plastic (FAVAD)
    leak = np.clip(p["leak_pct"] / 100 * rng.normal(1.0, 0.1), 0.0, 1.0)
    ratio = p["pressure_after_bar"] / p["pressure_bar"]
    return 1.0, float(leak * ratio**exponent + 1.0 - leak)


def signals(p: Params, rng: Rng) -> tuple[float, float]:
    """Mean delay (s) at one approach over an hour, with the green of today and the new one."""
    rate = p["volume_veh_h"] * rng.normal(1.0, 0.05) / 3_600
    full = p["saturation_veh_h"] / 3_600
    worst = min(p["green_s"], p["green_after_s"]) / p["cycle_s"] * full
    if rate >= 0.98 * worst:
        raise TwinError("More vehicles come than the green lets through: the queue never ends.")
    arrive = np.cumsum(rng.exponential(1 / rate, int(rate * 3_600 * 1.2)))
    arrive = arrive[arrive < 3_600]
    was = _delay(arrive, p["cycle_s"], p["green_s"], 1 / full)
    return was, _delay(arrive, p["cycle_s"], p["green_after_s"], 1 / full)


def _delay(arrive: Array, cycle: float, green: float, headway: float) -> float:
    """Vehicles leave one by one, at the saturation headway, while it is green."""
    last = total = 0.0
    for at in arrive:
        leave = max(at, last + headway)
        into = leave % cycle
        if into >= green:  # red: at the start of the next green
            leave += cycle - into
        last = leave
        total += leave - at
    return total / max(len(arrive), 1)


class _Model(NamedTuple):
    offer: TwinOffer
    live: Callable[[Params, Rng], tuple[float, float]]


_MODELS = {
    model.offer.name: model
    for model in (
        _Model(
            TwinOffer(
                "dimming", Label("Abaisser l’éclairage la nuit", "Dim the lights at night"),
                "lighting", "night_kWh",
                (_param("night_h", "durée de la nuit", "length of the night", "h", 12, 4, 18),
                 _param("dimmed_h", "heures abaissées", "dimmed hours", "h", 6, 0, 18),
                 _param("level_pct", "niveau abaissé", "dimmed level", "%", 30, 0, 100)),
                Label("Énergie d’une nuit ; le pilote d’une LED garde 4 à 14 % de sa puissance.",
                      "Energy of a night; the driver of an LED keeps 4 to 14 % of its power."),
            ), dimming),
        _Model(
            TwinOffer(
                "bays", Label("Créer des places de courte durée", "Add short-stay bays"),
                "parking", "occupied",
                (_param("bays", "places aujourd’hui", "bays today", "", 4, 1, 200),
                 _param("new_bays", "places en plus", "more bays", "", 2, 1, 200),
                 _param("arrivals_per_h", "véhicules par heure", "vehicles an hour", "/h", 12, 0.1,
                        500),
                 _param("stay_min", "durée moyenne", "mean stay", "min", 20, 1, 600)),
                Label("Arrivées au hasard pendant dix heures, durées log-normales ; qui ne trouve "
                      "pas de place s’en va. La demande ne change pas.",
                      "Random arrivals over ten hours, log-normal stays; who finds no bay leaves. "
                      "Demand does not change."),
            ), bays),
        _Model(
            TwinOffer(
                "pressure", Label("Abaisser la pression d’un secteur", "Lower a sector’s pressure"),
                "water", "night_flow_m3_h",
                (_param("pressure_bar", "pression aujourd’hui", "pressure today", "bar", 5, 0.5,
                        20),
                 _param("pressure_after_bar", "pression après", "pressure after", "bar", 4, 0.5,
                        20),
                 _param("leak_pct", "part des fuites dans le débit", "share of leaks in the flow",
                        "%", 40, 0, 100)),
                Label("Les fuites suivent la pression à la puissance 0,5 à 1,5 (FAVAD), la "
                      "consommation ne change pas.",
                      "Leaks follow pressure to the power of 0.5 to 1.5 (FAVAD), use stays."),
            ), pressure),
        _Model(
            TwinOffer(
                "signals", Label("Changer le temps de vert", "Change the green time"),
                "signals", "",
                (_param("cycle_s", "cycle", "cycle", "s", 70, 30, 150),
                 _param("green_s", "vert aujourd’hui", "green today", "s", 25, 5, 120),
                 _param("green_after_s", "vert après", "green after", "s", 32, 5, 120),
                 _param("volume_veh_h", "véhicules par heure", "vehicles an hour", "/h", 450, 10,
                        2_000),
                 _param("saturation_veh_h", "débit de saturation", "saturation flow", "/h", 1_800,
                        500, 2_200)),
                Label("Une approche, arrivées au hasard pendant une heure, départs un par un au "
                      "vert.",
                      "One approach, random arrivals over an hour, departures one by one on "
                      "green."),
            ), signals),
    )
}  # fmt: skip


class LabTwin:
    """See `ports.twin.Twin`."""

    def offers(self) -> Sequence[TwinOffer]:
        return [model.offer for model in _MODELS.values()]

    def run(self, name: str, params: Params) -> Guess:
        model = _MODELS.get(name)
        if model is None:
            raise TwinError("There is no such simulation.")
        for one in model.offer.params:
            value = params.get(one.name, one.default)
            if not one.low <= value <= one.high:
                raise TwinError("A number of the simulation is out of its range.")
        asked = {one.name: params.get(one.name, one.default) for one in model.offer.params}
        if name == "signals" and max(asked["green_s"], asked["green_after_s"]) > asked["cycle_s"]:
            raise TwinError("The green cannot be longer than its cycle.")
        rng = np.random.default_rng([SEED, len(name)])
        worlds = np.array([model.live(asked, rng) for _ in range(RUNS)])
        worlds = worlds[worlds[:, 0] > 0]
        if not len(worlds):
            raise TwinError("Nothing happens with these numbers: there is nothing to compare.")
        change = 100 * (worlds[:, 1] / worlds[:, 0] - 1)
        low, middle, high = np.quantile(change, (0.025, 0.5, 0.975))
        return Guess(round(float(middle), 1), round(float(low), 1), round(float(high), 1))

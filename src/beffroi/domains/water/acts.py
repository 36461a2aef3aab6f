"""What can be asked of the water service, and what its envelopes allow at most (M9).

Set points move slowly inside a daily band; outside it two persons are needed, outside the hard
bounds nobody can. Bounds come from the asset's `attrs`, never wider than the limits named here.
Sources: V checked by a second text, M from memory, L a default of Beffroi. See `domain.md`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from beffroi.domains.attrs import number_or, text
from beffroi.domains.base import Act, Choice, Terms
from beffroi.domains.envelopes import envelope, safe_case, setting, while_
from beffroi.domains.set_points import MINUTE_MS, Quantity, hard_bounds, set_point
from beffroi.kernel.envelope import Action, Case, Envelope
from beffroi.model.asset import Asset, Label

PRESSURE_MBAR = (300, 10_000)  # V low: 3 m of head at the tap (code de la santé publique); L high
PRESSURE_BAND_MBAR = (1_000, 3_000)  # V: the usual target, 1 to 3 bar
HOT_MDEG = (55_000, 60_000)  # V: order of 30 Nov. 2005; below legionella, above it scalds
DOSE_UGL = (100, 1_000)  # V low: Vigipirate, any point; L high: no legal ceiling, our hard one
DOSE_OUTLET_UGL = 300  # V: at the outlet of a tank
FLOW_L_S_MAX = 5_000.0
DOSE_BAND_UGL = (100, 500)  # V: usual practice

# Steps and travel within an hour: L; slow enough for no water hammer and for a chlorine probe.
PRESSURE = Quantity(
    "pressure_mbar",
    1_000,
    200,
    400,
    "Régler la pression à {pressure_mbar} mbar",
    "Set the pressure to {pressure_mbar} mbar",
)
DOSE = Quantity(
    "dose_ugl",
    1_000,
    50,
    100,
    "Régler la chloration à {dose_ugl} µg/L",
    "Set the chlorination to {dose_ugl} µg/L",
)
HOT = Quantity(
    "temperature_mdeg", 1_000, 1_000, 2_000,
    "Régler l’eau chaude à {temperature_mdeg} millièmes de °C",
    "Set the hot water to {temperature_mdeg} thousandths of °C",
)  # fmt: skip

_LOCAL = Act(Label("Conduite locale", "Local control"))
_START = Act(Label("Mettre en marche", "Start"), shows="running")
_STOP = Act(Label("Arrêter", "Stop"), shows="running")
_PRESSURE = Choice(Label("Pression", "Pressure"), "bar", 1_000)
_FLOW = Choice(Label("Débit", "Flow"), "L/s", 3_600)
_DOSE = Choice(Label("Chlore libre", "Free chlorine"), "mg/L", 1_000)
_HOT = Choice(Label("Température", "Temperature"), "°C", 1_000)


def _set(choice: Choice, param: str, shows: str) -> Act:
    return Act(Label("Changer la consigne", "Change the set point"), {param: choice}, shows)


ACTS: Mapping[str, Mapping[str, Act]] = {
    "valve": {"set": _set(_PRESSURE, "pressure_mbar", "setting_bar"), "local": _LOCAL},
    "pump": {
        "start": _START,
        "stop": _STOP,
        "set": _set(_FLOW, "flow_lph", "flow_l_s"),
        "local": _LOCAL,
    },
    "doser": {"set": _set(_DOSE, "dose_ugl", "dose_mg_l"), "local": _LOCAL},
    "hot_water": {"set": _set(_HOT, "temperature_mdeg", "setting_C"), "local": _LOCAL},
}


def water_envelope(asset: Asset, terms: Terms) -> Envelope | None:
    """None for what is only measured, and where the attributes leave nothing that is safe."""
    build = _BUILDERS.get(asset.kind)
    actions = build(asset.attrs) if build else {}
    if not actions:
        return None
    actions["local"] = Action(
        (safe_case(),), "Rendre à la conduite locale", "Give back to local control"
    )
    return envelope(asset, terms, actions, fleet_targets_max=3, fleet_window_ms=30 * MINUTE_MS)


def _valve(attrs: Mapping[str, Any]) -> dict[str, Action]:
    hard = hard_bounds(attrs, "pressure_bar", PRESSURE_MBAR, PRESSURE.scale)
    return set_point(PRESSURE, attrs, hard, PRESSURE_BAND_MBAR)


def _pump(attrs: Mapping[str, Any]) -> dict[str, Action]:
    """It starts only while what it fills has room and what it drinks from is not low."""
    room = while_("fed_level_pct", (0, setting(attrs, "fed_level_pct_max", 90, 50, 98)))
    water = while_("source_level_pct", (setting(attrs, "source_level_pct_min", 20, 5, 90), 100))
    kept = while_("fed_level_pct", (setting(attrs, "fed_level_pct_min", 30, 10, 95), 100))
    starts = setting(attrs, "starts_per_h_max", 6, 1, 12)

    def switch(cases: tuple[Case, ...], fr: str, en: str) -> Action:
        return Action(
            cases, fr, en, per_hour_max=starts, spacing_ms_min=5 * MINUTE_MS,
            lifetime_ms_max=60 * MINUTE_MS,
        )  # fmt: skip

    actions = {
        "start": switch((Case("B", conditions=(room, water)),), "Mettre la pompe en marche",
                        "Start the pump"),
        "stop": switch((Case("B", conditions=(kept,)), Case("C")), "Arrêter la pompe",
                       "Stop the pump"),
    }  # fmt: skip
    most = round(max(0.0, min(FLOW_L_S_MAX, number_or(attrs, "flow_l_s_max", 0.0))) * 3_600)
    if most > 0:
        low = max(0, round(number_or(attrs, "flow_l_s_min", 0.0) * 3_600))
        flow = Quantity(
            "flow_lph", 3_600, max(1, most // 10), max(1, most // 4),
            "Régler le débit à {flow_lph} L/h", "Set the flow to {flow_lph} L/h",
        )  # fmt: skip
        actions |= set_point(flow, attrs, (low, most), (low, most * 4 // 5), (room, water))
    return actions


def _doser(attrs: Mapping[str, Any]) -> dict[str, Action]:
    """Chlorine: a hard ceiling, a drift by the hour, and only into water that flows."""
    least = DOSE_OUTLET_UGL if text(attrs, "place") == "reservoir_outlet" else DOSE_UGL[0]
    hard = hard_bounds(attrs, "dose_mg_l", (least, DOSE_UGL[1]), DOSE.scale)
    needs = (while_("flow_lph", (1, 10**9)), while_("chlorine_ugl", (0, DOSE_UGL[1])))
    return set_point(DOSE, attrs, hard, (least, DOSE_BAND_UGL[1]), needs)


def _hot_water(attrs: Mapping[str, Any]) -> dict[str, Action]:
    """Too cold breeds legionella, too hot scalds: nothing from afar without mixers at the taps."""
    if attrs.get("mixers") is not True:
        return {}
    hard = hard_bounds(attrs, "temperature_C", HOT_MDEG, HOT.scale)
    return set_point(HOT, attrs, hard, HOT_MDEG)


_BUILDERS = {"valve": _valve, "pump": _pump, "doser": _doser, "hot_water": _hot_water}

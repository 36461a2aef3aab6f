"""What of the water service may be published: its yield and losses, nothing of its inside.

Places, pressures, levels, doses and set points stay closed: with them a network can be harmed.
"""

from __future__ import annotations

from beffroi.model.asset import Label
from beffroi.model.sharing import PERSONAL, SECURITY, Sharing, Treatment

_QUALITY = Label(
    "La qualité de l’eau est publiée par l’agence régionale de santé ; nos capteurs ne sont pas "
    "des analyses et diraient l’état de la chloration.",
    "Water quality is published by the health agency; our sensors are no analyses and would tell "
    "the state of chlorination.",
)
_INSIDE = Sharing("ENVI", never={"*": SECURITY})
WATER = {
    "sector": Sharing(
        "ENVI",
        hourly={"yield_pct": Treatment.VALUE, "loss_m3_d": Treatment.VALUE},
        never={"metered_m3_h": PERSONAL, "night_flow_m3_h": PERSONAL, "inflow_m3_h": SECURITY,
               "outflow_m3_h": SECURITY},
    ),
    "quality": Sharing("ENVI", never={"*": _QUALITY}),
    "tank": _INSIDE, "pump": _INSIDE, "valve": _INSIDE, "node": _INSIDE, "doser": _INSIDE,
    "hot_water": _INSIDE, "network": _INSIDE,
}  # fmt: skip

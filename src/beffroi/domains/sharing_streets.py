"""What of parking, lighting, people flow, junctions, boards and paying zones may be published."""

from __future__ import annotations

from beffroi.model.asset import Label
from beffroi.model.sharing import COMPUTED, PERSONAL, SECURITY, Sharing, Treatment

_SENSOR = Label(
    "Dirait quel capteur ne voit plus, et donc où tricher.",
    "Would tell which sensor is blind, and so where to cheat.",
)
_DARK = Label(
    "Dirait en direct où il fait noir (sécurité des personnes).",
    "Would tell live where it is dark (safety of people).",
)
BAYS = {
    "bay": Sharing(
        "TRAN",
        places=True,
        hourly={"occupied": Treatment.GROUP},
        never={"state": PERSONAL, "stay_min": PERSONAL, "battery_V": _SENSOR, "confidence": _SENSOR,
               "occupied_device": _SENSOR},
    ),
}  # fmt: skip
LIGHT = {
    "luminaire": Sharing(
        "ENER",
        places=True,
        hourly={"night_kWh": Treatment.GROUP, "saved_kWh": Treatment.GROUP},
        never={"on": _DARK, "dim_pct": _DARK, "lamp_failure": _DARK, "ordered_pct": _DARK,
               "power_W": _DARK},
    ),
    "cabinet": Sharing("ENER", never={"*": SECURITY}),
}  # fmt: skip
FLOWS = {
    "counter": Sharing(
        "TRAN",
        places=True,
        hourly={"count_1h": Treatment.PEOPLE},
        never={"count": COMPUTED, "expected_1h": COMPUTED, "unusual": COMPUTED,
               "battery_V": _SENSOR},
    ),
}  # fmt: skip
SIGNALS = {"junction": Sharing("TRAN", places=True, never={"*": SECURITY})}
BOARDS = {"board": Sharing("GOVE", places=True, never={"*": SECURITY})}
PAYING = {
    "zone": Sharing("TRAN", places=True, never={"unpaid_low_pct": _SENSOR, "*": PERSONAL}),
    "meter": Sharing("TRAN", places=True, never={"*": SECURITY}),
}

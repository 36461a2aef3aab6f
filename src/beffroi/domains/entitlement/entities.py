"""Paying zones and their machines. A zone's figures are totals of a day: no vehicle, no plate."""

from __future__ import annotations

from beffroi.domains.kind_table import pick, properties
from beffroi.model.asset import Kind, Label

PROPERTIES = properties("""
unpaid_low_pct | Part non payée (au moins) | Unpaid share (at least) | % | 0 | 100 | 1 | 48
unpaid_high_pct | Part non payée (au plus) | Unpaid share (at most) | % | 0 | 100 | 1 | 48
occupied_min | Minutes occupées | Occupied minutes | min | 0 | 1e7 | 0 | 48
paid_min | Minutes payées | Paid minutes | min | 0 | 1e7 | 0 | 48
doubles | Titres montrés à deux endroits | Titles shown in two places | | 0 | 1e6 | 0 | 48
state | État | State | | 0 | 2 | 0 | 26 | 0 hors service/out of order, 1 en service/in service, 2 hors ligne/offline
issued | Titres délivrés (jour) | Titles issued (day) | | 0 | 1e6 | 0 | 26
forged | Titres falsifiés présentés (jour) | Forged titles shown (day) | | 0 | 1e6 | 0 | 26
door_open | Porte | Door | | 0 | 1 | 0 | 26 | 0 fermée/closed, 1 ouverte/open
battery_V | Batterie | Battery | V | 0 | 60 | 2 | 72
""")  # noqa: E501

ZONE = Kind(
    "zone",
    Label("Zone payante", "Paying zone"),
    pick(PROPERTIES, "unpaid_low_pct unpaid_high_pct occupied_min paid_min doubles"),
    "unpaid_low_pct",
    "zone",
)
METER = Kind(
    "meter",
    Label("Horodateur", "Parking meter"),
    pick(PROPERTIES, "state issued forged door_open battery_V"),
    "state",
    "meter",
)
KINDS = {kind.name: kind for kind in (ZONE, METER)}

"""The words of people flow: counters and how many passed in an hour.

A count has no identity in it. Refuses images, tracks and device addresses.
"""

from __future__ import annotations

from beffroi.model.asset import Kind, Label, Property

COUNT_MAX = 200_000  # people an hour past one counter; more is a broken counter
STALE_S = 3 * 3_600

PROPERTIES = (
    Property("count_1h", Label("passages en 1 h", "people in 1 h"), "", 0, COUNT_MAX, STALE_S, 0),
    Property(
        "count", Label("passages (intervalle)", "people (interval)"), "", 0, COUNT_MAX, STALE_S, 0
    ),
    Property("expected_1h", Label("attendu en 1 h", "expected in 1 h"), "", 0, 1e9, 2 * STALE_S, 0),
    Property(
        "unusual", Label("écart à l'attendu", "distance from expected"), "", -99, 99, STALE_S, 1
    ),
    Property("battery_V", Label("pile", "battery"), "V", 0, 60, 3 * 86_400, 2),
)

COUNTER = Kind(
    name="counter",
    label=Label("compteur de passages", "people counter"),
    properties={p.name: p for p in PROPERTIES},
    headline="count_1h",
    icon="counter",
    derived=("expected_1h", "unusual"),
)

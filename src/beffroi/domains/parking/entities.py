"""The words of short-stay parking: bays and what their sensors measure.

Knows no plate, no driver, no tag: a bay is taken or free, and since when. Refuses to know fines.
"""

from __future__ import annotations

from beffroi.model.asset import Kind, Label, Property

FREE, OCCUPIED, OVERSTAY, UNKNOWN = 0, 1, 2, 3

YES_NO = {0: Label("libre", "free"), 1: Label("occupée", "occupied")}
BAY_STATES = {
    FREE: Label("libre", "free"),
    OCCUPIED: Label("occupée", "occupied"),
    OVERSTAY: Label("durée dépassée", "over the time limit"),
    UNKNOWN: Label("inconnu", "unknown"),
}

DAY_S = 86_400
RAW_STALE_S = 900
STATEMENT_STALE_S = 26 * 3_600  # event-driven devices: one heartbeat a day, and some slack


def _axis(axis: str) -> Property:
    label = Label(f"champ magnétique {axis}", f"magnetic field {axis}")
    return Property(f"mag_{axis}_uT", label, "µT", -2_000, 2_000, RAW_STALE_S, 1)


def _said(suffix: str, fr: str, en: str) -> Property:
    label = Label(f"occupation selon {fr}", f"occupancy by {en}")
    return Property(f"occupied_{suffix}", label, "", 0, 1, STATEMENT_STALE_S, 0, YES_NO)


PROPERTIES = (
    Property("state", Label("état", "state"), "", 0, 3, STATEMENT_STALE_S, 0, BAY_STATES),
    Property("occupied", Label("occupation", "occupancy"), "", 0, 1, STATEMENT_STALE_S, 0, YES_NO),
    Property("confidence", Label("confiance", "confidence"), "", 0, 1, STATEMENT_STALE_S, 3),
    Property("stay_min", Label("durée d'occupation", "length of stay"), "min", 0, 1e7, DAY_S, 0),
    Property("rotation_per_day", Label("rotation", "turnover"), "véh./j", 0, 10_000, 2 * DAY_S, 0),
    *(_axis(axis) for axis in "xyz"),
    Property(
        "mag_dev_uT",
        Label("écart magnétique", "magnetic deviation"),
        "µT",
        0,
        4_000,
        RAW_STALE_S,
        1,
    ),
    Property("radar_m", Label("distance radar", "radar distance"), "m", 0, 20, RAW_STALE_S, 2),
    Property("radar_echo_db", Label("écho radar", "radar echo"), "dB", -60, 120, RAW_STALE_S, 1),
    Property(
        "ir_reflect", Label("réflexion infrarouge", "infrared reflection"), "", 0, 1, RAW_STALE_S, 2
    ),
    _said("mag", "le magnétomètre", "the magnetometer"),
    _said("radar", "le radar", "the radar"),
    _said("ir", "l'infrarouge", "the infrared sensor"),
    _said("device", "le capteur", "the sensor"),
    Property("battery_V", Label("pile", "battery"), "V", 0, 60, 3 * DAY_S, 2),
    Property("temperature_C", Label("température", "temperature"), "°C", -60, 100, 2 * DAY_S, 1),
)

BAY = Kind(
    name="bay",
    label=Label("place arrêt minute", "short-stay bay"),
    properties={p.name: p for p in PROPERTIES},
    headline="state",
    icon="bay",
    derived=("state", "occupied", "confidence", "stay_min", "rotation_per_day"),
)

"""What a signalled junction tells of itself. It tells; nothing here can be written to it."""

from __future__ import annotations

from beffroi.domains.kind_table import properties
from beffroi.model.asset import Kind, Label

_PROPERTIES = properties("""
plan | Plan de feux | Signal plan | | 0 | 255 | 0 | 0.5
ordered_plan | Dernier plan ordonné (0 : local) | Last plan ordered (0: local) | | 0 | 255 | 0 | 48
state | État | State | | 0 | 3 | 0 | 0.5 | 0 démarrage/starting, 1 en service/running, 2 jaune clignotant/flashing amber, 3 défaut/fault
fault | Défaut | Fault | | 0 | 6 | 0 | 0.5 | 0 aucun/none, 1 conflit de feux/conflicting signals, 2 lampe grillée/lamp out, 3 jaune anormal/wrong amber, 4 mémoire/memory, 5 alimentation/power, 6 autre/other
cycle_second | Seconde du cycle | Second of the cycle | s | 0 | 1000 | 0 | 0.5
cycle_s | Durée du cycle | Cycle length | s | 0 | 1000 | 0 | 0.5
greens | Feux ouverts (code) | Open signals (code) | | 0 | 4294967295 | 0 | 0.5
wait_s | Plus longue attente | Longest wait | s | 0 | 86400 | 0 | 0.5
door_open | Porte du contrôleur | Controller door | | 0 | 1 | 0 | 2 | 0 fermée/closed, 1 ouverte/open
""")  # noqa: E501

JUNCTION = Kind(
    "junction",
    Label("Carrefour à feux", "Signalled junction"),
    _PROPERTIES,
    "plan",
    "signal",
    derived=("ordered_plan",),
)
KINDS = {JUNCTION.name: JUNCTION}
STARTING, RUNNING, FLASHING, FAULTY = range(4)
CONFLICT = 1  # of `fault`

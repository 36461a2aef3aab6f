"""Places where inhabitants speak to the town: a desk or a terminal that counts what it takes in."""

from __future__ import annotations

from beffroi.domains.kind_table import properties
from beffroi.model.asset import Kind, Label

PLACE = Kind(
    "place",
    Label("Lieu d’accueil des signalements", "Report desk"),
    properties("""
visits | Visites (jour) | Visits (day) | | 0 | 1e5 | 0 | 48
paper_reports | Signalements sur papier (jour) | Paper reports (day) | | 0 | 1e4 | 0 | 48
open | Accueil | Desk | | 0 | 1 | 0 | 26 | 0 fermé/closed, 1 ouvert/open
"""),
    "paper_reports",
    "place",
)

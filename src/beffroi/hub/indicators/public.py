"""What of the indicators may leave the town hall: proven, public by the law's file, and never a
figure about fewer than K_MIN people. Closed until the commune opens it."""

from __future__ import annotations

from collections.abc import Mapping

from beffroi import law
from beffroi.model.asset import Label
from beffroi.model.measure import Measured, unproven
from beffroi.ports.store import PeopleStore

SETTING = "results_public"
K_MIN = 10
ABOUT_PEOPLE = frozenset({"P2", "P3", "F1", "G1", "G2", "G4"})  # `n` counts people or their stays
TOO_FEW = Label(
    "non publié : porte sur moins de 10 personnes", "not published: about fewer than 10 people"
)


def public(figures: Mapping[str, Measured]) -> dict[str, Measured]:
    """In the same order; what is about too few becomes "not proven" with its reason."""
    return {
        ident: unproven(TOO_FEW) if _few(ident, one) else one
        for ident, one in figures.items()
        if law.indicators()[ident].public
    }


def opened(people: PeopleStore) -> bool:
    return people.setting(SETTING) == "open"


def open_or_close(people: PeopleStore, is_open: bool) -> None:
    people.put_setting(SETTING, "open" if is_open else "closed")


def _few(ident: str, one: Measured) -> bool:
    return ident in ABOUT_PEOPLE and one.value is not None and one.n < K_MIN

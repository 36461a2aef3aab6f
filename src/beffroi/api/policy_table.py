"""The policies as a table: every route that is not public, and who may call it.

Each cell is an answer of the policies themselves to the question of that route; nothing here knows
what they should say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from beffroi.api import scope
from beffroi.api.access import PUBLIC, action_of, role_needed
from beffroi.api.policies import COMMUNE, ROLES, What, Who, ask, text
from beffroi.model.asset import Label

BODY = "another body"  # stands for any that is not the commune
OWN, OTHERS = "own", "others"
# What each rule says, by its @id; a test holds them against the file.
SENTENCES: Mapping[str, Label] = MappingProxyType(
    {
        "accounts-of-the-commune-read": Label(
            "Tout compte de la commune lit.", "Every account of the commune reads."
        ),
        "operators-of-the-commune-act": Label(
            "Les opérateurs et administrateurs de la commune agissent.",
            "Operators and administrators of the commune act.",
        ),
        "administrators-of-the-commune": Label(
            "Les administrateurs de la commune gèrent comptes, sources et réglages.",
            "Administrators of the commune manage accounts, sources and settings.",
        ),
        "everybody-their-own-account": Label(
            "Chacun accède à son propre compte.", "Everybody reaches their own account."
        ),
        "operators-their-own-passkeys": Label(
            "Opérateurs et administrateurs inscrivent leurs propres clés d’accès ; elles ne "
            "signent rien avant l’accord des détenteurs de la racine.",
            "Operators and administrators register passkeys of their own; these sign nothing "
            "before the holders of the root agree.",
        ),
        "another-body-sees-its-lists": Label(
            "Un autre organisme ouvre les listes ; chaque ligne est redemandée aux règles.",
            "Another body opens the lists; each line is asked again.",
        ),
        "another-body-sees-its-assets": Label(
            "Un autre organisme voit les équipements dont il a la compétence.",
            "Another body sees the assets that it is competent for.",
        ),
        "another-body-acts-on-its-own": Label(
            "Ses opérateurs agissent sur les alarmes et les commandes de ces équipements ; la "
            "garde compte toujours les signatures.",
            "Its operators act on alarms and commands of those assets; the guard still counts "
            "the signatures.",
        ),
        "never-another-body": Label(
            "Jamais un autre organisme : comptes, données personnelles, registres, exports, page "
            "du maire, incidents, clés.",
            "Never another body: accounts, personal data, registers, exports, the mayor’s page, "
            "incidents, keys.",
        ),
        "closed-accounts-do-nothing": Label(
            "Un compte fermé ne peut rien.", "A closed account can do nothing."
        ),
    }
)


class Line(NamedTuple):
    """Of one route. `roles`: of the commune's roles, those that may; `own`, `others`: whether an
    operator of another body may, on what it is competent for and on anything else."""

    method: str
    path: str
    subject: str
    action: str
    roles: tuple[str, ...]
    own: bool
    others: bool


def rules() -> list[tuple[str, Label]]:
    """Of the file, in its order."""
    ids = [line.split('"')[1] for line in text().splitlines() if line.startswith("@id(")]
    return [(one, SENTENCES[one]) for one in ids]


def lines(routes: Iterable[Any]) -> list[Line]:
    """By subject, path and method."""
    found = {
        _line(method, route.path, role_needed(route.endpoint, method))
        for route in _declared(routes)
        for method in route.methods
        if role_needed(route.endpoint, method) != PUBLIC
    }
    return sorted(found, key=lambda one: (one.subject, one.path, one.method))


def _line(method: str, path: str, least: str) -> Line:
    action, kind = action_of(path, least), scope.kind_of(path)
    thing = kind == "Thing"
    mine, foreign = (What(kind, body) if thing else What(kind) for body in (BODY, COMMUNE))
    roles = tuple(one for one in ROLES if ask(Who(one, COMMUNE, True), action, foreign).allowed)
    abroad = Who("operator", BODY, True)
    own, others = (ask(abroad, action, what).allowed for what in (mine, foreign))
    return Line(method, path, action.partition(".")[0], action, roles, own, others and thing)


def _declared(routes: Iterable[Any]) -> Iterator[Any]:
    """FastAPI keeps included routers."""
    for route in routes:
        if getattr(route, "endpoint", None) and getattr(route, "methods", None):
            yield route
        yield from _declared(getattr(getattr(route, "original_router", None), "routes", ()))

"""French names for a commune that does not exist: its own, its river, its streets.

Pure function of a random generator. The river is invented, so the commune cannot be a real one.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

_HEADS = (
    "Saint-Aubin", "Saint-Loup", "Saint-Rémy", "Villeneuve", "Beaumont", "Chavannes", "Montreuil",
    "Neuville", "Saint-Maurice", "La Chapelle", "Fontenay", "Sainte-Colombe", "Bussières",
    "Pont", "Rochefort", "Saint-Hilaire", "Mareuil", "Vaux",
)  # fmt: skip
_RIVERS = (
    "Véronne", "Lisette", "Orvaine", "Bréville", "Sourdine", "Ternaise", "Aulnette", "Mirande",
    "Galaure-Basse", "Vouzelle", "Clairette", "Yvronne",
)  # fmt: skip
_MAIN = ("Grande Rue", "rue de la République", "rue Nationale", "avenue de la Gare",
         "route de Bourges", "route de Moulins", "avenue du Général-Leclerc", "route de Nevers",
         "avenue Jean-Jaurès", "route de Tours")  # fmt: skip
_RINGS = ("boulevard", "cours")
_OLD = (
    "de la Fontaine", "du Lavoir", "de l’Église", "du Four", "des Écoles", "du Moulin", "du Puits",
    "de la Forge", "du Presbytère", "des Vignes", "du Château", "de l’Abreuvoir", "des Tanneurs",
    "du Pont", "des Jardins", "du Marché", "de la Poste", "du Stade", "des Acacias", "des Tilleuls",
    "du Cimetière", "de la Croix-Blanche", "des Prés", "du Clos", "de la Mairie", "des Lilas",
    "du Bois", "de la Liberté", "du 8-Mai-1945", "du 11-Novembre", "des Marronniers",
    "du Colombier",
    "de la Source", "des Noyers", "du Verger", "de la Grange", "du Vieux-Pont", "de la Vallée",
    "des Champs", "du Bourg-Neuf", "de la Paix", "des Rosiers", "du Ruisseau", "de l’Orme",
    "des Remparts", "de la Tour", "des Cordeliers", "du Point-du-Jour", "de Bel-Air", "du Calvaire",
)  # fmt: skip
_PEOPLE = (
    "Victor-Hugo", "Pasteur", "Jules-Ferry", "Marie-Curie", "Gambetta", "Voltaire", "Jean-Moulin",
    "Louise-Michel", "Émile-Zola", "George-Sand", "Lamartine", "Pierre-Mendès-France", "Colette",
    "Simone-Veil", "Jean-Rostand", "Alexandre-Dumas", "Berthelot", "Danton", "Molière", "Ampère",
)  # fmt: skip
_FIRST = (
    "Henri", "Louis", "Marcel", "Berthe", "Paul", "Jeanne", "Émile", "Suzanne", "André", "Lucie",
    "Pierre", "Madeleine", "Jules", "Germaine", "Édouard", "Marthe", "Gaston", "Alice", "René",
    "Hélène", "Auguste", "Denise", "Fernand", "Yvonne", "Léon", "Odette", "Camille", "Irène",
)  # fmt: skip
_LAST = (
    "Garnier", "Moreau", "Lambert", "Perrin", "Chevalier", "Fournier", "Mercier", "Bonnet",
    "Rousselot", "Delorme", "Guérin", "Lacombe", "Marchand", "Renard", "Tessier", "Vasseur",
    "Barbier", "Collet", "Dufour", "Ferrand", "Giraud", "Humbert", "Jacquet", "Lebrun", "Masson",
    "Nicolle", "Olivier", "Pichon", "Quentin", "Rivière", "Sabatier", "Thibault", "Valette",
)  # fmt: skip


def commune_name(rng: random.Random) -> tuple[str, str]:
    """(name of the commune, name of its river)."""
    river = rng.choice(_RIVERS)
    return f"{rng.choice(_HEADS)}-sur-{river}", river


def main_roads(rng: random.Random) -> Iterator[str]:
    """Names for the roads that leave the square; each once, then numbered county roads."""
    first = list(_MAIN[2:])
    rng.shuffle(first)
    yield _MAIN[0]
    yield _MAIN[1]
    yield from first
    number = rng.randrange(12, 60)
    while True:
        yield f"route départementale {number}"
        number += 1


def boulevards(rng: random.Random) -> Iterator[str]:
    """Names for the stretches of the rings."""
    people = [f"{a}-{b}" for a in _FIRST for b in _LAST]
    rng.shuffle(people)
    yield "boulevard des Remparts"
    yield "cours de la Libération"
    for person in people:
        yield f"{rng.choice(_RINGS)} {person}"


def streets(rng: random.Random) -> Iterator[tuple[str, bool]]:
    """Endless distinct complements, old words first: ("de la Fontaine", ...), then people.

    The flag says whether it is an old word of the place, which suits lanes ("chemin des Vignes").
    """
    old = list(_OLD)
    rng.shuffle(old)
    people = list(_PEOPLE)
    rng.shuffle(people)
    for i in range(max(len(old), len(people))):
        if i < len(old):
            yield old[i], True
        if i < len(people):
            yield people[i], False
    worthy = [f"{a}-{b}" for a in _FIRST for b in _LAST]
    rng.shuffle(worthy)
    for person in worthy:
        yield person, False
    number = 1
    while True:
        for person in worthy:
            yield f"{person} ({number}e tronçon)", False
        number += 1


def street_name(rng: random.Random, complement: str, old: bool, short: bool, dead_end: bool) -> str:
    """ "rue", "chemin", "impasse"... as suits its length."""
    if dead_end and short:
        kind = "impasse" if old else "allée"
    elif old and rng.random() < 0.25:
        kind = "chemin"
    elif short:
        kind = rng.choice(("ruelle", "passage", "rue")) if old else "rue"
    else:
        kind = "rue"
    return f"{kind} {complement}"

"""The categories of the public form, in the order in which they are offered. Holds no logic.

`danger_h` says within how many hours a danger of this kind must be made safe (0: no danger by
itself). Hours are defaults of Beffroi, not of a text of law (see `domain.md`).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from beffroi.model.asset import Label
from beffroi.model.report import IDEA, Topic

_ROAD = Label("Rue et trottoir", "Street and pavement")
_NET = Label("Réseaux", "Networks")
_LIFE = Label("Cadre de vie", "Surroundings")
_IDEAS = Label("Proposer", "Propose")


def _topic(
    group: Label, fr: str, en: str, hint_fr: str, hint_en: str, danger_h: int = 0, kinds: str = ""
) -> Topic:
    names = tuple(kinds.split())
    return Topic(Label(fr, en), Label(hint_fr, hint_en), group, danger_h, names)


TOPICS: Mapping[str, Topic] = MappingProxyType({
    "hole": _topic(
        _ROAD, "Nid-de-poule, trou, affaissement", "Pothole, hole, subsidence",
        "Chaussée ou trottoir abîmé", "Damaged road or pavement"),
    "open_manhole": _topic(
        _ROAD, "Regard ouvert, plaque manquante", "Open manhole, missing cover",
        "On peut y tomber", "Somebody may fall in", 4),
    "obstacle": _topic(
        _ROAD, "Obstacle sur la voie", "Obstacle on the road",
        "Arbre, chute de pierres, objet", "Tree, fallen stones, object", 4),
    "sign": _topic(
        _ROAD, "Panneau ou marquage abîmé", "Damaged sign or marking",
        "Panneau tombé, marquage effacé", "Fallen sign, worn marking", 0, "board"),
    "signals_out": _topic(
        _ROAD, "Feu tricolore en panne", "Traffic signal out of order",
        "Éteint, bloqué ou tourné", "Dark, stuck or turned", 4, "junction"),
    "parking": _topic(
        _ROAD, "Stationnement", "Parking",
        "Horodateur en panne, place condamnée", "Meter out of order, blocked bay", 0, "meter bay"),
    "ice": _topic(
        _ROAD, "Verglas, neige, inondation", "Ice, snow, flood",
        "Passage dangereux", "Dangerous passage", 8),
    "lamp": _topic(
        _NET, "Lampadaire éteint ou allumé de jour", "Street lamp out, or lit by day",
        "Notez le numéro collé sur le mât", "Note the number on the pole", 0, "luminaire"),
    "wires": _topic(
        _NET, "Fils apparents, mât penché, armoire ouverte", "Bare wires, leaning pole, open box",
        "N’y touchez pas", "Do not touch it", 2, "luminaire cabinet"),
    "water": _topic(
        _NET, "Fuite d’eau, manque de pression", "Water leak, low pressure",
        "Sur la voie publique ou au robinet", "In the street or at the tap", 0, "fountain valve"),
    "drinking_water": _topic(
        _NET, "Eau trouble, odeur, goût", "Cloudy water, smell, taste",
        "Ne la buvez pas avant une réponse", "Do not drink it before an answer", 12),
    "rubbish": _topic(
        _LIFE, "Propreté, dépôt sauvage", "Litter, illegal dumping",
        "Sans nom ni plaque dans votre texte", "Without names or plates in your text"),
    "green": _topic(
        _LIFE, "Arbres, espaces verts", "Trees, green spaces",
        "Branche cassée, végétation qui gêne", "Broken branch, plants in the way"),
    "playground": _topic(
        _LIFE, "Jeux, mobilier, bâtiment public", "Playground, furniture, public building",
        "Cassé, dangereux, tagué", "Broken, dangerous, sprayed"),
    "animal": _topic(
        _LIFE, "Animal errant ou mort", "Stray or dead animal",
        "N’approchez pas un animal blessé", "Keep away from a hurt animal"),
    "access": _topic(
        _LIFE, "Accès difficile (poussette, fauteuil)", "Hard to pass (pram, wheelchair)",
        "Trottoir, entrée, arrêt", "Pavement, entrance, stop"),
    IDEA: _topic(
        _IDEAS, "Une idée pour la commune", "An idea for the commune",
        "Ce qui pourrait être essayé, et ce qui changerait", "What could be tried, and the change"),
    "other": _topic(
        _LIFE, "Autre chose", "Something else",
        "Ce que la mairie doit savoir", "What the town hall should know"),
})  # fmt: skip

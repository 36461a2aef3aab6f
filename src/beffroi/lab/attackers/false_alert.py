"""A false alert on the boards while people and traffic are sent another way.

The scenario of the article: somebody has an operator's session and one software key of an elected
person, and the way to the broker. Within a minute it asks for an evacuation on each board, turns
the signals, and signs whatever it can. What must stop it: an alert needs two organisations and an
outside witness; a command that the hub has not signed and logged is refused; free text does not
exist. What must notice it: several services at once are one incident, not five.
"""

from __future__ import annotations

from collections import Counter

from beffroi.lab.attackers import forge, web
from beffroi.lab.attackers.score import Score, Story
from beffroi.lab.attackers.town import Town
from beffroi.model.asset import Label

NAME = "false-alert"
STORY = Story(
    Label("Fausse alerte et foule détournée", "False alert and diverted crowd"),
    Label(
        "Une fausse évacuation sur les panneaux, et les feux changés dans la même minute.",
        "A false evacuation on the boards, and the signals changed within the same minute.",
    ),
    Label(
        "une session d’opérateur, une clé logicielle d’un élu, l’accès au courtier",
        "an operator’s session, one software key of an elected person, access to the broker",
    ),
    Label(
        "deux organismes, témoin extérieur, signature du centre, modèles sans texte libre ; "
        "détection coordonnée",
        "two organisations, an outside witness, the hub’s signature, templates without free text; "
        "coordinated detection",
    ),
)


async def play(town: Town, score: Score) -> None:
    """See the module."""
    me, key = town.sessions["op-1"], town.trustees.seed("adjoint")
    boards, junctions = town.targets("board"), town.targets("junction")
    place = str(town.asset(boards[0]).attrs["places"][0])
    evacuate: dict[str, int | str] = {"template": "evacuation", "place": place, "minutes": 30}
    free = await web.ask(
        town, me, [(one, "alert", {"template": "ATTENTAT", "minutes": 30}) for one in boards]
    )
    score.tried("texte libre", "free text", len(boards), free.stopped)
    asked = await web.ask(town, me, [(one, "alert", evacuate) for one in boards])
    signed = Counter[str]()
    for ident in asked.open:
        for _ in range(2):  # the second time as if it were another person
            signed[web.reason(await web.sign(town, me, ident, key))] += 1
    score.tried(
        "alerte signée par une seule personne, deux fois",
        "an alert signed by one person only, twice",
        2 * len(asked.open), signed,
    )  # fmt: skip
    volley, turned = [], dict[str, int | str](plan=4)
    for target, action, params in (
        *((one, "alert", evacuate) for one in boards),
        *((one, "select_plan", turned) for one in junctions),
    ):
        made = forge.command(town, target, action, params)
        volley.append((made.guard, forge.wire(made, key)))
    score.tried(
        "aux gardes directement, avec la clé volée : panneaux et feux",
        "straight to the guards with the stolen key: boards and signals",
        len(volley), await forge.fire(town, volley),
    )  # fmt: skip
    await web.drop(town, me, asked.open)

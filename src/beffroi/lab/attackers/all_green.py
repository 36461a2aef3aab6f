"""All lights green.

Somebody has the session of an operator and has found the way into the hub's network: it can speak
to the controllers' guards as the hub's broker does. It has no key of the commune, so it signs with
one of its own. It wants every junction green in all directions, and when that does not exist, the
longest green everywhere at once. What must stop it: a command for a lamp head does not exist; a
plan outside the proven catalogue does not either; the rarely used plans ask for two persons; a
signature by a key that the root has not named is worth nothing, to each guard by itself.
"""

from __future__ import annotations

from beffroi.adapters.signers.file import SeedSigner
from beffroi.lab.attackers import forge, web
from beffroi.lab.attackers.score import Score, Story
from beffroi.lab.attackers.town import Town
from beffroi.model.asset import Label

NAME = "all-green"
STORY = Story(
    Label("Tous les feux au vert", "All lights green"),
    Label(
        "Quelqu’un veut mettre tous les carrefours au vert en même temps.",
        "Somebody wants every junction green at the same time.",
    ),
    Label(
        "une session d’opérateur, l’accès au courtier du centre, une clé fabriquée",
        "an operator’s session, access to the hub’s broker, a key of its own making",
    ),
    Label(
        "aucune commande de lampe n’existe ; catalogue prouvé ; deux personnes ; clés de la racine",
        "no command for a lamp exists; a proven catalogue; two persons; keys named by the root",
    ),
)
LONGEST, NONE = 4, 99
OWN_KEY = bytes([201]) * 32


async def play(town: Town, score: Score) -> None:
    """See the module."""
    junctions = town.targets("junction")
    me = town.sessions["op-1"]
    green = await web.ask(town, me, [(one, "all_green", {}) for one in junctions])
    score.tried(
        "commander chaque tête de feu", "command each lamp head", len(junctions), green.stopped
    )
    outside = await web.ask(town, me, [(one, "select_plan", {"plan": NONE}) for one in junctions])
    score.tried(
        "choisir un plan hors du catalogue", "select a plan outside the catalogue",
        len(junctions), outside.stopped,
    )  # fmt: skip
    longest = await web.ask(
        town, me, [(one, "select_plan", {"plan": LONGEST}) for one in junctions]
    )
    score.tried(
        "le plan le plus long, partout à la fois", "the longest plan, everywhere at once",
        len(junctions), longest.stopped,
    )  # fmt: skip
    volley = []
    for target in junctions:
        made = forge.command(town, target, "select_plan", {"plan": LONGEST})
        volley.append((made.guard, forge.wire(made, OWN_KEY)))
    score.tried(
        "directement aux gardes, signé par sa propre clé",
        "straight to the guards, signed by its own key",
        len(volley), await forge.fire(town, volley),
    )  # fmt: skip
    await web.drop(town, me, longest.open)
    key = SeedSigner(OWN_KEY).public.hex()[:8]
    score.note(
        f"sa clé ({key}…) n’est pas dans le registre signé hors ligne",
        f"its key ({key}…) is not in the roster that was signed offline",
    )

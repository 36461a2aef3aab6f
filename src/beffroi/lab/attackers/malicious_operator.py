"""A malicious operator: two accounts, two keys, one person.

A deputy has had a second account made in a friend's name and enrolled a second key. Two approvals
from two browsers by two keys: that looks like two people. What must stop it: the roster, signed
offline, says whose each key is; the hub and each guard count persons, not keys or accounts.
"""

from __future__ import annotations

from collections import Counter

from beffroi.adapters.trust import online
from beffroi.lab.attackers import forge, web
from beffroi.lab.attackers.score import Score, Story
from beffroi.lab.attackers.town import Town
from beffroi.model.asset import Label

NAME = "malicious-operator"
STORY = Story(
    Label("Opérateur malveillant", "A malicious operator"),
    Label(
        "Un élu tient deux comptes et deux clés et approuve sa propre demande.",
        "A deputy holds two accounts and two keys and approves a request of his own.",
    ),
    Label(
        "deux comptes d’opérateur, deux clés du registre de la même personne",
        "two operator accounts, two keys of the roster of the same person",
    ),
    Label(
        "le registre dit à qui est chaque clé : on compte les personnes",
        "the roster says whose each key is: persons are counted",
    ),
)


async def play(town: Town, score: Score) -> None:
    """See the module."""
    one, two = town.sessions["op-1"], town.sessions["op-2"]
    keys = [town.trustees.seed("adjoint"), town.trustees.seed("adjoint-2")]
    lamp, junction = town.targets("luminaire")[3], town.targets("junction")[0]
    asked = await web.ask(town, one, [
        (lamp, "dim", {"level_pct": 0, "minutes": 240}),
        (junction, "select_plan", {"plan": 4}),
    ])  # fmt: skip
    signed = Counter[str]()
    for ident in asked.open:
        for session, key in zip((one, two), keys, strict=True):
            signed[web.reason(await web.sign(town, session, ident, key))] += 1
    score.tried(
        "deux comptes, deux clés, la même personne", "two accounts, two keys, the same person",
        2 * len(asked.open), signed,
    )  # fmt: skip
    moved = Counter[str]()
    if len(asked.open) == 2:  # the signature for one command, brought for the other
        file = await town.hub.call(one, "GET", f"{web.PATH}/{asked.open[0]}/request")
        brought = web.signed_by(file.body, keys[0])
        answer = await town.hub.call(two, "POST", f"{web.PATH}/{asked.open[1]}/signature", brought)
        moved[web.reason(answer)] += 1
        score.tried(
            "porter une signature sur une autre commande", "bring a signature to another command",
            1, moved,
        )  # fmt: skip
    beyond = await web.ask(town, one, [
        (town.targets("valve")[0], "set", {"pressure_mbar": 9_000}),
        (town.targets("board")[0], "show", {"template": "bienvenue", "minutes": 9_999}),
        ("lamp-999999", "on", {}),
    ])  # fmt: skip
    score.tried("hors de l’enveloppe", "outside the envelope", 3, beyond.stopped)
    made = forge.command(town, junction, "select_plan", {"plan": 4})
    hub = online.seed(town.home, "hub")
    score.tried(
        "avec la complicité du centre : les deux clés sur le fil",
        "with the hub’s help: both keys on the wire",
        1, await forge.fire(town, [(made.guard, forge.wire(made, hub, *keys))]),
    )  # fmt: skip
    await web.drop(town, one, asked.open)

"""A stolen laptop: an elected person's open session and software key, with its passphrase.

The thief is that person as far as any machine can tell. What must stop it: one person is one
person, however often the key signs; a public alert needs another organisation; the water needs the
water authority. What one person may do alone by the signed rules can be done, until the key is
revoked; revoking reaches every guard at the next documents.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter

from beffroi.adapters.trust import ceremony, online
from beffroi.adapters.trust.ceremony import Ceremony
from beffroi.lab.attackers import forge, web
from beffroi.lab.attackers.score import Score, Story
from beffroi.lab.attackers.town import Town
from beffroi.lab.guards.trustees import HOLDERS
from beffroi.model.asset import Label

NAME = "stolen-laptop"
STORY = Story(
    Label("Ordinateur portable volé", "A stolen laptop"),
    Label(
        "L’ordinateur du maire est volé, ouvert, avec sa clé et sa phrase de passe.",
        "The mayor’s laptop is stolen, open, with the key and its passphrase.",
    ),
    Label(
        "une session d’opérateur, une clé logicielle avec sa phrase de passe",
        "an operator’s session, one software key with its passphrase",
    ),
    Label(
        "une personne compte une fois ; second organisme ; autorité de l’eau ; révocation",
        "one person counts once; a second organisation; the water authority; revocation",
    ),
)
REVOKED_S_MAX = 30.0


async def play(town: Town, score: Score) -> None:
    """See the module."""
    me, key = town.sessions["op-1"], town.trustees.seed("maire")
    lamp, board = town.targets("luminaire")[1], town.targets("board")[0]
    valve, place = town.targets("valve")[0], str(town.asset(board).attrs["places"][0])
    asked = await web.ask(town, me, [
        (lamp, "dim", {"level_pct": 0, "minutes": 240}),
        (board, "alert", {"template": "evacuation", "place": place, "minutes": 30}),
        (valve, "set", {"pressure_mbar": 2_700}),
    ])  # fmt: skip
    signed = Counter[str]()
    for ident in asked.open:
        for _ in range(2):
            signed[web.reason(await web.sign(town, me, ident, key))] += 1
    score.tried(
        "éteindre, alerter, changer la pression, en signant deux fois",
        "lights off, alert, change the pressure, signing twice",
        2 * len(asked.open), signed,
    )  # fmt: skip
    await web.drop(town, me, asked.open)
    await _alone(town, score)
    await _revoke(town, score, key)


async def _alone(town: Town, score: Score) -> None:
    """Inside the envelope one person is enough: an effect of the rules, not of the attack."""
    me, key, lamp = town.sessions["op-1"], town.trustees.seed("maire"), town.targets("luminaire")[1]
    asked = await web.ask(town, me, [(lamp, "dim", {"level_pct": 60, "minutes": 45})])
    if asked.open:
        score.within.append((lamp, "dim"))
        await web.sign(town, me, asked.open[0], key)
        await town.comes(lambda: town.shown(lamp).get("level_pct") == 60, 8.0)
        score.note(
            f"ce qu’une personne peut faire seule reste possible : {lamp} à 60 % pendant 45 min",
            f"what one person may do alone stays possible: {lamp} at 60 % for 45 min",
        )


async def _revoke(town: Town, score: Score, key: bytes) -> None:
    began_s = time.monotonic()
    present = [town.trustees.signer(name) for name in HOLDERS[:2]]

    def change(what: ceremony.Change) -> int:
        made = Ceremony(town.trustees.stick, present, time.time_ns() // 1_000_000)
        version = made.change(what).roster.version
        online.publish(town.trustees.stick.folder, town.home, time.time_ns() // 1_000_000)
        return version

    async def reach(version: int) -> bool:
        town.roster, town.envelopes = online.current(town.home)
        return await town.comes(
            lambda: all(one.roster_version == version for one in town.statuses.values()),
            REVOKED_S_MAX,
        )

    mayors = [one for one in town.roster.members if one.person == "maire"]
    reached = await reach(await asyncio.to_thread(change, ceremony.revoke("maire")))
    took_s = time.monotonic() - began_s
    if not reached:
        score.breaches.append("the revocation did not reach every guard")
    lamp = town.targets("luminaire")[2]
    me = town.sessions["op-1"]
    asked = await web.ask(town, me, [(lamp, "dim", {"level_pct": 60, "minutes": 45})])
    late = Counter([web.reason(await web.sign(town, me, one, key)) for one in asked.open])
    made = forge.command(town, lamp, "dim", {"level_pct": 60, "minutes": 45}, klass="B")
    hub = online.seed(town.home, "hub")
    late += await forge.fire(town, [(made.guard, forge.wire(made, hub, key))])
    score.tried(
        "signer encore après la révocation", "sign again after the revocation", 1 + len(asked.open),
        late,
    )  # fmt: skip
    score.note(
        f"révocation effective à toutes les gardes en {took_s:.1f} s",
        f"the revocation was in force at every guard after {took_s:.1f} s",
    )
    await web.drop(town, me, asked.open)
    await reach(await asyncio.to_thread(change, ceremony.add_member(mayors[0])))

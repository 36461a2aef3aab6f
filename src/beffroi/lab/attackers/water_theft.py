"""Set points and records of the water (Kemuri).

Somebody has the password of a water operator from another site, and a copy of the whole hub's disk
from a backup. It wants the pressure and the chlorine elsewhere, and the subscribers' records. What
must stop it: hard bounds that nobody passes; outside the daily band two persons, and one of the
water authority; and the records are not here: who is a subscriber is known to the billing system
alone, which no part of the hub is connected to.
"""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

from beffroi.lab.attackers import web
from beffroi.lab.attackers.score import Score, Story
from beffroi.lab.attackers.town import Town
from beffroi.model.asset import Label

NAME = "water-theft"
STORY = Story(
    Label("Consignes de l’eau et vol de dossiers", "Water set points and theft of records"),
    Label(
        "Un mot de passe réutilisé ouvre la session d’un opérateur ; une sauvegarde est copiée.",
        "A reused password opens an operator’s session; a backup is copied.",
    ),
    Label(
        "une session d’opérateur, une session de lecteur, une copie du disque du centre",
        "an operator’s session, a reader’s session, a copy of the hub’s disk",
    ),
    Label(
        "bornes dures, deux personnes dont l’autorité de l’eau, aucune donnée d’abonné au centre",
        "hard bounds, two persons with the water authority, no subscriber’s data at the hub",
    ),
)
SUBSCRIBERS = 300
EXPORTS = ("/api/people", "/api/subscribers", "/api/export", "/backup", "/beffroi.sqlite",
           "/static/../beffroi.sqlite")  # fmt: skip


async def play(town: Town, score: Score) -> None:
    """See the module."""
    me = town.sessions["op-1"]
    valve, doser = town.targets("valve")[0], town.targets("doser")[0]
    beyond = await web.ask(town, me, [
        (valve, "set", {"pressure_mbar": 9_999}),
        (valve, "set", {"pressure_mbar": 0}),
        (doser, "set", {"dose_ugl": 5_000}),
        (doser, "set", {"dose_ugl": 0}),
    ])  # fmt: skip
    score.tried("consignes dangereuses", "dangerous set points", 4, beyond.stopped)
    two = await web.ask(town, me, [
        (valve, "set", {"pressure_mbar": 3_900}),
        (doser, "set", {"dose_ugl": 700}),
    ])  # fmt: skip
    score.tried(
        "consignes hors de la bande du jour", "set points outside the daily band", 2, two.stopped
    )
    steps = await web.ask(
        town, me, [(valve, "set", {"pressure_mbar": 2_600 - 100 * n}) for n in range(1, 6)]
    )
    score.tried("par petits pas, dans la bande", "by small steps inside the band", 5, steps.stopped)
    await web.drop(town, me, [*two.open, *steps.open])
    await _records(town, score)


async def _records(town: Town, score: Score) -> None:
    names = await asyncio.to_thread(subscribers, town.home / "billing")
    found, files = await asyncio.to_thread(search, town.home, names)
    stopped = {"no_personal_data": len(names)} if not found else {}
    score.tried(
        f"chercher {len(names)} abonnés dans {files} fichiers du centre",
        f"look for {len(names)} subscribers in {files} files of the hub",
        len(names), stopped,
    )  # fmt: skip
    score.breaches += [f"a subscriber's name in {path}" for path in found]
    reader = town.sessions["reader"]
    answers = [await town.hub.call(reader, "GET", path) for path in EXPORTS]
    refused = [one for one in answers if one.status >= 400]
    score.breaches += [p for p, one in zip(EXPORTS, answers, strict=True) if one.status < 400]
    counted: dict[str, int] = {}
    for one in refused:
        counted[one.code] = counted.get(one.code, 0) + 1
    score.tried("télécharger en masse", "download in bulk", len(EXPORTS), counted)
    score.note(
        "les comptes du personnel (nom, empreinte de la phrase de passe) sont dans la base : "
        "ce sont les seules personnes qui y figurent",
        "accounts of the staff (name, hash of the passphrase) are in the database: the only "
        "persons who are in it",
    )


def subscribers(folder: Path) -> list[str]:
    """The billing system of the lab: invented, and not the hub's. Marks that nothing else holds."""
    rng = random.Random("subscribers")
    folder.mkdir(exist_ok=True, mode=0o700)
    rows = [f"Abonne-{rng.randrange(10**9):09d};06{rng.randrange(10**8):08d}"
            for _ in range(SUBSCRIBERS)]  # fmt: skip
    (folder / "subscribers.csv").write_text("\n".join(rows))
    return [row.partition(";")[0] for row in rows] + [row.partition(";")[2] for row in rows]


def search(home: Path, marks: list[str]) -> tuple[list[str], int]:
    """(files that hold one of them, files looked at) in everything but the billing system."""
    wanted = [mark.encode() for mark in marks]
    found, count = [], 0
    for path in home.rglob("*"):
        if not path.is_file() or "billing" in path.parts or "stick" in path.parts:
            continue
        try:
            data = path.read_bytes()
        except OSError:  # it went away meanwhile
            continue
        count += 1
        if any(mark in data for mark in wanted):
            found.append(str(path.relative_to(home)))
    return found, count

"""Root on the hub: patched to accept everything, with all its keys.

Somebody owns the machine: the hub's command key, the key of its log, its key for freshness, the
broker, the database, every page. It has kept each byte that ever passed. It sends whatever it
likes to every guard and rewrites the past. What must stop it: it is one signer and nobody's hand;
approvals are over exact bytes by keys it does not have; counters, nonces and epochs are those of
the guards; the rules are signed by people offline; a neighbour has seen the log. What it can do is
what class A allows, be silent, and send everything to its safe state.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from beffroi.adapters.log.log import Log
from beffroi.adapters.signers.file import SeedSigner
from beffroi.adapters.trust import ceremony, online
from beffroi.adapters.trust.ceremony import Ceremony
from beffroi.adapters.trust.shelf import Shelf
from beffroi.evidence.entry import Draft
from beffroi.evidence.witness import AddCheckpoint
from beffroi.guard.trust_bundle import pack_bundle
from beffroi.kernel.command import Command, read_command
from beffroi.kernel.dsse import Signed, pack, unpack
from beffroi.kernel.keys import ED25519
from beffroi.kernel.roster import HUB, LOG, OPERATOR, Member, Roster
from beffroi.lab.attackers import forge, web
from beffroi.lab.attackers.score import Score, Story
from beffroi.lab.attackers.town import Town
from beffroi.model.asset import Label

NAME = "root-on-the-hub"
STORY = Story(
    Label("Le centre aux mains de l’attaquant", "Root on the hub"),
    Label(
        "Le serveur est pris : le programme accepte tout, avec toutes ses clés.",
        "The server is taken: the program accepts everything, with all its keys.",
    ),
    Label(
        "clé du centre, du journal, de fraîcheur, courtier, base, pages ; tout le passé",
        "the hub’s key, the log’s, the freshness key, broker, database, pages; all of the past",
    ),
    Label(
        "signatures de personnes sur les octets exacts, compteurs des gardes, racine hors ligne, "
        "témoin voisin",
        "people’s signatures over the exact bytes, the guards’ counters, the offline root, the "
        "neighbour’s witness",
    ),
)
PERIOD_S = 60.0  # of the hub's round of witnesses
OWN = [SeedSigner(bytes([210 + n]) * 32) for n in range(3)]
OWN_SEEDS = [bytes([210 + n]) * 32 for n in range(3)]
HOSTILE = 24
QUIET_S = 1.0
TRUST_S_MAX = 4.0


async def play(town: Town, score: Score) -> None:
    """See the module."""
    hub = online.seed(town.home, "hub")
    captured = await _honest(town, score, hub)
    await _every_kind(town, score, hub)
    await _invented_people(town, score, hub)
    await _swapped(town, score, hub, captured)
    await _again(town, score, hub, captured)
    await _hostile(town, score, captured)
    await _trust(town, score)
    seen = town.neighbour.witness
    await town.until(  # what nobody has seen yet can be rewritten: that is said, not tried
        lambda: seen.last(f"beffroi/{town.commune}").size > 0,
        "the neighbour has seen the log",
        2 * PERIOD_S,
    )
    await asyncio.to_thread(_history, town, score)
    score.note(
        "restent possibles : la classe A dans l’enveloppe, le silence (repli sûr), le retour à "
        "l’état sûr, taire la suite du journal",
        "what stays possible: class A inside the envelope, silence (safe fallback), the safe "
        "direction, keeping the log silent from now on",
    )


async def _honest(town: Town, score: Score, hub: bytes) -> tuple[bytes, Command]:
    """A command that people really approved passed through its hands before."""
    lamp, me = town.targets("luminaire")[4], town.sessions["op-1"]
    asked = await web.ask(town, me, [(lamp, "dim", {"level_pct": 80, "minutes": 45})])
    score.within.append((lamp, "dim"))
    ident = asked.open[0]
    await web.sign(town, me, ident, town.trustees.seed("maire"))
    await town.comes(lambda: town.shown(lamp).get("level_pct") == 80, 10.0)
    row = town.store.commands.command(ident)
    assert row is not None  # noqa: S101 - it was made above
    del hub
    return row.wire, read_command(row.payload)


def _kinds(town: Town) -> Iterator[tuple[str, str, dict[str, int | str]]]:
    """Of everything that people must approve: something that the envelope itself would allow."""
    for target in town.targets("luminaire")[:2]:
        yield target, "dim", {"level_pct": 0, "minutes": 240}
    yield town.plc.target, "dim", {"level_pct": 40, "minutes": 240}
    for target in town.targets("junction"):
        yield target, "select_plan", {"plan": 4}
        yield target, "flash", {}
    for target in town.targets("board"):
        place = str(town.asset(target).attrs["places"][0])
        yield target, "alert", {"template": "evacuation", "place": place, "minutes": 30}
        yield target, "show", {"template": "verglas", "minutes": 60}
    yield town.targets("valve")[0], "set", {"pressure_mbar": 2_700}
    yield town.targets("doser")[0], "set", {"dose_ugl": 380}


async def _every_kind(town: Town, score: Score, hub: bytes) -> None:
    volley = []
    for target, action, params in _kinds(town):
        made = forge.command(town, target, action, params)
        volley.append((made.guard, forge.wire(made, hub)))
    score.tried(
        "chaque sorte de commande, avec la clé du centre",
        "each kind of command, with the hub’s key",
        len(volley), await forge.fire(town, volley),
    )  # fmt: skip


async def _invented_people(town: Town, score: Score, hub: bytes) -> None:
    volley = []
    for target, action, params in list(_kinds(town))[::4]:
        made = forge.command(town, target, action, params)
        volley.append((made.guard, forge.wire(made, hub, *OWN_SEEDS[:2])))
    log = online.seed(town.home, "log")
    made = forge.command(town, town.targets("junction")[1], "select_plan", {"plan": 4})
    volley.append((made.guard, forge.wire(made, hub, log)))
    score.tried(
        "avec des personnes inventées, ou les clés de service comme personnes",
        "with invented persons, or service keys as persons",
        len(volley), await forge.fire(town, volley),
    )  # fmt: skip


async def _swapped(town: Town, score: Score, hub: bytes, captured: tuple[bytes, Command]) -> None:
    """The page shows one thing, the bytes say another: people's signatures under other bytes."""
    wire, shown = captured
    people = unpack(wire).signatures
    lie = forge.command(town, shown.target, "dim", {"level_pct": 0, "minutes": 240}, klass="B")
    swapped = Signed(unpack(wire).kind, lie.encoded(), people)
    resigned = Signed(unpack(wire).kind, lie.encoded()).by(hub)
    for signature in people:
        if signature.key != resigned.signatures[0].key:
            resigned = resigned.plus(signature)
    volley = [(lie.guard, pack(swapped)), (lie.guard, pack(resigned))]
    score.tried(
        "montrer une commande, faire signer, en envoyer une autre",
        "show one command, have it signed, send another",
        len(volley), await forge.fire(town, volley),
    )  # fmt: skip


async def _again(town: Town, score: Score, hub: bytes, captured: tuple[bytes, Command]) -> None:
    """What people did approve, played again: as it is, renumbered, and after a restart."""
    wire, old = captured
    began_s = time.monotonic()
    await town.send(old.guard, "cmd", wire)
    await asyncio.sleep(QUIET_S)
    acts = [one for one in town.effects(began_s) if one.do == "act"]
    score.tried("rejouer les mêmes octets", "replay the same bytes", 1,
                {"same_receipt": 1} if not acts else {})  # fmt: skip
    status = town.statuses[old.target]
    newer = replace(old, counter=status.counter + 1)
    signatures = unpack(wire).signatures
    forged = pack(Signed(unpack(wire).kind, newer.encoded(), signatures))
    changed = pack(unpack(wire).by(hub))  # one signature more: other bytes, the same command
    score.tried(
        "rejouer avec un autre compteur ou une signature de plus",
        "replay with another counter or one more signature",
        2, await forge.fire(town, [(old.guard, forged), (old.guard, changed)]),
    )  # fmt: skip
    held = forge.command(town, old.target, "dim", {"level_pct": 80, "minutes": 45}, klass="B")
    withheld = forge.wire(held, hub, town.trustees.seed("maire"))  # people signed, it kept it
    await _restart(town, old.guard, old.target)
    began_s = time.monotonic()
    answers = await forge.fire(town, [(old.guard, wire), (old.guard, withheld)])
    done = answers.pop("done", 0)  # the receipt of that time, once more
    if not [one for one in town.effects(began_s) if one.do == "act"]:
        answers["same_receipt"] += done
    score.tried(
        "rejouer, ou envoyer enfin ce qui fut retenu, après un redémarrage de la garde",
        "replay, or send at last what was withheld, after the guard has started again",
        2, answers,
    )  # fmt: skip


async def _restart(town: Town, guard: str, target: str) -> None:
    post, since_s, nonce = town.posts[guard], time.monotonic(), town.statuses[target].nonce
    await post.stop()
    await post.start()
    await town.until(lambda: bool(town.said(since_s, "started")), "the guard is back", 30.0)
    await town.until(
        lambda: town.statuses[target].nonce != nonce and town.statuses[target].leased == 1,
        "the guard has a lease again", 30.0,
    )  # fmt: skip


async def _hostile(town: Town, score: Score, captured: tuple[bytes, Command]) -> None:
    """Mutations of bytes that were once valid."""
    rng, (wire, old) = random.Random("hostile"), captured
    began_s, volley = time.monotonic(), []
    for _ in range(HOSTILE):
        data = bytearray(wire)
        for _ in range(rng.randint(1, 4)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        volley.append((old.guard, bytes(data)))
    found = await forge.fire(town, volley)
    acts = [one for one in town.effects(began_s) if one.do == "act"]
    score.breaches += [f"{one.target} obeyed mutated bytes" for one in acts]
    score.tried("octets abîmés au hasard", "bytes damaged at random", HOSTILE, found)


async def _trust(town: Town, score: Score) -> None:
    """A root of its own; then, news withheld: the old documents again."""
    folder = town.folder / f"evil-{time.monotonic_ns()}"
    forged = await asyncio.to_thread(_forged_rules, town, folder)
    before = {name: one.envelope for name, one in town.statuses.items()}
    versions = {one.roster_version for one in town.statuses.values()}
    for guard, data in forged.items():
        await town.send(guard, "trust", data)
    await asyncio.sleep(TRUST_S_MAX)
    kept = {name: one.envelope for name, one in town.statuses.items()} == before
    same = {one.roster_version for one in town.statuses.values()} == versions
    score.tried(
        "nouvelles règles signées par sa propre racine", "new rules signed by a root of its own",
        len(forged), {"trust_kept": len(forged)} if kept and same else {},
    )  # fmt: skip
    stale = [(guard, pack_bundle(online.bundle(town.home, guard))) for guard in forged]
    for guard, data in stale:
        await town.send(guard, "trust", data)
    score.note(
        "taire une révocation : au plus 100 jours, jusqu’à la fin des documents (docs/trust.md)",
        "withholding a revocation: at most 100 days, until the documents end (docs/trust.md)",
    )


def _forged_rules(town: Town, folder: Path) -> dict[str, bytes]:
    """The same names, its own people, envelopes that allow everything to the hub."""
    stick, home = Shelf(folder / "stick"), folder / "home"
    (home / "keys").mkdir(parents=True)
    for name in ("hub", "log", "online"):
        (home / "keys" / f"{name}.pem").write_bytes(
            (town.home / "keys" / f"{name}.pem").read_bytes()
        )
        (home / "keys" / f"{name}.pem").chmod(0o600)
    now_ms = time.time_ns() // 1_000_000
    people = tuple(
        Member(ED25519, one.public, f"evil-{n}", town.commune, OPERATOR, independent=True)
        for n, one in enumerate(OWN)
    )
    own = tuple(one for one in town.roster.members if one.role in (HUB, LOG))
    made = Ceremony(stick, OWN, now_ms)
    holders = {f"evil-{n}": (ED25519, one.public) for n, one in enumerate(OWN)}
    made.begin(
        Roster(town.commune, 1, 0, (*own, *people), town.roster.rp_id, town.roster.origins),
        holders, 2, online.public(home, online.ONLINE),
    )  # fmt: skip
    made.change(ceremony.put_envelopes(town.envelopes.values()))
    online.publish(folder / "stick", home, now_ms)
    return {guard: pack_bundle(online.bundle(home, guard)) for guard in town.posts}


def _history(town: Town, score: Score) -> None:
    """Another past of the same length, signed by the log's own key, shown to the neighbour."""
    seen = town.neighbour.witness.last(f"beffroi/{town.commune}")
    folder = town.folder / f"rewritten-{time.monotonic_ns()}"
    log = Log(folder, town.commune, seed=online.seed(town.home, "log"))
    try:
        now_ms = time.time_ns() // 1_000_000
        log.append([Draft("command.requested", now_ms) for _ in range(max(1, seen.size))])
        request = AddCheckpoint(seen.size, (), log.checkpoint())
        answer = town.neighbour.witness.handle(request.encoded())
    finally:
        log.close()
    score.note(
        "ce que le témoin n’a pas encore vu (une minute au plus) peut être réécrit",
        "what the witness has not seen yet (a minute at most) can be rewritten",
    )
    conflict = bool(town.neighbour.witness.conflicts())
    refused = answer.status != 200
    if not refused:
        score.breaches.append("the neighbour cosigned a rewritten past")
    score.tried(
        "réécrire le journal et le faire contresigner", "rewrite the log and have it cosigned",
        1, {"witness": 1} if refused else {},
    )  # fmt: skip
    if conflict:
        score.note(
            "le témoin garde les deux versions signées : preuve contre le centre",
            "the witness keeps both signed versions: proof against the hub",
        )

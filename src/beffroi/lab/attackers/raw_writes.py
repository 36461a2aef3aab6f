"""Raw writes that bypass Beffroi.

Somebody stands on the cabinet's network with a laptop, finds a Modbus controller that asks for no
password, and writes its registers; and opens a board and types into it. Nothing can stop a hand in
the cabinet. What must happen: the guard reads back, sees what nobody commanded, brings the
equipment to its safe state, signs what it saw, and the town hears of it.
"""

from __future__ import annotations

import asyncio
import time

from beffroi.lab.attackers.score import Score, Story
from beffroi.lab.attackers.town import Town
from beffroi.lab.guards.plc import Hand
from beffroi.model.asset import Label

NAME = "raw-writes"
STORY = Story(
    Label("Écritures directes dans l’équipement", "Raw writes to the equipment"),
    Label(
        "Un ordinateur dans l’armoire écrit par Modbus, sans passer par Beffroi.",
        "A laptop in the cabinet writes by Modbus, past Beffroi.",
    ),
    Label(
        "le réseau de l’armoire, un automate Modbus sans mot de passe, la clé d’un panneau",
        "the cabinet’s network, a Modbus controller without a password, the key of a board",
    ),
    Label(
        "relecture par la garde, retour à l’état sûr, reçu signé, alarme",
        "read-back by the guard, return to the safe state, signed receipt, alarm",
    ),
)
TIMES = 2
UNDONE_S_MAX = 20.0
LIE = {"template": "ATTENTAT - FUYEZ", "code": "ZZZZZZ"}


async def play(town: Town, score: Score) -> None:
    """See the module."""
    hand, dark_s = Hand(town.plc.port), []
    undone = 0
    for _ in range(TIMES):
        wrote_s = await asyncio.to_thread(hand.write, 0)
        if await _level(town, 100):
            undone += 1
            dark_s.append(time.monotonic() - wrote_s)
    score.tried(
        f"écrire 0 % dans le registre Modbus de {town.plc.target}",
        f"write 0 % into the Modbus register of {town.plc.target}",
        TIMES, {"read_back": undone} if undone else {},
    )  # fmt: skip
    boards = [one for one in town.targets("board") if one not in town.snmp.assets]
    score.ignored |= set(boards)
    began_s = time.monotonic()
    for target in boards:
        equipment = town.posts[town.guard_of(target)].equipment[target]
        equipment.ask({"do": "write", "values": LIE})
    blank = await town.comes(
        lambda: all(town.shown(one).get("template") == "" for one in boards), UNDONE_S_MAX
    )
    score.tried(
        "taper un faux message dans les panneaux", "type a false message into the boards",
        len(boards), {"read_back": len(boards)} if blank else {},
    )  # fmt: skip
    if undone < TIMES:
        score.breaches.append(f"{town.plc.target} stayed dark")
    if not blank:
        score.breaches.append("a board still shows the false message")
    if dark_s:
        longest_s, lied_s = max(dark_s), time.monotonic() - began_s
        score.note(
            f"la main a éteint {town.plc.target} pendant {longest_s:.1f} s au plus ; le panneau "
            f"a menti {lied_s:.1f} s : empêché par rien, remarqué et défait",
            f"the hand kept {town.plc.target} dark for {longest_s:.1f} s at most; the board "
            f"lied for {lied_s:.1f} s: prevented by nothing, noticed and undone",
        )


async def _level(town: Town, wanted: int) -> bool:
    end = time.monotonic() + UNDONE_S_MAX
    while time.monotonic() < end:
        if await asyncio.to_thread(town.plc.level_pct) == wanted:
            return True
        await asyncio.sleep(0.1)
    return False

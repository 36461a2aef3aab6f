"""Plays attacks on communes of their own and writes down what came of it.

Each attack gets a fresh commune (`together`: one for all, quicker, so that one incident may span
several). After it the evidence is cosigned by the neighbour and cut out into a file that
`beffroi verify` accepts.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from types import ModuleType

from beffroi.adapters.log.cosigners import Cosigners
from beffroi.adapters.log.peers import read_peers
from beffroi.adapters.log.reading import Reader
from beffroi.evidence.verify import verify
from beffroi.lab.attackers import (
    all_green,
    false_alert,
    lights_off,
    malicious_operator,
    raw_snmp,
    raw_writes,
    root_on_the_hub,
    stolen_certificate,
    stolen_laptop,
    unpaid_parking,
    water_theft,
)
from beffroi.lab.attackers.score import Outcome, Score
from beffroi.lab.attackers.town import Town
from beffroi.model.finding import Severity
from beffroi.ports.log_store import LogError, WitnessError

CAST: dict[str, ModuleType] = {
    one.NAME: one
    for one in (
        all_green,
        lights_off,
        water_theft,
        false_alert,
        unpaid_parking,
        malicious_operator,
        stolen_certificate,
        raw_writes,
        raw_snmp,
        root_on_the_hub,
        stolen_laptop,
    )
}
ENTRIES_MAX = 400
SETTLE_S, SETTLE_S_MAX = 1.0, 10.0
COSIGN_S_MAX = 10.0
SUFFIX = ".preuves.txt"


class StageError(Exception):
    """No such attack; the text names those there are."""


Told = Callable[[str, Outcome | None], None]


def _silent(name: str, outcome: Outcome | None) -> None:
    """Nobody watches."""
    del name, outcome


async def play_all(
    home: Path, names: Sequence[str] = (), told: Told = _silent, *, together: bool = False
) -> list[Outcome]:
    """`told(name, None)` before each attack, with its outcome after. Files: `home/<name>...`."""
    wanted = list(names) or list(CAST)
    unknown = [name for name in wanted if name not in CAST]
    if unknown:
        raise StageError(f"no attack {', '.join(unknown)}; there are {', '.join(CAST)}")
    outcomes = []
    async with contextlib.AsyncExitStack() as stack:
        shared = await stack.enter_async_context(Town(home / "commune")) if together else None
        for name in wanted:
            told(name, None)
            async with _town(shared, home / f"commune-{name}") as town:
                outcome = await play(town, name, home)
            outcomes.append(outcome)
            told(name, outcome)
    return outcomes


@contextlib.asynccontextmanager
async def _town(shared: Town | None, home: Path) -> AsyncIterator[Town]:
    if shared is not None:
        yield shared
        return
    async with Town(home) as town:
        yield town


async def play(town: Town, name: str, folder: Path) -> Outcome:
    """One attack on a commune that runs. Its file of evidence goes into `folder`."""
    attack, first = CAST[name], await asyncio.to_thread(town.entries)
    score = Score(town)
    await attack.play(town, score)
    took_ms = round((time.monotonic() - score.began_s) * 1_000)
    await _settled(town)
    moved = [f"{one.target}: {one.what}" for one in score.moved()] + score.breaches
    path = folder / f"{name}{SUFFIX}"
    count = await asyncio.to_thread(_evidence, town, first, path)
    noticed = noticed_ms(town, score.began_ms)
    return Outcome(
        name=name,
        story=attack.STORY,
        tries=tuple(score.tries),
        effects=len(moved),
        effects_seen=tuple(moved),
        within=len(score.within),
        incidents=len(town.incidents(score.began_ms)),
        noticed_ms=noticed,
        took_ms=took_ms,
        notes=tuple(score.notes),
        evidence=str(path) if count else "",
        entries=count,
    )


async def _settled(town: Town) -> None:
    """Until the log has not grown for a while: receipts have arrived, alarms are raised."""
    end_s, last, since_s = time.monotonic() + SETTLE_S_MAX, -1, time.monotonic()
    while time.monotonic() < end_s:
        size = await asyncio.to_thread(town.entries)
        if size != last:
            last, since_s = size, time.monotonic()
        elif time.monotonic() - since_s >= SETTLE_S:
            return
        await asyncio.sleep(0.2)


def _evidence(town: Town, first: int, path: Path) -> int:
    """Cosigned by the neighbour, cut out, and verified once; how many entries."""
    size = town.entries()
    indices = list(range(first, size))[-ENTRIES_MAX:]
    if not indices:
        return 0
    log = Reader(town.home / "evidence")
    cosigners = Cosigners(log, read_peers(town.home / "evidence" / "witnesses"))
    try:
        with contextlib.suppress(LogError, WitnessError):
            cosigners.cosign(log.checkpoint(), 1, COSIGN_S_MAX)
    finally:
        cosigners.close()
        log.close()
    town.export(indices, path)
    report = verify(path.read_bytes(), town.roster.encoded())
    if not report.ok:
        raise StageError(f"the evidence of this attack does not verify: {path}")
    return len(indices)


def noticed_ms(town: Town, since_ms: int) -> int:
    """From the attack's beginning until the alarm desk had something grave about it, -1: never."""
    open_alarms = town.store.alarms.open_alarms()
    grave = [one.seen_ms for one in open_alarms
             if one.severity >= Severity.GRAVE and one.seen_ms >= since_ms]  # fmt: skip
    return min(grave) - since_ms if grave else -1

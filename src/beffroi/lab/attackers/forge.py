"""Makes commands as an attacker would, with whatever keys it has, and sends them to real guards."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from beffroi.kernel.command import Command
from beffroi.kernel.dsse import COMMAND, Logged, Signed, pack
from beffroi.lab.attackers.town import Town

LIFE_MS = 60_000
ANSWER_S_MAX = 6.0
Volley = Sequence[tuple[str, bytes]]  # (guard, wire)


def command(
    town: Town, target: str, action: str, params: Mapping[str, int | str], **fields: Any
) -> Command:
    """With the guard's nonce, epoch and next counter, which root on the hub knows; class C."""
    status, held = town.statuses[target], town.envelopes[target]
    now_ms = time.time_ns() // 1_000_000
    made = Command(
        id=f"evil-{time.monotonic_ns()}",
        commune=town.commune,
        guard=held.guard,
        target=target,
        klass="C",
        action=action,
        nonce=status.nonce,
        epoch=held.epoch,
        counter=status.counter + 1 if status.epoch == held.epoch else 1,
        not_before_ms=now_ms - 1_000,
        expires_ms=now_ms + LIFE_MS,
        envelope=held.digest,
        params=dict(params),
    )
    return replace(made, **fields)


def wire(made: Command, *seeds: bytes, logged: Logged | None = None) -> bytes:
    """Signed by these Ed25519 seeds, in order."""
    signed = Signed(COMMAND, made.encoded(), logged=logged)
    for seed in seeds:
        signed = signed.by(seed)
    return pack(signed)


async def fire(town: Town, volley: Volley) -> Counter[str]:
    """Send all, wait for the receipts: how often each reason was given. What was accepted counts
    as "done"; what nobody answered as "not_heard"."""
    began_s = time.monotonic()
    for guard, data in volley:
        await town.send(guard, "cmd", data)

    def answers() -> list[str]:
        return [
            one.reason or one.outcome
            for one in town.said(began_s)
            if one.outcome == "refused" or (one.outcome in ("done", "failed") and one.digest)
        ]

    await town.comes(lambda: len(answers()) >= len(volley), ANSWER_S_MAX)
    found = Counter(answers())
    silent = len(volley) - sum(found.values())
    return found + Counter({"not_heard": silent}) if silent > 0 else found

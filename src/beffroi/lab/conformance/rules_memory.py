"""Rules about what outlives a power cut: nonces, counters, receipts, documents."""

from __future__ import annotations

import asyncio
import json
import random
import shutil
from itertools import pairwise

from beffroi.lab.conformance.bench import Bench, now_ms
from beffroi.lab.conformance.commune import CLERK, DEPUTY, GUARD, LAMPS, PUMP, STRANGER, forged
from beffroi.lab.conformance.rule import is_done, is_refused, need, rule

HOSTILE = 400
TOPICS = (*["cmd"] * 6, "lease", "trust")


@rule(40, anew=True)
async def new_start(bench: Bench) -> None:
    """Each start has a new nonce and says so in a receipt; what was signed for the start before is
    void."""
    old = bench.command(counter=5)
    nonces = {bench.nonce}
    await bench.restart()
    need(bench.nonce not in nonces, "the nonce is the one of the start before")
    need(len(bench.nonce) == 16 and len(set(bench.nonce)) > 4, "the nonce is not random")
    need(len(bench.of("started")) >= 2, "no receipt of the new start")
    is_refused(await bench.ask(old), "other_start")
    need(not bench.acts(), "a command of the start before moved it")


@rule(41, anew=True)
async def killed_while_acting(bench: Bench) -> None:
    """The counter is on disk before anything moves: killed at the instant it acts, the guard
    neither forgets the counter nor acts again, and says in a receipt that it was cut off."""
    bench.equipment().on_act = lambda _: bench.pull_the_plug()
    command = bench.command(params={"level_pct": 51})
    wire = bench.commune.wire(command)
    await bench.send(wire)
    await bench.until(lambda: len(bench.acts()) == 1, "it acts")
    bench.equipment().on_act = lambda _: None
    await bench.restart()
    counter = bench.status(LAMPS[0]).counter
    need(counter >= command.counter, f"it remembers counter {counter}, not {command.counter}")
    receipt = await bench.answer(wire, command.digest)
    need(receipt.outcome == "failed", f"it says {receipt.outcome} of what it cannot know")
    need(len(bench.acts()) == 1, "it acted again")


@rule(42, anew=True)
async def killed_at_random(bench: Bench) -> None:
    """Killed at any instant, a command has its effect at most once, and the receipts stay numbered
    without gap."""
    rolls = random.Random(42)
    for turn in range(bench.kills):
        command = bench.command(params={"level_pct": 31 + turn})
        wire = bench.commune.wire(command)
        await bench.send(wire)
        await asyncio.sleep(rolls.uniform(0, 0.02))
        await bench.restart()
        for _ in range(3):
            await bench.send(wire)
        await bench.judged()
    levels = [one["params"]["level_pct"] for one in bench.acts()]
    need(len(levels) == len(set(levels)), f"a command had two effects: {levels}")


@rule(43, anew=True)
async def restored_image(bench: Bench) -> None:
    """A restored copy of its memory does not make the guard accept what it has already done or
    what was meant for the start before (K6)."""
    state, copy = bench.cabinet / "state", bench.folder / "image"
    await bench.kill()
    shutil.copytree(state, copy)
    await bench.start()
    wires = []
    for level in (61, 62):
        command = bench.command(params={"level_pct": level})
        wires.append(bench.commune.wire(command))
        is_done(await bench.ask(command))
    await bench.kill()
    shutil.rmtree(state)
    shutil.copytree(copy, state)
    shutil.rmtree(copy)
    await bench.start()
    before = len(bench.acts())
    for wire in wires:
        await bench.send(wire)
    is_done(await bench.ask(bench.command(counter=10, params={"level_pct": 63})))
    levels = [one["params"]["level_pct"] for one in bench.acts()[before:]]
    need(levels == [63], f"after the restore it did {levels}")
    bench.receipts.clear()  # the numbers begin again at the image: that is how the hub sees it


@rule(44)
async def chained(bench: Bench) -> None:
    """Receipts are signed by the guard, numbered without gap, and each holds the hash of the one
    before; the same number never names two receipts."""
    for level in (50, 60):
        is_done(await bench.ask(bench.command(params={"level_pct": level})))
    await bench.answer(b"rubbish")
    by_number: dict[int, tuple[bytes, bytes]] = {}
    for receipt, _ in bench.receipts:
        known = by_number.setdefault(receipt.number, (receipt.hash, receipt.previous))
        need(known[0] == receipt.hash, f"two receipts with number {receipt.number}")
    numbers = sorted(by_number)
    for before, after in pairwise(numbers):
        need(after == before + 1, f"receipt {after} follows {before}")
        need(by_number[after][1] == by_number[before][0], f"receipt {after} is not chained")
    need(not bench.strange, f"it also sent: {bench.strange[:1]}")


@rule(45, anew=True)
async def documents(bench: Bench) -> None:
    """Documents that the pinned root did not sign change nothing: neither of another root, nor
    changed by a byte, nor rubbish."""
    bench.documents = b""
    fake = forged(bench.commune, bench.folder / "thief", now_ms())
    shutil.rmtree(bench.folder / "thief")
    true = bench.commune.bundle()
    at = len(true) // 2
    for bundle in (fake, true[:at] + bytes([true[at] ^ 1]) + true[at + 1 :], b"rubbish", b"\xa0"):
        await bench.hand(bundle, "trust")
        theirs = bench.command()
        receipt = await bench.ask(theirs, bench.commune.hub_key, STRANGER)
        is_refused(receipt, "unknown_key")
    is_done(await bench.ask(bench.command()))


@rule(46)
async def hostile(bench: Bench) -> None:
    """Whatever the bytes, nothing moves and the guard lives: bits of good commands flipped, cut,
    doubled, and noise, on every topic (M4, M7)."""
    rolls = random.Random(46)
    good = bench.commune.wire(bench.command(params={"level_pct": 33}))
    bench.command()  # the good one is never sent: its counter is spent
    before = len(bench.acts())
    for turn in range(HOSTILE):
        await bench.send(_spoilt(good, rolls), TOPICS[turn % len(TOPICS)])
        if turn % len(TOPICS) == 0:
            await bench.judged()  # else it may drop what has no room, unread
    await bench.judged()
    need(len(bench.acts()) == before, "hostile bytes moved it")
    await bench.until(lambda: bench.ready, "it lives")
    is_done(await bench.ask(bench.command(params={"level_pct": 88})))


@rule(47, anew=True)
async def revoked(bench: Bench) -> None:
    """A person who is no longer in the roster signs no more, from the arrival of the new roster
    on, and after a restart too (K10)."""
    is_done(await bench.ask(bench.command()))
    await asyncio.sleep(1.1)  # documents are dated to the second
    bench.commune.revoke("deputy", now_ms())
    bench.documents = bench.commune.bundle()  # repeated until known, and no older ones any more
    await bench.trust(bench.documents)
    await bench.until(lambda: bench.ready, "it has the new roster")
    for turn in range(2):
        command = bench.command(klass="C", params={"level_pct": 10 + turn})
        is_refused(await bench.ask(command, bench.commune.hub_key, CLERK, DEPUTY), "unknown_key")
        if turn == 0:
            await bench.restart()


@rule(48)
async def truthful_status(bench: Bench) -> None:
    """Its status tells what the next command needs: counter, envelope, roster, receipts."""
    command = bench.command()
    is_done(await bench.ask(command))
    await bench.until(
        lambda: bench.status(LAMPS[0]).counter == command.counter, "the status has the counter", 3
    )
    status = bench.status(LAMPS[0])
    need(status.envelope == bench.commune.envelopes[LAMPS[0]].digest, "of another envelope")
    await bench.until(  # a receipt may come after the status that counts it
        lambda: status.receipts <= max(r.number for r, _ in bench.receipts),
        f"the {status.receipts} receipts that it counts are here",
    )
    need(
        all(isinstance(v, int | str) for v in status.facts.values()),
        json.dumps(dict(status.facts)),
    )


@rule(49, anew=True)
async def stolen_certificate(bench: Bench) -> None:
    """Somebody else with the guard's certificate may disturb its link, but neither moves anything
    nor speaks for it, and the guard comes back by itself (K9)."""
    heard: list[str] = []
    thief = bench.client(GUARD, lambda topic, _: heard.append(topic))
    await thief.connect()
    await thief.subscribe(f"d/{GUARD}/cmd")
    before = len(bench.receipts)
    await thief.publish(f"d/{GUARD}/receipt", bench.receipts[0][1])
    await thief.publish(f"d/{GUARD}/receipt", b"done, believe me")
    await asyncio.sleep(0.2)
    await thief.close()
    forged = [w for _, w in bench.receipts[before:] if w != bench.receipts[0][1]]
    need(not forged, "a receipt that the guard did not sign was believed")
    bench.strange.clear()
    command = bench.command(params={"level_pct": 64})
    wire = bench.commune.wire(command)
    for _ in range(10):  # it may take its time to come back: longer than one hub's patience
        await bench.send(wire)
        await asyncio.sleep(1)
        if any(r.digest == command.digest for r, _ in bench.receipts):
            break
    is_done(await bench.answer(wire, command.digest))
    need(len(bench.acts()) == 1, f"{len(bench.acts())} effects of one command")


@rule(50, anew=True)
async def outage(bench: Bench) -> None:
    """While the broker is away the guard falls back, keeps its receipts, and delivers every one
    when it is there again (F18, F19)."""
    is_done(await bench.ask(bench.command()))
    last = max(r.number for r, _ in bench.receipts)
    await bench.outage(3.0)
    await bench.until(
        lambda: {r.target for r in bench.of("fallback") if r.number > last} >= {*LAMPS, PUMP},
        "the receipts of its fallback arrive",
        20,
    )
    numbers = sorted({r.number for r, _ in bench.receipts})
    need(numbers == list(range(numbers[0], numbers[-1] + 1)), f"receipts {numbers}")
    need(bench.equipment().shown["level_pct"] == 100, "it did not fall back")


def _spoilt(good: bytes, rolls: random.Random) -> bytes:
    kind = rolls.randrange(5)
    at = rolls.randrange(len(good))
    if kind == 0:
        return good[:at] + bytes([good[at] ^ 1 << rolls.randrange(8)]) + good[at + 1 :]
    if kind == 1:
        return good[:at]
    if kind == 2:
        return good[:at] + good[at // 2 :]
    if kind == 3:
        return good + rolls.randbytes(rolls.randrange(1, 50))
    return rolls.randbytes(rolls.randrange(0, 300))

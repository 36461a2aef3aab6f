"""Rules about the street: equipment, facts, limits, silence, foreign hands."""

from __future__ import annotations

import asyncio

from beffroi.lab.conformance.bench import LEASE_TTL_MS, Bench, now_ms
from beffroi.lab.conformance.commune import CLERK, DEPUTY, GUARD, LAMPS, PUMP, STRANGER
from beffroi.lab.conformance.rule import is_done, is_refused, need, rule

LONG_MS = 60_000  # of a lease that must not count: long enough to be noticed if it does
DARK = {"klass": "C", "params": {"level_pct": 0}}


async def _silence(bench: Bench) -> None:
    """Until the lease has ended, counted from when the last one came, which nobody here knows."""
    bench.leasing = False
    await asyncio.sleep(LEASE_TTL_MS / 1000 + 0.1)
    await bench.until(lambda: bench.status(LAMPS[0]).leased == 0, "it says that it has no lease")


@rule(20, anew=True)
async def facts(bench: Bench) -> None:
    """A condition holds by what the equipment shows now, not by what anybody says: two neighbours
    are never dark, a pump does not press while its tank is low."""
    hub = bench.commune.hub_key
    is_done(await bench.ask(bench.command(target=LAMPS[0], **DARK), hub, CLERK, DEPUTY))
    second = bench.command(target=LAMPS[1], **DARK)
    is_refused(await bench.ask(second, hub, CLERK, DEPUTY), "not_permitted_now")
    bench.equipment(PUMP).ask({"do": "write", "values": {"tank_pct": 10}})
    await asyncio.sleep(1.2)  # facts younger than a second may be used
    press = {"target": PUMP, "action": "press", "params": {"pressure_mbar": 3_100}}
    is_refused(await bench.ask(bench.command(**press)), "not_permitted_now")
    bench.equipment(PUMP).ask({"do": "write", "values": {"tank_pct": 60}})


@rule(21, anew=True)
async def limits(bench: Bench) -> None:
    """A step too large, too much travel within an hour, and too many commands of a kind are
    refused, however many signatures they bear (K4)."""

    def press(mbar: int) -> dict[str, object]:
        return {"target": PUMP, "action": "press", "params": {"pressure_mbar": mbar}}

    is_refused(await bench.ask(bench.command(**press(3_201))), "too_fast")
    for mbar in (3_200, 3_400):
        is_done(await bench.ask(bench.command(**press(mbar))))
    is_refused(await bench.ask(bench.command(**press(3_600))), "too_fast")


@rule(22, anew=True)
async def silence(bench: Bench) -> None:
    """Without a lease for its whole time every target goes to its safe state, once, with a receipt
    for each (T4)."""
    is_done(await bench.ask(bench.command()))
    before = {one: len(bench.of("fallback", one)) for one in (*LAMPS, PUMP)}
    await _silence(bench)
    await bench.until(lambda: bench.equipment().shown["level_pct"] == 100, "the lamp is on", 3)
    await bench.until(
        lambda: all(len(bench.of("fallback", one)) > count for one, count in before.items()),
        "each target has a receipt of its fallback",
    )
    await asyncio.sleep(1.5)
    for target, count in before.items():
        new = len(bench.of("fallback", target)) - count
        need(new == 1, f"{new} receipts of a fallback of {target}")
    bench.leasing = True
    await bench.until(lambda: bench.status(LAMPS[0]).leased == 1, "the lease holds again")
    await asyncio.sleep(0.5)
    need(bench.equipment().shown["level_pct"] == 100, "it came back without a command")
    is_done(await bench.ask(bench.command()))


@rule(23, anew=True)
async def safe_direction(bench: Bench) -> None:
    """Without a lease commands are refused, but the safe direction stays possible."""
    await _silence(bench)
    is_refused(await bench.ask(bench.command()), "no_lease")
    on = bench.command(klass="A", action="on", params={})
    is_done(await bench.ask(on, bench.commune.hub_key))


@rule(24, anew=True)
async def leases(bench: Bench) -> None:
    """A lease counts when a hub of the roster signed it, for this guard and this start, with a
    number greater than the last one; nothing else keeps the guard from falling back."""
    used = bench.lease_number
    await _silence(bench)
    for odd in (
        {"number": used},
        {"number": 1},
        {"key": STRANGER},
        {"key": CLERK},
        {"guard": f"{GUARD}-2"},
        {"nonce": bytes(16)},
    ):
        await bench.hand(bench.lease(**{"ttl_ms": LONG_MS, **odd}), "lease")
        is_refused(await bench.ask(bench.command()), "no_lease")
    await bench.hand(b"rubbish", "lease")
    is_refused(await bench.ask(bench.command()), "no_lease")


@rule(25, anew=True)
async def doubtful_time(bench: Bench) -> None:
    """A lease whose time differs from the guard's by more than five minutes does not count: the
    hub does not set the guard's clock (F11)."""
    await _silence(bench)
    for hours in (-1, 1):
        wrong = bench.lease(at_ms=now_ms() + hours * 3_600_000, ttl_ms=LONG_MS)
        await bench.hand(wrong, "lease")
        is_refused(await bench.ask(bench.command()), "no_lease")


@rule(26, anew=True)
async def read_back(bench: Bench) -> None:
    """Delivered is not done: when the equipment shows something else, the receipt says failed and
    what was shown."""
    bench.equipment().ask({"do": "fault", "faults": {"deaf": True}})
    receipt = await bench.ask(bench.command(params={"level_pct": 42}))
    need(receipt.outcome == "failed", f"{receipt.outcome} although it shows the old value")
    need(receipt.readback.get("level_pct") == 100, f"it shows {dict(receipt.readback)}")
    bench.equipment().ask({"do": "fault", "faults": {}})


@rule(27, anew=True)
async def obeys_late(bench: Bench) -> None:
    """Equipment that obeys a little later, within the wired time, is done, not failed."""
    bench.equipment().ask({"do": "fault", "faults": {"late_ms": 400}})
    receipt = await bench.ask(bench.command(params={"level_pct": 42}))
    is_done(receipt)
    bench.equipment().ask({"do": "fault", "faults": {}})


@rule(28, anew=True)
async def foreign_hand(bench: Bench) -> None:
    """A change of the equipment without a command is noticed, reported as tampered with what is
    shown, and answered with the safe state."""
    is_done(await bench.ask(bench.command(params={"level_pct": 50})))
    bench.equipment().ask({"do": "write", "values": {"level_pct": 3}})
    await bench.until(lambda: bool(bench.of("tampered", LAMPS[0])), "it reports the change")
    shown = bench.of("tampered", LAMPS[0])[0].readback.get("level_pct")
    need(shown == 3, f"the receipt shows {shown}")
    await bench.until(lambda: bench.equipment().shown["level_pct"] == 100, "the lamp is safe")


@rule(29, anew=True)
async def frozen(bench: Bench) -> None:
    """A guard that was frozen longer than its lease falls back when it wakes, before anything that
    was sent meanwhile moves it (F15)."""
    is_done(await bench.ask(bench.command()))
    bench.leasing = False
    before = len(bench.equipment().effects)
    bench.freeze(True)
    command = bench.command(params={"level_pct": 77})
    await bench.send(bench.commune.wire(command))
    await asyncio.sleep(LEASE_TTL_MS / 1000 + 0.5)
    bench.freeze(False)
    await bench.until(
        lambda: any(r.digest == command.digest for r, _ in bench.receipts), "it answers"
    )
    did = [one["do"] for one in bench.equipment().effects[before:]]
    need(did[:1] == ["fall_back"], f"after waking it did {did}")
    need("act" not in did, "it acted without a lease")
    bench.leasing = True

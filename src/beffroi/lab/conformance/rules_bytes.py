"""Rules about the bytes of a command: who signed what, for whom, when. Each names its refusal."""

from __future__ import annotations

from dataclasses import replace

from beffroi.kernel.canonical import encode
from beffroi.kernel.dsse import COMMAND, LEASE, RECEIPT, Signature, Signed, pack, unpack
from beffroi.kernel.keys import ED25519, key_id, public_of, sign
from beffroi.kernel.limits import COUNTER_JUMP_MAX, LIFETIME_MS_MAX, WIRE_BYTES_MAX
from beffroi.lab.conformance.bench import Bench, now_ms
from beffroi.lab.conformance.commune import CLERK, DEPUTY, PREFECT, STRANGER, WITNESS
from beffroi.lab.conformance.rule import is_done, is_refused, need, rule


async def _nothing_moves(bench: Bench, before: int) -> None:
    need(len(bench.acts()) == before, "it acted on a refused command")


@rule(1)
async def acts_once(bench: Bench) -> None:
    """A command that keeps every rule is done once, and its receipt names its digest and shows
    what the equipment shows."""
    before = len(bench.acts())
    command = bench.command(params={"level_pct": 55})
    receipt = await bench.ask(command)
    is_done(receipt)
    need(receipt.target == command.target, f"the receipt is about {receipt.target}")
    need(receipt.readback.get("level_pct") == 55, f"it shows {dict(receipt.readback)}")
    need(len(bench.acts()) == before + 1, f"{len(bench.acts()) - before} effects")


@rule(2)
async def same_bytes(bench: Bench) -> None:
    """The same bytes again get the same receipt, byte by byte, and have no second effect, were
    they sent a hundred times."""
    command = bench.command()
    wire = bench.commune.wire(command)
    is_done(await bench.answer(wire, command.digest))
    first = next(w for r, w in reversed(bench.receipts) if r.digest == command.digest)
    before = len(bench.acts())
    for _ in range(100):
        await bench.send(wire)
    await bench.answer(wire, command.digest)
    await bench.judged()
    again = {w for r, w in bench.receipts if r.digest == command.digest}
    need(again == {first}, f"{len(again)} different receipts for the same bytes")
    need(len(bench.acts()) == before, "the same bytes moved it again")


@rule(3)
async def too_large(bench: Bench) -> None:
    """More bytes than a command may have are refused as too_large."""
    before = len(bench.acts())
    is_refused(await bench.answer(bytes(WIRE_BYTES_MAX + 1)), "too_large")
    is_refused(await bench.answer(bytes(500_000)), "too_large")
    await _nothing_moves(bench, before)


@rule(4)
async def one_form(bench: Bench) -> None:
    """What is not written in the only canonical form is unreadable, even when its signatures hold:
    another order of keys, a longer number, a field too many, bytes at the end, floating point,
    tags, indefinite lengths."""
    before = len(bench.acts())
    good = bench.command()
    payload = good.encoded()
    longer = payload.replace(b"\x18\x32", b"\x19\x00\x32", 1)  # 50 in three bytes
    need(longer != payload, "mistake in the kit")
    fields = {name: getattr(good, name) for name in good.__dataclass_fields__}
    fields["params"] = dict(good.params)
    swapped = bytes([payload[0]]) + payload[-10:] + payload[1:-10]
    for odd in (
        longer,
        encode({**fields, "extra": 1}),
        payload + b"\x00",
        payload[:-1],
        swapped,
        b"\xbf" + payload[1:] + b"\xff",
        b"\xd8\x18" + payload,
        b"\xfb" + bytes(8),
        b"\x9b" + b"\xff" * 8,
        b"\x81" * 200,
    ):
        signed = Signed(COMMAND, odd).by(bench.commune.hub_key).by(CLERK)
        is_refused(await bench.answer(pack(signed)), "unreadable")
    wire = bench.commune.wire(bench.command())
    for odd in (wire + b"\x00", wire[:-1], b"", b"\x00", b"{}", wire[1:]):
        is_refused(await bench.answer(odd), "unreadable")
    await _nothing_moves(bench, before)


@rule(5)
async def other_type(bench: Bench) -> None:
    """A lease or a receipt never passes for a command, though its payload be one."""
    for kind in (LEASE, RECEIPT):
        wire = bench.commune.wire(bench.command(), kind=kind)
        is_refused(await bench.answer(wire), "not_a_command")


@rule(6)
async def address(bench: Bench) -> None:
    """A command for another commune or guard is not_for_me; for a target without an envelope,
    unknown_target."""
    is_refused(await bench.ask(bench.command(guard="another")), "not_for_me")
    is_refused(await bench.ask(bench.command(commune="another")), "not_for_me")
    is_refused(await bench.ask(bench.command(target="lamp-9", counter=1)), "unknown_target")


@rule(7)
async def other_envelope(bench: Bench) -> None:
    """A command written for another version of the envelope is refused."""
    is_refused(await bench.ask(bench.command(envelope=bytes(32))), "other_envelope")


@rule(8)
async def signatures(bench: Bench) -> None:
    """Every signature must hold, by a key of the roster, and no person signs twice (K1)."""
    hub, command = bench.commune.hub_key, bench.command()
    is_refused(await bench.ask(command, hub, STRANGER), "unknown_key")
    is_refused(await bench.ask(command, hub, CLERK, CLERK), "same_person_twice")
    claimed = key_id(ED25519, public_of(CLERK))
    signed = Signed(COMMAND, command.encoded()).by(hub)
    forged = signed.plus(Signature(claimed, sign(STRANGER, signed.pae)))
    is_refused(await bench.answer(pack(forged), command.digest), "bad_signature")
    other = unpack(bench.commune.wire(bench.command(params={"level_pct": 99})))
    moved = replace(signed, signatures=other.signatures)
    is_refused(await bench.answer(pack(moved), command.digest), "bad_signature")


@rule(9)
async def origin(bench: Bench) -> None:
    """Without the hub's signature, or with one of somebody who may not command, it is refused."""
    command = bench.command(klass="C")
    is_refused(await bench.ask(command, CLERK, DEPUTY), "not_from_hub")
    is_refused(await bench.ask(command, bench.commune.hub_key, WITNESS), "wrong_role")
    is_refused(await bench.ask(command, bench.commune.hub_key, bench.commune.log_key), "wrong_role")


@rule(10)
async def counters(bench: Bench) -> None:
    """A nonce of another start, another epoch, a counter that is not greater than the last one or
    greater by more than COUNTER_JUMP_MAX are refused (K5, M2, M3)."""
    is_done(await bench.ask(bench.command()))
    last = bench.command().counter - 1
    is_refused(await bench.ask(bench.command(nonce=bytes(16))), "other_start")
    is_refused(await bench.ask(bench.command(epoch=1)), "other_epoch")
    for low in (last, max(1, last - 1)):
        is_refused(await bench.ask(bench.command(counter=low, id=f"again-{low}")), "replayed")
    for high in (last + COUNTER_JUMP_MAX + 1, 2**53 - 1):
        jump = bench.commune.command(bench.nonce, high, now_ms())
        is_refused(await bench.ask(jump), "counter_jump")
    newer, older = bench.command(counter=last + 5), bench.command(counter=last + 4)
    is_done(await bench.ask(newer))
    is_refused(await bench.ask(older), "replayed")


@rule(11)
async def times(bench: Bench) -> None:
    """Expired, not yet begun, or living longer than its action permits: refused (K7)."""
    now = now_ms()
    past = bench.command(not_before_ms=now - 5_000, expires_ms=now - 1)
    is_refused(await bench.ask(past), "expired")
    future = bench.command(not_before_ms=now + 20_000, expires_ms=now + 60_000)
    is_refused(await bench.ask(future), "not_yet")
    long = bench.command(not_before_ms=now, expires_ms=now + LIFETIME_MS_MAX + 1)
    is_refused(await bench.ask(long), "lives_too_long")


@rule(12)
async def envelope(bench: Bench) -> None:
    """An action or a parameter that no case of the envelope allows is refused, whoever signs
    (K3)."""
    before = len(bench.acts())
    everybody = (bench.commune.hub_key, CLERK, DEPUTY, PREFECT)
    is_refused(await bench.ask(bench.command(action="explode"), *everybody), "unknown_action")
    for params in (
        {"level_pct": 101},
        {"level_pct": -1},
        {"level_pct": "50"},
        {},
        {"level_pct": 50, "more": 1},
        {"level": 50},
    ):
        command = bench.command(klass="C", params=params)
        is_refused(await bench.ask(command, *everybody), "outside_envelope")
    await _nothing_moves(bench, before)


@rule(13)
async def persons(bench: Bench) -> None:
    """Class B needs one person, C two, one of them of the authority in charge and one who does not
    sign in the hub's pages; a class below the case's does not reach it (K1, K2, K14)."""
    hub = bench.commune.hub_key
    is_refused(await bench.ask(bench.command(), hub), "too_few_persons")
    is_refused(await bench.ask(bench.command(), hub, PREFECT), "not_competent")
    dark = {"params": {"level_pct": 10}}
    is_refused(await bench.ask(bench.command(**dark), hub, CLERK, DEPUTY), "class_too_low")
    is_refused(await bench.ask(bench.command(klass="C", **dark), hub, DEPUTY), "too_few_persons")
    is_refused(await bench.ask(bench.command(klass="A"), hub), "class_too_low")
    is_done(await bench.ask(bench.command(klass="C", **dark), hub, CLERK, DEPUTY))
    is_done(await bench.ask(bench.command(params={"level_pct": 90})))


@rule(14)
async def logged(bench: Bench) -> None:
    """Where the envelope asks for outside witnesses, a command without proof that it is in the log
    is refused."""
    is_refused(await bench.ask(bench.command(action="show", params={})), "not_logged")

"""What the dispatcher writes into the evidence log, and in which words. Pure.

Entries hold ids of things, whole numbers and digests; persons and signed bytes are payloads, which
the log seals with a salt and can erase. Written before what they tell takes effect.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from beffroi.evidence.entry import NOTHING, Draft
from beffroi.kernel.canonical import encode
from beffroi.kernel.keys import sha256
from beffroi.kernel.logged import ENTRY_KIND
from beffroi.ports.commands import Approval, CommandRow, PlanRow, ReceiptRow

REQUESTED = "command.requested"
SIGNED = "command.signed"  # one approval
APPROVED = ENTRY_KIND  # all that are needed: what a guard asks a proof of
SENT = "command.sent"  # from now on it may take effect
REFUSED = "command.refused"  # by the hub itself
CANCELLED = "command.cancelled"
ENDED = "command.ended"  # expired or unknown
RECEIPT = "guard.receipt"
GAP = "guard.gap"  # numbers of receipts that never came
ODD = "guard.odd"  # a receipt that contradicts the ones before, or our own book
BREAK_GLASS = "key.broken"
PLAN_SIGNED = "plan.signed"
PLAN_STOPPED = "plan.stopped"
INTERLOCKED = "interlock.set"
TRUST = "trust.published"

Refs = Mapping[str, int | str]


def about(
    kind: str, row: CommandRow, now_ms: int, payload: bytes = b"", **refs: int | str
) -> Draft:
    """An entry about one command."""
    known: dict[str, int | str] = {
        "guard": row.guard,
        "target": row.target,
        "service": row.service,
        "action": row.action,
        "klass": row.klass,
        "plan": row.plan,
    }
    found = {name: value for name, value in {**known, **refs}.items() if value != ""}
    return Draft(kind, now_ms, bytes.fromhex(row.digest), found, payload)


def approved(row: CommandRow, approvals: Sequence[Approval], now_ms: int) -> Draft:
    """The entry whose inclusion a guard can ask for; the signatures are its payload."""
    signatures = [{"person": one.person, "signature": one.signature} for one in approvals]
    content = encode({"command": row.payload, "signatures": signatures})
    return about(APPROVED, row, now_ms, content, count=len(approvals))


def signed(row: CommandRow, approval: Approval, now_ms: int) -> Draft:
    content = encode(
        {"person": approval.person, "key": approval.key, "signature": approval.signature}
    )
    kind = BREAK_GLASS if approval.break_glass else SIGNED
    return about(kind, row, now_ms, content)


def receipt(row: ReceiptRow, target: str) -> Draft:
    refs: dict[str, int | str] = {
        "guard": row.guard,
        "number": row.number,
        "outcome": row.outcome,
    }
    if target:
        refs["target"] = target
    return Draft(RECEIPT, row.recv_ms, bytes.fromhex(row.hash), refs, row.wire)


def gap(guard: str, first: int, last: int, now_ms: int) -> Draft:
    return Draft(GAP, now_ms, NOTHING, {"guard": guard, "first": first, "last": last})


def odd(row: ReceiptRow, reason: str) -> Draft:
    refs: Refs = {"guard": row.guard, "number": row.number, "reason": reason}
    return Draft(ODD, row.recv_ms, bytes.fromhex(row.hash), refs, row.wire)


def plan(kind: str, row: PlanRow, now_ms: int) -> Draft:
    refs: Refs = {"plan": row.id, "version": row.generation}
    return Draft(kind, now_ms, sha256(row.payload), refs, row.payload)


def interlocks(row: PlanRow, now_ms: int) -> Draft:
    return Draft(INTERLOCKED, now_ms, sha256(row.payload), {"version": row.generation}, row.payload)


def trust(roster: bytes, version: int, guard: str, now_ms: int) -> Draft:
    """Which roster a guard was given."""
    return Draft(TRUST, now_ms, sha256(roster), {"guard": guard, "version": version})

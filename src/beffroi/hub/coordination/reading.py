"""What each thing that the hub learns is a sign of, if of anything. Pure.

Knows the words of the dispatcher and of the alarm desk; no service of the town.
"""

from __future__ import annotations

from collections.abc import Container

from beffroi.hub.coordination.signs import Sign, SignKind, of_refusal
from beffroi.kernel import receipt as receipts
from beffroi.kernel.receipt import Receipt
from beffroi.kernel.verdict import Reason
from beffroi.model.alarm import Alarm
from beffroi.model.finding import Severity
from beffroi.ports.commands import CommandRow, State

PLAN = "plan"
_REASONS = frozenset(Reason)
# The dispatcher's own alarms. Those that a receipt tells of already are not counted twice.
_COMMANDS = {
    "commands.receipt_gap": SignKind.GAP,
    "commands.receipt_odd": SignKind.GAP,
    "commands.forged": SignKind.FORGED,
}
# Of the hub's own words for a no to somebody.
_OWN = {
    "unknown_target": SignKind.BEYOND,
    "another_person": SignKind.IDENTITY,
    "same_account_twice": SignKind.IDENTITY,
}
OWN = "commands."


def kind_of(code: str) -> SignKind | None:
    """Of a reason of the judge, or of a no of the hub."""
    return of_refusal(Reason(code)) if code in _REASONS else _OWN.get(code)


def of_receipt(said: Receipt, service: str) -> Sign | None:
    """A guard's refusal, surprise or failure. What it did is told by the command."""
    kind: SignKind | None = None
    if said.outcome == receipts.TAMPERED:
        kind = SignKind.TAMPERED
    elif said.outcome == receipts.FAILED and said.digest:
        kind = SignKind.DISOBEYED
    elif said.outcome == receipts.REFUSED:
        kind = SignKind.FORGED if said.reason == "trust" else kind_of(said.reason)
    if kind is None:
        return None
    ref = f"{said.guard}:{said.number}"
    return Sign(said.at_ms, kind, service, said.target or said.guard, ref=ref)


def of_command(row: CommandRow) -> Sign | None:
    """A change that somebody asked for outside every plan, or what the hub itself refused to send.
    The safe direction is no sign: it is what people reach for when something is wrong."""
    kind: SignKind | None = None
    if row.state is State.DONE and not row.plan and row.by != PLAN and not row.safe:
        kind = SignKind.CHANGED
    elif row.state is State.REFUSED and not row.receipt:
        kind = kind_of(row.reason)
    if kind is None:
        return None
    return Sign(row.changed_ms, kind, row.service, row.target, row.by, row.id)


def of_alarm(alarm: Alarm, service: str, unplanned: Container[str]) -> Sign | None:
    """`unplanned`: rules by which a service says that it shows what nobody commanded."""
    kind = _COMMANDS.get(alarm.rule)
    if kind is None and alarm.rule in unplanned:
        kind = SignKind.UNPLANNED
    if kind is None and alarm.severity >= Severity.GRAVE and not alarm.rule.startswith(OWN):
        kind = SignKind.DANGER
    if kind is None:
        return None
    return Sign(alarm.seen_ms, kind, service, alarm.asset or alarm.rule, ref=alarm.id)

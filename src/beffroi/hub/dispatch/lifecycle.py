"""The life of a command as one table: which event leads from which state to which.

Pure. Knows neither people nor guards: it is told what happened. Two rules are in the table and
nowhere else: only a receipt makes `done`, and what a guard has signed is believed in every state,
because it is nearer to the truth than our own book.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from beffroi.ports.commands import CommandChange, CommandEvent, CommandRow, State

S = State
# What the hub, people and time do.
_COURSE: dict[tuple[State, str], State] = {
    (S.REQUESTED, "asked"): S.AWAITING,
    (S.REQUESTED, "approved"): S.READY,
    (S.AWAITING, "signed"): S.AWAITING,
    (S.AWAITING, "approved"): S.READY,
    (S.READY, "sent"): S.SENT,
    (S.SENT, "lost"): S.UNKNOWN,
    **{(state, "cancelled"): S.CANCELLED for state in (S.REQUESTED, S.AWAITING, S.READY)},
    **{(state, "refused"): S.REFUSED for state in (S.REQUESTED, S.AWAITING, S.READY)},
    **{(state, "expired"): S.EXPIRED for state in (S.REQUESTED, S.AWAITING, S.READY)},
}
# What a guard signs. A command of which one receipt was believed is not changed by a second one.
_BY_RECEIPT = frozenset({S.DONE, S.FAILED})
_SAID = {"did": S.DONE, "failed": S.FAILED, "declined": S.REFUSED, "outlived": S.EXPIRED}
TABLE: Mapping[tuple[State, str], State] = MappingProxyType(
    _COURSE
    | {(state, event): after for event, after in _SAID.items() for state in set(S) - _BY_RECEIPT}
)
EVENTS = ("requested", *sorted({event for _, event in TABLE}))


def after(state: State, event: str) -> State | None:
    """The next state, or None: the event cannot happen here."""
    return TABLE.get((state, event))


def born(row: CommandRow, text: str = "") -> CommandChange:
    """The first version of a command."""
    new = replace(row, state=S.REQUESTED, version=1)
    event = CommandEvent(row.id, 1, row.created_ms, row.by, "requested", S.REQUESTED, text)
    return CommandChange(new, event)


def step(
    row: CommandRow,
    event: str,
    now_ms: int,
    actor: str,
    *,
    text: str = "",
    data: Mapping[str, int | str] | None = None,
    **fields: Any,
) -> CommandChange | None:
    """The change that the event brings, with `fields` of the row set; None if it cannot happen."""
    state = after(row.state, event)
    if state is None:
        return None
    new = replace(row, state=state, version=row.version + 1, changed_ms=now_ms, **fields)
    told = CommandEvent(row.id, new.version, now_ms, actor, event, state, text, dict(data or {}))
    return CommandChange(new, told)

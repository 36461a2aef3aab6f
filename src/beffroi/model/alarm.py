"""An alarm and its life, as values. The rules of the life are in `hub.alarms.lifecycle`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from beffroi.model.finding import Severity


class AlarmState(StrEnum):
    """Where an alarm stands in the hands of people."""

    RAISED = "raised"
    ACKNOWLEDGED = "acknowledged"
    ASSIGNED = "assigned"
    RESOLVED = "resolved"  # the cause is gone or the work is done
    CLOSED = "closed"


class DecisionKind(StrEnum):
    """What can be decided about a risk (the five answers of risk management)."""

    TREAT = "treat"
    MITIGATE = "mitigate"
    STOP = "stop"
    ACCEPT = "accept"  # needs a reason
    TRANSFER = "transfer"  # to another competent authority


@dataclass(frozen=True, slots=True)
class Decision:
    """Without one (with owner and deadline) a grave alarm cannot be closed."""

    kind: DecisionKind
    owner: str
    deadline_ms: int
    reason: str = ""
    decided_by: str = ""
    decided_ms: int = 0


@dataclass(frozen=True, slots=True)
class Alarm:
    """One open or past alarm. `active` says whether its cause still holds.

    `group` is the id of the alarm that stands for a flood of the same rule ("" if none);
    `members` counts the alarms such a group stands for.
    """

    id: str
    rule: str
    asset: str
    domain: str
    severity: Severity
    state: AlarmState
    active: bool
    raised_ms: int  # device time of the first finding
    seen_ms: int  # hub time when the hub knew
    changed_ms: int
    facts: Mapping[str, float | str] = field(default_factory=dict)
    assignee: str = ""
    decision: Decision | None = None
    occurrences: int = 1
    group: str = ""
    members: int = 0
    remind_ms: int = 0  # next reminder; 0: none due
    escalate_ms: int = 0  # when it is passed on next; 0: not
    escalation: int = 0  # how many times it was passed on
    commune: str = "commune"
    version: int = 0  # for optimistic concurrency; each stored change adds one


@dataclass(frozen=True, slots=True)
class AlarmEvent:
    """One line of an alarm's story. Append-only."""

    alarm: str
    at_ms: int
    actor: str  # a user's id, or "hub"
    kind: str  # one of hub.alarms.lifecycle.EVENTS
    text: str = ""
    data: Mapping[str, float | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AlarmChange:
    """An alarm's new value with the events that explain it: stored together or not at all."""

    alarm: Alarm
    events: tuple[AlarmEvent, ...]

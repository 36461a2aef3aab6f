"""Clocks of the legal deadlines of one incident. Pure: `now` is an argument.

Each deadline of the law data that concerns incidents gets exactly one clock. Unknown conditions
keep the clock running and say so: a deadline missed for want of an answer is missed all the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from beffroi.hub.dossier.applicability import Situation
from beffroi.hub.incidents.case import Case
from beffroi.law import Deadline
from beffroi.model.measure import HOUR_MS

NOT_OF_INCIDENTS = frozenset({"correctif"})  # counts from a maker's publication
# Which addressee stops which clock, by id of the deadline.
STOPS = {
    "CNIL": "cnil",
    "plainte": "police",
    "NIS2-alerte": "csirt",
    "NIS2-notification": "csirt-full",
    "NIS2-rapport": "csirt-final",
    "prefet": "prefect",
}
DECISION = "decision-alerte-grave"


class Stand(StrEnum):
    RUNNING = "running"
    LATE = "late"  # due, and nothing was done
    DONE = "done"
    DONE_LATE = "done_late"
    OFF = "off"  # the condition does not hold
    WAITING = "waiting"  # counts from something that has not happened


@dataclass(frozen=True, slots=True)
class Clock:
    """`due_ms` 0 while it does not count. `sure` False: the condition is not known, or the rule of
    law is not verified; then the page says "to be verified"."""

    deadline: Deadline
    stand: Stand
    due_ms: int = 0
    done_ms: int = 0
    sure: bool = True

    @property
    def id(self) -> str:
        return self.deadline.id


def clocks(
    case: Case,
    deadlines: Iterable[Deadline],
    situation: Situation,
    now_ms: int,
    decided_ms: int = 0,
) -> list[Clock]:
    """In the order of the law data. `decided_ms`: when the alarm's decision was taken, 0: not."""
    found = []
    for deadline in deadlines:
        if deadline.id not in NOT_OF_INCIDENTS:
            found.append(_clock(case, deadline, situation, now_ms, decided_ms))
    return found


def _clock(case: Case, deadline: Deadline, situation: Situation, now: int, decided: int) -> Clock:
    holds = _holds(case, deadline.id, situation)
    sure = deadline.verified and holds is not None
    if holds is False:
        return Clock(deadline, Stand.OFF, sure=deadline.verified)
    start = _start(case, deadline.id)
    done = decided if deadline.id == DECISION else case.told(STOPS.get(deadline.id, ""))
    if not start:
        return Clock(deadline, Stand.WAITING, sure=sure)
    due = start + deadline.hours * HOUR_MS
    if done:
        # "At once" is judged by people: a machine that says "late by four minutes" helps nobody.
        late = done > due and deadline.hours > 0
        return Clock(deadline, Stand.DONE_LATE if late else Stand.DONE, due, done, sure)
    return Clock(deadline, Stand.LATE if now > due else Stand.RUNNING, due, 0, sure)


def _holds(case: Case, deadline: str, situation: Situation) -> bool | None:
    """Whether the deadline's condition holds; None: nobody knows."""
    if deadline.startswith("NIS2"):
        return situation.nis2
    answers = {"yes": True, "no": False}
    known: dict[str, bool | None] = {
        "CNIL": answers.get(case.personal),
        "plainte": situation.insured,
        "prefet": answers.get(case.danger),
        DECISION: bool(case.alarm),
    }
    return known.get(deadline)


def _start(case: Case, deadline: str) -> int:
    return case.told("csirt-full") if deadline == "NIS2-rapport" else case.known_ms


def pressing(some: Iterable[Clock]) -> Clock | None:
    """The one to look at: late ones first, then the next that is due."""
    counting = [clock for clock in some if clock.stand in (Stand.LATE, Stand.RUNNING)]
    return min(counting, key=lambda clock: (not clock.sure, clock.due_ms), default=None)

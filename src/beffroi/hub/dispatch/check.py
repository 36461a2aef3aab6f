"""The second look, before anything is sent: fleets, acts that exclude each other, plans. Pure.

Independent of `request` and `approve`: it is given finished commands and asks whether together they
make sense. It never widens what the envelope allows. What is in the safe direction is not held.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, NamedTuple

from beffroi.hub.dispatch.denied import Denied, deny
from beffroi.hub.dispatch.mirror import MOVED
from beffroi.hub.dispatch.plan import SCENE, Plan, Step
from beffroi.hub.dispatch.request import Params, Wish, needed
from beffroi.kernel import document
from beffroi.kernel.document import Id, Many, Param, Part, Table, Text, Whole
from beffroi.kernel.envelope import Envelope
from beffroi.kernel.limits import DOCUMENT_BYTES_MAX, PARAMS_MAX
from beffroi.kernel.situation import Situation
from beffroi.kernel.verdict import Reason
from beffroi.model.limits import (
    FLEET_FREE_TARGETS,
    FLEET_SHARE_PCT_MAX,
    FLEET_WINDOW_MS,
    INTERLOCKS_MAX,
)
from beffroi.ports.commands import CommandRow


@dataclass(frozen=True, slots=True)
class Act:
    """An action on a target with (at least) these parameters."""

    target: Annotated[str, Id()]
    action: Annotated[str, Id()]
    params: Annotated[Mapping[str, int | str], Table(Param(), PARAMS_MAX)]

    def is_done_by(self, target: str, action: str, params: Params) -> bool:
        same = (self.target, self.action) == (target, action)
        return same and all(params.get(name) == value for name, value in self.params.items())


@dataclass(frozen=True, slots=True)
class Interlock:
    """At most `most` of these acts may be in force at once. Two that contradict each other: 1.
    Exits that may not all be closed: one less than there are."""

    name: Annotated[str, Text(chars_min=1)]
    most: Annotated[int, Whole(0)]
    acts: Annotated[tuple[Act, ...], Many(Part(Act), 64)]


@dataclass(frozen=True, slots=True)
class Interlocks:
    """All of a commune, as one document."""

    of: Annotated[tuple[Interlock, ...], Many(Part(Interlock), INTERLOCKS_MAX)] = ()

    def encoded(self) -> bytes:
        return document.write(self)

    @property
    def targets(self) -> frozenset[str]:
        return frozenset(act.target for lock in self.of for act in lock.acts)


def read_interlocks(data: bytes) -> Interlocks:
    """CanonicalError or FieldError (both ValueError) unless it is exactly one such document."""
    return document.read(Interlocks, data, DOCUMENT_BYTES_MAX)


class InForce(NamedTuple):
    """What a target was last told."""

    action: str
    params: Params


def in_force(rows: Iterable[CommandRow]) -> dict[str, InForce]:
    """By target, from commands that have been sent (in any order)."""
    newest: dict[str, CommandRow] = {}
    for row in rows:
        old = newest.get(row.target)
        if row.state in MOVED and (old is None or row.sent_ms > old.sent_ms):
            newest[row.target] = row
    return {target: InForce(row.action, row.params) for target, row in newest.items()}


def excluded(
    target: str, action: str, params: Params, force: Mapping[str, InForce], locks: Interlocks
) -> Denied | None:
    """Would this act, with what is in force, break an interlock?"""
    after = {**force, target: InForce(action, params)}
    for lock in locks.of:
        if any(act.is_done_by(target, action, params) for act in lock.acts):
            held = [act for act in lock.acts if _holds(act, after)]
            if len(held) > lock.most:
                return deny(
                    "interlock",
                    "“{name}” would be broken: at most {most} of its acts may be in force.",
                    name=lock.name,
                    most=lock.most,
                )
    return None


def _holds(act: Act, force: Mapping[str, InForce]) -> bool:
    now = force.get(act.target)
    return now is not None and act.is_done_by(act.target, now.action, now.params)


def crowded(row: CommandRow, moved: Iterable[CommandRow], fleet: int, now_ms: int) -> Denied | None:
    """Has too large a share of the service's targets changed lately? Only then it must wait.

    `fleet`: how many targets the service has. Two persons (class C) may move a whole fleet; a
    schedule or one person may not, so that a mistake is seen before it is everywhere.
    """
    if row.klass == "C":
        return None
    recent = {
        one.target
        for one in moved
        if one.service == row.service
        and one.state in MOVED
        and not one.safe
        and one.sent_ms > now_ms - FLEET_WINDOW_MS
    }
    most = max(FLEET_FREE_TARGETS, fleet * FLEET_SHARE_PCT_MAX // 100)
    if len(recent | {row.target}) <= most:
        return None
    return deny(
        str(Reason.FLEET_LIMIT),
        "{most} of {fleet} changed within {minutes} minutes already: it waits for its turn.",
        most=most,
        fleet=fleet,
        minutes=FLEET_WINDOW_MS // 60_000,
    )


# --- a whole plan --------------------------------------------------------------------------------
def problems(
    plan: Plan,
    envelopes: Mapping[str, Envelope],
    situations: Mapping[str, Situation],
    locks: Interlocks,
) -> list[Denied]:
    """Everything that is wrong with a plan before anybody keeps it. `situations` by guard."""
    found: list[Denied] = []
    for number, step in enumerate(plan.steps):
        one = _step_problem(plan, step, envelopes, situations)
        if one is not None:
            found.append(deny(one.code, one.text, **{**one.facts, "step": number + 1}))
    return found + _contradictions(plan) + _locked(plan, locks)


def _step_problem(
    plan: Plan,
    step: Step,
    envelopes: Mapping[str, Envelope],
    situations: Mapping[str, Situation],
) -> Denied | None:
    envelope = envelopes.get(step.target)
    if envelope is None:
        return deny(
            "unknown_target", "Nothing can be done to {target} from here.", target=step.target
        )
    if plan.kind != SCENE and not step.weekdays:
        return deny("never", "It has no day of the week: it would never happen.")
    known = situations.get(envelope.guard)
    if known is None:
        return None
    need = needed(Wish(step.target, step.action, step.params), envelope, known)
    # What the equipment shows at this minute says nothing of tonight.
    later = isinstance(need, Denied) and need.code != Reason.NOT_PERMITTED_NOW
    return need if later and isinstance(need, Denied) else None


def _contradictions(plan: Plan) -> list[Denied]:
    said: dict[tuple[str, str, int, int], Step] = {}
    found = []
    for step in plan.steps:
        for weekday in step.weekdays or (-1,):
            key = (step.target, step.sun, step.minute, weekday)
            other = said.setdefault(key, step)
            if (other.action, dict(other.params)) != (step.action, dict(step.params)):
                found.append(
                    deny(
                        "contradiction",
                        "Two steps tell {target} two things at once.",
                        target=step.target,
                    )
                )
                break
    return found


def _locked(plan: Plan, locks: Interlocks) -> list[Denied]:
    """Play it once through (a schedule for a week) and look at the interlocks after each moment."""
    force: dict[str, InForce] = {}
    found: dict[str, Denied] = {}
    for step in _in_order(plan):
        broken = excluded(step.target, step.action, step.params, force, locks)
        if broken is not None:
            found.setdefault(str(broken), broken)
        force[step.target] = InForce(step.action, step.params)
    return list(found.values())


def _in_order(plan: Plan) -> Sequence[Step]:
    if plan.kind == SCENE:
        return plan.steps
    moments = [
        (weekday * 1440 + step.minute, number, step)
        for number, step in enumerate(plan.steps)
        for weekday in step.weekdays
    ]
    return [step for _, _, step in sorted(moments, key=lambda moment: moment[:2])]

"""Does the envelope allow this action with these parameters now? Rule 9 of `decide`."""

from __future__ import annotations

from beffroi.kernel.command import CLASSES, Command
from beffroi.kernel.envelope import Action, Allowed, Case, Condition, Ranges
from beffroi.kernel.situation import Facts, Situation, fresh
from beffroi.kernel.verdict import No, Reason, must


def case_of(command: Command, action: Action, known: Situation) -> Case:
    """The mildest case that fits: the safe direction first, then the lowest class."""
    fitting = [case for case in action.cases if _fits(command, case)]
    must(bool(fitting), Reason.OUTSIDE_ENVELOPE, "these parameters are in no case")
    rank = CLASSES.index(command.klass)
    reached = [case for case in fitting if CLASSES.index(case.klass) <= rank]
    must(bool(reached), Reason.CLASS_TOO_LOW, f"class {command.klass} does not reach that far")
    facts = known.facts.get(command.target, {})
    held = [c for c in reached if all(holds(one, facts, known.now_ms) for one in c.conditions)]
    if not held:
        asked = (one for case in reached for one in case.conditions)
        failing = next(one for one in asked if not holds(one, facts, known.now_ms))
        raise No(Reason.NOT_PERMITTED_NOW, f"{failing.fact} does not permit it, or is unknown")
    return min(held, key=lambda case: (not case.safe, case.klass))


def _fits(command: Command, case: Case) -> bool:
    return command.params.keys() == case.params.keys() and all(
        permits(allowed, command.params[name]) for name, allowed in case.params.items()
    )


def permits(allowed: Allowed, value: int | str) -> bool:
    """Is this value of a parameter within what is allowed?"""
    if isinstance(value, str):
        free = 0 < len(value) <= allowed.chars_max and set(value) <= set(allowed.charset)
        return free or value in allowed.choices
    return type(value) is int and within(value, allowed.ranges)


def within(value: int, ranges: Ranges) -> bool:
    return any(low <= value <= high for low, high in ranges)


def holds(condition: Condition, facts: Facts, now_ms: int) -> bool:
    """A fact of the future is as doubtful as a stale one."""
    value = fresh(facts, condition.fact, condition.age_ms_max, now_ms)
    return value is not None and within(value, condition.ranges)

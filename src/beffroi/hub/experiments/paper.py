"""What is published of an experiment, and how anybody computes it again. Pure: texts in, texts out.

Plan and result are sealed as texts: their SHA-256 are the subjects of two entries of the evidence
log, written before the pilot began and when it was measured.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from math import isfinite
from typing import Any

import msgspec

from beffroi.hub.experiments.effect import METHOD, Daily, Effect, effect, verdict
from beffroi.kernel.keys import sha256
from beffroi.model.asset import Label
from beffroi.model.experiment import Experiment, Plan
from beffroi.model.limits import EXPERIMENT_BYTES_MAX

FORMAT = "beffroi-experiment-1"


class PaperError(ValueError):
    """This is no published experiment; the text says why."""


@dataclass(frozen=True, slots=True)
class Said:
    """One sentence of the check."""

    holds: bool
    text: Label


def plan_text(plan: Plan) -> str:
    return _text({"format": FORMAT, "method": METHOD, **asdict(plan)})


def read_plan(text: str) -> Plan:
    """PaperError unless it is one."""
    try:
        found = msgspec.convert(_table(text), Plan)
        date.fromisoformat(found.start)
    except (msgspec.ValidationError, ValueError) as error:
        raise PaperError(f"not a plan of an experiment: {error}") from error
    return found


def result_text(plan: Plan, treated: Daily, control: Daily | None) -> str:
    """With every daily value, so that the sum can be done again."""
    found = _effect(plan, treated, control)
    facts = {name: value if isfinite(value) else None for name, value in found._asdict().items()}
    days = {"treated": _days(treated), "control": None if control is None else _days(control)}
    return _text({"effect": facts, "verdict": verdict(found, plan.target_pct), **days})


def read_result(plan: Plan, text: str) -> tuple[Effect, str]:
    """Effect and verdict, computed from the daily values in it. PaperError."""
    read = _table(text)
    try:
        treated = _ordinals(read["treated"])
        control = None if read["control"] is None else _ordinals(read["control"])
        found = _effect(plan, treated, control)
    except (KeyError, TypeError, ArithmeticError, ValueError, AttributeError) as error:
        raise PaperError(f"not a result of an experiment: {error!r}") from error
    return found, verdict(found, plan.target_pct)


def digest(text: str) -> bytes:
    return sha256(text.encode())


def written(one: Experiment, origin: str) -> bytes:
    """The file that is published."""
    log = {"origin": origin, "registered": one.registered, "ended": one.ended}
    about = {"format": FORMAT, "id": one.id, "stage": one.stage.value, "reason": one.reason}
    return json.dumps(
        {**about, "log": log, "plan": one.plan_text, "result": one.result_text},
        ensure_ascii=False, indent=1,
    ).encode()  # fmt: skip


def verify(data: bytes) -> tuple[list[Said], str, str]:
    """(sentences, digest of the plan, of the result or ""). PaperError when it is no such file."""
    if len(data) > EXPERIMENT_BYTES_MAX:
        raise PaperError(f"more than {EXPERIMENT_BYTES_MAX} bytes")
    read = _table(data.decode(errors="replace"))
    plan_said, result_said = read.get("plan"), read.get("result")
    if read.get("format") != FORMAT or not all(
        isinstance(one, str) for one in (plan_said, result_said)
    ):
        raise PaperError("not a published experiment of Beffroi")
    plan = read_plan(str(plan_said))
    sealed = digest(str(plan_said)).hex()
    if not result_said:
        return [], sealed, ""
    found, word = read_result(plan, str(result_said))
    told = _table(str(result_said))
    same = told.get("verdict") == word and _same(told.get("effect"), found)
    label = Label(
        "les chiffres annoncés sont ceux que donnent les jours mesurés",
        "the figures told are those that the measured days give",
    )
    return [Said(same, label)], sealed, digest(str(result_said)).hex()


def _same(told: object, found: Effect) -> bool:
    if not isinstance(told, dict):
        return False
    return all(
        (told.get(name) is None and not isfinite(value))
        or (isinstance(told.get(name), int | float) and abs(told[name] - value) < 1e-6)
        for name, value in found._asdict().items()
    )


def _effect(plan: Plan, treated: Daily, control: Daily | None) -> Effect:
    return effect(treated, control, date.fromisoformat(plan.start).toordinal())


def _days(daily: Daily) -> dict[str, float]:
    return {date.fromordinal(day).isoformat(): value for day, value in daily.items()}


def _ordinals(days: Mapping[str, Any]) -> dict[int, float]:
    return {date.fromisoformat(day).toordinal(): float(value) for day, value in days.items()}


def _table(text: str) -> dict[str, Any]:
    try:
        read = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise PaperError(f"not JSON: {error}") from error
    if not isinstance(read, dict):
        raise PaperError("not a table")
    return read


def _text(content: Mapping[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))

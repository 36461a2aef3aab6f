"""An experiment of the town as plain values: what is promised before it begins, and what came out.

Knows no store, no log and no person.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from beffroi.model.asset import Label


class ExperimentStage(StrEnum):
    """A draft may be given up; what was registered is stopped, with a reason, or measured."""

    DRAFT = "draft"
    DROPPED = "dropped"  # a draft that nobody promised anything with
    REGISTERED = "registered"  # plan and method are in the evidence log; nothing of them may change
    STOPPED = "stopped"
    MEASURED = "measured"


class Guess(NamedTuple):
    """What a simulation expects: change of the measure in %, with 19 of its 20 runs in between."""

    change_pct: float
    low_pct: float
    high_pct: float


@dataclass(frozen=True, slots=True)
class Plan:
    """What is promised. Days are local and ISO, `end` included; `before_days` end where it starts.

    `target_pct` is the wished change of the mean day, negative for less. `control`: assets of the
    same kind where nothing is changed. `twin` names the simulation, "" for none. `holds_s`: of a
    state, told when it changes, how long a value holds when nothing follows; 0 for a quantity.
    """

    title: str
    why: str
    idea: str
    domain: str
    kind: str
    prop: str
    unit: str
    assets: tuple[str, ...]
    control: tuple[str, ...]
    target_pct: float
    start: str
    end: str
    before_days: int
    timezone: str
    twin: str = ""
    twin_params: tuple[tuple[str, float], ...] = ()
    guess: Guess | None = None
    holds_s: int = 0


@dataclass(frozen=True, slots=True)
class Experiment:
    """Where it is. `plan_text` is the plan as it was sealed; `result_text` likewise, "" for none.

    Entries are indices of the evidence log, -1 when there is none.
    """

    id: str
    plan: Plan
    plan_text: str
    stage: ExperimentStage
    drafted_ms: int
    registered_ms: int = 0
    registered: int = -1
    ended_ms: int = 0
    ended: int = -1
    reason: str = ""
    result_text: str = ""


class TwinParam(NamedTuple):
    """A number that a simulation asks for."""

    name: str
    label: Label
    unit: str
    default: float
    low: float
    high: float


class TwinOffer(NamedTuple):
    """A simulation. `prop` is the property whose mean day it foretells, "" when nothing
    of the town measures that."""

    name: str
    label: Label
    domain: str
    prop: str
    params: tuple[TwinParam, ...]
    method: Label  # with what it takes for granted

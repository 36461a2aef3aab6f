"""The method, as pure functions of answers, initiatives and what the platform can show itself.

A thing counts when the platform shows it, or when a document with its date does; what is only said
counts nowhere. A document older than `fresh_days` costs one stage. Vigilance is a separate index:
it is never mixed into a level. No share of European cities at a level is known here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from beffroi.model.measure import DAY_MS

STRATEGY, PLAN, PILOT, DEPLOYED = 1, 2, 3, 4
PILOT_DAYS, DEPLOYED_DAYS = 30, 90
STAGES = {"idea": 0, "plan": PLAN, "pilot": PILOT, "deployed": DEPLOYED}
GRADES = ((8, "A"), (6, "B"), (4, "C"), (2, "D"), (0, "E"))


@dataclass(frozen=True, slots=True)
class Document:
    """What shows something: its reference and its day (UTC ms, 0: none)."""

    reference: str = ""
    day_ms: int = 0

    def shows(self, now_ms: int) -> bool:
        return bool(self.reference.strip()) and 0 < self.day_ms <= now_ms

    def fresh(self, now_ms: int, fresh_days: int) -> bool:
        return self.shows(now_ms) and now_ms - self.day_ms <= fresh_days * DAY_MS


@dataclass(frozen=True, slots=True)
class Answer:
    """To a question of the commune."""

    question: str
    yes: bool
    document: Document = Document()
    text: str = ""


@dataclass(frozen=True, slots=True)
class Initiative:
    """A sheet. `stage` is a word of STAGES as declared; `started_ms` when it went into service;
    `covered` the share (0 to 1) of whom or what it is meant for; `rule` the platform's own proof
    ("" when there is none)."""

    id: str
    name: str
    axes: tuple[str, ...]
    problem: str = ""
    means: str = ""
    partners: str = ""
    stage: str = "idea"
    started_ms: int = 0
    covered: float = 0.0
    objective: str = ""
    budget: str = ""
    lead: str = ""
    operator: str = ""
    measured: str = ""
    rule: str = ""
    document: Document = Document()

    @property
    def gates(self) -> tuple[bool, bool, bool]:
        """Public problem, digital means, a partner."""
        return bool(self.problem.strip()), bool(self.means.strip()), bool(self.partners.strip())

    @property
    def valid(self) -> bool:
        return all(self.gates) and bool(self.axes)


@dataclass(frozen=True, slots=True)
class Judged:
    """An initiative with the stage that counts, and where it comes from: "platform", "document",
    "stale" (a document too old) or "" (nothing shows it)."""

    initiative: Initiative
    stage: int
    by: str


@dataclass(frozen=True, slots=True)
class Result:
    """`strict` and `observed` 0 to 4; `axes` by id; `covered_axes` those at PILOT or above."""

    strict: int
    observed: int
    axes: Mapping[str, int]
    judged: Sequence[Judged]
    covered_axes: int
    grade: str
    checks: Mapping[str, bool] = field(default_factory=dict)
    unattached: Sequence[str] = ()  # proofs of the platform that no sheet claims


def assess(
    answers: Mapping[str, Answer],
    initiatives: Sequence[Initiative],
    platform: Mapping[str, int],
    checks: Mapping[str, bool],
    axes: Sequence[str],
    now_ms: int,
    fresh_days: int,
) -> Result:
    """`platform`: stage of each rule that the platform could judge; `checks`: of vigilance."""
    judged = [judge(one, platform, now_ms, fresh_days) for one in initiatives]
    counted = [one for one in judged if one.initiative.valid]
    observed = max((one.stage for one in counted), default=0)
    held = {
        STRATEGY: _shown(answers.get("A1"), now_ms, fresh_days),
        PLAN: observed >= PLAN or _shown(answers.get("A3"), now_ms, fresh_days),
        PILOT: observed >= PILOT,
        DEPLOYED: observed >= DEPLOYED,
    }
    strict = 0
    while strict < DEPLOYED and held[strict + 1]:
        strict += 1
    by_axis = {
        axis: max((one.stage for one in counted if axis in one.initiative.axes), default=0)
        for axis in axes
    }
    claimed = {one.initiative.rule for one in judged}
    return Result(
        strict,
        max((n for n, holds in held.items() if holds), default=0),
        by_axis,
        judged,
        sum(stage >= PILOT for stage in by_axis.values()),
        grade(checks),
        dict(checks),
        [rule for rule, stage in platform.items() if stage >= PILOT and rule not in claimed],
    )


def judge(one: Initiative, platform: Mapping[str, int], now_ms: int, fresh_days: int) -> Judged:
    """What the platform computes goes before what is declared."""
    if one.rule in platform:
        return Judged(one, platform[one.rule], "platform")
    if not one.document.shows(now_ms):
        return Judged(one, 0, "")
    stage = declared(one, now_ms)
    if one.document.fresh(now_ms, fresh_days):
        return Judged(one, stage, "document")
    return Judged(one, max(0, stage - 1), "stale")


def declared(one: Initiative, now_ms: int) -> int:
    """The greatest stage, up to the declared one, whose test the sheet passes."""
    days = (now_ms - one.started_ms) / DAY_MS if 0 < one.started_ms <= now_ms else -1.0
    tests = {
        PLAN: bool(one.objective and one.budget and one.lead),
        PILOT: days >= PILOT_DAYS and bool(one.measured),
        DEPLOYED: days >= DEPLOYED_DAYS
        and one.covered >= 1.0
        and bool(one.measured and one.operator),
    }
    wanted = STAGES.get(one.stage, 0)
    return max((n for n, passed in tests.items() if passed and n <= wanted), default=0)


def grade(checks: Mapping[str, bool]) -> str:
    """A to E by checks passed; an unproven check is not passed. Nothing known is E."""
    passed = sum(checks.values())
    return next(letter for least, letter in GRADES if passed >= least)


def _shown(answer: Answer | None, now_ms: int, fresh_days: int) -> bool:
    return answer is not None and answer.yes and answer.document.fresh(now_ms, fresh_days)

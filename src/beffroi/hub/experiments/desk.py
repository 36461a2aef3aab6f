"""The life of an experiment: draft, registered before it begins, stopped or measured, published.

Each step is a line of a register, in the evidence log first. What was registered stays: plan and
method cannot change any more, and a pilot that disappoints is published like one that does not.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from beffroi.evidence.entry import NOTHING
from beffroi.hub.dossier.registers import RegisterError, Registers, fit_text
from beffroi.hub.experiments import paper
from beffroi.hub.experiments.daily import daily
from beffroi.hub.experiments.effect import Daily
from beffroi.kernel.document import is_id
from beffroi.model.experiment import Experiment, ExperimentStage, Plan
from beffroi.model.limits import (
    COMMENT_CHARS_MAX,
    EXPERIMENT_ASSETS_MAX,
    EXPERIMENT_DAYS_MAX,
    EXPERIMENT_DAYS_MIN,
    TITLE_CHARS_MAX,
)
from beffroi.ports.clock import Clock
from beffroi.ports.registers import Fact, Record
from beffroi.ports.store import Store

BOOK = "experiment"
S = ExperimentStage
STAGES = {stage.value: stage for stage in S}
PCT_MAX = 1_000.0


class ExperimentError(ValueError):
    """Not possible now; `code` names the rule, the text says what to do (English message id)."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


class Experiments:
    """Of one commune."""

    def __init__(
        self,
        registers: Registers,
        store: Store,
        clock: Clock,
        published: Callable[[str], bool] = lambda _: True,
    ) -> None:
        """`published`: whether the idea of this id may be seen by everybody."""
        self._registers, self._store, self._clock = registers, store, clock
        self._published = published
        self._lock = threading.Lock()

    @property
    def origin(self) -> str:
        """Of the log that attests; "" while there is none."""
        journal = self._registers.journal
        return journal.origin if journal else ""

    def all(self) -> list[Experiment]:
        """The newest first."""
        by_key: dict[str, list[Record]] = {}
        for record in self._registers.store.records(BOOK):
            by_key.setdefault(record.key, []).append(record)
        found = [one for one in map(_told, by_key.values()) if one is not None]
        return sorted(found, key=lambda one: -one.drafted_ms)

    def one(self, ident: str) -> Experiment | None:
        return _told(self._registers.store.records(BOOK, ident))

    def draft(self, plan: Plan, actor: str) -> Experiment:
        self._fit(plan)
        ident = f"e-{secrets.token_hex(6)}"
        self._write(ident, S.DRAFT, {"plan": paper.plan_text(plan)}, actor)
        return self._of(ident)

    def drop(self, ident: str, actor: str) -> Experiment:
        with self._lock:
            self._of(ident, S.DRAFT)
            self._write(ident, S.DROPPED, {}, actor)
        return self._of(ident)

    def register(self, ident: str, actor: str) -> Experiment:
        """Seal the plan, at the latest on the day before it begins."""
        with self._lock:
            one = self._of(ident, S.DRAFT)
            self._fit(one.plan)
            self._write(ident, S.REGISTERED, {}, actor, paper.digest(one.plan_text))
        return self._of(ident)

    def stop(self, ident: str, reason: str, actor: str) -> Experiment:
        with self._lock:
            one = self._of(ident, S.REGISTERED)
            if self.over(one):  # its days can be seen: who stops now hides what they say
                raise ExperimentError("over", "Its last day is over: measure it and publish.")
            reason = _fit_words(reason, COMMENT_CHARS_MAX)
            if not reason:
                raise ExperimentError("reason", "Write why it is stopped: everybody may read it.")
            self._write(ident, S.STOPPED, {"reason": reason}, actor)
        return self._of(ident)

    def measure(self, ident: str, actor: str) -> Experiment:
        """Compute and publish, once, when the last day is over."""
        with self._lock:
            one = self._of(ident, S.REGISTERED)
            if not self.over(one):
                raise ExperimentError("early", "It can be measured once its last day is over.")
            treated, control = self.days(one.plan)
            text = paper.result_text(one.plan, treated, control)
            self._write(ident, S.MEASURED, {"result": text}, actor, paper.digest(text))
        return self._of(ident)

    def over(self, one: Experiment) -> bool:
        """Its last day has passed."""
        return self._today(one.plan.timezone) > date.fromisoformat(one.plan.end)

    def days(self, plan: Plan) -> tuple[Daily, Daily | None]:
        """What is stored of both groups, from the first day before to the last of the pilot."""
        first = date.fromisoformat(plan.start) - timedelta(days=plan.before_days)
        last = min(date.fromisoformat(plan.end), self._today(plan.timezone) - timedelta(days=1))

        def of(assets: Sequence[str]) -> Daily:
            return daily(self._store.readings, plan, assets, first, last)

        return of(plan.assets), of(plan.control) if plan.control else None

    def published(self, ident: str) -> bytes:
        return paper.written(self._of(ident), self.origin)

    def _today(self, zone: str) -> date:
        return datetime.fromtimestamp(self._clock.now_ms() / 1000, ZoneInfo(zone)).date()

    def _of(self, ident: str, stage: S | None = None) -> Experiment:
        one = self.one(ident)
        if one is None or (stage is not None and one.stage is not stage):
            raise ExperimentError("stage", "This is not possible at this stage of the experiment.")
        return one

    def _write(
        self, ident: str, stage: S, facts: dict[str, Fact], actor: str, subject: bytes = NOTHING
    ) -> None:
        try:
            self._registers.write(
                BOOK, ident, stage.value, facts, actor, subject=subject,
                entry_kind=f"experiment.{stage.value}",
            )  # fmt: skip
        except RegisterError as error:
            raise ExperimentError(error.code, str(error)) from error

    def _fit(self, plan: Plan) -> None:
        """ExperimentError unless it can be promised today."""
        if len(_fit_words(plan.title, TITLE_CHARS_MAX)) < 3 or not plan.why.strip():
            raise ExperimentError("words", "Write a short title, and why it is tried.")
        _fit_words(plan.why, COMMENT_CHARS_MAX)
        if plan.idea and not self._published(plan.idea):
            raise ExperimentError("idea", "Publish this idea first, or leave the field empty.")
        if not 0 < abs(plan.target_pct) <= PCT_MAX:
            raise ExperimentError("target", "Say by how many per cent it should change.")
        self._fit_days(plan)
        self._fit_assets(plan)

    def _fit_days(self, plan: Plan) -> None:
        start, end = date.fromisoformat(plan.start), date.fromisoformat(plan.end)
        long = range(EXPERIMENT_DAYS_MIN, EXPERIMENT_DAYS_MAX + 1)
        if (end - start).days + 1 not in long or plan.before_days not in long:
            raise ExperimentError(
                "days", "Both before and during it needs between 14 and 366 days."
            )
        if start <= self._today(plan.timezone):
            raise ExperimentError("begun", "It must be registered before its first day.")

    def _fit_assets(self, plan: Plan) -> None:
        both = [*plan.assets, *plan.control]
        if not plan.assets or len(both) > EXPERIMENT_ASSETS_MAX or len(set(both)) < len(both):
            raise ExperimentError(
                "assets", "Name the assets of the pilot, each once, and none of them as control."
            )
        for name in both:
            known = self._store.assets.asset(name) if is_id(name) else None
            if known is None or (known.domain, known.kind) != (plan.domain, plan.kind):
                raise ExperimentError("assets", "An asset is not known here, or of another kind.")


def _fit_words(text: str, chars_max: int) -> str:
    try:
        return fit_text(text.strip(), chars_max)
    except RegisterError as error:
        raise ExperimentError(error.code, str(error)) from error


def _told(records: Sequence[Record]) -> Experiment | None:
    """From its lines, oldest first; None when there are none, or their words were erased."""
    plan_text = next((str(r.facts["plan"]) for r in records if "plan" in r.facts), "")
    if not plan_text:
        return None
    by_stage = {record.what: record for record in records}
    last = records[-1]
    registered = by_stage.get(S.REGISTERED)
    ended = last if last.what in (S.STOPPED, S.MEASURED, S.DROPPED) else None
    return Experiment(
        id=last.key,
        plan=paper.read_plan(plan_text),
        plan_text=plan_text,
        stage=STAGES[last.what],
        drafted_ms=records[0].at_ms,
        registered_ms=registered.at_ms if registered else 0,
        registered=registered.entry if registered else -1,
        ended_ms=ended.at_ms if ended else 0,
        ended=ended.entry if ended else -1,
        reason=str(last.facts.get("reason", "")),
        result_text=str(last.facts.get("result", "")),
    )

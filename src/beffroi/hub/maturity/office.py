"""Answers and sheets as dated lines of registers, and the assessment over them.

Lines are never changed: the newest of a question or an initiative counts. Judges nothing itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, date, datetime

from beffroi import law
from beffroi.hub.indicators.scoreboard import Scoreboard
from beffroi.hub.maturity import platform
from beffroi.hub.maturity.advice import Advice, advice
from beffroi.hub.maturity.method import STAGES, Answer, Document, Initiative, Result, assess
from beffroi.hub.maturity.platform import Shown
from beffroi.model.limits import COMMENT_CHARS_MAX, INITIATIVES_MAX, NAME_CHARS_MAX
from beffroi.model.measure import DAY_MS
from beffroi.ports.registers import Record

ANSWERS, SHEETS = "maturity_answer", "initiative"
DRILL_DAYS = 366


class MaturityError(ValueError):
    """What was given cannot be kept; the text says what to do."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


class Assessments:
    """Of one commune, over its indicators and registers."""

    def __init__(self, board: Scoreboard) -> None:
        self._board, self._store = board, board.books.registers

    def answer(
        self, question: str, yes: bool, document: str, day: str, text: str, actor: str
    ) -> Record:
        """A new line. MaturityError."""
        if question not in {one.id for one in law.maturity().questions}:
            raise MaturityError("question", "There is no such question.")
        facts: dict[str, str | int] = {"yes": int(yes), "text": _fit(text)}
        facts |= {"document": _fit(document), "day": _day(day)}
        return self._board.entries.write(ANSWERS, question, "declared", facts, actor)

    def describe(self, given: Mapping[str, str], axes: list[str], actor: str) -> Record:
        """A new sheet, or a newer state of one (`id`). MaturityError."""
        known = {axis.id for axis in law.maturity().axes}
        name = _fit(given.get("name", ""))
        if not name:
            raise MaturityError("name", "Give the initiative a name.")
        if not axes or not set(axes) <= known:
            raise MaturityError("axes", "Choose at least one of the six axes.")
        if given.get("stage", "") not in STAGES:
            raise MaturityError("stage", "Choose where the initiative stands.")
        sheets = self.initiatives()
        ident = given.get("id", "")
        if ident and ident not in {one.id for one in sheets}:
            raise MaturityError("initiative", "There is no such initiative.")
        if not ident and len(sheets) >= INITIATIVES_MAX:
            raise MaturityError("too_many", "There are too many initiatives.")
        fields = (*_FIELDS, "document")
        facts: dict[str, str | int] = {name: _fit(given.get(name, "")) for name in fields}
        facts |= {"axes": ",".join(axes), "stage": given["stage"], "rule": _rule(given)}
        facts |= {"day": _day(given.get("day", "")), "started": _day(given.get("started", ""))}
        facts["covered_pct"] = _percent(given.get("covered_pct", ""))
        ident = ident or f"i{len(sheets) + 1}"
        return self._board.entries.write(SHEETS, ident, "declared", facts, actor)

    def answers(self) -> dict[str, Answer]:
        """The newest of each question."""
        found = {}
        for record in self._store.records(ANSWERS):
            if not record.erased:
                facts = record.facts
                document = Document(str(facts["document"]), _ms(str(facts["day"])))
                text = str(facts.get("text", ""))
                found[record.key] = Answer(record.key, bool(facts["yes"]), document, text)
        return found

    def initiatives(self) -> list[Initiative]:
        """The newest state of each sheet, in the order in which they were first described."""
        found = {}
        for record in self._store.records(SHEETS):
            if not record.erased:
                found[record.key] = _sheet(record)
        return list(found.values())

    def shown(self) -> Shown:
        """What the platform itself can show now."""
        board, now = self._board, self._board.clock.now_ms()
        council, drill = False, False
        for record in self._store.records():
            facts = record.facts
            council = council or (record.book == "public" and bool(facts))
            passed = facts.get("type") == "alert" and facts.get("result") == "good"
            if record.book == "test" and passed:
                drill = drill or 0 <= now - _ms(str(facts["day"])) <= DRILL_DAYS * DAY_MS
        return Shown(
            board.sheet(30).figures,
            board.sheet(90).figures,
            board.sheet(365).figures,
            [figures for _, figures in board.months()],
            council,
            drill,
        )

    def result(
        self, answers: Mapping[str, Answer] | None = None
    ) -> tuple[Result, list[Advice], dict[str, int]]:
        """(result, what to do next, what the platform proves by rule). `answers` if they are at
        hand."""
        method, shown = law.maturity(), self.shown()
        answers = self.answers() if answers is None else answers
        now = self._board.clock.now_ms()
        degraded = answers.get("A7")
        held = (
            degraded is not None
            and degraded.yes
            and degraded.document.fresh(now, method.fresh_days)
        )
        proven = platform.proofs(shown)
        result = assess(
            answers,
            self.initiatives(),
            proven,
            platform.vigilance(shown.month, held),
            [axis.id for axis in method.axes],
            now,
            method.fresh_days,
        )
        return result, advice(result, answers), proven


_FIELDS = ("name", "problem", "means", "partners", "objective", "budget", "lead", "operator",
           "measured")  # fmt: skip


def _sheet(record: Record) -> Initiative:
    facts = {name: str(value) for name, value in record.facts.items()}
    return Initiative(
        id=record.key,
        axes=tuple(facts["axes"].split(",")),
        stage=facts["stage"],
        started_ms=_ms(facts["started"]),
        covered=int(facts["covered_pct"]) / 100,
        rule=facts["rule"],
        document=Document(facts["document"], _ms(facts["day"])),
        **{name: facts[name] for name in _FIELDS},
    )


def as_json(result: Result) -> dict[str, object]:
    """For programs."""
    whole: dict[str, object] = json.loads(json.dumps(asdict(result)))
    return whole


def _rule(given: Mapping[str, str]) -> str:
    rule = given.get("rule", "")
    if rule and rule not in platform.RULES:
        raise MaturityError("rule", "The platform has no such proof.")
    return rule


def _percent(text: str) -> int:
    text = text.strip() or "0"
    if not (text.isascii() and text.isdigit()) or len(text) > 4 or int(text) > 100:
        raise MaturityError("percent", "Write a whole number from 0 to 100.")
    return int(text)


def _fit(text: str) -> str:
    text = text.replace("\r\n", "\n").strip()
    if len(text) > COMMENT_CHARS_MAX:
        raise MaturityError("long", "This text is too long.")
    return text


def _day(text: str) -> str:
    text = text.strip()[:NAME_CHARS_MAX]
    try:
        return date.fromisoformat(text).isoformat() if text else ""
    except ValueError:
        raise MaturityError("day", "Choose a day.") from None


def _ms(day: str) -> int:
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp() * 1000) if day else 0

"""What may be done with a report and what becomes of it. Pure: one table, facts and `now` in, a
change or a refusal out. Knows no person, no text as received and no store.

A danger is not closed before somebody noted when it was made safe, or said with a reason that it is
none: the time between is the proof of normal maintenance, and must not be lost by a click.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from beffroi.model.limits import (
    REPORT_ANSWER_CHARS_MAX,
    REPORT_PLACE_CHARS_MAX,
    REPORT_TEXT_CHARS_MAX,
)
from beffroi.model.report import Report, ReportChange, ReportEvent, ReportState

S = ReportState
_ALIVE = frozenset({S.RECEIVED, S.ACCEPTED, S.IN_PROGRESS, S.ANSWERED})
_READ = frozenset({S.ACCEPTED, S.IN_PROGRESS, S.ANSWERED})
_ANY = frozenset(S)
_OVER = frozenset({S.CLOSED, S.REJECTED, S.DUPLICATE})

# action -> from which states, to which (None: it stays)
TABLE: Mapping[str, tuple[frozenset[S], S | None]] = MappingProxyType({
    "accept": (frozenset({S.RECEIVED}), S.ACCEPTED),
    "start": (frozenset({S.RECEIVED, S.ACCEPTED, S.ANSWERED}), S.IN_PROGRESS),
    "answer": (_READ | {S.RECEIVED, S.CLOSED}, S.ANSWERED),
    "close": (_READ, S.CLOSED),
    "reject": (_ALIVE, S.REJECTED),
    "merge": (_ALIVE, S.DUPLICATE),
    "reopen": (_OVER, S.ACCEPTED),
    "attach": (_ALIVE | _OVER, None),
    "locate": (_ALIVE, None),
    "publish": (_READ | {S.RECEIVED, S.CLOSED, S.DUPLICATE}, None),
    "hide": (_ANY, None),
    "danger": (_ALIVE, None),
    "no_danger": (_ALIVE | {S.WITHDRAWN}, None),
    "safe": (_ALIVE | {S.CLOSED, S.WITHDRAWN}, None),
    "comment": (_ANY, None),
    "support": (_ALIVE, None),
    "add": (_ALIVE, None),  # by its author
    "withdraw": (_ALIVE | {S.CLOSED}, S.WITHDRAWN),  # by its author
    "erase": (_ANY, None),
})  # fmt: skip
NEED_TEXT = frozenset({"answer", "reject", "comment", "publish", "no_danger"})


@dataclass(frozen=True, slots=True)
class Refused:
    """`code` for programs, `text` is an English message id."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class ReportAct:
    """What somebody wants to do. `at_ms` of "safe" is when it was made safe; `deadline_ms` of
    "danger" until when it must be; `target` an asset or the report that goes on."""

    action: str
    actor: str
    now_ms: int
    text: str = ""
    target: str = ""
    place: str = ""
    at_ms: int = 0
    deadline_ms: int = 0
    photo: bool = False
    lon: float | None = None
    lat: float | None = None
    data: Mapping[str, str] = field(default_factory=dict)


def actions(report: Report) -> list[str]:
    """What the table allows in this state (conditions may still refuse it)."""
    return [name for name, (states, _) in TABLE.items() if report.state in states]


def decide(report: Report, act: ReportAct) -> ReportChange | Refused:
    """The report's new value with its event, or why not."""
    if act.action not in TABLE:
        return Refused("unknown_action", "This cannot be done with a report.")
    states, to = TABLE[act.action]
    if report.state not in states:
        return Refused("state", "This cannot be done with a report in this state.")
    refused = _texts(act) or _CHECKS.get(act.action, _fine)(report, act)
    if refused is not None:
        return refused
    after = replace(
        report,
        state=_where(report, act.action, to),
        changed_ms=act.now_ms,
        version=report.version + 1,
        **_EFFECTS.get(act.action, _nothing)(report, act),
    )
    return ReportChange(after, _event(after, act))


def _where(report: Report, action: str, to: ReportState | None) -> ReportState:
    """An answer to a closed report does not open it again."""
    if to is None or (action == "answer" and report.state is S.CLOSED):
        return report.state
    return to


def absorbed(master: Report, double: Report, act: ReportAct) -> ReportChange:
    """What the report that goes on takes over from its duplicate."""
    worse = double.danger and not double.safe_ms and not (master.danger and master.safe_ms)
    sooner = not master.danger or (double.deadline_ms or 0) < master.deadline_ms
    gained: dict[str, Any] = {"supports": master.supports + 1 + double.supports}
    if worse and sooner:
        gained |= {"danger": True, "danger_why": "merged", "deadline_ms": double.deadline_ms}
    after = replace(master, changed_ms=act.now_ms, version=master.version + 1, **gained)
    data = {"report": double.id}
    event = ReportEvent(after.id, after.version, act.now_ms, act.actor, "absorbed", data=data)
    return ReportChange(after, event)


def _texts(act: ReportAct) -> Refused | None:
    if act.action in NEED_TEXT and not act.text.strip():
        return Refused("text_missing", "Write a few words: they are told or kept as the reason.")
    most = REPORT_TEXT_CHARS_MAX if act.action in ("publish", "add") else REPORT_ANSWER_CHARS_MAX
    if len(act.text) > most or len(act.place) > REPORT_PLACE_CHARS_MAX:
        return Refused("text_long", "The text is too long.")
    return None


def _fine(report: Report, act: ReportAct) -> Refused | None:
    del report, act
    return None


def _may_close(report: Report, act: ReportAct) -> Refused | None:
    del act
    if report.unsafe:
        text = "Note first when the danger was made safe, or say with a reason that it is none."
        return Refused("unsafe", text)
    return None


def _may_merge(report: Report, act: ReportAct) -> Refused | None:
    if not act.target or act.target == report.id:
        return Refused("merge_target", "Name another report, which goes on for both.")
    return None


def _may_be_safe(report: Report, act: ReportAct) -> Refused | None:
    if not report.danger:
        return Refused("no_danger", "This report tells of no danger.")
    if not report.received_ms <= act.at_ms <= act.now_ms:
        text = "The time must lie between the report's reception and now."
        return Refused("safe_time", text)
    return None


def _may_be_danger(report: Report, act: ReportAct) -> Refused | None:
    if not report.received_ms < act.deadline_ms:
        return Refused("deadline", "Until when must it be safe? Choose a time after its reception.")
    return None


def _may_locate(report: Report, act: ReportAct) -> Refused | None:
    del report
    good = act.lon is not None and act.lat is not None
    if not good or not (-180 <= (act.lon or 0) <= 180 and -90 <= (act.lat or 0) <= 90):
        return Refused("place", "Latitude and longitude are numbers in degrees.")
    return None


Check = Callable[[Report, ReportAct], Refused | None]
_CHECKS: Mapping[str, Check] = {
    "close": _may_close,
    "merge": _may_merge,
    "safe": _may_be_safe,
    "danger": _may_be_danger,
    "locate": _may_locate,
}


def _nothing(report: Report, act: ReportAct) -> Mapping[str, Any]:
    del report, act
    return {}


def _answered(report: Report, act: ReportAct) -> Mapping[str, Any]:
    return {"first_answer_ms": report.first_answer_ms or act.now_ms}


def _ended(report: Report, act: ReportAct) -> Mapping[str, Any]:
    return {"ended_ms": act.now_ms, **(_answered(report, act) if act.text.strip() else {})}


_FORGOTTEN: Mapping[str, Any] = MappingProxyType({
    "subject": "", "text": "", "place": "", "photo": False, "sent_photo": False, "mail": False,
})  # fmt: skip
_EFFECTS: Mapping[str, Callable[[Report, ReportAct], Mapping[str, Any]]] = {
    "answer": _answered,
    "close": _ended,
    "reject": _ended,
    "merge": lambda _, a: {"ended_ms": a.now_ms, "duplicate_of": a.target},
    "withdraw": lambda _, a: {"ended_ms": a.now_ms, **_FORGOTTEN},
    "reopen": lambda *_: {"ended_ms": 0, "duplicate_of": ""},
    "attach": lambda _, a: {"asset": a.target},
    "locate": lambda _, a: {"lon": a.lon, "lat": a.lat},
    "publish": lambda _, a: {"text": a.text.strip(), "place": a.place.strip(), "photo": a.photo},
    "hide": lambda *_: {"text": "", "place": "", "photo": False},
    "danger": lambda _, a: {
        "danger": True, "danger_why": a.data.get("why", "agent"),
        "deadline_ms": a.deadline_ms, "safe_ms": 0,
    },
    "no_danger": lambda *_: {"danger": False, "danger_why": "agent", "deadline_ms": 0},
    "safe": lambda _, a: {"safe_ms": a.at_ms},
    "support": lambda r, _: {"supports": r.supports + 1},
    "erase": lambda *_: _FORGOTTEN,
}  # fmt: skip
TOLD = frozenset({"accept", "start", "answer", "close", "reject", "merge", "safe", "reopen"})
SECRET_TEXT = frozenset({"publish", "add"})  # its words live elsewhere, where they can be erased


def _event(after: Report, act: ReportAct) -> ReportEvent:
    text = "" if act.action in SECRET_TEXT else act.text.strip()
    data = dict(act.data)
    if act.target:
        data["target"] = act.target
    if act.action == "safe":
        data["safe_ms"] = str(act.at_ms)
    if act.action == "danger":
        data["deadline_ms"] = str(act.deadline_ms)
    told = act.action in TOLD
    return ReportEvent(after.id, after.version, act.now_ms, act.actor, act.action, text, told, data)

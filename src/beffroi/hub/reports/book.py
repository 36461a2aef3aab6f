"""What of a report goes into the evidence log: that it came, was answered, was made safe, and when.

Ids of things and whole numbers only: no word of it, no author. Pure.
"""

from __future__ import annotations

from beffroi.evidence.entry import Draft
from beffroi.model.report import Report, ReportChange

KINDS = {
    "received": "report.received",
    "danger": "report.danger",
    "no_danger": "report.harmless",
    "safe": "report.safe",
    "answer": "report.answered",
    "close": "report.closed",
    "reject": "report.rejected",
    "merge": "report.merged",
    "attach": "report.attached",
    "withdraw": "report.withdrawn",
    "erase": "report.erased",
}


def drafts(change: ReportChange) -> list[Draft]:
    """At most one entry for a change; what is not worth proving later has none."""
    kind = KINDS.get(change.event.kind)
    if kind is None:
        return []
    return [Draft(kind, change.event.at_ms, refs=_refs(change.report))]


def _refs(report: Report) -> dict[str, int | str]:
    refs: dict[str, int | str] = {"case": report.id, "version": report.version}
    if report.asset:
        refs["asset"] = report.asset
    if report.danger:
        refs["last"] = report.deadline_ms  # until when it must be safe
    if report.safe_ms:
        refs["first"] = report.safe_ms  # when it was
    return refs

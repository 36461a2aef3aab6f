"""Keeps the alarm desk in step with reports: asks every domain what follows from those that are
open, and tells the desk what began and what ended. Knows no rule."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence

from beffroi.domains.base import Domain
from beffroi.model.finding import Finding
from beffroi.model.limits import REPORTS_OPEN_MAX
from beffroi.model.report import OPEN, Report
from beffroi.ports.reports import ReportStore, Wanted

Alarms = Callable[[Sequence[Finding]], None]


class Standing:
    """Call `turn` after every change and once a minute: deadlines pass without anybody's doing."""

    def __init__(self, store: ReportStore, domains: Mapping[str, Domain], alarms: Alarms) -> None:
        self._store, self._domains, self._alarms = store, domains, alarms
        self._lock = threading.Lock()
        self._active: dict[tuple[str, str], Finding] = {}
        self._fresh = True

    def turn(self, now_ms: int, changed: Sequence[Report] = ()) -> None:
        with self._lock:
            reports = self._concerned(changed)
            holds: dict[tuple[str, str], Finding] = {}
            gone: dict[tuple[str, str], Finding] = {}
            for domain in self._domains.values():
                for finding in domain.reported(reports, now_ms):
                    (holds if finding.active else gone)[finding.rule, finding.asset] = finding
            for key, old in self._active.items():
                gone.setdefault(key, Finding(old.rule, old.asset, False, now_ms))
            ended = [one for key, one in gone.items() if key not in holds]
            began = [one for key, one in holds.items() if key not in self._active]
            if began or ended:
                self._alarms([*began, *ended])
            self._active, self._fresh = holds, False

    def _concerned(self, changed: Sequence[Report]) -> list[Report]:
        """All that is open or unsafe; at the first turn also what is over, whose alarm may have
        been left standing by a crash."""
        most = REPORTS_OPEN_MAX
        some = [*self._store.reports(Wanted(states=sorted(OPEN), limit=most))]
        some += self._store.reports(Wanted(unsafe=True, limit=most))
        if self._fresh:
            some += self._store.reports(Wanted(limit=most))
        found = {one.id: one for one in some}
        return list(({one.id: one for one in changed} | found).values())

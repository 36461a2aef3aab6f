"""What the commune decided about each dataset, and the published ones ready to be read.

Closed by default. Decisions are settings, each with who and when; the evidence log hears of them
where there is one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from beffroi.evidence.entry import Draft
from beffroi.hub.open_data.catalogue import DEFAULT_LICENCE, LICENCES, Licence, Published
from beffroi.hub.open_data.dataset import Dataset, Source, Span
from beffroi.hub.open_data.derive import datasets
from beffroi.hub.open_data.forms import FORMS, bounded, check
from beffroi.hub.open_data.shelf import File, Shelf
from beffroi.hub.services import Services
from beffroi.model.limits import OPEN_DAYS, OPEN_DAYS_MAX, SEAL_AFTER_H
from beffroi.model.measure import DAY_MS, HOUR_MS
from beffroi.ports.store import PeopleStore

DECISION, LICENCE, CONTACT = "open_data:", "open_data_licence", "open_data_contact"


class PeriodError(ValueError):
    """The period that was asked for is not one; the text says what is."""


class UnknownError(KeyError):
    """No such dataset, or it is not published: the public cannot tell which."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a dataset is published, by whom and when it was said so (0: nobody did)."""

    open: bool = False
    by: str = ""
    at_ms: int = 0


class OpenData:
    """One for the application; files that were made are kept on its shelf."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._shelf = Shelf()
        self.all: Mapping[str, Dataset] = datasets(services.domains)

    def decision(self, dataset_id: str) -> Decision:
        return decided(self._services.store.people, dataset_id)

    def decide(self, dataset_id: str, opened: bool, by: str) -> None:
        """UnknownError when there is no such dataset: a closed kind cannot be opened at all. What
        the evidence log does not take (LogError) is not decided either."""
        if dataset_id not in self.all:
            raise UnknownError(dataset_id)
        people, now = self._services.store.people, self._services.clock.now_ms()
        log = self._services.journal
        if log is not None:
            refs = {"source": dataset_id, "outcome": "open" if opened else "closed"}
            log.append([Draft("opendata.decided", now, refs=refs)])
        value = json.dumps({"open": opened, "by": by, "at_ms": now})
        people.put_setting(DECISION + dataset_id, value)
        people.log_access(now, by, "open_data_open" if opened else "open_data_close", dataset_id)

    def licence(self) -> Licence:
        chosen = self._services.store.people.setting(LICENCE) or DEFAULT_LICENCE
        return LICENCES.get(chosen, LICENCES[DEFAULT_LICENCE])

    def contact(self) -> str:
        return self._services.store.people.setting(CONTACT) or ""

    def configure(self, licence: str, contact: str) -> None:
        if licence in LICENCES:
            self._services.store.people.put_setting(LICENCE, licence)
        self._services.store.people.put_setting(CONTACT, contact)

    def published(self) -> list[Published]:
        found = []
        for one in self.all.values():
            decision = self.decision(one.id)
            if decision.open:
                found.append(Published(one, decision.at_ms, self.newest(one)))
        return found

    def dataset(self, dataset_id: str) -> Dataset:
        """UnknownError unless it is published."""
        found = self.all.get(dataset_id)
        if found is None or not self.decision(dataset_id).open:
            raise UnknownError(dataset_id)
        return found

    def newest(self, dataset: Dataset) -> int:
        """UTC ms of its newest row; 0 when there is none, or its rows have no time."""
        if dataset.newest is None:
            return 0
        return dataset.newest(self.source, self.span(dataset))

    @property
    def source(self) -> Source:
        commune = self._services.store.assets.commune()
        reports = self._services.reports
        zone = commune.timezone if commune else "Europe/Paris"
        return Source(self._services.store, reports.store if reports else None, zone)

    def end_ms(self) -> int:
        """Days after this may still change with late readings, so they are not published."""
        return end_of(self._services.clock.now_ms())

    def span(self, dataset: Dataset, first: int | None = None, last: int | None = None) -> Span:
        """The days from `first` to `last` inclusive (days since 1970, UTC). PeriodError when they
        are no period, or too many. Rows that have no time are of now."""
        end = self.end_ms()
        if not dataset.timed:
            return Span(0, end)
        days = OPEN_DAYS_MAX if dataset.period_s > DAY_MS // 1000 else OPEN_DAYS
        stop = end if last is None else min(end, (last + 1) * DAY_MS)
        start = stop - days * DAY_MS if first is None else first * DAY_MS
        if not 0 <= start < stop:
            raise PeriodError("this period has no published day: they end two days ago")
        if stop - start > OPEN_DAYS_MAX * DAY_MS:
            raise PeriodError(f"at most {OPEN_DAYS_MAX} days at once: ask for a shorter period")
        return Span(start, stop)

    def file(self, dataset: Dataset, form: str, span: Span) -> tuple[File, BinaryIO]:
        """The bytes, made or taken from the shelf. FormError, TooMuchError, BusyError."""
        check(form, dataset)
        source = self.source
        key = f"{dataset.id}.{form}:{span.start_ms}:{span.end_ms}:{self.decision(dataset.id).at_ms}"

        def make(out: BinaryIO) -> list[int]:
            return FORMS[form].write(dataset, bounded(dataset.rows(source, span)), out)

        return self._shelf.take(key, self._services.clock.now_ms(), make)

    def close(self) -> None:
        self._shelf.close()


def decided(people: PeopleStore, dataset_id: str) -> Decision:
    kept = people.setting(DECISION + dataset_id)
    return Decision(**json.loads(kept)) if kept else Decision()


def end_of(now_ms: int) -> int:
    end = now_ms - SEAL_AFTER_H * HOUR_MS
    return end - end % DAY_MS


def freshness(source: Source, known: Collection[Dataset], now_ms: int) -> tuple[int, int]:
    """(datasets that are published, those of them that are as fresh as announced)."""
    end, opened, fresh = end_of(now_ms), 0, 0
    for one in known:
        if decided(source.store.people, one.id).open:
            days = OPEN_DAYS_MAX if one.period_s > DAY_MS // 1000 else OPEN_DAYS
            span = Span(end - days * DAY_MS if one.timed else 0, end)
            opened += 1
            fresh += not late(one, one.newest(source, span) if one.newest else 0, end)
    return opened, fresh


def late(dataset: Dataset, newest_ms: int, end_ms: int) -> bool:
    """Whether the newest row is older than what we announce: what is published ends at `end_ms`,
    a period and a day later nothing new is late."""
    if dataset.newest is None:
        return False
    return newest_ms < end_ms - dataset.period_s * 1000 - DAY_MS


def digest(*parts: Any) -> str:
    """A tag of what a page was made from."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]

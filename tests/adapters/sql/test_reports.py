"""The contract of the store of reports, on both engines."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import text

from beffroi.adapters.sql import SqlStore
from beffroi.model.report import Report, ReportChange, ReportEvent, ReportState
from beffroi.ports.reports import Box, Wanted
from beffroi.ports.store import StaleVersionError, StoreError


def made(report_id: str, at_ms: int = 1_000, **kw: object) -> ReportChange:
    state = kw.pop("state", ReportState.RECEIVED)
    report = Report(report_id, "lamp", state, at_ms, at_ms, **kw)  # type: ignore[arg-type]
    return ReportChange(report, ReportEvent(report_id, 1, at_ms, "author", "received"))


def moved(report: Report, kind: str, words: str = "", **kw: object) -> ReportChange:
    after = replace(report, version=report.version + 1, **kw)  # type: ignore[arg-type]
    return ReportChange(after, ReportEvent(report.id, after.version, 2_000, "u", kind, words, True))


def test_a_report_comes_back_as_it_was(store: SqlStore) -> None:
    change = made("R1", lon=2.5, lat=50.1, subject="s-é", danger=True, deadline_ms=9)
    store.reports.add(change, "h1")
    assert store.reports.report("R1") == change.report
    assert store.reports.by_link("h1") == change.report
    assert store.reports.by_link("R1") is None
    assert store.reports.events("R1") == [change.event]
    assert store.reports.report("R2") is None
    assert store.check() == []


def test_one_id_and_one_link_each(store: SqlStore) -> None:
    store.reports.add(made("R1"), "h1")
    with pytest.raises(StoreError, match="exists already"):
        store.reports.add(made("R1"), "h2")
    with pytest.raises(StoreError):
        store.reports.add(made("R2"), "h1")
    assert store.reports.report("R2") is None


def test_the_slower_of_two_is_refused_and_nothing_of_it_kept(store: SqlStore) -> None:
    first, other = made("R1"), made("R2")
    store.reports.add(first, "h1")
    store.reports.add(other, "h2")
    quick = moved(first.report, "accept", state=ReportState.ACCEPTED)
    store.reports.apply([quick])
    late = moved(first.report, "close", state=ReportState.CLOSED)
    with pytest.raises(StaleVersionError):
        store.reports.apply([moved(other.report, "accept"), late])
    assert store.reports.report("R1") == quick.report
    assert store.reports.report("R2") == other.report
    assert [event.kind for event in store.reports.events("R1")] == ["received", "accept"]


def test_reports_are_found_by_what_is_asked(store: SqlStore) -> None:
    some = [
        made("A", 1_000, lon=2.0, lat=50.0),
        made("B", 2_000, lon=2.1, lat=50.0, asset="lamp-1", danger=True),
        made("C", 2_000),
        made("D", 3_000, lon=2.0, lat=50.0, text="Trou", state=ReportState.ACCEPTED),
    ]
    for n, one in enumerate(some):
        store.reports.add(one, f"h{n}")

    def ids(**kw: object) -> str:
        return "".join(r.id for r in store.reports.reports(Wanted(**kw)))  # type: ignore[arg-type]

    assert ids() == "DCBA"
    assert ids(before="C") == "BA"
    assert ids(before="D", limit=1) == "C"
    assert ids(states=[ReportState.ACCEPTED]) == "D"
    assert ids(asset="lamp-1") == "B"
    assert ids(unsafe=True) == "B"
    assert ids(public=True) == "D"
    assert ids(public=False) == "CBA"
    assert ids(since_ms=2_000, until_ms=3_000) == "CB"
    assert ids(box=Box(1.9, 49.9, 2.05, 50.1)) == "DA"
    assert ids(box=Box(-180, -90, 180, 90)) == "DBA", "what has no place is in no box"
    assert store.reports.counts() == {ReportState.RECEIVED: 3, ReportState.ACCEPTED: 1}


def test_an_unlinked_report_stays_and_its_link_does_not(store: SqlStore) -> None:
    store.reports.add(made("R1"), "h1")
    store.reports.unlink("R1")
    assert store.reports.by_link("h1") is None
    assert store.reports.report("R1") is not None


def test_erased_words_are_in_no_row(store: SqlStore) -> None:
    change = made("R1")
    store.reports.add(change, "h1")
    store.reports.apply([moved(change.report, "answer", "Bonjour Madame Durand")])
    store.reports.put_photo("R1", b"\xff\xd8jpeg")
    assert store.reports.photo("R1") == b"\xff\xd8jpeg"
    assert store.reports.blank("R1") == 2
    assert store.reports.photo("R1") is None
    assert [event.text for event in store.reports.events("R1")] == ["", ""]
    with store.database.engine.connect() as conn:
        rows = conn.execute(text("SELECT doc FROM report_event")).all()
    assert not any("Durand" in doc for (doc,) in rows)
    assert store.check() == []


def test_a_damaged_photo_is_not_served(store: SqlStore) -> None:
    store.reports.put_photo("R1", b"one")
    store.reports.put_photo("R1", b"two")
    assert store.reports.photo("R1") == b"two"
    with store.database.write() as conn:
        conn.execute(text("UPDATE report_photo SET chk = chk + 1"))
    with pytest.raises(StoreError):
        store.reports.photo("R1")
    store.reports.drop_photo("R1")
    assert store.reports.photo("R1") is None

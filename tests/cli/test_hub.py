"""A hub whose ingest has failed ends, so that the supervisor starts it again."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import structlog

from beffroi.adapters.nats.config import free_port
from beffroi.cli.diligence import rules_of
from beffroi.cli.hub import hub_process, running
from beffroi.cli.settings import Settings, Web
from beffroi.cli.steady import steady
from beffroi.domains.registry import domains
from beffroi.evidence.entry import read_entry
from beffroi.hub.dispatch import rules as dispatch_rules
from beffroi.hub.house import rules as house_rules
from beffroi.hub.ingest.loop import IngestLoop
from beffroi.hub.privacy import rules as privacy_rules
from beffroi.hub.reports.sent import Sent
from beffroi.lab.stack import Stack
from beffroi.model.asset import Commune


async def test_without_ingest_the_hub_ends_with_its_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_self: IngestLoop) -> None:
        await asyncio.sleep(0.1)
        raise RuntimeError("the ingest broke")

    monkeypatch.setattr(IngestLoop, "run", broken)
    settings = Settings(tmp_path, web=Web(port=free_port("127.0.0.1")))
    async with Stack(tmp_path):
        with pytest.raises(RuntimeError, match="the ingest broke"):
            await asyncio.wait_for(hub_process(settings), 20)


async def test_without_a_dispatcher_reports_and_figures_are_in_the_log_all_the_same(
    tmp_path: Path,
) -> None:
    settings = Settings(tmp_path, web=Web(port=free_port("127.0.0.1")))
    async with Stack(tmp_path) as stack:
        stack.store.assets.put_commune(Commune("essai", "Essai", 800, 2.5, 50.1))
        async with running(settings) as app:
            services = app.state.services
            assert services.dispatch is None
            journal = services.office.stores.journal
            before = journal.checkpoint().size
            topic = next(name for name, one in services.reports.topics.items() if not one.kinds)
            sent = Sent(topic, "Trou", "Place", 2.5, 50.1)
            received = await asyncio.to_thread(services.reports.receive, sent)
            entries = services.results.entries
            name, year = next(iter(entries.known)), 2026
            figure = await asyncio.to_thread(entries.enter, name, "1", year, "Facture", "u1")
            log = range(before, journal.checkpoint().size)
            said = [read_entry(journal.entry(index)) for index in log]
            assert services.results.books.log is journal
    assert [one.kind for one in said] == ["report.received", "register.figure"]
    assert [one.refs["case"] for one in said] == [received.report.id, figure.id]


async def test_a_part_that_fails_is_told_and_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retention, privacy, alerts: each ended for good at the first error nobody had thought of."""
    monkeypatch.setattr("beffroi.cli.steady.PART_AGAIN_S", 0.0)
    tries: list[int] = []

    async def run() -> None:
        tries.append(1)
        if len(tries) < 3:
            raise RuntimeError("not foreseen")

    with structlog.testing.capture_logs() as told:
        await asyncio.wait_for(steady("retention", run), 5)
    assert len(tries) == 3
    assert [(one["event"], one["part"]) for one in told] == [("part_failed", "retention")] * 2


def test_every_rule_that_the_hub_raises_has_its_words_in_the_diligence_file() -> None:
    """Alarms of personal data and of the hub itself were “unknown rules” in a paper made apart."""
    known = rules_of(domains())
    for rules in (privacy_rules.RULES, house_rules.RULES, dispatch_rules.RULES):
        assert rules.keys() <= known.keys()

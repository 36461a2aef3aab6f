"""Purge, proof of purge, the anchored access log; on a real evidence log."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.hub.privacy.kit import DAY, NOW, Kit

from beffroi.adapters.log.log import Log
from beffroi.evidence.entry import read_entry
from beffroi.hub.privacy.keeper import Keeper
from beffroi.hub.privacy.rules import RULES
from beffroi.model.limits import SIGN_IN_LOG_DAYS
from beffroi.ports.log_store import LogError
from beffroi.ports.personal import PersonalError


def test_what_has_ended_goes_and_the_log_says_how_much(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    log = Log(tmp_path / "evidence", "essai", seed=bytes(range(32)))
    keeper = Keeper(kit.gate, kit.told, kit.clock)
    keeper.evidence = log
    subject, *_ = kit.people(3)
    kit.gate.get(subject, "email", "u-1", NOW)
    kit.clock.ms = NOW + 99 * DAY
    (purged,) = keeper.once()
    assert (purged.purpose, purged.fields) == ("reports", 3)
    assert keeper.once() == []
    entries = [read_entry(log.entry(n)) for n in range(log.checkpoint().size)]
    assert [(one.kind, dict(one.refs)) for one in entries] == [
        ("personal.purged", {"reason": "reports", "count": 3}),
        ("personal.accesses", {"count": 2}),
    ]
    assert entries[1].subject == kit.vault.chain()[1]
    log.close()
    kit.vault.close()


def test_sign_ins_end_with_a_proof(tmp_path: Path) -> None:
    kit, asked = Kit(tmp_path), []
    kit.keeper.purge_sign_ins = lambda before: asked.append(before) or 7  # type: ignore[func-returns-value]
    kit.keeper.once()
    assert asked == [NOW - SIGN_IN_LOG_DAYS * DAY]
    assert ("personal.purged", {"reason": "sign_in", "count": 7}) in [
        (one.kind, dict(one.refs)) for one in kit.drafts
    ]
    kit.vault.close()


def test_a_cut_access_log_is_a_grave_alarm(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    subject, *_ = kit.people(1)
    for n in range(3):
        kit.gate.get(subject, "email", f"u-{n}", NOW + n)
    kit.keeper.once()
    assert kit.told.found == []
    kit.vault._conn.executescript("DROP TRIGGER access_kept; DELETE FROM access WHERE id = 2")
    kit.keeper.once()
    assert kit.told.rules() == ["privacy.access_log"]
    kit.vault.close()


def test_erasing_leaves_an_entry_with_a_count(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    subject, *_ = kit.people(1)
    assert kit.keeper.erase(subject, "u-1") == 1
    (draft,) = kit.drafts
    assert (draft.kind, draft.refs, draft.payload) == ("personal.erased", {"count": 1}, b"")
    kit.vault.close()


def test_a_log_that_fails_says_so(tmp_path: Path) -> None:
    kit = Kit(tmp_path)

    class Failing:
        def append(self, drafts: object) -> None:
            raise LogError("no space")

    keeper = Keeper(kit.gate, kit.told, kit.clock)
    keeper.evidence = Failing()  # type: ignore[assignment]
    kit.people(1)
    kit.clock.ms = NOW + 99 * DAY
    with pytest.raises(PersonalError, match="evidence log"):
        keeper.once()
    kit.vault.close()


def test_each_alarm_reads_as_a_sentence() -> None:
    facts = {"actor": "u-1", "count": 3, "purpose": "reports", "why": "x"}
    for rule in RULES.values():
        for text in (rule.text, rule.advice):
            assert "{" not in text.fr.format(**facts)
            assert "{" not in text.en.format(**facts)

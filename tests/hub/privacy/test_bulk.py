"""Many persons leave with two persons' consent, once, within an hour; the proof comes first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.hub.privacy.kit import NOW, Kit

from beffroi.evidence.entry import Draft
from beffroi.hub.privacy.bulk import Bulk, BulkError, By
from beffroi.hub.privacy.egress import plant_canaries
from beffroi.model.limits import (
    BULK_ASK_S_MAX,
    BULK_FREE_ROWS,
    BULK_OPEN_MAX,
    BULK_TAKE_S_MAX,
)
from beffroi.ports.personal import EgressError, PersonalError

WHY = "courrier aux riverains de la rue Haute"
ONE, TWO = By("u-1", "maire"), By("u-2", "secretaire")


@pytest.fixture
def kit(tmp_path: Path) -> Iterator[Kit]:
    made = Kit(tmp_path)
    yield made
    made.vault.close()


def refused(code: str) -> pytest.RaisesExc[BulkError]:
    return pytest.raises(BulkError, check=lambda error: error.code == code)


def test_two_persons_and_the_rows_leave_once(kit: Kit) -> None:
    kit.people(BULK_FREE_ROWS + 1)
    bulk = kit.keeper.bulk
    request = bulk.ask("reports", WHY, ONE, NOW)
    with refused("unconfirmed"):
        bulk.take(request.id, "u-1", NOW)
    bulk.confirm(request.id, TWO, NOW)
    with refused("not_yours"):
        bulk.take(request.id, "u-2", NOW)
    assert len(bulk.take(request.id, "u-1", NOW)) == BULK_FREE_ROWS + 1
    with refused("gone"):
        bulk.take(request.id, "u-1", NOW)
    (draft,) = kit.drafts
    assert (draft.kind, draft.refs) == (
        "personal.exported",
        {"reason": "reports", "count": BULK_FREE_ROWS + 1},
    )
    draft.sealed(bytes(32))  # lawful
    assert kit.told.rules() == ["privacy.bulk"]


def test_nobody_confirms_their_own(kit: Kit) -> None:
    kit.people(30)
    request = kit.keeper.bulk.ask("reports", WHY, ONE, NOW)
    with refused("same"):
        kit.keeper.bulk.confirm(request.id, ONE, NOW)
    with refused("same_person"):
        kit.keeper.bulk.confirm(request.id, By("u-9", "maire"), NOW)
    kit.keeper.bulk.confirm(request.id, TWO, NOW)
    with refused("confirmed"):
        kit.keeper.bulk.confirm(request.id, By("u-3"), NOW)


def test_time_ends_it(kit: Kit) -> None:
    kit.people(30)
    bulk = kit.keeper.bulk
    request = bulk.ask("reports", WHY, ONE, NOW)
    with refused("gone"):
        bulk.confirm(request.id, TWO, NOW + BULK_ASK_S_MAX * 1000)
    request = bulk.ask("reports", WHY, ONE, NOW)
    bulk.confirm(request.id, TWO, NOW)
    with refused("gone"):
        bulk.take(request.id, "u-1", NOW + BULK_TAKE_S_MAX * 1000)


def test_few_rows_count_as_readings_of_the_account(kit: Kit) -> None:
    kit.people(BULK_FREE_ROWS)
    request = kit.keeper.bulk.ask("reports", WHY, ONE, NOW)
    assert len(kit.keeper.bulk.take(request.id, "u-1", NOW)) == BULK_FREE_ROWS
    assert kit.gate.readers(NOW - 1, "u-1") == BULK_FREE_ROWS


def test_canaries_do_not_leave_with_it(kit: Kit) -> None:
    plant_canaries(kit.gate, NOW)
    kit.people(30)
    request = kit.keeper.bulk.ask("reports", WHY, ONE, NOW)
    kit.keeper.bulk.confirm(request.id, TWO, NOW)
    rows = kit.keeper.bulk.take(request.id, "u-1", NOW)
    assert len(rows) == 30
    assert all(row["email"].endswith(b"@exemple.fr") for row in rows)
    assert "privacy.canary" not in kit.told.rules()


def test_more_than_may_leave_is_refused_at_once(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("beffroi.hub.privacy.bulk.BULK_ROWS_MAX", 30)
    kit.people(31)
    with refused("rows"):
        kit.keeper.bulk.ask("reports", WHY, ONE, NOW)


def test_alternating_exports_reach_the_bound(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("beffroi.hub.privacy.egress.EGRESS_ALL_PER_DAY_MAX", 40)
    kit.people(30)
    first = kit.keeper.bulk.ask("reports", WHY, ONE, NOW)
    kit.keeper.bulk.confirm(first.id, TWO, NOW)
    assert len(kit.keeper.bulk.take(first.id, "u-1", NOW)) == 30
    second = kit.keeper.bulk.ask("reports", WHY, TWO, NOW)
    kit.keeper.bulk.confirm(second.id, ONE, NOW)
    with pytest.raises(EgressError):
        kit.keeper.bulk.take(second.id, "u-2", NOW)
    assert "privacy.egress" in kit.told.rules()


def test_without_its_proof_nothing_leaves(kit: Kit) -> None:
    kit.people(2)

    def failing(drafts: Sequence[Draft]) -> None:
        raise PersonalError("the disk is full")

    bulk = Bulk(kit.gate, kit.told, failing)
    request = bulk.ask("reports", WHY, ONE, NOW)
    with pytest.raises(PersonalError):
        bulk.take(request.id, "u-1", NOW)
    assert kit.gate.readers(NOW - 1) == 0


def test_words_and_counts_are_bounded(kit: Kit) -> None:
    bulk = kit.keeper.bulk
    for why in ("", "x" * 9, "x" * 5_000, " " * 50):
        with refused("why"):
            bulk.ask("reports", why, ONE, NOW)
    with refused("purpose"):
        bulk.ask("marketing", WHY, ONE, NOW)
    for _ in range(BULK_OPEN_MAX):
        bulk.ask("reports", WHY, ONE, NOW)
    with refused("open"):
        bulk.ask("reports", WHY, ONE, NOW)


ACCOUNTS = st.sampled_from([By("u-1", "p1"), By("u-2", "p1"), By("u-3", "p2"), By("u-4", "")])


@given(asker=ACCOUNTS, others=st.lists(ACCOUNTS, max_size=4))
def test_no_order_of_consents_lets_one_person_do_it(asker: By, others: list[By]) -> None:
    """Property: what is confirmed was confirmed by another account, and by another person if both
    are known."""
    import tempfile

    with tempfile.TemporaryDirectory() as home:
        kit = Kit(Path(home))
        request = kit.keeper.bulk.ask("reports", WHY, asker, NOW)
        for other in others:
            try:
                done = kit.keeper.bulk.confirm(request.id, other, NOW)
            except BulkError:
                continue
            assert done.confirmed is not None
            assert done.confirmed.account != asker.account
            assert not asker.person or done.confirmed.person != asker.person
        kit.vault.close()

"""The port `ConsultationStore` on both engines: a code votes once, nothing ties it to a ballot."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from beffroi.adapters.sql import SqlStore
from beffroi.model.consultation import Ballot, Consultation
from beffroi.ports.store import StoreError

ONE = Consultation("c-1", "Place « du » marché", "Texte", ("Oui", "Non"), 99)


def test_what_is_put_comes_back(store: SqlStore) -> None:
    store.consultations.put(ONE)
    store.consultations.put(ONE)
    assert store.consultations.consultation("c-1") == ONE
    assert store.consultations.consultation("c-2") is None
    assert store.consultations.consultations() == [ONE]
    assert store.check() == []


def test_a_code_votes_once_and_only_in_its_consultation(store: SqlStore) -> None:
    store.consultations.add_codes("c-1", ["b" * 64, "a" * 64])
    cast = store.consultations.cast
    assert cast("c-2", "a" * 64, Ballot("r1", 0)) == "unknown"
    assert cast("c-1", "f" * 64, Ballot("r1", 0)) == "unknown"
    assert cast("c-1", "a" * 64, Ballot("r1", 1)) == "cast"
    assert cast("c-1", "a" * 64, Ballot("r2", 1)) == "used"
    store.consultations.shuffle("c-1")
    assert store.consultations.ballots("c-1") == [Ballot("r1", 1)]
    assert store.consultations.codes("c-1") == (["a" * 64, "b" * 64], ["a" * 64])
    with pytest.raises(StoreError):
        store.consultations.add_codes("c-1", ["a" * 64])


def test_a_ballot_that_cannot_be_kept_burns_no_code(store: SqlStore) -> None:
    store.consultations.add_codes("c-1", ["a" * 64, "b" * 64])
    store.consultations.cast("c-1", "a" * 64, Ballot("same", 0))
    with pytest.raises(StoreError):
        store.consultations.cast("c-1", "b" * 64, Ballot("same", 1))
    assert store.consultations.codes("c-1").used == ["a" * 64]


def test_of_many_at_once_with_one_code_one_wins(store: SqlStore) -> None:
    store.consultations.add_codes("c-1", ["a" * 64])
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(
                lambda n: store.consultations.cast("c-1", "a" * 64, Ballot(f"r{n}", 0)), range(24)
            )
        )
    assert sorted(set(answers)) == ["cast", "used"]
    assert answers.count("cast") == len(store.consultations.ballots("c-1")) == 1


def test_no_column_ties_code_to_ballot_or_to_a_time(store: SqlStore) -> None:
    with store.database.read() as conn:
        for table, columns in (("voting_code", 3), ("ballot", 3)):
            assert len(conn.execute(text(f"SELECT * FROM {table}")).keys()) == columns  # noqa: S608
    if not store.database.sqlite:  # the engine notes which transaction wrote a row
        store.consultations.add_codes("c-1", ["a" * 64, "b" * 64])
        store.consultations.cast("c-1", "a" * 64, Ballot("r1", 0))
        store.consultations.cast("c-1", "b" * 64, Ballot("r2", 0))
        store.consultations.shuffle("c-1")
        with store.database.read() as conn:
            marks = conn.execute(text("SELECT xmin FROM ballot UNION SELECT xmin FROM voting_code"))
            assert len(marks.all()) == 1

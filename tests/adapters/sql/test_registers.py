"""The port `RegisterStore` on both engines: lines are added, in order, and only fall silent."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from beffroi.adapters.sql import SqlStore
from beffroi.ports.registers import Record
from beffroi.ports.store import StoreError


def line(name: str, at_ms: int, book: str = "risk", key: str = "eau") -> Record:
    return Record(name, book, key, "declared", at_ms, "u1", {"what": "digue « est »", "n": 3}, 7)


def test_lines_come_back_in_order_and_whole(store: SqlStore) -> None:
    kept = [line("b", 20), line("a", 10), line("c", 30, "means", "2026")]
    for one in kept:
        store.registers.add(one)
    assert store.registers.records() == kept
    assert store.registers.records("risk", "eau", limit=1) == [kept[1]]
    assert store.registers.records(start_ms=10, end_ms=30) == kept[:2]
    assert store.registers.record("c") == kept[2]
    assert store.registers.record("d") is None
    assert store.check() == []


def test_an_id_is_taken_once(store: SqlStore) -> None:
    store.registers.add(line("a", 1))
    with pytest.raises(StoreError, match="already"):
        store.registers.add(line("a", 2))


def test_erasing_leaves_the_line_without_words(store: SqlStore) -> None:
    store.registers.add(line("a", 1))
    assert store.registers.erase("a")
    found = store.registers.record("a")
    assert found == Record("a", "risk", "eau", "declared", 1, "", {}, 7, True)
    assert not store.registers.erase("b")
    with store.database.read() as conn:
        kept = str(conn.execute(text("SELECT * FROM register")).all())
    assert "digue" not in kept
    assert "u1" not in kept
    assert store.check() == []


def test_erased_words_are_in_no_file_of_the_database(store: SqlStore) -> None:
    """Nor in the write-ahead log, which a cut of power or a copy of the folder would keep."""
    if not store.database.sqlite:
        pytest.skip("files of SQLite")
    store.registers.add(line("a", 1))
    assert store.registers.erase("a")
    path = store.database.path
    for name in (path.name, f"{path.name}-wal"):
        assert b"digue" not in path.with_name(name).read_bytes()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE register SET doc = '{}'",
        "UPDATE register SET at_ms = 9, silent = 1",
        "UPDATE register SET book = 'x', silent = 1",
        "DELETE FROM register",
    ],
)
def test_a_line_is_never_changed_or_taken_away(store: SqlStore, change: str) -> None:
    store.registers.add(line("a", 1))
    with pytest.raises(StoreError, match=r"never changed|append-only"), store.database.write() as c:
        c.execute(text(change))
    assert store.registers.record("a") == line("a", 1)

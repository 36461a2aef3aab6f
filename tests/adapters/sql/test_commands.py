"""The port `CommandStore` on both engines: all or nothing, versions, places, nobody twice."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import text

from beffroi.adapters.sql import SqlStore, open_store
from beffroi.ports.commands import (
    Approval,
    CommandChange,
    CommandEvent,
    CommandRow,
    Passkey,
    PlanRow,
    ReceiptRow,
    State,
    StatusRow,
    TakenError,
)
from beffroi.ports.store import StaleVersionError, StoreError


def row(name: str, counter: int = 1, **fields: object) -> CommandRow:
    made = CommandRow(
        id=name,
        digest=name.encode().hex().ljust(64, "0"),
        payload=b"\x00\xff" + name.encode(),
        guard="g1",
        target="t1",
        service="s",
        action="dim",
        klass="B",
        nonce="aa",
        epoch=1,
        counter=counter,
        not_before_ms=1,
        expires_ms=100,
        by="u",
        state=State.REQUESTED,
        created_ms=counter,
        changed_ms=counter,
        version=1,
        params={"level_pct": 40, "why": "été"},
    )
    return replace(made, **fields)  # type: ignore[arg-type]


def change(new: CommandRow, kind: str = "requested") -> CommandChange:
    event = CommandEvent(new.id, new.version, new.changed_ms, "u", kind, new.state, "é", {"n": 1})
    return CommandChange(new, event)


def after(old: CommandRow, state: State, **fields: object) -> CommandRow:
    return replace(old, state=state, version=old.version + 1, **fields)  # type: ignore[arg-type]


def test_a_command_comes_back_as_it_was(store: SqlStore) -> None:
    one = row("c1")
    store.commands.apply([change(one)])
    two = after(one, State.SENT, wire=b"\x01\xfe", sent_ms=50, travel={"level_pct": 10}, entry=7)
    store.commands.apply([change(two, "sent")])
    assert store.commands.command("c1") == two
    assert store.commands.by_digest(one.digest) == two
    assert [event.kind for event in store.commands.events("c1")] == ["requested", "sent"]
    assert store.commands.sent_since(49) == [two]
    assert store.commands.sent_since(50) == []
    assert store.commands.command("none") is None
    assert store.check() == []


def test_an_old_version_changes_nothing_at_all(store: SqlStore) -> None:
    one = row("c1")
    store.commands.apply([change(one)])
    new, stale = change(row("c2", 2)), change(after(replace(one, version=4), State.READY))
    with pytest.raises(StaleVersionError):
        store.commands.apply([new, stale])
    assert store.commands.command("c2") is None
    with pytest.raises(StaleVersionError):
        store.commands.apply([change(one)])


def test_a_place_is_taken_once_and_given_back_when_never_sent(store: SqlStore) -> None:
    one = row("c1", 5)
    store.commands.apply([change(one)])
    assert store.commands.counter("g1", "t1", "aa", 1) == 5
    with pytest.raises(TakenError):
        store.commands.apply([change(row("c2", 5))])
    store.commands.apply([change(row("c3", 5, nonce="bb"))])  # another start of the guard
    store.commands.apply([change(after(one, State.CANCELLED), "cancelled")])
    assert store.commands.counter("g1", "t1", "aa", 1) == 0
    store.commands.apply([change(row("c2", 5))])


def test_the_place_of_a_sent_one_is_never_given_back(store: SqlStore) -> None:
    one = row("c1", 5)
    store.commands.apply([change(one)])
    two = after(one, State.SENT, sent_ms=9)
    store.commands.apply([change(two, "sent")])
    store.commands.apply([change(after(two, State.REFUSED), "declined")])
    with pytest.raises(TakenError):
        store.commands.apply([change(row("c2", 5))])


def test_nobody_approves_twice(store: SqlStore) -> None:
    one = row("c1")
    store.commands.apply([change(one)])
    first = Approval("c1", "p1", "commune", "k1", 5, "passkey", b"\x01", "u1")
    store.commands.apply([change(after(one, State.AWAITING), "asked")], [first])
    again = replace(first, key="k2", account="u2")
    with pytest.raises(TakenError):
        store.commands.apply([], [again])
    store.commands.apply([], [replace(again, person="p2", at_ms=4)])
    assert [one.person for one in store.commands.approvals("c1")] == ["p2", "p1"]
    assert store.commands.approvals("c1")[1] == first


def test_lists_filter_and_page(store: SqlStore) -> None:
    rows = [row(f"c{n}", n, target=f"t{n % 2}", plan="p.1" if n > 3 else "") for n in range(1, 6)]
    store.commands.apply([change(one) for one in rows])
    ids = [one.id for one in store.commands.commands()]
    assert ids == ["c5", "c4", "c3", "c2", "c1"]
    assert [one.id for one in store.commands.commands(target="t0")] == ["c4", "c2"]
    assert [one.id for one in store.commands.commands(plan="p.1", limit=1)] == ["c5"]
    assert [one.id for one in store.commands.commands(before_ms=3)] == ["c2", "c1"]
    assert store.commands.commands([State.DONE]) == []


def test_a_receipt_that_comes_again_is_kept_once_and_order_is_of_arrival(store: SqlStore) -> None:
    def receipt(number: int, name: str) -> ReceiptRow:
        return ReceiptRow(name, "g1", number, 1, "", "done", b"\x02\xff")

    store.commands.apply([], (), [receipt(1, "a"), receipt(3, "c")])
    store.commands.apply([], (), [receipt(1, "a"), receipt(2, "b")])
    assert [one.hash for one in store.commands.receipts("g1", 10)] == ["b", "c", "a"]
    assert store.commands.numbers("g1", 2, 9) == {2, 3}
    assert store.commands.receipt("c") == receipt(3, "c")


def test_statuses_plans_and_passkeys(store: SqlStore) -> None:
    store.commands.put_statuses([StatusRow("g1", "t1", 1, b"\x01"), StatusRow("g1", "t2", 1, b"")])
    store.commands.put_statuses([StatusRow("g1", "t1", 2, b"\x03")])
    assert [one.payload for one in store.commands.statuses()] == [b"\x03", b""]
    store.commands.put_statuses([])
    first = PlanRow("night", 1, b"\x01", "u", 1)
    store.commands.put_plan(first)
    store.commands.put_plan(PlanRow("night", 2, b"\x02", "u", 2))
    store.commands.put_plan(replace(first, active=False))
    assert [(p.generation, p.active) for p in store.commands.plans("night")] == [
        (2, True),
        (1, False),
    ]
    assert store.commands.plans("day") == []
    store.commands.put_plan(PlanRow("dawn", 10, b"\x03", "u", 3))
    store.commands.put_plan(PlanRow("dawn", 9, b"\x03", "u", 3))
    newest = store.commands.plans(newest=True)
    assert [(p.id, p.generation) for p in newest] == [("dawn", 10), ("night", 2)]
    assert store.commands.plans("night", newest=True) == store.commands.plans("night")[:1]
    assert store.commands.plans("day", newest=True) == []
    passkey = Passkey("cred", "u1", "clé", b"\x04" + bytes(64), "k", 1)
    store.commands.put_passkey(passkey)
    assert store.commands.passkeys("u1") == [passkey]
    assert store.commands.passkeys("u2") == []
    assert not store.commands.drop_passkey("cred", "u2")  # another's
    assert store.commands.passkeys("u1") == [passkey]
    assert store.commands.drop_passkey("cred", "u1")
    assert store.commands.passkeys() == []


@pytest.mark.parametrize("table", ["command_event", "approval", "guard_receipt"])
def test_history_cannot_be_rewritten_by_our_own_hand(store: SqlStore, table: str) -> None:
    one = row("c1")
    first = Approval("c1", "p1", "commune", "k1", 5, "passkey", b"\x01")
    receipt = ReceiptRow("a", "g1", 1, 1, "", "done", b"")
    store.commands.apply([change(one)], [first], [receipt])
    for verb in (f"DELETE FROM {table}", f"UPDATE {table} SET doc = 'x'"):  # noqa: S608
        with pytest.raises(StoreError, match="append-only"), store.database.write() as conn:
            conn.execute(text(verb))


def test_what_was_applied_is_there_after_a_restart(url: str) -> None:
    store = open_store(url)
    store.commands.apply([change(row("c1"))])
    store.close()
    again = open_store(url, create=False)
    assert again.commands.command("c1") == row("c1")
    again.close()

"""What guards have done reaches the watches: an order is no surprise, a foreign hand is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from beffroi.domains.boards.catalogue import text_of
from beffroi.domains.registry import domains
from beffroi.hub.ingest.orders import Orders
from beffroi.hub.ingest.watches import Outcome, Watches
from beffroi.kernel.code import code_of
from beffroi.model.asset import Asset
from beffroi.model.reading import Obs
from beffroi.ports.commands import CommandRow, State

NOW, MIN = 1_780_000_000_000, 60_000
BOARD = Asset("board-1", "boards", "board", "Entrée", 2, 48)
DIGEST = bytes(range(32))
SAID: dict[str, int | str] = {"template": "verglas", "minutes": 20}
ROW = CommandRow(
    "c1", DIGEST.hex(), b"", "g1", "board-1", "boards", "show", "B", "", 0, 1, NOW, NOW + MIN,
    "clerk", State.DONE, NOW, NOW, params=SAID, sent_ms=NOW,
)  # fmt: skip


def watches() -> Watches:
    made = Watches(domains())
    made.reload([BOARD])
    return made


def told(made: Watches, orders: Orders, now_ms: int) -> list[Outcome]:
    return [made.ordered(order, now_ms) for order in orders.take()]


def shown(made: Watches, text: str, minutes: range) -> set[str]:
    found: set[str] = set()
    for minute in minutes:
        watched = made.of("board-1")
        assert watched is not None
        raw = {"text": text, "code": code_of(DIGEST)}
        at = NOW + minute * MIN
        decoded = domains()["boards"].decode("", raw)
        watched.obs = [Obs(k, "pmv", at, float(v)) for k, v in decoded.items()]
        watched.rows = list(range(len(watched.obs)))
        for one in made.step([watched]).findings:
            (found.add if one.active else found.discard)(one.rule)
    return found


def test_what_was_done_by_command_is_no_alarm_and_is_kept() -> None:
    made, orders = watches(), Orders()
    orders(ROW)
    (out,) = told(made, orders, NOW)
    assert {one.prop for _, one in out.derived} == set(domains()["boards"].kinds["board"].derived)
    assert shown(made, text_of(SAID), range(1, 10)) == set()
    assert orders.take() == []


def test_without_the_order_the_same_display_is_grave() -> None:
    assert shown(watches(), text_of(SAID), range(1, 10)) == {"boards.unknown_message"}


@pytest.mark.parametrize("state", [one for one in State if one.value not in ("done", "unknown")])
def test_what_was_not_done_is_no_order(state: State) -> None:
    orders = Orders()
    orders(replace(ROW, state=state))
    assert orders.take() == []


def test_a_target_that_is_no_asset_here_costs_nothing() -> None:
    made, orders = watches(), Orders()
    orders(replace(ROW, target="somewhere-else"))
    orders(replace(ROW, params={"template": "attentat", "minutes": 1}))  # of another catalogue
    assert [out.findings for out in told(made, orders, NOW)] == [[], []]
    assert made.errors == 1

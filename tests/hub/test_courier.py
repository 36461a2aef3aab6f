"""The thread that tells people outlives what it cannot make sense of."""

from __future__ import annotations

import structlog

from beffroi.hub.courier import Courier, Send
from beffroi.ports.notify import Notice


class Taken:
    def __init__(self) -> None:
        self.notices: list[Notice] = []

    def send(self, notice: Notice) -> None:
        self.notices.append(notice)


def test_one_odd_item_does_not_end_it() -> None:
    """Nobody was told of anything any more, and nothing said so."""

    def handle(item: int, send: Send) -> None:
        send(Notice("u", "", "s", f"{10 // item}", "a", "raised", 1))

    taken = Taken()
    courier = Courier("test", taken, handle, structlog.get_logger("test"))
    for item in (0, 5):
        courier.put(item)
    courier.close()
    assert [one.body for one in taken.notices] == ["2"]
    assert courier.failed == 1

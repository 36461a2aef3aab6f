"""The newest state in memory: what is kept, what is told, and what a slow page gets."""

from __future__ import annotations

import pytest

from beffroi.hub.live import Event, Live, TooManyClientsError, Value
from beffroi.model.limits import SSE_CLIENTS_MAX, SSE_QUEUE_EVENTS_MAX


async def test_newer_values_are_kept_and_told() -> None:
    live = Live()
    page = live.subscribe()
    live.load([("a", "p", Value(5, 1.0, 0))])
    assert await page.get(0.01) is None
    live.update([("a", "p", Value(4, 2.0, 2))])
    assert await page.get(0.01) is None
    live.update([("a", "p", Value(6, 3.0, 0)), ("b", "q", Value(1, 4.0, 0))])
    event = await page.get(0.01)
    assert event == Event("readings", {"a": {"p": Value(6, 3.0, 0)}, "b": {"q": Value(1, 4.0, 0)}})
    assert live.values("a") == {"p": Value(6, 3.0, 0)}
    assert live.values("nothing") == {}


async def test_a_slow_page_is_told_to_read_again() -> None:
    live = Live()
    slow, quick = live.subscribe(), live.subscribe()
    for n in range(SSE_QUEUE_EVENTS_MAX + 1):
        live.tell(Event("alarm", {"n": n}))
        assert await quick.get(0.01) == Event("alarm", {"n": n})
    assert await slow.get(0.01) == Event("resync", {})
    assert await slow.get(0.01) is None
    live.tell(Event("inventory", {}))
    assert await slow.get(0.01) == Event("inventory", {})


async def test_pages_are_limited_and_leave() -> None:
    live = Live()
    pages = [live.subscribe() for _ in range(SSE_CLIENTS_MAX)]
    with pytest.raises(TooManyClientsError):
        live.subscribe()
    live.unsubscribe(pages[0])
    live.unsubscribe(pages[0])
    live.subscribe()
    live.tell(Event("inventory", {}))
    assert await pages[0].get(0.01) is None

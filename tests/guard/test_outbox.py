"""Receipts on their way: none lost, few at a time, all again after a broken link."""

from __future__ import annotations

import queue as queue_module
import threading
import time

from hypothesis import given
from hypothesis import strategies as st

from beffroi.guard.limits import IN_FLIGHT_MAX
from beffroi.guard.memory import Kept
from beffroi.guard.outbox import Queue


def kept(number: int) -> Kept:
    return Kept(number, bytes(32), b"x")


@given(st.lists(st.sampled_from(["put", "pump", "land", "lose", "deaf"]), max_size=120), st.data())
def test_what_counts_as_sent_has_landed(steps, data):
    queue, number, ticket = Queue((), 0), 0, 0
    air: dict[int, int] = {}
    landed: set[int] = set()

    def offer(one):
        nonlocal ticket
        ticket += 1
        air[ticket] = one.number
        return ticket

    for step in steps:
        if step == "put":
            number += 1
            queue.put(kept(number))
        elif step == "pump":
            queue.pump(offer)
            assert len(set(air.values())) <= IN_FLIGHT_MAX
        elif step == "deaf":
            queue.pump(lambda _: None)
        elif step == "land" and air:
            which = data.draw(st.sampled_from(sorted(air)))
            landed.add(air.pop(which))
            queue.landed(which)
        elif step == "lose":
            air.clear()
            queue.lost()
        assert set(range(1, queue.sent + 1)) <= landed
    for _ in range(number + 1):
        queue.pump(offer)
        for which in sorted(air):
            landed.add(air.pop(which))
            queue.landed(which)
    assert queue.sent == number
    assert landed == set(range(1, number + 1))


def test_a_receipt_asked_again_is_sent_again():
    queue = Queue([kept(1)], 0)
    got = []
    queue.pump(lambda one: got.append(one) or len(got))
    queue.landed(1)
    queue.put(kept(1))
    queue.pump(lambda one: got.append(one) or len(got))
    assert [one.number for one in got] == [1, 1]
    assert queue.sent == 1


def test_a_client_that_answers_at_once_with_its_own_lock_held_does_not_stop_us():
    """paho calls `landed` while it holds the lock that `publish` takes: found by the kit."""
    queue, theirs, asked = Queue((), 0), threading.Lock(), queue_module.Queue()
    for number in range(1, 201):
        queue.put(kept(number))

    def answer():
        while (ticket := asked.get()) is not None:
            with theirs:
                queue.landed(ticket)

    def offer(one):
        with theirs:
            asked.put(one.number)
        if one.number % 3 == 0:
            time.sleep(0.0005)  # the answer overtakes the ticket
        return one.number

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    main = threading.Thread(target=lambda: [queue.pump(offer) for _ in range(2_000)], daemon=True)
    main.start()
    main.join(20)
    asked.put(None)
    thread.join(5)
    assert not main.is_alive()
    assert not thread.is_alive()
    queue.pump(lambda _: None)
    assert queue.sent == 200


def test_a_ticket_that_lands_before_it_is_known_counts():
    queue = Queue([kept(1)], 0)

    def offer(one):
        queue.landed(7)
        return 7

    queue.pump(offer)
    assert queue.sent == 1

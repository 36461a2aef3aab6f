"""A guard that stands still is ended; one that works is left alone."""

from __future__ import annotations

import itertools
import threading

from beffroi.guard.watchdog import Watchdog


def test_standing_still_is_the_end():
    dead = threading.Event()
    Watchdog(lambda: 7, 0.02, dead.set).start()
    assert dead.wait(5)


def test_working_is_not():
    dead, seen = threading.Event(), threading.Event()
    count = itertools.count()

    def steps() -> int:
        number = next(count)
        if number > 20:
            seen.set()
        return number

    dog = Watchdog(steps, 0.01, dead.set)
    dog.start()
    assert seen.wait(5)
    dog.stop()
    assert not dead.is_set()

"""Ends a process whose one working thread stands still, so that its supervisor starts it anew: a
new start falls back. Knows nothing of what the steps are."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Watchdog:
    """Calls `die` once `steps` has not changed for `limit_s`."""

    def __init__(self, steps: Callable[[], int], limit_s: float, die: Callable[[], None]) -> None:
        self._steps, self._limit_s, self._die = steps, limit_s, die
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._over.set()

    def _watch(self) -> None:
        before = self._steps()
        while not self._over.wait(self._limit_s):
            now = self._steps()
            if now == before:
                self._die()
                return
            before = now

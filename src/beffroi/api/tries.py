"""Counts attempts per key in a sliding window, in bounded memory. Knows nothing of people."""

from __future__ import annotations

from collections import OrderedDict, deque
from threading import Lock

from beffroi.model.limits import SIGN_IN_KEYS_MAX, SIGN_IN_TRIES_PER_10_MIN_MAX

WINDOW_MS = 600_000


class Tries:
    """Allows `most` failures per key in ten minutes."""

    def __init__(self, most: int = SIGN_IN_TRIES_PER_10_MIN_MAX) -> None:
        self._most = most
        self._seen: OrderedDict[str, deque[int]] = OrderedDict()
        self._lock = Lock()

    def allowed(self, key: str, now_ms: int) -> bool:
        """Whether one more attempt may be made; counts it if so."""
        with self._lock:
            times = self._seen.setdefault(key, deque())
            self._seen.move_to_end(key)
            while times and times[0] <= now_ms - WINDOW_MS:
                times.popleft()
            if len(times) >= self._most:
                return False
            times.append(now_ms)
            while len(self._seen) > SIGN_IN_KEYS_MAX:
                self._seen.popitem(last=False)
            return True

    def forget(self, key: str) -> None:
        """The attempt succeeded: it does not count."""
        with self._lock:
            self._seen.pop(key, None)

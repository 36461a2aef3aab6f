"""How much one sender may send: a token bucket each, in readings.

A device that was cut off for a month and then tells it all is no flood: what was measured well
before it arrived is charged to a second, much larger bucket when the first runs out.

Time is the broker's receipt, not now: a backlog kept while the hub was down is not a flood. Knows
no message format.
"""

from __future__ import annotations

from collections.abc import Callable

from beffroi.model.limits import (
    QUOTA_BACKLOG_PER_S,
    QUOTA_BACKLOG_READINGS,
    QUOTA_BURST_READINGS,
    QUOTA_BYTES_PER_READING,
    QUOTA_GATEWAY_FACTOR,
    QUOTA_READINGS_PER_S,
)


def nothing_late() -> int:
    return 0


class Quota:
    """Buckets by sender. A message is let in while its sender's bucket is not empty, whatever it
    holds, and then charged: the bucket may go below zero by one message."""

    def __init__(
        self,
        per_s: float = QUOTA_READINGS_PER_S,
        burst: float = QUOTA_BURST_READINGS,
        gateway_factor: float = QUOTA_GATEWAY_FACTOR,
        backlog: float = QUOTA_BACKLOG_READINGS,
    ) -> None:
        self.per_s = per_s
        self.burst = burst
        self.gateway_factor = gateway_factor
        self.backlog = backlog
        self._buckets: dict[str, tuple[float, int]] = {}  # tokens at the time in ms
        self._backlogs: dict[str, tuple[float, int]] = {}  # only of those who needed it

    def admits(self, sender: str, recv_ms: int, gateway: bool) -> bool:
        """May one more message of `sender` be read?"""
        known = self._buckets.get(sender)
        if known is None or known[0] > 0.0:
            return True
        tokens, at_ms = known
        factor = self.gateway_factor if gateway else 1.0
        return tokens + max(recv_ms - at_ms, 0) * self.per_s * factor / 1000.0 > 0.0

    def charge(
        self,
        sender: str,
        recv_ms: int,
        gateway: bool,
        readings: int,
        size: int,
        late: Callable[[], int] = nothing_late,
    ) -> None:
        """A message of `size` bytes that held so many readings was read. `late` counts those that
        were measured long before; it is asked only when the bucket runs out."""
        factor = self.gateway_factor if gateway else 1.0
        tokens, at_ms = _filled(
            self._buckets.get(sender), recv_ms, self.burst * factor, self.per_s * factor
        )
        cost = max(readings, 1 + size // QUOTA_BYTES_PER_READING)
        if tokens <= cost:
            cost -= self._from_backlog(sender, recv_ms, factor, late())
        self._buckets[sender] = (tokens - cost, at_ms)

    def _from_backlog(self, sender: str, recv_ms: int, factor: float, wanted: int) -> int:
        """How many of the late readings the second bucket bears."""
        most = self.backlog * factor
        known = self._backlogs.get(sender)
        tokens, at_ms = _filled(known, recv_ms, most, QUOTA_BACKLOG_PER_S * factor)
        taken = min(wanted, int(tokens))
        if taken > 0:
            self._backlogs[sender] = (tokens - taken, at_ms)
        return taken


def _filled(
    known: tuple[float, int] | None, recv_ms: int, most: float, per_s: float
) -> tuple[float, int]:
    """A bucket as it is at `recv_ms`; receipts may come out of order."""
    if known is None:
        return most, recv_ms
    tokens, at_ms = known
    elapsed_ms = max(recv_ms - at_ms, 0)
    return min(most, tokens + elapsed_ms * per_s / 1000.0), at_ms + elapsed_ms

"""How much one sender may send: a token bucket each, in readings.

Time is the broker's receipt, not now: a backlog kept while the hub was down is not a flood. Knows
no message format.
"""

from __future__ import annotations

from beffroi.model.limits import (
    QUOTA_BURST_READINGS,
    QUOTA_BYTES_PER_READING,
    QUOTA_GATEWAY_FACTOR,
    QUOTA_READINGS_PER_S,
)


class Quota:
    """Buckets by sender. A message is let in while its sender's bucket is not empty, whatever it
    holds, and then charged: the bucket may go below zero by one message."""

    def __init__(
        self,
        per_s: float = QUOTA_READINGS_PER_S,
        burst: float = QUOTA_BURST_READINGS,
        gateway_factor: float = QUOTA_GATEWAY_FACTOR,
    ) -> None:
        self.per_s = per_s
        self.burst = burst
        self.gateway_factor = gateway_factor
        self._buckets: dict[str, tuple[float, int]] = {}  # tokens at the time in ms

    def admits(self, sender: str, recv_ms: int, gateway: bool) -> bool:
        """May one more message of `sender` be read?"""
        known = self._buckets.get(sender)
        if known is None or known[0] > 0.0:
            return True
        tokens, at_ms = known
        factor = self.gateway_factor if gateway else 1.0
        return tokens + max(recv_ms - at_ms, 0) * self.per_s * factor / 1000.0 > 0.0

    def charge(self, sender: str, recv_ms: int, gateway: bool, readings: int, size: int) -> None:
        """A message of `size` bytes that held so many readings was read."""
        factor = self.gateway_factor if gateway else 1.0
        most = self.burst * factor
        tokens, at_ms = self._buckets.get(sender, (most, recv_ms))
        elapsed_ms = recv_ms - at_ms
        if elapsed_ms > 0:
            tokens = min(most, tokens + elapsed_ms * self.per_s * factor / 1000.0)
        else:
            recv_ms = at_ms
        cost = max(readings, 1 + size // QUOTA_BYTES_PER_READING)
        self._buckets[sender] = (tokens - cost, recv_ms)

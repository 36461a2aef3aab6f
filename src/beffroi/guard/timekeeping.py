"""The guard's own time: the wall clock at start plus what the monotonic clock counted since.

Expiry hangs on it, so neither the wall clock alone (a battery, a forged time server) nor the hub
alone may move it. The wall clock and each lease are compared with it. Where they disagree the
time is in doubt, and a guard in doubt does only what is safe. Pure: instants are arguments.
"""

from __future__ import annotations

from beffroi.guard.effects import Instant
from beffroi.guard.limits import (
    CLOCK_PROOF_LEASES,
    CLOCK_SLEW_MS,
    CLOCK_TOLERANCE_MS,
    WALL_MS_MAX,
)


class OwnTime:
    """`seen_ms`: the latest time that clock and hub agreed on, kept over restarts as the floor
    below which time never goes. It rises by agreement alone, so a clock that is wrong at start
    cannot burn the future."""

    def __init__(self, instant: Instant, seen_ms: int) -> None:
        self._offset_ms = max(instant.wall_ms, seen_ms) - instant.mono_ms
        self.seen_ms = max(0, seen_ms)
        self._proofs = 0

    def at_ms(self, instant: Instant) -> int:
        return max(self.seen_ms, min(WALL_MS_MAX, self._offset_ms + instant.mono_ms))

    def doubt(self, instant: Instant) -> str:
        """Why the time is in doubt, "" if it is not."""
        ahead_ms = instant.wall_ms - self.at_ms(instant)
        if abs(ahead_ms) > CLOCK_TOLERANCE_MS:
            return f"the wall clock is {ahead_ms} ms ahead of the time counted since the start"
        return ""

    def agree(self, instant: Instant, hub_ms: int) -> bool:
        """A lease, new and of a hub, says that it is `hub_ms`. False: do not believe the lease.

        When it agrees with a wall clock that has jumped, and so do those after it, the wall clock
        was set right and is followed, though never back before `seen_ms`.
        """
        own_ms = self.at_ms(instant)
        if abs(hub_ms - own_ms) <= CLOCK_TOLERANCE_MS:
            self._proofs = 0
            if not self.doubt(instant):
                self._follow(instant)
            return True
        if abs(hub_ms - instant.wall_ms) > CLOCK_TOLERANCE_MS or instant.wall_ms < self.seen_ms:
            self._proofs = 0
            return False
        self._proofs += 1
        if self._proofs < CLOCK_PROOF_LEASES:
            return False
        self._proofs = 0
        self._offset_ms = instant.wall_ms - instant.mono_ms
        self.seen_ms = self.at_ms(instant)
        return True

    def _follow(self, instant: Instant) -> None:
        """Slowly: quartz drifts by seconds a month, a forged time server wants hours."""
        ahead_ms = instant.wall_ms - self.at_ms(instant)
        self._offset_ms += max(-CLOCK_SLEW_MS, min(CLOCK_SLEW_MS, ahead_ms))
        self.seen_ms = max(self.seen_ms, self.at_ms(instant))

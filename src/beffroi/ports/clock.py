"""Time as a parameter."""

from typing import Protocol


class Clock(Protocol):
    """Wall time for records. Nothing that must be safe depends on it alone."""

    def now_ms(self) -> int:
        """UTC milliseconds since 1970."""

"""The wall clock of this machine."""

import time


class SystemClock:
    """The `Clock` port."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

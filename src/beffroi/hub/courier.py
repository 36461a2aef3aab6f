"""Carries notices out from a thread of its own, so that neither ingest nor an answer ever waits.

Best effort: what is certain is in the store. A notice that cannot be sent is tried again, then
given up with a line in the log; what finds the queue full is dropped and counted. No address and
no text gets into a log. Knows neither alarms nor reports.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from structlog.typing import FilteringBoundLogger

from beffroi.model.limits import NOTICE_QUEUE_MAX, NOTICE_TRIES_MAX
from beffroi.ports.notify import Notice, Notifier, NotifyError

PAUSE_S = 2.0  # before the second try; doubled each time
T = TypeVar("T")
Send = Callable[[Notice], None]


class Courier(Generic[T]):
    """`put` what is to be told; `handle(item, send)` runs in the thread and sends its notices."""

    def __init__(
        self,
        name: str,
        notifier: Notifier,
        handle: Callable[[T, Send], None],
        log: FilteringBoundLogger,
        pause_s: float = PAUSE_S,
    ) -> None:
        self._notifier, self._handle, self._log, self._pause_s = notifier, handle, log, pause_s
        self._queue: queue.Queue[T] = queue.Queue(NOTICE_QUEUE_MAX)
        self._stop = threading.Event()
        self.dropped = 0
        self.failed = 0
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def put(self, item: T) -> None:
        """Never blocks."""
        try:
            self._queue.put_nowait(item)
        except queue.Full:
            self.dropped += 1
            if self.dropped == 1 or self.dropped % 1_000 == 0:
                self._log.warning("notices_dropped", dropped=self.dropped)

    def close(self, wait_s: float = 5.0) -> None:
        """Send what is queued if it can be done in time, then stop."""
        deadline = threading.Event()
        timer = threading.Timer(wait_s, deadline.set)
        timer.daemon = True
        timer.start()
        while self._queue.unfinished_tasks and not deadline.wait(0.02):
            pass
        timer.cancel()
        self._stop.set()
        self._thread.join(timeout=1.0)

    def _work(self) -> None:
        while not self._stop.is_set():
            try:
                item = self._queue.get(timeout=0.2)
            except queue.Empty:
                continue
            try:
                self._handle(item, self._send)
            except Exception as error:  # noqa: BLE001 (one odd item must not end the courier)
                self.failed += 1
                self._log.error("notices_not_made", error=type(error).__name__)
            finally:
                self._queue.task_done()

    def _send(self, notice: Notice) -> None:
        pause_s, why = self._pause_s, ""
        for _ in range(NOTICE_TRIES_MAX):
            try:
                self._notifier.send(notice)
            except NotifyError as error:
                why = str(error)
            except Exception as error:  # noqa: BLE001 (one bad notice must not end the courier)
                why = type(error).__name__  # its text may hold the notice
                break
            else:
                return
            if self._stop.wait(pause_s):
                break
            pause_s *= 2
        self.failed += 1
        self._log.error("notice_not_sent", about=notice.alarm, kind=notice.kind, error=why)

"""Sends letters from a thread of its own: a mail server that hangs holds up no answer.

Best effort: what is certain is the answer on the status page. Nothing here writes an address into
a log of the hub.
"""

from __future__ import annotations

import queue
import threading

import structlog

from beffroi.model.limits import NOTICE_QUEUE_MAX, NOTICE_TRIES_MAX
from beffroi.ports.notify import Notice, Notifier, NotifyError

log = structlog.get_logger("letters")
PAUSE_S = 2.0  # before the second try; doubled each time


class Post:
    """Call it with a notice; `close` waits a little for what is queued."""

    def __init__(self, notifier: Notifier, *, pause_s: float = PAUSE_S) -> None:
        self._notifier, self._pause_s = notifier, pause_s
        self._queue: queue.Queue[Notice] = queue.Queue(NOTICE_QUEUE_MAX)
        self._stop = threading.Event()
        self.dropped = self.failed = 0
        self._thread = threading.Thread(target=self._work, name="letters", daemon=True)
        self._thread.start()

    def __call__(self, notice: Notice) -> None:
        """Never blocks."""
        try:
            self._queue.put_nowait(notice)
        except queue.Full:
            self.dropped += 1
            log.warning("letter_dropped", report=notice.alarm)

    def close(self, wait_s: float = 5.0) -> None:
        over = threading.Event()
        timer = threading.Timer(wait_s, over.set)
        timer.daemon = True
        timer.start()
        while self._queue.unfinished_tasks and not over.wait(0.02):
            pass
        timer.cancel()
        self._stop.set()
        self._thread.join(timeout=1.0)

    def _work(self) -> None:
        while not self._stop.is_set():
            try:
                notice = self._queue.get(timeout=0.2)
            except queue.Empty:
                continue
            try:
                self._send(notice)
            finally:
                self._queue.task_done()

    def _send(self, notice: Notice) -> None:
        pause_s, why = self._pause_s, ""
        for _ in range(NOTICE_TRIES_MAX):
            try:
                self._notifier.send(notice)
            except NotifyError as error:
                why = str(error)
            except Exception as error:  # noqa: BLE001 (one bad letter must not end the post)
                why = type(error).__name__
                break
            else:
                return
            if self._stop.wait(pause_s):
                break
            pause_s *= 2
        self.failed += 1
        log.error("letter_not_sent", report=notice.alarm, error=why)

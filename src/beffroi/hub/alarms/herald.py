"""Sends the notices of stored changes from a thread of its own, so that ingest never waits.

Best effort by design: what is certain is the alarm in the store, which reminds until somebody
takes it. A notice that cannot be sent is tried again, then given up with a line in the log; when
the queue is full the newest changes are dropped and counted.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping, Sequence

import structlog

from beffroi.hub.alarms.notify import notices
from beffroi.hub.alarms.turn import rule_of
from beffroi.model.alarm import AlarmChange
from beffroi.model.finding import Rule
from beffroi.model.limits import NOTICE_QUEUE_MAX, NOTICE_TRIES_MAX
from beffroi.ports.notify import Notice, Notifier, NotifyError
from beffroi.ports.store import StoreError, User

log = structlog.get_logger("herald")
PAUSE_S = 2.0  # before the second try; doubled each time


class Herald:
    """Give it to the desk as `told`."""

    def __init__(
        self,
        notifier: Notifier,
        rules: Mapping[str, Rule],
        users: Callable[[], Sequence[User]],
        *,
        pause_s: float = PAUSE_S,
    ) -> None:
        self._notifier = notifier
        self._rules = rules
        self._users = users
        self._pause_s = pause_s
        self._queue: queue.Queue[AlarmChange] = queue.Queue(NOTICE_QUEUE_MAX)
        self._stop = threading.Event()
        self.dropped = 0
        self.failed = 0
        self._thread = threading.Thread(target=self._work, name="herald", daemon=True)
        self._thread.start()

    def __call__(self, changes: Sequence[AlarmChange]) -> None:
        """Never blocks. Changes inside a group say nothing and take no place."""
        for change in changes:
            if change.alarm.group or not change.events:
                continue
            try:
                self._queue.put_nowait(change)
            except queue.Full:
                self.dropped += 1
                if self.dropped == 1 or self.dropped % 1_000 == 0:
                    log.warning("notices_dropped", changes=self.dropped)

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
                change = self._queue.get(timeout=0.2)
            except queue.Empty:
                continue
            try:
                self._tell(change)
            finally:
                self._queue.task_done()

    def _tell(self, change: AlarmChange) -> None:
        try:
            users = self._users()
        except StoreError as error:
            self.failed += 1
            log.error("notices_without_people", alarm=change.alarm.id, error=str(error))
            return
        for notice in notices(change, rule_of(self._rules, change.alarm.rule), users):
            self._send(notice)

    def _send(self, notice: Notice) -> None:
        pause_s = self._pause_s
        for _ in range(NOTICE_TRIES_MAX):
            try:
                self._notifier.send(notice)
            except NotifyError as error:
                why = str(error)
            except Exception as error:  # noqa: BLE001 (one bad notice must not end the herald)
                why = repr(error)
                break
            else:
                return
            if self._stop.wait(pause_s):
                break
            pause_s *= 2
        self.failed += 1
        # The account's identifier, not the address: no personal datum in the log.
        log.error("notice_not_sent", alarm=notice.alarm, kind=notice.kind, error=why)

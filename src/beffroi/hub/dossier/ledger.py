"""Grave alarms in the evidence log: raised, taken, decided, closed, each as a line of a register.

A story in the store is only appended to, so what is missing here is found by counting: what a crash
or a full disk left out is written at the next start, and nothing twice. Runs in its own thread: no
alarm waits for the evidence log.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence

import structlog

from beffroi.hub.dossier.registers import RegisterError, Registers, id_refs
from beffroi.model.alarm import Alarm, AlarmChange, AlarmEvent
from beffroi.model.finding import Severity
from beffroi.model.limits import NOTICE_QUEUE_MAX
from beffroi.ports.registers import Fact
from beffroi.ports.store import AlarmStore, StoreError

BOOK = "alarm"
CATCH_UP_MAX = 2_000  # newest alarms looked at on start

log = structlog.get_logger("ledger")
Raised = Callable[[Alarm], None]


def nothing_opened(alarm: Alarm) -> None:
    """No incident follows by itself."""
    del alarm


class Ledger:
    """Call it with changes once they are durable; it never blocks."""

    def __init__(
        self, registers: Registers, alarms: AlarmStore, raised: Raised = nothing_opened
    ) -> None:
        self._registers, self._alarms, self._raised = registers, alarms, raised
        self._queue: queue.Queue[str] = queue.Queue(NOTICE_QUEUE_MAX)
        self._stop = threading.Event()
        self.failed = 0
        self._thread = threading.Thread(target=self._work, name="ledger", daemon=True)

    def start(self) -> None:
        """Write what is missing, then follow."""
        self._thread.start()

    def __call__(self, changes: Sequence[AlarmChange]) -> None:
        for change in changes:
            if change.alarm.severity is Severity.GRAVE and change.events:
                try:
                    self._queue.put_nowait(change.alarm.id)
                except queue.Full:
                    self.failed += 1  # the next start catches up

    def flush(self, wait_s: float = 10.0) -> bool:
        """Whether everything told so far is in the log, within `wait_s`."""
        waited = threading.Event()
        for _ in range(int(wait_s / 0.02)):
            if not self._queue.unfinished_tasks:
                return True
            waited.wait(0.02)
        return False

    def close(self) -> None:
        self.flush(5.0)
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(2.0)

    def follow(self, alarm_id: str) -> int:
        """Write the events of an alarm that have no line yet; how many there were."""
        alarm = self._alarms.alarm(alarm_id)
        if alarm is None or alarm.severity is not Severity.GRAVE:
            return 0
        known = self._registers.store.records(BOOK, alarm_id)
        fresh = self._alarms.events(alarm_id)[len(known) :]
        for event in fresh:
            self._write(alarm, event)
        if fresh and not known:
            self._raised(alarm)
        return len(fresh)

    def catch_up(self) -> int:
        some = [*self._alarms.open_alarms(), *self._alarms.alarms([], limit=CATCH_UP_MAX)]
        wanted = dict.fromkeys(a.id for a in some if a.severity is Severity.GRAVE)
        return sum(self.follow(alarm) for alarm in wanted)

    def _write(self, alarm: Alarm, event: AlarmEvent) -> None:
        facts: dict[str, Fact] = {"text": event.text} if event.text else {}
        facts |= {
            name: int(value) if isinstance(value, float) and value.is_integer() else str(value)
            for name, value in event.data.items()
        }
        refs = id_refs(alarm=alarm.id, asset=alarm.asset, rule=alarm.rule)
        if event.kind == "decided":
            refs |= id_refs(outcome=str(event.data.get("kind", "")))
        self._registers.write(
            BOOK, alarm.id, event.kind, facts, event.actor,
            at_ms=event.at_ms, refs=refs, entry_kind=f"alarm.{event.kind}",
        )  # fmt: skip

    def _work(self) -> None:
        self._try(self.catch_up)
        while not self._stop.is_set():
            try:
                alarm = self._queue.get(timeout=0.2)
            except queue.Empty:
                continue
            try:
                self._try(lambda: self.follow(alarm))  # noqa: B023 (called at once)
            finally:
                self._queue.task_done()

    def _try(self, work: Callable[[], int]) -> None:
        try:
            work()
        except (StoreError, RegisterError) as error:
            self.failed += 1
            log.error("alarm_not_in_log", error=str(error))
        except Exception:  # one odd alarm must not end the ledger
            self.failed += 1
            log.exception("alarm_not_in_log")

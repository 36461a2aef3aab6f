"""Reminds people of the clocks of open incidents, through the notifier that alarms use.

Which reminder is due is decided purely; that it is sent is a line of the incident, written before,
so a restart repeats none. An incident that takes no more lines is no longer reminded of, and holds
up no other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence

import structlog

from beffroi.hub.dossier.applicability import Situation
from beffroi.hub.dossier.registers import RegisterError
from beffroi.hub.incidents.case import Case
from beffroi.hub.incidents.clocks import Clock, Stand, clocks
from beffroi.hub.incidents.desk import IncidentDesk
from beffroi.law import deadlines, shown
from beffroi.model.measure import HOUR_MS
from beffroi.ports.clock import Clock as WallClock
from beffroi.ports.notify import Notice, Notifier, NotifyError
from beffroi.ports.store import AlarmStore, StoreError, User

LOOK_S = 60.0
LEVELS = ((0, "late"), (2, "2h"), (12, "12h"), (24, "24h"))  # hours left at most, name
ACTING = ("operator", "admin")

log = structlog.get_logger("incidents")


def level(clock: Clock, now_ms: int) -> str:
    """The most urgent reminder that this clock asks for now; "" for none."""
    if clock.stand not in (Stand.RUNNING, Stand.LATE):
        return ""
    left = clock.due_ms - now_ms
    return next((name for hours, name in LEVELS if left <= hours * HOUR_MS), "")


def due(case: Case, some: Iterable[Clock], now_ms: int) -> list[tuple[Clock, str]]:
    """Reminders of one incident that were not given yet."""
    found = [(clock, level(clock, now_ms)) for clock in some]
    return [(c, name) for c, name in found if name and f"{c.id}:{name}" not in case.reminded]


def notice(case: Case, clock: Clock, now_ms: int, user: User) -> Notice:
    """In the person's language; the title of an incident may hold what must not travel by mail, so
    only its number does."""
    french = user.lang != "en"
    name = shown(clock.deadline, "fr" if french else "en")
    left = max(0, clock.due_ms - now_ms) // HOUR_MS
    late = now_ms > clock.due_ms
    if french:
        told = "échéance passée" if late else f"il reste {left}\u00a0h"
        subject = f"Incident {case.id}\u00a0: {name} – {told}"
        body = f"Ouvrez /incidents/{case.id} dans Beffroi."
    else:
        told = "the deadline has passed" if late else f"{left} h left"
        subject = f"Incident {case.id}: {name} – {told}"
        body = f"Open /incidents/{case.id} in Beffroi."
    if case.exercise:
        subject = ("EXERCICE – " if french else "EXERCISE – ") + subject
    return Notice(user.id, user.email, subject, body, case.alarm, "incident", now_ms)


class Reminders:
    """`turn` is called in a thread; `run` until cancelled."""

    def __init__(
        self,
        desk: IncidentDesk,
        alarms: AlarmStore,
        notifier: Notifier,
        users: Callable[[], Sequence[User]],
        situation: Callable[[], Situation],
        clock: WallClock,
    ) -> None:
        self._desk, self._alarms, self._notifier = desk, alarms, notifier
        self._users, self._situation, self._clock = users, situation, clock

    async def run(self) -> None:
        while True:
            try:
                await asyncio.to_thread(self.turn)
            except (StoreError, RegisterError) as error:
                log.error("reminders_held", error=str(error))
            await asyncio.sleep(LOOK_S)

    def turn(self) -> int:
        """How many reminders were given."""
        now, given = self._clock.now_ms(), 0
        for case in self._desk.all():
            if case.open:
                for clock, name in due(case, self._clocks(case, now), now):
                    try:
                        self._desk.reminded(case.id, clock.id, name)
                    except RegisterError as error:
                        log.error("reminder_held", incident=case.id, error=str(error))
                        break
                    self._tell(case, clock, now)
                    given += 1
        return given

    def _clocks(self, case: Case, now: int) -> list[Clock]:
        alarm = self._alarms.alarm(case.alarm) if case.alarm else None
        decided = alarm.decision.decided_ms if alarm and alarm.decision else 0
        return clocks(case, deadlines(), self._situation(), now, decided)

    def _tell(self, case: Case, clock: Clock, now: int) -> None:
        for user in self._users():
            if user.active and user.role in ACTING and user.organisation == "commune":
                try:
                    self._notifier.send(notice(case, clock, now, user))
                except NotifyError as error:  # the incident's page says it too
                    log.warning("reminder_not_sent", incident=case.id, error=str(error))

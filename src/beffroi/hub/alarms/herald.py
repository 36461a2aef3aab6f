"""Tells people of stored changes of alarms, by the courier."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import structlog

from beffroi.hub.alarms.notify import notices
from beffroi.hub.alarms.turn import rule_of
from beffroi.hub.courier import PAUSE_S, Courier, Send
from beffroi.model.alarm import AlarmChange
from beffroi.model.finding import Rule
from beffroi.ports.notify import Notifier
from beffroi.ports.store import StoreError, User

log = structlog.get_logger("herald")


class Herald:
    """Give it to the desk as `told`. Best effort by design: the alarm itself reminds until somebody
    takes it."""

    def __init__(
        self,
        notifier: Notifier,
        rules: Mapping[str, Rule],
        users: Callable[[], Sequence[User]],
        *,
        pause_s: float = PAUSE_S,
    ) -> None:
        self._rules = rules
        self._users = users
        self._courier: Courier[AlarmChange] = Courier("herald", notifier, self._tell, log, pause_s)
        self._unread = 0

    @property
    def dropped(self) -> int:
        return self._courier.dropped

    @property
    def failed(self) -> int:
        """Notices that were given up, and changes for which nobody could be looked up."""
        return self._courier.failed + self._unread

    def __call__(self, changes: Sequence[AlarmChange]) -> None:
        """Never blocks. Changes inside a group say nothing and take no place."""
        for change in changes:
            if not change.alarm.group and change.events:
                self._courier.put(change)

    def close(self, wait_s: float = 5.0) -> None:
        self._courier.close(wait_s)

    def _tell(self, change: AlarmChange, send: Send) -> None:
        try:
            users = self._users()
        except StoreError as error:
            self._unread += 1
            log.error("notices_without_people", alarm=change.alarm.id, error=str(error))
            return
        for notice in notices(change, rule_of(self._rules, change.alarm.rule), users):
            send(notice)

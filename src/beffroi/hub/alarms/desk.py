"""The alarm desk: an index of open alarms over the store. Signatures first; see `lifecycle`."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

from beffroi.model.alarm import Alarm, AlarmChange, Decision
from beffroi.model.asset import Asset
from beffroi.model.finding import Finding, Rule
from beffroi.ports.store import AlarmStore


class RefusedError(Exception):
    """The action is not possible in this state; `code` is for translation, the text for logs."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


class Desk:
    """Hold `lock` from `findings`/`tick` until their changes are committed; then call `settle`
    (or `reload` after a failed commit). `act` does all that itself."""

    def __init__(self, store: AlarmStore, rules: Mapping[str, Rule]) -> None:
        self.lock = threading.Lock()
        self._store = store
        self._rules = rules
        raise NotImplementedError

    def findings(
        self, findings: Sequence[Finding], assets: Mapping[str, Asset], now_ms: int
    ) -> list[AlarmChange]:
        """Changes that the findings ask for (raise, recur, clear, group a flood)."""
        raise NotImplementedError

    def tick(self, now_ms: int) -> list[AlarmChange]:
        """Reminders and escalations that are due."""
        raise NotImplementedError

    def settle(self, changes: Sequence[AlarmChange]) -> None:
        """The changes are durable: the index follows."""
        raise NotImplementedError

    def reload(self) -> None:
        """Read the index again from the store."""
        raise NotImplementedError

    def open(self) -> Sequence[Alarm]:
        """All that is not closed, gravest and oldest first."""
        raise NotImplementedError

    def act(
        self,
        alarm_id: str,
        action: str,  # acknowledge, assign, comment, decide, resolve, close, reopen
        actor: str,
        now_ms: int,
        *,
        text: str = "",
        assignee: str = "",
        decision: Decision | None = None,
    ) -> Alarm:
        """Do it durably, or raise RefusedError."""
        raise NotImplementedError

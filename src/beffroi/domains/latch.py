"""Turns a condition that comes and goes into findings that alternate: raised once, cleared once.

Shared by the domains' watches. Knows no rule, no unit and no clock: time is that of the readings.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from beffroi.model.finding import Finding


class Latches:
    """The rules of one asset that hold or are about to.

    A condition must hold (or fail) for `on_s` (`off_s`) seconds of device time, as seen by at
    least two observations unless that delay is 0, before the finding changes.
    """

    def __init__(self, asset: str, saved: Mapping[str, Any] | None = None) -> None:
        self._asset = asset
        self._active: set[str] = set((saved or {}).get("active", ()))
        self._since: dict[str, int] = dict((saved or {}).get("since", {}))
        self._out: list[Finding] = []

    def active(self, rule: str) -> bool:
        return rule in self._active

    def feed(
        self,
        rule: str,
        ts_ms: int,
        holds: bool | None,
        facts: Mapping[str, float | str] | None = None,
        *,
        on_s: float = 0.0,
        off_s: float = 0.0,
    ) -> bool:
        """`holds` None is "cannot tell": nothing moves. Returns whether the rule is active."""
        active = rule in self._active
        if holds is None:
            return active
        if holds == active:
            if self._since:
                self._since.pop(rule, None)
            return active
        delay_s = off_s if active else on_s
        since = self._since.get(rule)
        if delay_s > 0:
            if since is None:
                self._since[rule] = ts_ms
                return active
            if ts_ms - since < delay_s * 1000:
                return active
        self._since.pop(rule, None)
        (self._active.discard if active else self._active.add)(rule)
        self._out.append(Finding(rule, self._asset, not active, ts_ms, facts or {}))
        return not active

    def take(self) -> list[Finding]:
        """The findings since the last call."""
        out = self._out
        if out:
            self._out = []
        return out

    def dump(self) -> dict[str, Any]:
        return {"active": sorted(self._active), "since": dict(self._since)}

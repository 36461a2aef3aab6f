"""Which alarms open an incident by themselves: a coordinated attack, and nothing less.

A grave alarm is proposed on the page and opened by a person; an attack over several services
starts the clocks at once, because somebody must answer whether the law's deadlines run.
"""

from __future__ import annotations

from collections.abc import Mapping

import structlog

from beffroi.hub.alarms import text
from beffroi.hub.alarms.turn import rule_of
from beffroi.hub.coordination.rules import ATTACK
from beffroi.hub.dossier.registers import RegisterError
from beffroi.hub.incidents.desk import IncidentDesk, Opening
from beffroi.model.alarm import Alarm
from beffroi.model.finding import Rule
from beffroi.model.limits import REGISTER_TEXT_CHARS_MAX

log = structlog.get_logger("incidents")


class ByItself:
    """Give it to the ledger: it is called once for each new grave alarm."""

    def __init__(self, desk: IncidentDesk, rules: Mapping[str, Rule]) -> None:
        self._desk, self._rules = desk, rules

    def __call__(self, alarm: Alarm) -> None:
        if alarm.rule != ATTACK:
            return
        title = text.render(alarm, rule_of(self._rules, alarm.rule), "fr")
        opening = Opening(
            sheet="false-alert",
            title=title[:REGISTER_TEXT_CHARS_MAX],
            known_ms=alarm.seen_ms,
            alarm=alarm.id,
            danger="yes",
            personal="unknown",
        )
        try:
            self._desk.open(opening, "hub")
        except RegisterError as error:  # the alarm itself stands; a person can still open it
            log.error("incident_not_opened", alarm=alarm.id, error=str(error))

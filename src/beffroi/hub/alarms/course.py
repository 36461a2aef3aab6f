"""What the hub does with an alarm by itself: raise, recur, clear, remind, escalate. Pure.

A cause that is gone closes nothing by itself: an alarm that is not grave and that nobody has
touched goes to resolved (and AUTO_CLOSE_S later to closed); all others wait for people.
`quiet` is given for a flapping alarm: it is counted, and its story is spared.
"""

from __future__ import annotations

from dataclasses import replace

from beffroi.hub.alarms.lifecycle import HUB, scheduled
from beffroi.model.alarm import Alarm, AlarmChange, AlarmEvent, AlarmState
from beffroi.model.finding import Finding, Rule, Severity
from beffroi.model.limits import (
    AUTO_CLOSE_S,
    ESCALATIONS_MAX,
    FLAP_WINDOW_S,
    STANDING_S,
)

S = AlarmState


def raised(
    finding: Finding, rule: Rule, alarm_id: str, now_ms: int, *, domain: str, commune: str
) -> AlarmChange:
    """A new alarm."""
    new = Alarm(
        id=alarm_id,
        rule=finding.rule,
        asset=finding.asset,
        domain=domain,
        severity=rule.severity,
        state=S.RAISED,
        active=True,
        raised_ms=finding.at_ms,
        seen_ms=now_ms,
        changed_ms=now_ms,
        facts=dict(finding.facts),
        commune=commune,
    )
    return opened(new, rule, now_ms)


def opened(alarm: Alarm, rule: Rule, now_ms: int) -> AlarmChange:
    """The first stored change of an alarm or group."""
    after = scheduled(replace(alarm, version=alarm.version + 1), rule, now_ms)
    return AlarmChange(after, (AlarmEvent(alarm.id, now_ms, HUB, "raised", data=alarm.facts),))


def recurred(
    alarm: Alarm, finding: Finding, rule: Rule, now_ms: int, *, told: str = "recurred"
) -> AlarmChange:
    """The cause is back. A resolved alarm needs attention again. `told` "" keeps the story short,
    except where the state changes."""
    back = alarm.state is S.RESOLVED
    after = replace(
        _next(alarm, now_ms),
        active=True,
        occurrences=alarm.occurrences + 1,
        facts=dict(finding.facts) or alarm.facts,
        state=S.RAISED if back else alarm.state,
    )
    if back:
        after = scheduled(replace(after, escalation=0), rule, now_ms)
    return _told(after, now_ms, told or ("recurred" if back else ""), finding)


def cleared(
    alarm: Alarm, finding: Finding, rule: Rule, now_ms: int, *, told: str = "cleared"
) -> AlarmChange:
    """The cause is gone. While quiet the alarm stays raised: `due` resolves it once it is calm."""
    after = replace(_next(alarm, now_ms), active=False)
    if told == "cleared" and untouched(alarm):
        after = scheduled(replace(after, state=S.RESOLVED), rule, now_ms)
    return _told(after, now_ms, told, finding)


def untouched(alarm: Alarm) -> bool:
    """Nobody has it in hand and the hub may resolve it when its cause is gone."""
    grave = alarm.severity is Severity.GRAVE
    return not grave and alarm.state is S.RAISED and not alarm.assignee and not alarm.decision


def due(alarm: Alarm, rule: Rule, now_ms: int, *, silent: bool = False) -> AlarmChange | None:
    """What time alone brings to an open alarm; None when nothing is due.

    `silent`: a group speaks for it, so that it neither reminds nor escalates.
    """
    settled = _settled(alarm, rule, now_ms)
    if settled or silent:
        return settled
    after, kinds = _next(alarm, now_ms, touch=False), []
    if 0 < alarm.remind_ms <= now_ms:
        kinds.append(_reminder(alarm, now_ms))
        pause_s = rule.escalate_s if kinds[0] == "undecided" else rule.remind_s
        # Counted from now, so that a hub that was down does not remind a hundred times at once.
        after = replace(after, remind_ms=now_ms + pause_s * 1000 if pause_s > 0 else 0)
    if 0 < alarm.escalate_ms <= now_ms:
        kinds.append("escalated")
        count = alarm.escalation + 1
        again = now_ms + rule.escalate_s * 1000 if count < ESCALATIONS_MAX else 0
        after = replace(after, escalation=count, escalate_ms=again)
    if not kinds:
        return None
    events = tuple(
        AlarmEvent(alarm.id, now_ms, HUB, "reminded", data={"why": kind})
        if kind == "undecided"
        else AlarmEvent(alarm.id, now_ms, HUB, kind)
        for kind in kinds
    )
    return AlarmChange(after, events)


def standing_until(alarm: Alarm) -> int:
    """Until when an alarm that was closed while its cause held keeps the same cause quiet."""
    if alarm.decision is not None:
        return alarm.decision.deadline_ms
    return alarm.changed_ms + STANDING_S * 1000


def _settled(alarm: Alarm, rule: Rule, now_ms: int) -> AlarmChange | None:
    """An alarm that is not grave and whose cause is gone: resolved, later closed, by the hub."""
    rest_ms = now_ms - alarm.changed_ms
    if alarm.active or alarm.severity is Severity.GRAVE:
        return None
    if alarm.state is S.RESOLVED and rest_ms >= AUTO_CLOSE_S * 1000:
        state, kind = S.CLOSED, "closed"
    elif untouched(alarm) and rest_ms >= FLAP_WINDOW_S * 1000:
        state, kind = S.RESOLVED, "cleared"
    else:
        return None
    after = scheduled(replace(_next(alarm, now_ms), state=state), rule, now_ms)
    return AlarmChange(after, (AlarmEvent(alarm.id, now_ms, HUB, kind),))


def _reminder(alarm: Alarm, now_ms: int) -> str:
    if alarm.state is S.RAISED:
        return "reminded"
    late = alarm.decision is not None and alarm.decision.deadline_ms <= now_ms
    return "overdue" if late else "undecided"


def _next(alarm: Alarm, now_ms: int, *, touch: bool = True) -> Alarm:
    """`touch`: the alarm itself changed, not only what is due next."""
    changed = now_ms if touch else alarm.changed_ms
    return replace(alarm, version=alarm.version + 1, changed_ms=changed)


def _told(after: Alarm, now_ms: int, kind: str, finding: Finding) -> AlarmChange:
    if not kind:
        return AlarmChange(after, ())
    data: dict[str, float | str] = {"at_ms": finding.at_ms, **finding.facts}
    return AlarmChange(after, (AlarmEvent(after.id, now_ms, HUB, kind, data=data),))

"""Correlates signs of all services into incidents: one attack, one incident, its story in order.

An incident begins when, within WINDOW_MS, one of these holds:
- **breadth**: signs of two or more services weigh SUSPICION together, one of them hostile;
- **mass**: MASS_TARGETS or more targets of one service show hostile signs;
- **sweep**: one actor changed targets of two or more services within SWEEP_MS outside every plan,
  and the judge had refused something of the same actor, or one of them shows a hostile sign; or of
  SWEEP_SERVICES services without either;
- **slow**: within SLOW_MS, hostile signs in SLOW_SERVICES services: a patient attacker;
- **fleet**: more than FLEET_SHARE of a service's targets (at least FLEET_MIN) were changed outside
  every plan.
It goes on while signs come, and is over after QUIET_MS without any. What each sign of one kind and
target weighs counts once in a window: a stuck client that repeats itself is no crowd.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from beffroi.hub.coordination.signs import HOSTILE, WEIGHT, Sign, SignKind
from beffroi.model.limits import INCIDENT_SIGNS_MAX
from beffroi.model.measure import HOUR_MS

WINDOW_MS = 600_000
SWEEP_MS = 60_000
SWEEP_SERVICES = 4
SLOW_MS = 3 * HOUR_MS
SLOW_SERVICES = 3
QUIET_MS = 1_800_000
SUSPICION = 5.0
SERVICE_WEIGHT_MAX = 3.0  # one loud service is its own alarm; breadth needs another
MASS_TARGETS = 3
FLEET_SHARE = 0.3
FLEET_MIN = 4


@dataclass(frozen=True, slots=True)
class Incident:
    """`why` is the first rule that held; `signs` in order of time, at most INCIDENT_SIGNS_MAX, of
    which `more` says how many were left out; `over` once it is quiet."""

    began_ms: int
    seen_ms: int
    why: str
    signs: tuple[Sign, ...]
    more: int = 0
    over: bool = False

    @property
    def services(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(sign.service for sign in self.signs))


class Detector:
    """Feed it signs in the order in which the hub learns of them. `fleets`: targets by service."""

    def __init__(self, fleets: Mapping[str, int]) -> None:
        self.fleets = fleets
        self.incident: Incident | None = None
        self._recent: deque[Sign] = deque(maxlen=INCIDENT_SIGNS_MAX)

    def step(self, sign: Sign) -> Incident | None:
        """The incident that this sign begins or belongs to."""
        self.tick(sign.at_ms)
        self._recent.append(sign)
        if self.incident is not None:
            self.incident = _with(self.incident, sign)
            return self.incident
        why = reason(list(self._recent), sign.at_ms, self.fleets)
        if why:
            signs = tuple(sorted(self._recent, key=lambda one: one.at_ms))
            self.incident = Incident(signs[0].at_ms, sign.at_ms, why, signs)
        return self.incident

    def tick(self, now_ms: int) -> Incident | None:
        """Forget what is old. Returns the incident that has just ended, if one has."""
        while self._recent and self._recent[0].at_ms < now_ms - SLOW_MS:
            self._recent.popleft()
        current = self.incident
        if current is not None and now_ms - max(s.at_ms for s in current.signs) > QUIET_MS:
            self.incident = None
            return replace(current, over=True)
        return None


def _with(incident: Incident, sign: Sign) -> Incident:
    if len(incident.signs) >= INCIDENT_SIGNS_MAX:
        kept = (*incident.signs[:-1], sign)  # the newest tells whether it goes on
        return replace(incident, signs=kept, more=incident.more + 1)
    return replace(incident, signs=(*incident.signs, sign))


def reason(past: Sequence[Sign], now_ms: int, fleets: Mapping[str, int]) -> str:
    """The first rule that holds now for the signs of the last SLOW_MS, "" if none does."""
    signs = [sign for sign in past if sign.at_ms > now_ms - WINDOW_MS]
    if any(sign.kind in HOSTILE for sign in signs) and _breadth(signs):
        return "breadth"
    if _mass(signs):
        return "mass"
    if _sweep(signs):
        return "sweep"
    if _slow(past):
        return "slow"
    return "fleet" if _fleet(signs, fleets) else ""


def _breadth(signs: Sequence[Sign]) -> bool:
    weights: dict[str, float] = defaultdict(float)
    for service, kind, _ in {(s.service, s.kind, s.target) for s in signs}:
        weights[service] += WEIGHT[kind]
    bounded = [min(weight, SERVICE_WEIGHT_MAX) for weight in weights.values()]
    return len(bounded) >= 2 and sum(bounded) >= SUSPICION


def _mass(signs: Sequence[Sign]) -> bool:
    touched: dict[str, set[str]] = defaultdict(set)
    for sign in signs:
        if sign.kind in HOSTILE and sign.kind is not SignKind.IDENTITY:
            touched[sign.service].add(sign.target)
    return any(len(targets) >= MASS_TARGETS for targets in touched.values())


def _sweep(signs: Sequence[Sign]) -> bool:
    changes = [s for s in signs if s.kind is SignKind.CHANGED and s.actor]
    hostile = {s.service for s in signs if s.kind in HOSTILE}
    refused = {s.actor for s in signs if s.kind in (SignKind.BEYOND, SignKind.FORGED)}
    for last in changes:
        near = {
            s.service
            for s in changes
            if s.actor == last.actor and 0 <= last.at_ms - s.at_ms <= SWEEP_MS
        }
        odd = last.actor in refused or near & hostile
        if len(near) >= (2 if odd else SWEEP_SERVICES):
            return True
    return False


def _slow(past: Sequence[Sign]) -> bool:
    touched = {s.service for s in past if s.kind in HOSTILE and s.kind is not SignKind.IDENTITY}
    return len(touched) >= SLOW_SERVICES


def _fleet(signs: Sequence[Sign], fleets: Mapping[str, int]) -> bool:
    changed: dict[str, set[str]] = defaultdict(set)
    for sign in signs:
        if sign.kind is SignKind.CHANGED:
            changed[sign.service].add(sign.target)
    return any(
        len(targets) >= max(FLEET_MIN, FLEET_SHARE * fleets.get(service, 0))
        for service, targets in changed.items()
    )

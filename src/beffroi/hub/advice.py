"""What follows from authorities' alerts: findings for the alarm desk, proposals for people.

Asks every domain what it makes of the verified alerts. Sends nothing to the street: a proposal is
only a request that somebody may make, or turn down with a reason that is logged.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Protocol

import structlog

from beffroi.domains.base import Domain, Proposal
from beffroi.evidence.entry import Draft
from beffroi.hub.dispatch.denied import DeniedError
from beffroi.kernel.keys import sha256
from beffroi.model.cap import Alert, Ref
from beffroi.model.finding import Finding
from beffroi.model.limits import CAP_POLL_S
from beffroi.ports.bulletins import Bulletins, Refused
from beffroi.ports.clock import Clock
from beffroi.ports.store import AssetStore, StoreError

log = structlog.get_logger("alerts")
TURNED_DOWN = "alerts.turned_down"  # setting: {key of an alert: TurnedDown as JSON}
REFUSED = "alert.refused"
Record = Callable[[Sequence[Draft]], object]


@dataclass(frozen=True, slots=True)
class TurnedDown:
    """Nothing of this alert is to be proposed any more; `by` is an account's id."""

    reason: str
    by: str
    at_ms: int


def key_of(ref: Ref) -> str:
    """A short name of one alert, for addresses."""
    return sha256(f"{ref.sender},{ref.identifier},{ref.sent_ms}".encode()).hex()[:24]


class Settings(Protocol):
    """Of the store of people: what must outlive a start."""

    def setting(self, key: str) -> str | None: ...
    def put_setting(self, key: str, value: str) -> None: ...


def _unlogged(drafts: Sequence[Draft]) -> None:
    """No evidence log is open."""
    del drafts


class Advisor:
    """`alerts`, `refused`, `proposals` and `turned_down` are replaced as a whole; read them from
    any thread."""

    def __init__(
        self,
        bulletins: Bulletins,
        assets: AssetStore,
        domains: Mapping[str, Domain],
        alarms: Callable[[Sequence[Finding]], None],
        clock: Clock,
        settings: Settings | None = None,
        record: Record = _unlogged,
    ) -> None:
        """`record` makes entries durable in the evidence log, or raises DeniedError."""
        self.alerts: Sequence[Alert] = ()
        self.refused: Sequence[Refused] = ()
        self.proposals: Sequence[Proposal] = ()
        self._settings, self._record, self._lock = settings, record, threading.Lock()
        kept = settings.setting(TURNED_DOWN) if settings else None
        self.turned_down: Mapping[str, TurnedDown] = {
            key: TurnedDown(**told) for key, told in json.loads(kept or "{}").items()
        }
        self._bulletins, self._assets, self._domains = bulletins, assets, domains
        self._alarms, self._clock = alarms, clock
        self._standing: dict[tuple[str, str], bool] = {}

    async def run(self) -> None:
        """Until cancelled. A failing disk or store is tried again at the next turn."""
        while True:
            try:
                await asyncio.to_thread(self.turn)
            except (StoreError, DeniedError, OSError) as error:
                log.error("alerts_not_read", why=str(error))
            await asyncio.sleep(CAP_POLL_S)

    def turn(self) -> None:
        """Only what changed is told to the desk; the first turn tells all, for an alert may have
        ended while the hub was down."""
        now_ms = self._clock.now_ms()
        alerts = self._bulletins.alerts(now_ms)
        assets = self._assets.assets()
        found: list[Proposal] = []
        changed: list[Finding] = []
        for name, domain in self._domains.items():
            own = [asset for asset in assets if asset.domain == name]
            advice = domain.advise(alerts, own, now_ms)
            found += advice.proposals
            for finding in advice.findings:
                key = finding.rule, finding.asset
                if self._standing.get(key) is not finding.active:
                    changed.append(finding)
        if changed:
            self._alarms(changed)
        self._standing |= {(one.rule, one.asset): one.active for one in changed}
        self.alerts, self.refused = tuple(alerts), tuple(self._bulletins.refused())
        self.proposals = tuple(found)

    def turn_down(self, key: str, reason: str, by: str) -> bool:
        """Durable, and in the log before; False when no such alert is kept. DeniedError when the
        log cannot be written."""
        with self._lock:
            alert = next((one for one in self.alerts if key_of(one.ref) == key), None)
            if alert is None:
                return False
            told = TurnedDown(reason, by, self._clock.now_ms())
            content = json.dumps({**asdict(alert.ref), **asdict(told)}).encode()
            self._record([Draft(REFUSED, told.at_ms, sha256(key.encode()), {}, content)])
            known = {key_of(one.ref) for one in self.alerts}
            kept = {k: one for k, one in self.turned_down.items() if k in known} | {key: told}
            if self._settings:
                text = json.dumps({k: asdict(one) for k, one in kept.items()})
                self._settings.put_setting(TURNED_DOWN, text)
            self.turned_down = kept
            return True

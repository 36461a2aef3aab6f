"""What follows from authorities' alerts: findings for the alarm desk, proposals for people.

Asks every domain what it makes of the verified alerts. Sends nothing to the street: a proposal is
only a request that somebody may make.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

import structlog

from beffroi.domains.base import Domain, Proposal
from beffroi.model.finding import Finding
from beffroi.model.limits import CAP_POLL_S
from beffroi.ports.bulletins import Bulletins
from beffroi.ports.clock import Clock
from beffroi.ports.store import AssetStore, StoreError

log = structlog.get_logger("alerts")


class Advisor:
    """`proposals` is replaced as a whole at each turn; read it from any thread."""

    def __init__(
        self,
        bulletins: Bulletins,
        assets: AssetStore,
        domains: Mapping[str, Domain],
        alarms: Callable[[Sequence[Finding]], None],
        clock: Clock,
    ) -> None:
        self.proposals: Sequence[Proposal] = ()
        self._bulletins, self._assets, self._domains = bulletins, assets, domains
        self._alarms, self._clock = alarms, clock
        self._standing: dict[tuple[str, str], bool] = {}

    async def run(self) -> None:
        """Until cancelled. A failing disk or store is tried again at the next turn."""
        while True:
            try:
                await asyncio.to_thread(self.turn)
            except (StoreError, OSError) as error:
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
        self.proposals = tuple(found)

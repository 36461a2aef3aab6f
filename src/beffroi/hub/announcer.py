"""What boards did show is also published, as signed alerts (CAP 1.2) that anybody may fetch.

Asks each domain what follows for the public from the commands that guards read back as done. The
evidence log comes first, then the file. Knows no XML and no template; orders nothing.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

import structlog

from beffroi.domains.base import Domain, Shown
from beffroi.evidence.entry import Draft
from beffroi.hub.dispatch.denied import DeniedError
from beffroi.kernel.keys import sha256
from beffroi.model.cap import Alert, CapError
from beffroi.model.limits import CAP_OUT_BACK_MS, CAP_OUT_POLL_S
from beffroi.ports.bulletins import Outbox
from beffroi.ports.clock import Clock
from beffroi.ports.commands import CommandStore, State
from beffroi.ports.store import AssetStore, StoreError

log = structlog.get_logger("alerts")
PUBLISHED = "alert.published"


class Announcer:
    """Idempotent: what is published is not published again, whatever happened in between. A file
    that could not be written is not logged again at each turn, only after a start."""

    def __init__(
        self,
        outbox: Outbox,
        commands: CommandStore,
        assets: AssetStore,
        domains: Mapping[str, Domain],
        record: Callable[[Sequence[Draft]], object],
        clock: Clock,
        sender: str,
    ) -> None:
        """`record` makes entries durable in the evidence log, or raises DeniedError."""
        self.outbox = outbox
        self._commands, self._assets, self._domains = commands, assets, domains
        self._record, self._clock, self._sender = record, clock, sender
        self._logged: dict[str, bytes] = {}  # alerts that are in the log and not yet in a file

    async def run(self) -> None:
        """Until cancelled. What fails is tried again at the next turn."""
        while True:
            try:
                await asyncio.to_thread(self.turn)
            except (StoreError, DeniedError, CapError, OSError) as error:
                log.error("alert_not_published", why=str(error))
            await asyncio.sleep(CAP_OUT_POLL_S)

    def turn(self) -> None:
        now_ms = self._clock.now_ms()
        done = self._done(now_ms - CAP_OUT_BACK_MS)
        if not done:
            return
        name = commune.name if (commune := self._assets.commune()) else self._sender
        for target, shown in done.items():
            for alert in self._messages(target, shown, name):
                if not self.outbox.has(alert.identifier):
                    self._publish(target, alert, now_ms)

    def _done(self, since_ms: int) -> Mapping[str, list[Shown]]:
        found: dict[str, list[Shown]] = defaultdict(list)
        for row in self._commands.sent_since(since_ms):
            if row.state is State.DONE:
                digest = bytes.fromhex(row.digest)
                found[row.target].append(Shown(row.action, row.params, digest, row.sent_ms))
        return found

    def _messages(self, target: str, shown: Sequence[Shown], name: str) -> Iterator[Alert]:
        asset = self._assets.asset(target)
        domain = self._domains.get(asset.domain) if asset else None
        if asset and domain:
            yield from domain.announce(asset, shown, self._sender, name)

    def _publish(self, target: str, alert: Alert, now_ms: int) -> None:
        if alert.identifier not in self._logged:
            signed = self.outbox.sign(alert, now_ms)
            refs: dict[str, int | str] = {"target": target, "size": len(signed)}
            self._record([Draft(PUBLISHED, now_ms, sha256(signed), refs, signed)])
            self._logged[alert.identifier] = signed
        self.outbox.put(alert.identifier, self._logged[alert.identifier])
        del self._logged[alert.identifier]
        log.info("alert_published", id=alert.identifier, kind=alert.msg_type, target=target)

"""What pages and routes may use of the hub. Built once by the composition root."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from beffroi.domains.base import Domain
from beffroi.hub.alarms.desk import Desk
from beffroi.hub.dispatch.service import Dispatch
from beffroi.hub.dossier.office import Office
from beffroi.hub.indicators.scoreboard import Scoreboard
from beffroi.hub.live import Live
from beffroi.hub.privacy.keeper import Keeper
from beffroi.hub.reports.desk import ReportDesk
from beffroi.ports.bus import Bus
from beffroi.ports.clock import Clock
from beffroi.ports.codec import CodecRunner
from beffroi.ports.identity import Identity
from beffroi.ports.log_store import LogStore
from beffroi.ports.personal import PersonalVault
from beffroi.ports.store import Store


@dataclass(frozen=True, slots=True)
class Services:
    """`app.state.services` of the web application."""

    store: Store
    live: Live
    desk: Desk
    bus: Bus
    clock: Clock
    codecs: CodecRunner
    identity: Identity
    domains: Mapping[str, Domain]
    mqtt_host: str  # what devices connect to, for the onboarding wizard
    mqtt_port: int
    dispatch: Dispatch | None = None  # None: the commune has no trust repository yet
    personal: PersonalVault | None = None  # None: nothing personal is kept here (some tests)
    results: Scoreboard | None = None  # indicators; None in parts that do not show them
    privacy: Keeper | None = None  # with `personal` as its vault
    reports: ReportDesk | None = None  # None: inhabitants cannot report here (some tests)
    office: Office | None = None  # registers, incidents, diligence file

    @property
    def journal(self) -> LogStore | None:
        """The evidence log, which is open before there is a root of trust as well; None when it
        could not be opened."""
        if self.office is not None:
            return self.office.stores.journal
        return self.dispatch.book.log if self.dispatch is not None else None

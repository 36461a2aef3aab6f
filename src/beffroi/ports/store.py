"""What must outlive a power cut. Every method that returns has committed to disk.

All methods are synchronous and safe to call from several threads; the async side calls them in
a thread. SQLite and PostgreSQL implement the same port and pass the same contract test.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from beffroi.model.alarm import Alarm, AlarmChange, AlarmEvent
from beffroi.model.asset import Asset, Commune, Device
from beffroi.model.reading import Quarantined, Row
from beffroi.ports.codec import Codec


class StoreError(Exception):
    """The store refused or failed; nothing of the call was kept. The text says what to do."""


class StaleVersionError(StoreError):
    """The alarm was changed by somebody else meanwhile: read it again."""


@dataclass(slots=True)
class Batch:
    """Everything one turn of the ingest loop wants to become durable, in one transaction."""

    rows: list[Row] = field(default_factory=list)
    quarantined: list[Quarantined] = field(default_factory=list)
    alarms: list[AlarmChange] = field(default_factory=list)
    seen: dict[str, int] = field(default_factory=dict)  # device -> last_seen_ms
    states: dict[str, Mapping[str, Any]] = field(default_factory=dict)  # asset -> watch.dump()


@dataclass(frozen=True, slots=True)
class Committed:
    """stored + duplicates + conflicts = rows given. Conflicts were written to quarantine."""

    stored: int
    duplicates: int
    conflicts: int


class Points(NamedTuple):
    """A series, oldest first: arrays of equal length."""

    ts_ms: npt.NDArray[np.int64]
    value: npt.NDArray[np.float64]
    quality: npt.NDArray[np.int8]
    recv_ms: npt.NDArray[np.int64]


class Hour(NamedTuple):
    """One hour of one series. `start_ms` is a multiple of 3,600,000."""

    series_id: int
    start_ms: int
    n: int
    total: float
    low: float
    high: float


class Hours(NamedTuple):
    """Hours of many series: arrays of equal length, by series and hour."""

    series_id: npt.NDArray[np.int64]
    start_ms: npt.NDArray[np.int64]
    n: npt.NDArray[np.int64]
    total: npt.NDArray[np.float64]
    low: npt.NDArray[np.float64]
    high: npt.NDArray[np.float64]


class SeriesKey(NamedTuple):
    """What a series is about. `device` is "" for a derived property."""

    asset: str
    device: str
    prop: str


class Last(NamedTuple):
    """The newest value of a series by device time."""

    series_id: int
    ts_ms: int
    value: float
    quality: int


class Counts(NamedTuple):
    """For the report "counted in and out, equal"."""

    observations: int
    quarantined: int
    alarms: int
    assets: int
    devices: int


class ReadingStore(Protocol):
    """Observations: an append log keyed by (series, device time), sealed day blocks, rollups."""

    def commit(self, batch: Batch) -> Committed:
        """All or nothing. An equal (series, ts, value) is a duplicate and ignored; another value
        for the same (series, ts) is a conflict: the first is kept, the second quarantined."""

    def series_ids(self, keys: Sequence[SeriesKey]) -> list[int]:
        """Ids in the order of `keys`; made when new."""

    def series_of(self, assets: Sequence[str]) -> dict[SeriesKey, int]:
        """All series of these assets (all series when empty)."""

    def last(self, series_ids: Sequence[int]) -> list[Last]:
        """Newest value of each series that has one."""

    def points(self, series_id: int, start_ms: int, end_ms: int) -> Points:
        """start <= ts < end, from log and sealed blocks together."""

    def hours(self, series_id: int, start_ms: int, end_ms: int) -> list[Hour]:
        """Hourly rollups of one series."""

    def hours_of_kind(
        self, domain: str, kind: str, prop: str, start_ms: int, end_ms: int
    ) -> Iterable[Hours]:
        """Hourly rollups of every series of a property of a kind of asset, some thousand series at
        a time: a month of a metropolis does not fit into memory."""

    def seal(self, before_ms: int) -> int:
        """Move whole UTC days that ended before `before_ms` from the log into compressed blocks
        (merging late readings into existing ones). Returns observations sealed. Resumable."""

    def purge(self, raw_before_ms: int, hours_before_ms: int, quarantine_before_ms: int) -> int:
        """Delete what retention no longer allows; returns rows and blocks deleted."""

    def states(self) -> dict[str, dict[str, Any]]:
        """Saved watch states by asset."""

    def quarantine(self, limit: int, after_id: int = 0) -> list[tuple[int, Quarantined]]:
        """Newest first; `after_id` pages (ids below it; 0 starts)."""

    def quarantine_counts(self) -> dict[str, int]:
        """Rows by reason."""

    def counts(self) -> Counts:
        """Totals, log and blocks together."""


class AssetStore(Protocol):
    """The town's inventory."""

    def put_commune(self, commune: Commune) -> None: ...
    def commune(self) -> Commune | None: ...
    def put_assets(self, assets: Sequence[Asset]) -> None:
        """Insert or replace."""

    def asset(self, asset_id: str) -> Asset | None: ...
    def assets(self, domain: str = "", limit: int = 0, after: str = "") -> list[Asset]:
        """By id; all when limit is 0."""

    def assets_in(
        self,
        west: float,
        south: float,
        east: float,
        north: float,
        domains: Sequence[str],
        limit: int,
    ) -> list[Asset]:
        """Inside the box, at most `limit`."""

    def delete_asset(self, asset_id: str) -> None:
        """Its history stays. Refused (StoreError) while a device still points to it."""

    def put_devices(self, devices: Sequence[Device]) -> None:
        """Insert or replace. `last_seen_ms` never goes back."""

    def device(self, device_id: str) -> Device | None: ...
    def device_by_eui(self, dev_eui: str) -> Device | None:
        """LoRaWAN DevEUI, upper-case hex."""

    def devices(self, limit: int = 0, after: str = "") -> list[Device]:
        """By id; all when limit is 0."""

    def put_codec(self, codec: Codec) -> None: ...
    def codecs(self) -> list[Codec]: ...
    def inventory_version(self) -> int:
        """Grows with every change to assets, devices or codecs: caches compare it."""


class AlarmStore(Protocol):
    """Alarms and their stories."""

    def apply(self, changes: Sequence[AlarmChange]) -> None:
        """All or nothing; StaleVersionError unless each stored version is alarm.version - 1
        (0 events stored for a new alarm of version 1)."""

    def alarm(self, alarm_id: str) -> Alarm | None: ...
    def open_alarms(self) -> list[Alarm]:
        """Everything not closed."""

    def alarms(
        self,
        states: Sequence[str],
        domain: str = "",
        asset: str = "",
        limit: int = 100,
        before_ms: int = 0,
        before_id: str = "",
    ) -> list[Alarm]:
        """Newest first, those of one ms by id. Only those seen before `before_ms` (0: all);
        with `before_id` also those of that very millisecond whose id comes later: give `seen_ms`
        and id of the last row of a page to have the next one."""

    def events(self, alarm_id: str) -> list[AlarmEvent]:
        """In order."""


class PeopleStore(Protocol):
    """Accounts, sessions and one-time links. Secrets come in already hashed."""

    def put_user(self, user: User) -> None: ...
    def user(self, user_id: str) -> User | None: ...
    def users(self) -> list[User]: ...
    def put_session(self, token_hash: str, user_id: str, expires_ms: int) -> None: ...
    def session(self, token_hash: str, now_ms: int) -> User | None: ...
    def drop_session(self, token_hash: str) -> None: ...
    def put_link(self, token_hash: str, purpose: str, subject: str, expires_ms: int) -> None:
        """A one-time secret: first sign-in, invitation, device enrolment, webhook source."""

    def take_link(self, token_hash: str, purpose: str, now_ms: int) -> str | None:
        """Use it up: its subject, or None when unknown, used or expired. Exactly one taker wins."""

    def setting(self, key: str) -> str | None: ...
    def put_setting(self, key: str, value: str) -> None: ...
    def settle(self) -> None:
        """What was replaced or deleted leaves the engine's journal too, as far as it can."""

    def log_access(self, at_ms: int, actor: str, action: str, subject: str) -> None:
        """Append-only, but for sign-ins whose time has come."""

    def subjects_of(self, action: str) -> list[str]:
        """About whom (or what) the access log has lines of this action, each once."""

    def purge_sign_ins(self, before_ms: int) -> int:
        """Lines of sign-ins, with their network addresses, from before then: how many went. The
        database refuses while they are younger than SIGN_IN_LOG_DAYS before the newest line."""

    def failed_sign_ins(self, since_ms: int) -> int:
        """How many attempts with a wrong name or passphrase were logged since."""


@dataclass(frozen=True, slots=True)
class User:
    """`role`: "admin", "operator" (acts on alarms and devices) or "reader".
    `organisation`: whom the person acts for; another one than the commune reaches what that body is
    competent for."""

    id: str
    name: str
    role: str
    password_hash: str = ""
    email: str = ""
    lang: str = "fr"
    active: bool = True
    organisation: str = "commune"


class Store(Protocol):
    """The four parts of one database."""

    @property
    def readings(self) -> ReadingStore: ...
    @property
    def assets(self) -> AssetStore: ...
    @property
    def alarms(self) -> AlarmStore: ...
    @property
    def people(self) -> PeopleStore: ...

    def backup(self, path: str) -> None:
        """A consistent copy while running."""

    def check(self) -> list[str]:
        """Integrity problems in words; [] is sound."""

    def close(self) -> None: ...

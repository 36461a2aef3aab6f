"""Which alarms of the house stand now: decisions from facts, pure.

A cause is (rule, asset) with the facts of its text. What happens at moments (a refusal, a lost
message, a clock that jumped) stands for a while after the last time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from beffroi.hub.house.facts import Machine, Papers, Witnessed
from beffroi.kernel.limits import DAY_MS
from beffroi.model.limits import (
    BROKER_AWAY_MS,
    CLOCK_JUMP_MS,
    CLOCK_OFF_LASTS_MS,
    CLOCK_OFF_MS,
    DISK_FULL_BYTES,
    DISK_FULL_SHARE,
    DISK_LOW_BYTES,
    DISK_LOW_SHARE,
    EXPIRY_WARNING_DAYS,
    HOUSE_BACKUP_DAYS,
    HOUSE_STANDS_MS,
    SERVER_CERT_ALARM_DAYS,
    TWINS_TIMES,
    TWINS_WINDOW_MS,
)

AUTHORITY_DAYS = 365  # a new authority means work on every device: a year to plan it
DEVICES_TOLD_MAX = 500

Cause = tuple[str, str]
Standing = dict[Cause, Mapping[str, float | str]]


@dataclass
class Moments:
    """What happened, and when last. `note` what is new; `judge` reads it."""

    refused: dict[str, tuple[int, int]] = field(default_factory=dict)  # device -> (times, last)
    taken: dict[str, list[int]] = field(default_factory=dict)  # device -> instants
    twins: dict[str, tuple[int, int]] = field(default_factory=dict)
    dropped: tuple[int, int] = (0, 0)
    jumped: tuple[int, str] = (0, "")
    away_since_ms: int = 0  # on the monotonic clock, as the next
    off_since_ms: int = 0
    _seen: Machine | None = None
    _seen_ms: int = 0

    def refusal(self, device: str, times: int, now_ms: int) -> None:
        """The broker refused what a device published or asked for."""
        before = self.refused.get(device, (0, 0))[0]
        self.refused[device] = (before + times, now_ms)

    def takeover(self, device: str, times: int, now_ms: int) -> None:
        """A second connection with the device's certificate ended the first."""
        recent = [at for at in self.taken.get(device, ()) if now_ms - at < TWINS_WINDOW_MS]
        self.taken[device] = (recent + [now_ms] * times)[-2 * TWINS_TIMES :]
        if len(self.taken[device]) >= TWINS_TIMES:
            before = self.twins.get(device, (TWINS_TIMES - 1, 0))[0]
            self.twins[device] = (before + times, now_ms)

    def look(self, machine: Machine, now_ms: int) -> None:
        """Compare with the look before: what was lost, whether the clock jumped."""
        old = self._seen
        if old is not None:
            lost = machine.qos0_dropped - old.qos0_dropped
            if lost > 0:
                self.dropped = (self.dropped[0] + lost, now_ms)
            jump = (now_ms - self._seen_ms) - (machine.monotonic_ms - old.monotonic_ms)
            if abs(jump) >= CLOCK_JUMP_MS:
                self.jumped = (machine.monotonic_ms, f"{jump / 1000:+.0f} s")
        if machine.broker_connected:
            self.away_since_ms = 0
        elif not self.away_since_ms:
            self.away_since_ms = machine.monotonic_ms
        if not _off_ms(machine):
            self.off_since_ms = 0
        elif not self.off_since_ms:
            self.off_since_ms = machine.monotonic_ms
        self._seen, self._seen_ms = machine, now_ms
        self._forget(now_ms)

    def _forget(self, now_ms: int) -> None:
        for kept in (self.refused, self.twins):
            for device in [d for d, (_, last) in kept.items() if not _fresh(last, now_ms)]:
                del kept[device]
        for device in [d for d, all_ in self.taken.items() if not _fresh(all_[-1], now_ms)]:
            del self.taken[device]
        if self.dropped[0] and not _fresh(self.dropped[1], now_ms):
            self.dropped = (0, 0)


def _fresh(at_ms: int, now_ms: int) -> bool:
    """A clock that was set back makes nothing last for ever."""
    return abs(now_ms - at_ms) < HOUSE_STANDS_MS


def standing(
    machine: Machine, papers: Papers, witnessed: Witnessed, moments: Moments, now_ms: int
) -> Standing:
    """Every cause that holds now."""
    found: Standing = {}
    for rule, asset, facts in (
        *_broker(machine, moments),
        *_disk(machine),
        *_devices(moments),
        *_ends(papers, now_ms),
        *_backups(papers, now_ms),
        *_evidence(witnessed),
        *_clock(machine, moments),
    ):
        found[f"house.{rule}", asset] = facts
    return found


Found = Iterator[tuple[str, str, Mapping[str, float | str]]]


def _broker(machine: Machine, moments: Moments) -> Found:
    if machine.broker_trouble:
        yield "broker_trouble", "", {"why": machine.broker_trouble}
    away_ms = machine.monotonic_ms - moments.away_since_ms
    if moments.away_since_ms and away_ms >= BROKER_AWAY_MS:
        yield "broker_away", "", {"minutes": away_ms / 60_000}


def _disk(machine: Machine) -> Found:
    free, total = machine.disk_free_bytes, machine.disk_total_bytes
    if machine.disk_readonly:
        yield "disk_readonly", "", {}
    if not total:
        return
    facts = {"free_mb": free / 1e6, "share": 100 * free / total}
    if free < max(DISK_FULL_BYTES, DISK_FULL_SHARE * total):
        yield "disk_full", "", facts
    elif free < max(DISK_LOW_BYTES, DISK_LOW_SHARE * total):
        yield "disk_low", "", facts


def _devices(moments: Moments) -> Found:
    for device, (times, _) in moments.refused.items():
        yield "refused", device, {"device": device, "times": times}
    for device, (times, _) in moments.twins.items():
        yield "twins", device, {"device": device, "times": times}
    if moments.dropped[0]:
        yield "dropped", "", {"count": moments.dropped[0]}


def _ends(papers: Papers, now_ms: int) -> Found:
    soonest = sorted(papers.devices.items(), key=lambda item: item[1])[:DEVICES_TOLD_MAX]
    for device, end_ms in soonest:
        days = (end_ms - now_ms) / DAY_MS
        if days <= 0:
            yield "certificate_over", device, {"device": device}
        elif days < EXPIRY_WARNING_DAYS:
            yield "certificate", device, {"device": device, "days": days}
    for rule, end_ms, limit in (
        ("server_certificate", papers.server_ends_ms, SERVER_CERT_ALARM_DAYS),
        ("authority", papers.authority_ends_ms, AUTHORITY_DAYS),
        ("trust_ends", papers.trust_ends_ms, EXPIRY_WARNING_DAYS),
    ):
        days = (end_ms - now_ms) / DAY_MS
        if end_ms and days < limit:
            yield rule, "", {"days": max(0.0, days)}


def _backups(papers: Papers, now_ms: int) -> Found:
    """A commune that has just begun has nothing to lose yet."""
    limit = HOUSE_BACKUP_DAYS * DAY_MS
    if not papers.installed_ms or now_ms - papers.installed_ms < limit:
        return
    if not papers.backup_ms:
        yield "backup_never", "", {}
        return
    if now_ms - papers.backup_ms > limit:
        yield "backup_old", "", {"days": (now_ms - papers.backup_ms) / DAY_MS}
    if not papers.restored_ms:
        yield "restore_never", "", {}


def _evidence(witnessed: Witnessed) -> Found:
    if witnessed.rolled_back:
        yield "rolled_back", "", {"why": witnessed.rolled_back}
    elif witnessed.wrong:
        yield "witnesses", "", {"why": witnessed.wrong}


def _off_ms(machine: Machine) -> int:
    """How far most guards see us off, 0 when that is little. Each has its own source of time."""
    off = sorted(machine.guards_off_ms)
    middle = off[len(off) // 2] if len(off) >= 2 else 0
    return -middle if abs(middle) >= CLOCK_OFF_MS else 0


def _clock(machine: Machine, moments: Moments) -> Found:
    """A jump; or guards that disagree for a while: what they said may have waited somewhere."""
    at_ms, how = moments.jumped
    since_ms = moments.off_since_ms
    if how and machine.monotonic_ms - at_ms < HOUSE_STANDS_MS:
        yield "clock", "", {"why": how}
    elif since_ms and machine.monotonic_ms - since_ms >= CLOCK_OFF_LASTS_MS:
        yield "clock", "", {"why": f"{_off_ms(machine) / 1000:+.0f} s"}

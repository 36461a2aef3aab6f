"""What the house looks at, read from the machine: files, disk, broker, guards' clocks.

Reads only. What it means is said in `hub.house`.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from pathlib import Path

from cryptography import x509

from beffroi.adapters.nats.bus import NatsBus
from beffroi.adapters.nats.health import Health
from beffroi.adapters.sql import SqlStore
from beffroi.cli import place
from beffroi.cli.settings import Settings
from beffroi.hub.alarms.desk import Desk
from beffroi.hub.dispatch.alarming import ToDesk
from beffroi.hub.dispatch.denied import DeniedError
from beffroi.hub.dispatch.service import Dispatch
from beffroi.hub.house.facts import Machine, Papers
from beffroi.hub.house.keeper import House
from beffroi.ports.clock import Clock

BACKUPS = "backups"
MADE = ".made"  # in the home's backups: touched by each backup, wherever it was written to
READ_BACK = ".read-back"  # beside a backup: it was restored and found sound


def backed_up(home: Path) -> None:
    """A backup was made."""
    folder = home / BACKUPS
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / MADE).touch()


def read_back(copy: Path) -> None:
    """A backup was restored; said beside it, where that can be written."""
    with contextlib.suppress(OSError):
        copy.with_name(copy.name + READ_BACK).touch()


def read_only(folder: Path, mounts: Path = Path("/proc/self/mountinfo")) -> bool:
    """Whether its file system takes no writes. Since Linux 6.15 an ext4 that gave up after an error
    says so among its options alone; `mounts` is proc_pid_mountinfo(5)."""
    if os.statvfs(folder).f_flag & os.ST_RDONLY:
        return True
    device = folder.stat().st_dev
    mine = f"{os.major(device)}:{os.minor(device)}"
    with contextlib.suppress(OSError):
        lines = (line.split() for line in mounts.read_text(errors="replace").splitlines())
        return any(
            len(line) > 2 and line[2] == mine and "emergency_ro" in line[-1].split(",")
            for line in lines
        )
    return False


class Rounds:
    """`machine` every few seconds, `papers` every minute. `dispatch` is set once there is one."""

    def __init__(self, settings: Settings, store: SqlStore, bus: NatsBus, clock: Clock) -> None:
        self.dispatch: Dispatch | None = None
        self._home, self._store, self._bus, self._clock = settings.home, store, bus, clock
        self._health = Health(place.broker_folder(settings), past=True)

    def machine(self) -> Machine:
        disk = shutil.disk_usage(self._home)
        self._health.look()
        return Machine(
            broker_trouble=self._health.trouble,
            broker_connected=self._bus.connected,
            disk_free_bytes=disk.free,
            disk_total_bytes=disk.total,
            disk_readonly=read_only(self._home),
            qos0_dropped=self._bus.qos0_dropped,
            monotonic_ms=time.monotonic_ns() // 1_000_000,
            guards_off_ms=self._guards_off_ms(),
        )

    def papers(self) -> Papers:
        authority = _certificate(self._home / "ca" / "ca.crt")
        backups = self._home / BACKUPS
        return Papers(
            devices={
                one.id: one.cert_not_after_ms
                for one in self._store.assets.devices()
                if one.status == "enrolled" and one.cert_not_after_ms
            },
            server_ends_ms=_ends_ms(_certificate(self._home / "ca" / "server.crt")),
            authority_ends_ms=_ends_ms(authority),
            trust_ends_ms=self._trust_ends_ms(),
            installed_ms=_ms(authority.not_valid_before_utc.timestamp()) if authority else 0,
            backup_ms=max(_newest_ms(backups, f"*{MADE}"), _newest_ms(backups, "*.backup")),
            restored_ms=_newest_ms(backups, f"*{READ_BACK}"),
        )

    def _guards_off_ms(self) -> tuple[int, ...]:
        if self.dispatch is None:
            return ()
        mirror, now_ms = self.dispatch.book.mirror, self._clock.now_ms()
        off = []
        for guard in mirror.guards():
            newest = max(mirror.of(guard).values(), key=lambda one: one.status.at_ms, default=None)
            if newest is not None and mirror.connected(guard, now_ms):
                off.append(newest.status.at_ms - newest.recv_ms)
        return tuple(off)

    def _trust_ends_ms(self) -> int:
        if self.dispatch is None:
            return 0
        try:
            trusted = self.dispatch.book.trusted
        except DeniedError:  # the dispatcher tells of that itself
            return 0
        ends = (trusted.roster.expires_ms, *(e.expires_ms for e in trusted.envelopes.values()))
        return min((one for one in ends if one), default=0)


def house_of(rounds: Rounds, desk: Desk, alarms: ToDesk, clock: Clock) -> House:
    """Run it beside the other parts of the hub."""
    return House(rounds.machine, rounds.papers, desk.open, alarms, clock)


def _certificate(path: Path) -> x509.Certificate | None:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError):
        return None


def _ends_ms(cert: x509.Certificate | None) -> int:
    return _ms(cert.not_valid_after_utc.timestamp()) if cert else 0


def _ms(seconds: float) -> int:
    return int(seconds * 1_000)


def _newest_ms(folder: Path, pattern: str) -> int:
    try:
        return max((_ms(path.stat().st_mtime) for path in folder.glob(pattern)), default=0)
    except OSError:
        return 0

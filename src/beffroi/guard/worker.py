"""Runs the core: one thread that reads, remembers, acts and sends, in the order it is told.

The only place where effects happen. Refuses to decide anything.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Mapping
from typing import Protocol

from beffroi.guard.core import Core
from beffroi.guard.driver import FALL_BACK, Driver, DriverError, Shown
from beffroi.guard.effects import (
    Act,
    Effect,
    FallBack,
    Instant,
    Judge,
    Keep,
    Look,
    Persist,
    Say,
)
from beffroi.guard.memory import Kept
from beffroi.guard.store import Store
from beffroi.guard.trust import Trusted, TrustError
from beffroi.guard.trust_bundle import BundleError, unpack_bundle
from beffroi.kernel.dsse import unpack
from beffroi.kernel.receipt import read_receipt

log = logging.getLogger("beffroi.guard")


class Outbox(Protocol):
    """The way to the hub."""

    def receipt(self, kept: Kept) -> None:
        """A durable receipt, to be sent until the broker has it."""

    def status(self, wire: bytes) -> None:
        """Now or never."""

    @property
    def sent(self) -> int:
        """Receipts up to this number are with the broker."""


class Trust(Protocol):
    """The documents of the commune's root: see `guard.trust`."""

    def current(self) -> Trusted | None: ...
    def take(self, files: Mapping[str, bytes], now_ms: int) -> Trusted: ...


class Worker:
    """StoreError leaves every method: then `fall_back_all` and end. Nothing else leaves them, but
    OSError from `trust`, which means the same."""

    def __init__(
        self,
        core: Core,
        store: Store,
        drivers: Mapping[str, Driver],
        trust: Trust,
        outbox: Outbox,
        instant: Callable[[], Instant],
    ) -> None:
        self._core, self._store, self._drivers = core, store, drivers
        self._trust, self._outbox, self._instant = trust, outbox, instant
        self._bundle = b""
        self.steps = 0  # grows while it works

    def begin(self) -> None:
        """A new start, with the documents that were trusted last."""
        self.run(self._core.begin(self._instant()))
        last = self._trust.current()
        if last is not None:
            self.run(self._core.trusted(last.roster, last.envelopes, self._instant()))

    def trust(self, bundle: bytes) -> None:
        """Documents that claim to be signed by the root. OSError when they cannot be kept."""
        if bundle == self._bundle:
            return
        at = self._instant()
        try:
            new = self._trust.take(unpack_bundle(bundle), self._core.now_ms(at))
        except (BundleError, TrustError) as error:
            self.run(self._core.distrusted(str(error), at))
            return
        self._bundle = bundle
        self.run(self._core.trusted(new.roster, new.envelopes, at))

    def command(self, wire: bytes) -> None:
        self.run(self._core.command(wire, self._instant()))

    def lease(self, wire: bytes, came: Instant | None = None) -> None:
        self.run(self._core.lease(wire, self._instant(), came))

    def connected(self) -> None:
        self.run(self._core.connected(self._instant()))

    def tick(self) -> None:
        self.steps += 1
        self.run(self._core.tick(self._instant()))

    def run(self, effects: list[Effect]) -> None:
        """Everything that follows, before anything else is heard; first come, first done, so that
        receipts reach the disk in the order of their numbers."""
        todo = deque(effects)
        while todo:
            todo.extend(self._do(todo.popleft()))

    def _do(self, effect: Effect) -> list[Effect]:
        self.steps += 1
        match effect:
            case Persist(record):
                self._store.persist(record)
            case Keep(kept, again):
                if not again:
                    self._store.keep(kept, self._outbox.sent)
                    _log(kept)
                self._outbox.receipt(kept)
            case Say(wire):
                self._outbox.status(wire)
            case Judge(wire):
                return self._core.judge(wire, self._instant())
            case Look(target):
                shown, error = _read(self._drivers[target])
                return self._core.shown(target, shown, error, self._instant())
            case Act(target, action, params):
                expects, error = _act(self._drivers[target], action, params)
                return self._core.acted(target, expects, error, self._instant())
            case FallBack(target):
                return self._fall_back(target)
        return []

    def _fall_back(self, target: str) -> list[Effect]:
        driver = self._drivers[target]
        error = _tried(driver.fall_back)
        shown: Shown = {}
        if not error:
            shown, error = _read(driver)
        expects = _expects(driver, FALL_BACK, {})[0]
        return self._core.fell_back(target, expects, shown, error, self._instant())


def fall_back_all(drivers: Mapping[str, Driver]) -> None:
    """Without asking the core: it cannot remember any more."""
    for driver in drivers.values():
        _tried(driver.fall_back)


def _log(kept: Kept) -> None:
    """For the technician at the cabinet."""
    one = read_receipt(unpack(kept.wire).payload)
    log.info("%d %s %s %s %s", one.number, one.outcome, one.target, one.reason, one.detail)


def _read(driver: Driver) -> tuple[Shown, str]:
    box: list[Shown] = [{}]
    error = _tried(lambda: box.append(dict(driver.read())))
    return box[-1], error


def _expects(driver: Driver, action: str, params: Shown) -> tuple[Shown, str]:
    box: list[Shown] = [{}]
    error = _tried(lambda: box.append(dict(driver.expects(action, params))))
    return box[-1], error


def _act(driver: Driver, action: str, params: Shown) -> tuple[Shown, str]:
    expects, error = _expects(driver, action, params)
    return expects, error or _tried(lambda: driver.act(action, params))


def _tried(call: Callable[[], None]) -> str:
    """ "" or what went wrong. A driver's own mistake must not take its neighbours down."""
    try:
        call()
    except DriverError as error:
        return str(error) or "the equipment did not answer"
    except Exception as error:  # noqa: BLE001
        return f"mistake in the driver: {error!r}"
    return ""

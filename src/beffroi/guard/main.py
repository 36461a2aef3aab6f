"""`beffroi-guard`: the process in the cabinet. Puts the parts together and runs until it is ended.

One thread judges and acts; paho's thread only carries bytes. A disk that fails ends the process
after everything fell back: a supervisor starts it again.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from beffroi.guard.clock import instant
from beffroi.guard.config import Config, ConfigError, read_config
from beffroi.guard.core import Core, Me
from beffroi.guard.driver import Driver
from beffroi.guard.drivers import open_driver
from beffroi.guard.drivers.wiring import WiringError
from beffroi.guard.limits import HANG_MS_MAX, TICK_MS
from beffroi.guard.mqtt import COMMAND, LEASE, Link, LinkError, Message
from beffroi.guard.outbox import Queue
from beffroi.guard.store import Store, StoreError
from beffroi.guard.trust import Trust
from beffroi.guard.watchdog import Watchdog
from beffroi.guard.worker import Worker, fall_back_all
from beffroi.kernel.command import NONCE_BYTES
from beffroi.kernel.keys import ED25519, key_id, public_of

log = logging.getLogger("beffroi.guard")
EX_CONFIG, EX_IOERR, EX_TEMPFAIL = 78, 74, 75


class Guard:
    """All parts of one guard on one configuration."""

    def __init__(self, config: Config) -> None:
        root = _root(config)
        self._drivers = _drivers(config)
        self._store = Store(config.folder)
        trust = Trust(config.folder / "trust.cbor", config.commune, config.guard, root)
        try:
            memory, key = self._store.load(), self._store.key()
        except StoreError:
            fall_back_all(self._drivers)
            raise
        if memory.flaw:
            log.warning("memory: %s", memory.flaw)
        unsent = [kept for kept in memory.kept if kept.number > memory.sent]
        self._link = Link(config.guard, config.hub, Queue(unsent, memory.sent))
        me = Me(config.commune, config.guard, config.place, key)
        wired = {name: target.wired for name, target in config.targets.items()}
        core = Core(me, memory, os.urandom(NONCE_BYTES), wired, instant())
        self._worker = Worker(core, self._store, self._drivers, trust, self._link, instant)
        self._noted = memory.sent
        self._ending = False

    def run(self) -> int:
        """Until SIGTERM or SIGINT: 0. EX_IOERR when the memory failed."""
        for one in (signal.SIGTERM, signal.SIGINT):
            signal.signal(one, self._end)
        watchdog = Watchdog(lambda: self._worker.steps, HANG_MS_MAX / 1000, _hung)
        try:
            watchdog.start()
            self._worker.begin()
            self._link.start()
            connects = 0
            while not self._ending:
                for message in self._link.get(TICK_MS / 1000):
                    self._hear(message)
                if self._link.connects != connects:
                    connects = self._link.connects
                    self._worker.connected()
                self._worker.tick()
                self._link.pump()
                self._note()
        except (StoreError, OSError) as error:
            log.critical("the memory failed, everything falls back: %s", error)
            fall_back_all(self._drivers)
            return EX_IOERR
        except Exception:
            log.critical("a mistake in the guard itself, everything falls back")
            fall_back_all(self._drivers)
            raise
        finally:
            watchdog.stop()
            self._link.stop()
            for driver in self._drivers.values():
                driver.close()
            self._store.close()
        return 0

    def _hear(self, message: Message) -> None:
        if message.kind == COMMAND:
            self._worker.command(message.payload)
        elif message.kind == LEASE:
            self._worker.lease(message.payload, message.came)
        else:
            self._worker.trust(message.payload)
        self._link.done(message)

    def _note(self) -> None:
        if self._link.sent > self._noted:
            self._noted = self._link.sent
            self._store.note_sent(self._noted)

    def _end(self, *_: object) -> None:
        self._ending = True


def _drivers(config: Config) -> Mapping[str, Driver]:
    drivers: dict[str, Driver] = {}
    for name, target in config.targets.items():
        try:
            drivers[name] = open_driver(target.driver, target.wiring)
        except WiringError as error:
            raise ConfigError(f"targets.{name}: {error}") from error
    return drivers


def _hung() -> None:
    log.critical("no step for %d s: ending, to be started anew", HANG_MS_MAX // 1000)
    os._exit(EX_TEMPFAIL)


def _root(config: Config) -> bytes:
    try:
        return config.root.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"cannot read the commune's root: {error}. Bring it by hand, never from the network"
        ) from error


def _show_key(config: Config) -> None:
    """What the commune's root must write into the roster for this guard."""
    store = Store(config.folder)
    with suppress(BrokenPipeError):
        public = public_of(store.key())
        print(public.hex())  # noqa: T201
        print(f"guard {config.guard}, key {key_id(ED25519, public)}", file=sys.stderr)  # noqa: T201
    store.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(
        prog="beffroi-guard",
        description="The edge guard of a Beffroi commune: judges every command beside the "
        "actuator, acts, reads back, signs.",
    )
    parser.add_argument("--config", type=Path, required=True, help="guard.toml")
    parser.add_argument(
        "--show-key",
        action="store_true",
        help="print the public key of its receipts (made now if there is none) and end",
    )
    said = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        config = read_config(said.config)
        if said.show_key:
            _show_key(config)
            return 0
        return Guard(config).run()
    except (ConfigError, LinkError) as error:
        log.error("%s", error)
        return EX_CONFIG
    except (StoreError, OSError) as error:
        log.error("%s", error)
        return EX_IOERR


def run() -> None:
    """The console script."""
    sys.exit(main())


if __name__ == "__main__":
    run()

"""The loop: look at the lamps every ten milliseconds, permit or not. Decides nothing itself.

`python -m beffroi.guard.monitor --card C --seal S --lamps L --permit P --state D` where D is a
folder for the latch, the key switch (a pipe), the door contact and the record. The process opens no
socket, and ends at once if any code in it ever tries: the permit then stops and the junction
flashes.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from beffroi.guard.monitor import limits
from beffroi.guard.monitor.card import Card, CardError, mark_of, sealed
from beffroi.guard.monitor.lamps import Lamps, Permit
from beffroi.guard.monitor.latch import Key, Latch, Record
from beffroi.guard.monitor.rules import RUNNING, TRIPPED, Monitor

CARD_EVERY = 50  # looks between two looks at the card
EXIT_CARD, EXIT_SOCKET = 78, 70


class Post:
    """One monitor with its ports."""

    def __init__(self, options: argparse.Namespace) -> None:
        state: Path = options.state
        self._card_path: Path = options.card
        self._card, self._mark = sealed(options.card, options.seal)
        self._lamps, self._permit = Lamps(options.lamps), Permit(options.permit)
        self._permit.withdraw()
        self._latch, self._record = Latch(state / "latch"), Record(state / "record.jsonl")
        self._key = Key(state / "key", state / "door")
        self._monitor = _new(self._card, self._latch.reason())
        self._looks = 0
        self._told = ""

    def turn(self) -> None:
        """One look."""
        now_ms = time.monotonic_ns() // 1_000_000
        monitor = self._monitor
        monitor.look(now_ms, *self._lamps.read())
        if monitor.mode == RUNNING:
            self._permit.give()
        else:
            self._permit.withdraw()
        self._looks += 1
        if self._looks % CARD_EVERY == 0:
            self._latch_trip()  # again: a disk that was full may have room now
            if mark_of(self._card_path) != self._mark:
                monitor.trip("the card was changed")
                self._permit.withdraw()
        if monitor.mode != self._told:
            self._tell(now_ms)
        if monitor.mode == TRIPPED and self._key.turned():
            self._latch.open()
            self._monitor = _new(self._card, "")

    def stop(self) -> None:
        self._permit.withdraw()

    def _tell(self, now_ms: int) -> None:
        monitor = self._monitor
        self._latch_trip()
        self._key.turned()  # a key that was turned before is not a key turned now
        self._record.write(now_ms, monitor.mode, monitor.reason)
        self._told = monitor.mode

    def _latch_trip(self) -> None:
        if self._monitor.mode == TRIPPED and not self._latch.reason():
            with contextlib.suppress(OSError):  # it goes on flashing all the same
                self._latch.close(self._monitor.reason)


def _new(card: Card, latched: str) -> Monitor:
    monitor = Monitor(card)
    if latched:
        monitor.trip(latched)
    return monitor


def deaf(event: str, _arguments: object) -> None:
    """An audit hook: whatever opens a socket here is not this program."""
    if event.startswith("socket."):
        os._exit(EXIT_SOCKET)


def options_of(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="beffroi-monitor", description=__doc__)
    for name in ("card", "seal", "lamps", "permit", "state"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--realtime", action="store_true", help="ask for SCHED_FIFO (needs root)")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    options = options_of(sys.argv[1:] if arguments is None else arguments)
    sys.addaudithook(deaf)
    try:
        post = Post(options)
        if options.realtime:
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50))
    except (CardError, OSError) as error:
        print(f"beffroi-monitor: {error}", file=sys.stderr)  # noqa: T201 - before the loop
        return EXIT_CARD
    ended: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda got, _: ended.append(got))
    gc.freeze()
    gc.disable()  # no cycles are made in the loop, and a pause would be a late look
    _loop(post, ended)
    post.stop()
    return 0


def _loop(post: Post, ended: list[int]) -> None:
    next_s = time.monotonic()
    while not ended:
        post.turn()
        next_s = max(next_s + limits.PERIOD / 1000, time.monotonic())
        time.sleep(max(0.0, next_s - time.monotonic()))

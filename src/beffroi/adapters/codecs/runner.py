"""Runs codecs by their hash, one process each, so that a bad one costs only its own devices.

Only codecs of the store run (the allow-list). A codec that has to be stopped CODEC_STRIKES_MAX
times within CODEC_STRIKE_WINDOW_S is suspended; the others never wait for it: each has its own
lock and process.
"""

from __future__ import annotations

import hashlib
import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog

from beffroi.adapters.codecs.child import BROKEN, FAILED, RESULT
from beffroi.adapters.codecs.output import Decoded, data_of, judged
from beffroi.adapters.codecs.worker import KilledError, Worker
from beffroi.model.limits import (
    CODEC_BATCH_FRAMES_MAX,
    CODEC_BYTES_MAX,
    CODEC_CALL_MS_MAX,
    CODEC_PROCESSES_MAX,
    CODEC_STRIKE_WINDOW_S,
    CODEC_STRIKES_MAX,
    CODEC_SUSPEND_S,
    CODEC_SUSPEND_S_MAX,
    LORAWAN_PAYLOAD_BYTES_MAX,
)
from beffroi.ports.codec import Codec, CodecBrokenError, CodecError, Uplink
from beffroi.ports.store import AssetStore

log = structlog.get_logger(__name__)
Outcome = Decoded | CodecError


@dataclass(slots=True)
class _Seat:
    """What the runner remembers of one codec."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    worker: Worker | None = None
    strikes: list[float] = field(default_factory=list)  # when it had to be stopped
    suspensions: int = 0
    until: float = 0.0  # monotonic; suspended before it

    def unload(self) -> None:
        if self.worker:
            self.worker.kill()
            self.worker = None


class Runner:
    """A `ports.codec.CodecRunner`. Safe to call from several threads; different codecs run at the
    same time."""

    def __init__(
        self, store: AssetStore | None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._clock = clock
        self._lock = threading.Lock()
        self._seats: OrderedDict[str, _Seat] = OrderedDict()
        self._allowed: dict[str, Codec] = {}
        self._version = -1
        self._folder = tempfile.TemporaryDirectory(prefix="codec-")

    def decode(self, sha256: str, frames: Sequence[Uplink]) -> list[dict[str, Any] | CodecError]:
        return [_data(outcome) for outcome in self.outcomes(sha256, frames)]

    def trial(self, codec: Codec, frames: Sequence[Uplink]) -> list[dict[str, Any] | CodecError]:
        return [_data(outcome) for outcome in self.tried(codec, frames)]

    def outcomes(self, sha256: str, frames: Sequence[Uplink]) -> list[Outcome]:
        """Like `decode`, with the codec's own warnings and errors."""
        codec = self._codec(sha256)
        if isinstance(codec, CodecError):
            return [codec] * len(frames)
        seat = self._seat(sha256)
        with seat.lock:
            return self._run(codec, seat, frames)

    def tried(self, codec: Codec, frames: Sequence[Uplink]) -> list[Outcome]:
        """Like `trial`, with warnings and errors."""
        refused = unfit(codec)
        if refused:
            return [refused] * len(frames)
        seat = _Seat()
        try:
            return self._run(codec, seat, frames)
        finally:
            seat.unload()

    def suspended(self) -> dict[str, float]:
        """Codecs that are suspended, and for how many seconds more."""
        now = self._clock()
        with self._lock:
            seats = list(self._seats.items())
        return {sha: seat.until - now for sha, seat in seats if seat.until > now}

    def walls(self, sha256: str) -> list[str]:
        """The walls around the codec's process on this machine; [] while it is not loaded."""
        worker = self._seats[sha256].worker if sha256 in self._seats else None
        return worker.walls if worker else []

    def close(self) -> None:
        with self._lock:
            seats, self._seats = list(self._seats.values()), OrderedDict()
        for seat in seats:
            with seat.lock:
                seat.unload()
        self._folder.cleanup()

    def _codec(self, sha256: str) -> Codec | CodecError:
        if self._store is None:
            return CodecBrokenError("this runner has no allow-list: it is for trials only")
        with self._lock:
            version = self._store.inventory_version()
            if version != self._version:
                self._allowed = {codec.sha256: codec for codec in self._store.codecs()}
                self._version = version
            codec = self._allowed.get(sha256)
        if codec is None:
            return CodecBrokenError(f"codec {sha256[:12]!r} is not on the allow-list: add it first")
        if not codec.source:
            return CodecBrokenError(
                f"codec {codec.name!r} was removed: add it again or change the device"
            )
        return unfit(codec) or codec

    def _seat(self, sha256: str) -> _Seat:
        """The codec's seat; the one that was not used for longest gives its process up."""
        with self._lock:
            seat = self._seats.setdefault(sha256, _Seat())
            self._seats.move_to_end(sha256)
            loaded = [s for s in self._seats.values() if s.worker and s is not seat]
            for other in loaded[: max(0, len(loaded) - CODEC_PROCESSES_MAX + 1)]:
                if other.lock.acquire(blocking=False):  # one at work is not the least used
                    try:
                        other.unload()
                    finally:
                        other.lock.release()
        return seat

    def _run(self, codec: Codec, seat: _Seat, frames: Sequence[Uplink]) -> list[Outcome]:
        outcomes: list[Outcome] = []
        end = self._clock() + CODEC_CALL_MS_MAX / 1000
        while len(outcomes) < len(frames):
            refused = self._refusal(codec, seat, end)
            if refused:
                return outcomes + [refused] * (len(frames) - len(outcomes))
            try:
                rest = frames[len(outcomes) : len(outcomes) + CODEC_BATCH_FRAMES_MAX]
                outcomes += self._round(codec, seat, rest, end)
            except CodecError as error:  # it does not even start
                self._strike(codec, seat)
                outcomes.append(error)
        return outcomes

    def _refusal(self, codec: Codec, seat: _Seat, end: float) -> CodecError | None:
        left_s = seat.until - self._clock()
        if left_s > 0:
            return CodecBrokenError(
                f"codec {codec.name!r} is suspended for {left_s:.0f} s more, because it had to be "
                "stopped several times: mend it and add the new version"
            )
        if self._clock() > end:
            self._strike(codec, seat)
            return CodecBrokenError(f"codec {codec.name!r} is too slow for the frames that come")
        return None

    def _round(
        self, codec: Codec, seat: _Seat, frames: Sequence[Uplink], end: float
    ) -> list[Outcome]:
        """One round trip; shorter than `frames` when the process had to be stopped."""
        outcomes: list[Outcome] = []
        sound = [frame for frame in frames if len(frame.payload) <= LORAWAN_PAYLOAD_BYTES_MAX]
        if len(sound) < len(frames):
            return self._around_long(codec, seat, frames, end)
        seat.worker = seat.worker or self._started(codec)
        try:
            for reply in seat.worker.run(frames):
                outcomes.append(self._outcome(codec, seat, reply))
                if seat.until > self._clock() or self._clock() > end:
                    seat.unload()  # answers that are still on their way are not wanted
                    break
        except KilledError as error:
            seat.worker = None
            outcomes.append(CodecBrokenError(f"codec {codec.name!r} was killed: {error}"))
            self._strike(codec, seat)
        return outcomes

    def _started(self, codec: Codec) -> Worker:
        try:
            return Worker(codec, self._folder.name)
        except OSError as error:  # no memory, processes or descriptors left
            raise CodecBrokenError(f"no process for codec {codec.name!r}: {error}") from None

    def _around_long(
        self, codec: Codec, seat: _Seat, frames: Sequence[Uplink], end: float
    ) -> list[Outcome]:
        first = next(n for n, f in enumerate(frames) if len(f.payload) > LORAWAN_PAYLOAD_BYTES_MAX)
        if first:
            return self._round(codec, seat, frames[:first], end)
        return [CodecError(f"a LoRaWAN frame has at most {LORAWAN_PAYLOAD_BYTES_MAX} bytes")]

    def _outcome(self, codec: Codec, seat: _Seat, reply: bytes) -> Outcome:
        status, text = reply[:1], reply[1:]
        if status == RESULT:
            try:
                return judged(text)
            except CodecError as error:
                return error
        message = text.decode("utf-8", "replace")
        if status == FAILED:
            return CodecError(f"codec {codec.name!r} failed: {message}")
        if status == BROKEN:
            return CodecBrokenError(f"codec {codec.name!r} does not load: {message}")
        self._strike(codec, seat)
        return CodecBrokenError(f"codec {codec.name!r} was stopped at a limit: {message}")

    def _strike(self, codec: Codec, seat: _Seat) -> None:
        """Not only in a row: good frames in between do not buy time for bad ones."""
        now = self._clock()
        seat.strikes = [t for t in seat.strikes if t > now - CODEC_STRIKE_WINDOW_S] + [now]
        if len(seat.strikes) < CODEC_STRIKES_MAX:
            return
        if now - seat.until > CODEC_SUSPEND_S_MAX:  # it has been good for long
            seat.suspensions = 0
        pause_s = min(CODEC_SUSPEND_S * 2**seat.suspensions, CODEC_SUSPEND_S_MAX)
        seat.until = now + pause_s
        seat.suspensions = min(seat.suspensions + 1, 16)
        seat.strikes = []
        log.warning("codec_suspended", codec=codec.name, sha256=codec.sha256, seconds=pause_s)


def unfit(codec: Codec) -> CodecError | None:
    """Why a codec cannot be run at all."""
    source = codec.source.encode("utf-8", "surrogatepass")
    if len(source) > CODEC_BYTES_MAX:
        return CodecBrokenError(f"codec {codec.name!r} is larger than {CODEC_BYTES_MAX} bytes")
    if hashlib.sha256(source).hexdigest() != codec.sha256:
        return CodecBrokenError(f"codec {codec.name!r} is not what its hash says: add it again")
    return None


def _data(outcome: Outcome) -> dict[str, Any] | CodecError:
    return data_of(outcome) if isinstance(outcome, Decoded) else outcome

"""Do many measurements of one process still agree with each other as they always did?

Each hour all tags, the hour before and the time of day make one vector. Its mean and covariance
are learnt; what each tag says is compared with what all the others say of it (the conditional
residual of a Gaussian, from the precision matrix). Small residuals that last count: they are
smoothed before they are summed. Knows no unit, no network map and no rule.

What it cannot do: see an attack that was there while it learnt, or name the culprit for sure.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from beffroi.domains.state import Memory

SLOT_MS = 3_600_000
OLD_MS = 2 * SLOT_MS  # an older value says nothing: the tag counts as usual
TAGS_MAX = 64
TAGS_MIN = 4
DISCOVER = 24  # frames before the set of tags is fixed
LEARN_MIN, LEARN_PER_DIM = 600, 12  # frames before residuals are taken seriously
MEMORY = 9_000  # frames that the covariance remembers
SCALE_MEMORY = 2_000
RIDGE = 0.03
CLASS = 0.005  # instruments are not better than half a percent of what they read
STILL = 0.01  # a tag that moves less than this share of its size is not informative
SMOOTH = 0.25
CAP = 8.0  # one tag alone cannot be the whole alarm
OUTLIER = 4.0  # what one value may teach about its own scale
FAR = 3.0  # ranges beyond the known range: a glitch, from which nothing is learnt
RECOVERY = 24  # frames after a glitch from which nothing is learnt either
CALM = 0.5  # least scale of a residual
RARE = 4.0  # spreads of the logarithm of the sum: the bar
BAR_MIN = 1.2
PATIENCE = 14 * 24  # frames of refusing to learn, then the new behaviour is learnt

Vector = npt.NDArray[np.float64]


class Verdict(NamedTuple):
    """`oddity` above 1 is an alarm (nothing is told while learning: None)."""

    oddity: float
    tag: str  # the one that disagrees most


@dataclass(slots=True)
class _Counts(Memory):
    tags: list[str] = field(default_factory=list)
    slot: int = -1  # of the frame being filled
    closed: int = -1  # last slot that gave a frame
    frames: int = 0
    residuals: int = 0
    usual: float = 0.0  # mean and variance of the logarithm of the sum
    spread: float = 0.0
    usuals: int = 0
    frozen: int = 0
    ill: int = 0


class Coherence:
    """`step` with each value, in about increasing time; a frame at most once an hour."""

    def __init__(self, saved: Mapping[str, Any] | None = None) -> None:
        saved = saved or {}
        self._n = _Counts.load(saved.get("counts"))
        self._last: dict[str, list[float]] = {k: list(v) for k, v in saved.get("last", {}).items()}
        self._size = 2 * len(self._n.tags) + 4
        self._before: Vector | None = _unpack(saved.get("before"))
        arrays = saved.get("arrays")
        if arrays and self._fixed:
            unpacked = [_array(_unpack(text)) for text in arrays]
            self._mean, self._square, self._smooth, self._calm, self._low, self._high = unpacked[:6]
            self._cov = _symmetric(unpacked[6], self._size)
        else:
            self._fresh()

    @property
    def _fixed(self) -> bool:
        return self._n.frames >= DISCOVER

    @property
    def learning(self) -> bool:
        """Nothing can be told yet."""
        return self._n.residuals < 2 * self._learn

    @property
    def _learn(self) -> int:
        return max(LEARN_MIN, LEARN_PER_DIM * self._size)

    def _fresh(self) -> None:
        tags, size = len(self._n.tags), self._size
        self._mean = np.zeros(size)
        self._cov = np.zeros((size, size))
        self._square, self._smooth, self._calm = np.ones(tags), np.zeros(tags), np.ones(tags)
        self._low, self._high = np.full(tags, np.inf), np.full(tags, -np.inf)

    def step(self, ts_ms: int, tag: str, value: float) -> Verdict | None:
        """A verdict when this value completes a frame and learning is over."""
        n = self._n
        slot = ts_ms // SLOT_MS
        verdict = None
        if slot > n.slot:
            if n.slot > n.closed:
                verdict = self._close(n.slot)
            n.slot = slot
        if tag in self._last or len(self._last) < TAGS_MAX:
            self._last[tag] = [float(ts_ms), value]
        if n.slot > n.closed and self._fixed and self._complete():
            verdict = self._close(n.slot) or verdict
        return verdict

    def _complete(self) -> bool:
        start = self._n.slot * SLOT_MS
        return all(self._last.get(tag, (0.0,))[0] >= start for tag in self._n.tags)

    def _close(self, slot: int) -> Verdict | None:
        n = self._n
        n.closed = slot
        if self._fixed:
            return self._frame(slot)
        n.frames += len(self._last) >= TAGS_MIN
        if n.frames >= DISCOVER:
            n.tags = sorted(self._last)
            self._size = 2 * len(n.tags) + 4
            self._fresh()
        return None

    def _frame(self, slot: int) -> Verdict | None:
        tags = len(self._n.tags)
        now = np.empty(tags)
        for i, tag in enumerate(self._n.tags):
            at, value = self._last.get(tag, (-1e18, 0.0))
            old = slot * SLOT_MS - at > OLD_MS
            now[i] = self._mean[i] if old else value
        before, self._before = self._before, now
        if before is None or len(before) != tags:
            return None
        turn = 2 * math.pi * (slot % 24) / 24
        day = [math.sin(turn), math.cos(turn), math.sin(2 * turn), math.cos(2 * turn)]
        return self._judge(np.concatenate([now, before, day]))

    def _judge(self, vector: Vector) -> Verdict | None:
        n = self._n
        verdict, calm = None, True
        if n.frames >= DISCOVER + self._learn:
            share = self._residual(vector)
            oddity = float(np.sqrt(np.mean(np.minimum(np.abs(share), CAP) ** 2)))
            bar = max(BAR_MIN, math.exp(n.usual + RARE * math.sqrt(n.spread)))
            n.ill = RECOVERY if self._absurd(vector) else max(0, n.ill - 1)
            calm = n.ill == 0 and (self.learning or oddity < 0.8 * bar)
            if calm:
                self._scale()
            if n.residuals > self._learn and calm:
                self._calibrate(math.log(max(oddity, 0.05)))
            if not self.learning:
                worst = int(np.argmax(np.abs(share)))
                verdict = Verdict(oddity / bar, n.tags[worst])
        n.frozen = 0 if calm else n.frozen + 1
        if calm or n.frozen > PATIENCE:
            self._learn_from(vector)
        return verdict

    def _residual(self, vector: Vector) -> Vector:
        """Smoothed residual of each tag in units of what it was while learning."""
        tags = len(self._n.tags)
        size = self._size_of()
        ridge = RIDGE + (CLASS * self._mean / size) ** 2
        precision = np.linalg.inv(self._cov / np.outer(size, size) + np.diag(ridge))
        z = (vector - self._mean) / size
        raw = (precision @ z)[:tags] / np.sqrt(np.diag(precision)[:tags])
        scale = np.maximum(np.sqrt(self._square), CALM)
        clipped = np.clip(raw / scale, -10.0, 10.0)
        self._smooth = _short(self._smooth + SMOOTH * (clipped - self._smooth))
        self._raw = np.clip(raw, -OUTLIER * scale, OUTLIER * scale)
        return self._smooth / np.maximum(np.sqrt(self._calm), 0.05)

    def _absurd(self, vector: Vector) -> bool:
        """One glitch would blind its tag for months. A tag that never moved may still begin to."""
        tags = len(self._n.tags)
        margin = FAR * (self._high - self._low)
        pair = vector[: 2 * tags].reshape(2, tags)
        far = (pair < self._low - margin) | (pair > self._high + margin)
        return bool(np.any(far & (margin > 0)))

    def _size_of(self) -> Vector:
        """Spread of each tag; at least a share of its size, so that a still tag is no oracle."""
        spread: Vector = np.sqrt(np.diag(self._cov))
        return np.maximum(spread, STILL * np.abs(self._mean) + 1e-9)

    def _scale(self) -> None:
        """What is usual for the residuals of each tag."""
        n = self._n
        n.residuals += 1
        share = max(1 / n.residuals, 1 / SCALE_MEMORY)
        self._square = _short(self._square + (self._raw**2 - self._square) * share)
        if n.residuals > 50:
            share = max(1 / (n.residuals - 50), 1 / SCALE_MEMORY)
            self._calm = _short(self._calm + (self._smooth**2 - self._calm) * share)

    def _calibrate(self, log_sum: float) -> None:
        """The sum is about log-normal: the bar follows its mean and spread, not its maximum."""
        n = self._n
        n.usuals += 1
        share = max(1 / n.usuals, 1 / SCALE_MEMORY)
        error = log_sum - n.usual
        n.usual += share * error
        n.spread += share * (error * error * (1 - share) - n.spread)

    def _learn_from(self, vector: Vector) -> None:
        n = self._n
        n.frames += 1
        share = max(1 / (n.frames - DISCOVER), 1 / MEMORY)
        error = vector - self._mean
        self._low = _short(np.minimum(self._low, vector[: len(n.tags)]))
        self._high = _short(np.maximum(self._high, vector[: len(n.tags)]))
        self._mean = _short(self._mean + share * error)
        self._cov = _short(self._cov + share * (np.outer(error, error) * (1 - share) - self._cov))

    def dump(self) -> dict[str, Any]:
        """About 25 kB for 43 tags."""
        upper = self._cov[np.triu_indices(self._size)]
        arrays = (
            *(self._mean, self._square, self._smooth, self._calm),
            *(self._low, self._high, upper),
        )
        return {
            "counts": self._n.dump(),
            "last": {k: list(v) for k, v in self._last.items()},
            "before": None if self._before is None else _pack(self._before, "<f8"),
            "arrays": [_pack(array, "<f4") for array in arrays],
        }


def _short(array: Vector) -> Vector:
    """Kept at single precision, so that a saved state is the state."""
    return array.astype(np.float32).astype(np.float64)


def _pack(array: Vector, kind: str) -> str:
    return kind + base64.b64encode(array.astype(kind).tobytes()).decode("ascii")


def _unpack(text: Any) -> Vector | None:
    if not isinstance(text, str):
        return None
    return np.frombuffer(base64.b64decode(text[3:]), dtype=text[:3]).astype(np.float64)


def _array(array: Vector | None) -> Vector:
    return np.zeros(0) if array is None else array


def _symmetric(upper: Vector, size: int) -> Vector:
    full = np.zeros((size, size))
    full[np.triu_indices(size)] = upper
    return full + np.triu(full, 1).T

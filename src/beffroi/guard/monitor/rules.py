"""What the lamps may show, over time. Pure: `now_ms` and the lamps are arguments.

While RUNNING every look checks, and the first that fails trips for good:

 1. the lamps were read, and the controller lives (its frames move)
 2. the picture: no two conflicting groups green or amber (green-green, green-amber, amber-amber);
    no group green and red, or green and amber; no group dark. It counts when it has been seen for
    CONFIRM ms without a break, or comes back so often that it is bad a fifth of the time
 3. the sequence, of aspects that stand for CONFIRM ms: green, amber, red for vehicles; green, red
    for pedestrians; amber of at least its time, and not without end; a group begins only when the
    clearance after each conflicting one is over
 4. something changes within STUCK ms

A look that comes late (GAP_MAX) proves nothing about the time between: back to STARTING, in which
the junction flashes until every group has shown red for START_RED ms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from beffroi.guard.monitor import limits
from beffroi.guard.monitor.card import Card

RED, AMBER, GREEN = 1, 2, 4
STARTING, RUNNING, TRIPPED = "starting", "running", "tripped"
_NEXT_VEHICLE = {GREEN: AMBER, AMBER: RED, RED: GREEN}
_NEXT_PEDESTRIAN = {GREEN: RED, RED: GREEN}


@dataclass(slots=True)
class Head:
    """What one group shows (`aspect` since `since_ms`), and what it may be changing to.

    `known`: its beginning was seen, so its length can be measured. `ended_ms`: when it was last
    green or amber.
    """

    aspect: int = 0
    since_ms: int = 0
    known: bool = False
    next_aspect: int = 0
    next_ms: int = 0
    ended_ms: int | None = None


@dataclass(slots=True)
class Monitor:
    """Feed it by `look`; read `mode` and `reason`. Tripped is for ever: a reset makes a new one."""

    card: Card
    mode: str = STARTING
    reason: str = ""
    heads: list[Head] = field(default_factory=list)
    looked_ms: int | None = None
    frame: int = -1
    frame_ms: int = 0
    bad_ms: int | None = None
    flicker: int = 0
    changed_ms: int = 0
    red_ms: int | None = None

    def look(self, now_ms: int, frame: int, lamps: Sequence[int] | None) -> None:
        """`frame`: a number that the controller changes whenever it writes; `lamps`: bits of each
        group, None when they could not be read."""
        if self.mode == TRIPPED:
            return
        late = self.looked_ms is None or now_ms - self.looked_ms > limits.GAP_MAX
        passed_ms = 0 if self.looked_ms is None else now_ms - self.looked_ms
        self.looked_ms = now_ms
        if late:
            self._restart(now_ms)
        if lamps is None or len(lamps) != len(self.card.groups):
            self.red_ms = None
            self._silent(now_ms)
            return
        if frame != self.frame:
            self.frame, self.frame_ms = frame, now_ms
        if self.mode == STARTING:
            self._start(now_ms, lamps)
            return
        self._silent(now_ms)
        self._picture(now_ms, passed_ms, lamps)
        for number, bits in enumerate(lamps):
            self._head(number, bits, now_ms)
        if now_ms - self.changed_ms > limits.STUCK:
            self.trip("stuck: nothing changes")

    def trip(self, reason: str) -> None:
        """For good. The first reason stays."""
        if self.mode != TRIPPED:
            self.mode, self.reason = TRIPPED, reason

    def _restart(self, now_ms: int) -> None:
        self.mode = STARTING
        self.frame_ms = now_ms
        self.red_ms = self.bad_ms = None

    def _start(self, now_ms: int, lamps: Sequence[int]) -> None:
        alive = now_ms - self.frame_ms <= limits.SILENCE
        if not alive or any(bits != RED for bits in lamps):
            self.red_ms = None
            return
        if self.red_ms is None:
            self.red_ms = now_ms
        if now_ms - self.red_ms < limits.START_RED:
            return
        self.mode = RUNNING
        self.heads = [Head(RED, now_ms, False, RED, now_ms) for _ in lamps]
        self.bad_ms, self.flicker, self.changed_ms = None, 0, now_ms

    def _silent(self, now_ms: int) -> None:
        if self.mode == RUNNING and now_ms - self.frame_ms >= limits.SILENCE:
            self.trip("silent: the controller writes no lamps")

    # --- the picture ----------------------------------------------------------------------------
    def _picture(self, now_ms: int, passed_ms: int, lamps: Sequence[int]) -> None:
        wrong = self._wrong(lamps)
        if not wrong:
            self.bad_ms = None
            self.flicker = max(0, self.flicker - passed_ms)
            return
        if self.bad_ms is None:
            self.bad_ms = now_ms
        else:
            self.flicker += limits.FLICKER_LEAK * passed_ms
        if now_ms - self.bad_ms >= limits.CONFIRM:
            self.trip(wrong)
        elif self.flicker >= limits.FLICKER_LEAK * limits.FLICKER:
            self.trip(f"again and again: {wrong}")

    def _wrong(self, lamps: Sequence[int]) -> str:
        names = [group.name for group in self.card.groups]
        for one, two in self.card.after_ms:
            if goes(lamps[one]) and goes(lamps[two]):
                return f"conflict: {names[one]} and {names[two]}"
        for name, bits in zip(names, lamps, strict=True):
            if bits not in (RED, AMBER, GREEN):
                return f"dark: {name}" if bits == 0 else f"two lights: {name}"
        return ""

    # --- the sequence ---------------------------------------------------------------------------
    def _head(self, number: int, bits: int, now_ms: int) -> None:
        head = self.heads[number]
        if bits == head.aspect:
            head.next_aspect = bits
            self._long(number, head, now_ms)
            return
        if bits != head.next_aspect:
            head.next_aspect, head.next_ms = bits, now_ms
        if now_ms - head.next_ms >= limits.CONFIRM:
            self._change(number, head)

    def _long(self, number: int, head: Head, now_ms: int) -> None:
        group = self.card.groups[number]
        if head.aspect == AMBER and now_ms - head.since_ms > group.amber_ms + limits.AMBER_EXTRA:
            self.trip(f"stuck: amber of {group.name}")

    def _change(self, number: int, head: Head) -> None:
        """From one standing aspect to the next; both began when they were first seen."""
        group = self.card.groups[number]
        old, new, at_ms = head.aspect, head.next_aspect, head.next_ms
        follows = _NEXT_VEHICLE if group.amber_ms else _NEXT_PEDESTRIAN
        if follows.get(old) != new:
            missing = "no amber" if (old, new) == (GREEN, RED) else "sequence"
            self.trip(f"{missing}: {group.name} went from {old} to {new}")
        shortest_ms = group.amber_ms - limits.TOLERANCE
        if old == AMBER and head.known and at_ms - head.since_ms < shortest_ms:
            self.trip(f"short amber: {group.name} {at_ms - head.since_ms} ms")
        if new == RED:
            head.ended_ms = at_ms
        if new == GREEN:
            self._cleared(number, at_ms)
        head.aspect, head.since_ms, head.known = new, at_ms, True
        self.changed_ms = at_ms

    def _cleared(self, number: int, at_ms: int) -> None:
        for (leaving, entering), after_ms in self.card.after_ms.items():
            if entering != number:
                continue
            other = self.heads[leaving]
            # It may be red already, and not yet for long enough to stand.
            ended_ms = other.next_ms if other.next_aspect == RED != other.aspect else other.ended_ms
            if ended_ms is not None and at_ms - ended_ms < after_ms - limits.TOLERANCE:
                names = [self.card.groups[each].name for each in (leaving, entering)]
                self.trip(f"short clearance: {' and '.join(names)} {at_ms - ended_ms} ms")


def goes(bits: int) -> bool:
    """Somebody drives or walks by it."""
    return bool(bits & (GREEN | AMBER))

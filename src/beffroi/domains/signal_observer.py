"""Judges lamps second by second, from what is shown alone: it has counters and a matrix of its own.

Knows nothing of plans, stages or orders, so that a fault of the controller cannot blind it. The
rules are those of theorem T1; the first one broken is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from beffroi.domains import signal_law as law
from beffroi.domains.signal_controller import AMBER, FLASH, GREEN, RED
from beffroi.domains.signal_junction import Junction
from beffroi.model.asset import Label

_WORDS = {
    "conflict": ("{a} et {b} sont ouverts ensemble alors qu’ils se croisent",
                 "{a} and {b} are open together although they cross"),
    "clearance": ("{b} passe au vert {n} s après le rouge de {a}, il en faut {need}",
                  "{b} gets green {n} s after the red of {a}, {need} are needed"),
    "amber_short": ("le jaune de {a} dure {n} s au lieu de {need}",
                    "the amber of {a} lasts {n} s instead of {need}"),
    "amber_long": ("le jaune de {a} dure plus de {need} s", "the amber of {a} lasts over {need} s"),
    "no_amber": ("{a} passe du vert au rouge sans jaune",
                 "{a} goes from green to red without amber"),
    "green_short": ("le vert de {a} dure {n} s, le minimum est {need}",
                    "the green of {a} lasts {n} s, the minimum is {need}"),
    "wait": ("{a} attend plus de {need} s", "{a} waits for more than {need} s"),
    "order": ("{a} change de couleur dans un ordre interdit",
              "{a} changes colour in a forbidden order"),
    "mixed": ("une partie du carrefour clignote, l’autre non",
              "a part of the junction flashes, the other does not"),
}  # fmt: skip


class Wrong(NamedTuple):
    """A rule broken, with the groups and seconds of it."""

    rule: str
    a: str = ""
    b: str = ""
    n: int = 0
    need: int = 0

    @property
    def label(self) -> Label:
        fr, en = (text.format(**self._asdict()) for text in _WORDS[self.rule])
        return Label(fr, en)


class Seen(NamedTuple):
    """Lamps and for how many seconds each has been shown (as far as a rule can ask)."""

    lamps: tuple[int, ...]
    counts: tuple[int, ...]


class Observer:
    """Of one junction."""

    def __init__(self, junction: Junction) -> None:
        self._groups = junction.groups
        self._pairs = sorted({(min(a, b), max(a, b)) for a, b in junction.conflicts})
        self._clear = {
            (a, b): group.clear_s(distance)
            for (a, b), distance in junction.conflicts.items()
            for group in (junction.groups[a],)
        }
        # A stretch of red longer than this is a wait too long: amber counts as waiting.
        self._red_max = [law.WAIT_S_MAX - group.amber_s for group in junction.groups]
        self._caps = (law.WAIT_S_MAX + 1, law.AMBER_FAST_S + 1, law.GREEN_S_MIN, 0)

    def first(self, lamps: Sequence[int]) -> Seen:
        return Seen(tuple(lamps), tuple(0 if lamp == FLASH else 1 for lamp in lamps))

    def look(self, seen: Seen, lamps: Sequence[int]) -> tuple[Seen, Wrong | None]:
        """One more second is shown."""
        counts = [
            min(count + 1, self._caps[lamp]) if lamp == before else int(lamp != FLASH)
            for lamp, before, count in zip(lamps, seen.lamps, seen.counts, strict=True)
        ]
        now = Seen(tuple(lamps), tuple(counts))
        return now, self.judge(now) or self._changes(seen, now)

    def judge(self, now: Seen) -> Wrong | None:
        """What one instant shows."""
        if FLASH in now.lamps:
            return None if set(now.lamps) == {FLASH} else Wrong("mixed")
        names = [group.name for group in self._groups]
        for a, b in self._pairs:
            if now.lamps[a] != RED and now.lamps[b] != RED:
                return Wrong("conflict", names[a], names[b])
        for i, group in enumerate(self._groups):
            if now.lamps[i] == RED and now.counts[i] > self._red_max[i]:
                return Wrong("wait", names[i], need=law.WAIT_S_MAX)
            if now.lamps[i] == AMBER and now.counts[i] > group.amber_s:
                return Wrong("amber_long", names[i], need=group.amber_s)
        return None

    def _changes(self, before: Seen, now: Seen) -> Wrong | None:
        for i, (was, lamp) in enumerate(zip(before.lamps, now.lamps, strict=True)):
            if was != lamp and lamp != FLASH:
                wrong = self._change(i, was, lamp, before)
                if wrong:
                    return wrong
        return None

    def _change(self, i: int, was: int, lamp: int, before: Seen) -> Wrong | None:
        group, shown = self._groups[i], before.counts[i]
        if was == GREEN and shown < law.GREEN_S_MIN:
            return Wrong("green_short", group.name, n=shown, need=law.GREEN_S_MIN)
        if (was, lamp) == (GREEN, RED):
            return Wrong("no_amber", group.name) if group.amber_s else None
        if (was, lamp) == (AMBER, RED):
            short = shown < group.amber_s
            return Wrong("amber_short", group.name, "", shown, group.amber_s) if short else None
        if (was, lamp) == (RED, GREEN):
            return self._entering(i, before)
        return None if (was, lamp) in ((GREEN, AMBER), (FLASH, RED)) else Wrong("order", group.name)

    def _entering(self, i: int, before: Seen) -> Wrong | None:
        for (a, b), need in self._clear.items():
            red_s = before.counts[a] if before.lamps[a] == RED else 0
            if b == i and red_s < need:
                return Wrong("clearance", self._groups[a].name, self._groups[i].name, red_s, need)
        return None

"""Plans of many commands: schedules by the wall clock, and scenes that are run at once. Pure.

A plan is immutable and says everything: which target, what, when. Nothing is left to be chosen when
it is carried out. A new one of the same name has the next generation, and stops the older one. The
clock, the zone and the sun are arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, NamedTuple
from zoneinfo import ZoneInfo

from beffroi.hub.dispatch.request import Wish
from beffroi.kernel import document
from beffroi.kernel.document import Id, Many, OneOf, Param, Part, Table, Text, Whole
from beffroi.kernel.keys import sha256
from beffroi.kernel.limits import DOCUMENT_BYTES_MAX, LIFETIME_MS_MAX, PARAMS_MAX
from beffroi.model.limits import PLAN_STEP_LIFE_S, PLAN_STEPS_MAX

SCHEDULE, SCENE = "schedule", "scene"
KINDS = (SCHEDULE, SCENE)
SUN = ("", "rise", "set")
NAME_MAX = 40  # it is part of the ids of commands

# (sunrise, sunset) of a local day, in UTC milliseconds; None where there is none.
Almanac = Callable[[date], "tuple[int, int] | None"]


@dataclass(frozen=True, slots=True)
class Step:
    """One command. In a schedule: on `weekdays` (0 Monday) at `minute` of the wall clock, or so
    many minutes after (before, if negative) the sun's `rise` or `set`. In a scene: in order."""

    target: Annotated[str, Id()]
    action: Annotated[str, Id()]
    params: Annotated[Mapping[str, int | str], Table(Param(), PARAMS_MAX)] = field(
        default_factory=dict
    )
    minute: Annotated[int, Whole(-720, 1439)] = 0
    weekdays: Annotated[tuple[int, ...], Many(Whole(0, 6), 7)] = ()
    sun: Annotated[str, OneOf(SUN)] = ""
    lifetime_s: Annotated[int, Whole(1, LIFETIME_MS_MAX // 1000)] = PLAN_STEP_LIFE_S


@dataclass(frozen=True, slots=True)
class Plan:
    """What is signed into the evidence log, byte for byte."""

    id: Annotated[str, Id()]
    generation: Annotated[int, Whole(1)]
    kind: Annotated[str, OneOf(KINDS)]
    name: Annotated[str, Text(chars_min=1)]
    steps: Annotated[tuple[Step, ...], Many(Part(Step), PLAN_STEPS_MAX)]

    def encoded(self) -> bytes:
        return document.write(self)

    @property
    def digest(self) -> str:
        return sha256(self.encoded()).hex()

    @property
    def label(self) -> str:
        """What its commands carry."""
        return f"{self.id}.{self.generation}"


class Due(NamedTuple):
    """A command of a plan that is to be made. `ident` is the same however often it is computed,
    so that it is made once."""

    ident: str
    at_ms: int
    wish: Wish


def read_plan(data: bytes) -> Plan:
    """CanonicalError or FieldError (both ValueError) unless it is exactly one plan."""
    return document.read(Plan, data, DOCUMENT_BYTES_MAX)


def at(plan: Plan, after_ms: int, until_ms: int, zone: ZoneInfo, sun: Almanac) -> list[Due]:
    """Commands of a schedule with after < time <= until, in order."""
    if plan.kind != SCHEDULE:
        return []
    found = [
        _due(plan, number, when, str(when // 60_000))
        for number, step in enumerate(plan.steps)
        for when in _times(step, after_ms, until_ms, zone, sun)
    ]
    return sorted(found, key=lambda due: (due.at_ms, due.ident))


def now(plan: Plan, now_ms: int, run: str) -> list[Due]:
    """Commands of a scene. `run` tells this time from other times."""
    return [_due(plan, number, now_ms, run) for number in range(len(plan.steps))]


def _due(plan: Plan, number: int, at_ms: int, run: str) -> Due:
    step = plan.steps[number]
    # Not before: the guard's clock may be behind ours, and the schedule says "from then on".
    begin = at_ms if plan.kind == SCHEDULE else 0
    wish = Wish(step.target, step.action, step.params, begin, step.lifetime_s * 1000, plan.label)
    return Due(f"{plan.label}.{number}.{run}", at_ms, wish)


def _times(step: Step, after_ms: int, until_ms: int, zone: ZoneInfo, sun: Almanac) -> Iterator[int]:
    day = datetime.fromtimestamp(after_ms / 1000, UTC).astimezone(zone).date() - timedelta(days=1)
    last = datetime.fromtimestamp(until_ms / 1000, UTC).astimezone(zone).date() + timedelta(days=1)
    while day <= last:
        if day.weekday() in step.weekdays:
            when = _instant(step, day, zone, sun)
            if when is not None and after_ms < when <= until_ms:
                yield when
        day += timedelta(days=1)


def _instant(step: Step, day: date, zone: ZoneInfo, sun: Almanac) -> int | None:
    if step.sun:
        both = sun(day)
        return None if both is None else both[step.sun == "set"] + step.minute * 60_000
    if step.minute < 0:
        return None
    wall = datetime(day.year, day.month, day.day, step.minute // 60, step.minute % 60, tzinfo=zone)
    return int(wall.timestamp()) * 1000

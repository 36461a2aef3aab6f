"""What is allowed for one target: signed offline, carried by its guard. The hub cannot widen it.

An action is allowed by cases. A case says: with this class (or a higher one), while these
conditions hold, these parameters. Outside every case nothing is allowed, whoever signs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from beffroi.kernel import document, limits
from beffroi.kernel.command import CLASSES
from beffroi.kernel.document import (
    FieldError,
    Flag,
    Id,
    Many,
    OneOf,
    Part,
    Range,
    Table,
    Text,
    Whole,
)
from beffroi.kernel.keys import sha256

Ranges = Annotated[tuple[tuple[int, int], ...], Many(Range(), limits.RANGES_MAX)]


@dataclass(frozen=True, slots=True)
class Condition:
    """A permissive: `fact` is within one of `ranges` and not older than `age_ms_max`.

    A fact that is absent or stale does not hold. Facts come from the guard itself.
    """

    fact: Annotated[str, Id()]
    ranges: Ranges
    age_ms_max: Annotated[int, Whole(0, limits.DAY_MS)]


@dataclass(frozen=True, slots=True)
class Allowed:
    """Values of one parameter: whole numbers in `ranges`, or one of `choices`, or a text of one to
    `chars_max` characters out of `charset`."""

    ranges: Ranges = ()
    choices: Annotated[tuple[str, ...], Many(Text(chars_min=1), limits.CHOICES_MAX)] = ()
    chars_max: Annotated[int, Whole(0, limits.TEXT_CHARS_MAX)] = 0
    charset: Annotated[str, Text()] = ""


@dataclass(frozen=True, slots=True)
class Case:
    """`safe`: the safe direction, possible without a lease and whatever was done before it."""

    klass: Annotated[str, OneOf(CLASSES)]
    params: Annotated[Mapping[str, Allowed], Table(Part(Allowed), limits.PARAMS_MAX)] = field(
        default_factory=dict
    )
    conditions: Annotated[tuple[Condition, ...], Many(Part(Condition), limits.CONDITIONS_MAX)] = ()
    safe: Annotated[bool, Flag()] = False


@dataclass(frozen=True, slots=True)
class Slew:
    """One step of `param` moves at most `step_max` from `fact` (what is read back now), and all
    steps of an hour together at most `travel_hour_max`."""

    param: Annotated[str, Id()]
    fact: Annotated[str, Id()]
    step_max: Annotated[int, Whole()]
    travel_hour_max: Annotated[int, Whole()]
    age_ms_max: Annotated[int, Whole(0, limits.DAY_MS)]


@dataclass(frozen=True, slots=True)
class Action:
    """`orgs_min`: how many organisations must approve (2 for a public alert). `witnesses_min`: how
    many outside witnesses must have cosigned that the command is in the log. Neither asks anything
    of the safe direction.

    `say_fr`, `say_en`: the sentence a signer reads; `{pressure_mbar}` stands for a parameter.
    """

    cases: Annotated[tuple[Case, ...], Many(Part(Case), limits.CASES_MAX)]
    say_fr: Annotated[str, Text(limits.SENTENCE_CHARS_MAX, 1)]
    say_en: Annotated[str, Text(limits.SENTENCE_CHARS_MAX, 1)]
    slew: Annotated[tuple[Slew, ...], Many(Part(Slew), limits.PARAMS_MAX)] = ()
    per_hour_max: Annotated[int, Whole(0, limits.EFFECTS_MAX)] = 60
    per_day_max: Annotated[int, Whole(0, limits.EFFECTS_MAX)] = limits.EFFECTS_MAX
    spacing_ms_min: Annotated[int, Whole(0, limits.DAY_MS)] = 0
    lifetime_ms_max: Annotated[int, Whole(1_000, limits.LIFETIME_MS_MAX)] = limits.LIFETIME_MS_MAX
    orgs_min: Annotated[int, Whole(1, 8)] = 1
    witnesses_min: Annotated[int, Whole(0, 8)] = 0

    def __post_init__(self) -> None:
        """FieldError when a step could not be measured: it would be a step without a limit."""
        for slew in self.slew:
            for case in self.cases:
                allowed = case.params.get(slew.param)
                whole = allowed is not None and not allowed.choices and not allowed.chars_max
                if not case.safe and not whole:
                    raise FieldError(f"each case but the safe one needs whole {slew.param!a}")


@dataclass(frozen=True, slots=True)
class Envelope:
    """Everything that can be done to one target. `authority` is the organisation in charge of it:
    one of those who approve belongs to it. `fleet_targets_max` of this guard's targets may change
    within `fleet_window_ms` (the safe direction apart). `name` is for people to read."""

    commune: Annotated[str, Id()]
    guard: Annotated[str, Id()]
    target: Annotated[str, Id()]
    name: Annotated[str, Text(chars_min=1)]
    service: Annotated[str, Id()]
    authority: Annotated[str, Id()]
    version: Annotated[int, Whole(1)]
    epoch: Annotated[int, Whole()]
    expires_ms: Annotated[int, Whole()]
    actions: Annotated[Mapping[str, Action], Table(Part(Action), limits.ACTIONS_MAX)]
    fleet_targets_max: Annotated[int, Whole(1)] = 1_000
    fleet_window_ms: Annotated[int, Whole(1_000, limits.DAY_MS)] = 600_000
    _digest: bytes = field(default=b"", init=False, repr=False, compare=False)

    def encoded(self) -> bytes:
        return document.write(self)

    @property
    def digest(self) -> bytes:
        """Computed once: a guard asks for it with every command."""
        if not self._digest:
            object.__setattr__(self, "_digest", sha256(self.encoded()))
        return self._digest


def read_envelope(data: bytes) -> Envelope:
    """CanonicalError or FieldError (both ValueError) unless it is exactly one envelope."""
    return document.read(Envelope, data, limits.DOCUMENT_BYTES_MAX)

"""What a watch finds out about an asset: the only thing from which alarms are made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from beffroi.model.asset import Label


class Severity(IntEnum):
    """GRAVE cannot be closed without a decision, an owner and a deadline."""

    INFO = 0
    WARNING = 1
    GRAVE = 2


@dataclass(frozen=True, slots=True)
class Rule:
    """An alarm rule of a domain. Texts may name facts: "Pression {pressure_bar:.1f} bar"."""

    id: str  # "<domain>.<what>", e.g. tank_low of the water service
    severity: Severity
    text: Label
    advice: Label  # what to do first, for a technician at 3 a.m.
    remind_s: int = 3_600  # remind while nobody has acknowledged
    escalate_s: int = 4 * 3_600  # then tell the next person
    source: str = ""  # of the threshold: a text, a standard, or "local"


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule holds (`active`) or no longer holds for an asset, since device time `at_ms`."""

    rule: str
    asset: str
    active: bool
    at_ms: int
    facts: Mapping[str, float | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Derived:
    """A value the domain computed; stored under the asset with device ""."""

    prop: str
    ts_ms: int
    value: float


@dataclass(frozen=True, slots=True)
class Step:
    """What a watch answers to new observations or to the passing of time."""

    findings: Sequence[Finding] = ()
    derived: Sequence[Derived] = ()
    suspects: Sequence[int] = ()  # indices into the observations given to `step`


NOTHING = Step()

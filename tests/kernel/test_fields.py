"""The fields of every document, with their bounds, as written down in `fields.txt`.

A bound that moves is a change of the protocol: guards in the street have the old one. So it shows
up here, in words. `python -m pytest tests/kernel/test_fields.py --co` lists the documents.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from beffroi.kernel.command import Command
from beffroi.kernel.document import Many, Part, Spec, Table, _specs
from beffroi.kernel.dsse import Logged, Signature, Signed
from beffroi.kernel.envelope import Action, Allowed, Case, Condition, Envelope, Slew
from beffroi.kernel.keys import Assertion
from beffroi.kernel.lease import Lease, Status
from beffroi.kernel.receipt import Receipt
from beffroi.kernel.roster import Member, Roster
from beffroi.kernel.state import Effect, State, TargetState

WRITTEN = Path(__file__).with_name("fields.txt")
DOCUMENTS: tuple[type[Any], ...] = (
    Command, Signed, Signature, Assertion, Logged, Envelope, Action, Case, Allowed, Condition, Slew,
    Roster, Member, State, TargetState, Effect, Lease, Status, Receipt,
)  # fmt: skip


def words(spec: Spec) -> str:
    name = type(spec).__name__
    if isinstance(spec, Many | Table):
        return f"{name}({words(spec.of)}, at most {spec.count_max})"
    if isinstance(spec, Part):
        return f"{spec.kind.__name__}{' or null' if spec.optional else ''}"
    if dataclasses.is_dataclass(spec):
        bounds = ", ".join(f"{f.name}={getattr(spec, f.name)!r}" for f in dataclasses.fields(spec))
        return f"{name}({bounds})"
    return name


def default(kind: type[Any], name: str) -> str:
    field = next(f for f in dataclasses.fields(kind) if f.name == name)
    if field.default_factory is not dataclasses.MISSING:
        return f" = {field.default_factory()!r}"
    return "" if field.default is dataclasses.MISSING else f" = {field.default!r}"


def told(kind: type[Any]) -> list[str]:
    return [
        f"{kind.__name__}.{name}: {words(spec)}{default(kind, name)}"
        for name, spec in _specs(kind).items()
    ]


@pytest.mark.parametrize("kind", DOCUMENTS, ids=lambda kind: kind.__name__)
def test_the_fields_are_those_written_down(kind: type[Any]) -> None:
    written = WRITTEN.read_text().splitlines()
    assert told(kind) == [line for line in written if line.startswith(f"{kind.__name__}.")]


def test_nothing_else_is_written_down() -> None:
    assert WRITTEN.read_text().splitlines() == [line for k in DOCUMENTS for line in told(k)]


@pytest.mark.parametrize("kind", DOCUMENTS, ids=lambda kind: kind.__name__)
def test_documents_cannot_be_changed_afterwards(kind: type[Any]) -> None:
    assert kind.__dataclass_params__.frozen
    assert "__slots__" in vars(kind)

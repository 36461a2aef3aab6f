"""Documents are dataclasses; each field's annotation says what may be in it, and how much.

`counter: Annotated[int, Whole(1)]`. On the wire: a canonical map of exactly these fields. Unknown,
missing or doubtful fields are errors, for what one program ignores another may obey.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Protocol, TypeVar, get_args, get_type_hints

from beffroi.kernel.canonical import Value, decode, encode
from beffroi.kernel.limits import ID_CHARS_MAX, PARAMS_MAX, TEXT_CHARS_MAX, WHOLE_MAX

T = TypeVar("T")
_ID = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._:-]{{0,{ID_CHARS_MAX - 1}}}")


class FieldError(ValueError):
    """A field is missing, unknown, of another type or out of bounds."""


class Spec(Protocol):
    """How a field is written and read. `read` raises FieldError."""

    def write(self, value: Any) -> object: ...
    def read(self, value: Value) -> Any: ...


class Same:
    """Written as it is."""

    def write(self, value: Any) -> object:
        return value


@dataclass(frozen=True)
class Whole(Same):
    low: int = 0
    high: int = WHOLE_MAX

    def read(self, value: Value) -> int:
        if type(value) is not int or not self.low <= value <= self.high:
            raise FieldError(f"not a whole number within {self.low} to {self.high}")
        return value


@dataclass(frozen=True)
class Text(Same):
    chars_max: int = TEXT_CHARS_MAX
    chars_min: int = 0

    def read(self, value: Value) -> str:
        if not isinstance(value, str) or not self.chars_min <= len(value) <= self.chars_max:
            raise FieldError(f"not a text of {self.chars_min} to {self.chars_max} characters")
        return value


@dataclass(frozen=True)
class Id(Same):
    """Letters, digits, `.`, `_`, `:`, `-`; it starts with a letter or a digit. `also`: another
    text that is permitted ("" for none, "*" for all)."""

    also: str | None = None

    def read(self, value: Value) -> str:
        if not isinstance(value, str) or not (value == self.also or is_id(value)):
            raise FieldError("not an identifier")
        return value


@dataclass(frozen=True)
class OneOf(Same):
    among: tuple[str, ...]

    def read(self, value: Value) -> str:
        if not isinstance(value, str) or value not in self.among:
            raise FieldError(f"not one of {', '.join(self.among)}")
        return value


@dataclass(frozen=True)
class Blob(Same):
    low: int
    high: int

    def read(self, value: Value) -> bytes:
        if not isinstance(value, bytes) or not self.low <= len(value) <= self.high:
            raise FieldError(f"not {self.low} to {self.high} bytes")
        return value


class Flag(Same):
    def read(self, value: Value) -> bool:
        if not isinstance(value, bool):
            raise FieldError("not true or false")
        return value


class Range(Same):
    """Two ends, both inclusive."""

    def read(self, value: Value) -> tuple[int, int]:
        if not isinstance(value, list) or len(value) != 2:
            raise FieldError("not two ends")
        low = Whole(-WHOLE_MAX).read(value[0])
        return low, Whole(low).read(value[1])


class Param(Same):
    """A whole number or a short text."""

    def read(self, value: Value) -> int | str:
        return Text().read(value) if isinstance(value, str) else Whole(-WHOLE_MAX).read(value)


@dataclass(frozen=True)
class Many:
    of: Spec
    count_max: int

    def write(self, value: Sequence[Any]) -> object:
        return [self.of.write(one) for one in value]

    def read(self, value: Value) -> tuple[Any, ...]:
        if not isinstance(value, list) or len(value) > self.count_max:
            raise FieldError(f"not a list of at most {self.count_max}")
        return tuple(self.of.read(one) for one in value)


@dataclass(frozen=True)
class Table:
    """A map of the document's own names."""

    of: Spec
    count_max: int

    def write(self, value: Any) -> object:
        return {key: self.of.write(one) for key, one in value.items()}

    def read(self, value: Value) -> dict[str, Any]:
        if not isinstance(value, dict) or len(value) > self.count_max:
            raise FieldError(f"not a map of at most {self.count_max}")
        return {Id().read(key): self.of.read(one) for key, one in value.items()}


Params = Annotated[Mapping[str, int | str], Table(Param(), PARAMS_MAX)]


@dataclass(frozen=True)
class Part:
    """Another document inside, or None when `optional`."""

    kind: type[Any]
    optional: bool = False

    def write(self, value: Any) -> object:
        return None if value is None and self.optional else to_map(value)

    def read(self, value: Value) -> Any:
        return None if value is None and self.optional else from_map(self.kind, value)


def is_id(text: str) -> bool:
    return _ID.fullmatch(text) is not None


_known: dict[type[Any], dict[str, Spec]] = {}


def _specs(kind: type[Any]) -> dict[str, Spec]:
    if kind not in _known:
        hints = get_type_hints(kind, include_extras=True)
        names = [f.name for f in dataclasses.fields(kind) if f.init]
        _known[kind] = {name: get_args(hints[name])[1] for name in names}
    return _known[kind]


def to_map(document: Any) -> dict[str, object]:
    specs = _specs(type(document))
    return {name: spec.write(getattr(document, name)) for name, spec in specs.items()}


def from_map(kind: type[T], value: Value) -> T:
    specs = _specs(kind)
    if not isinstance(value, dict) or value.keys() != specs.keys():
        odd = sorted(set(specs) ^ set(value)) if isinstance(value, dict) else ["not a map"]
        raise FieldError(f"{kind.__name__}: missing or unknown: {ascii(', '.join(odd))[:160]}")
    read = {}
    for name, spec in specs.items():
        try:
            read[name] = spec.read(value[name])
        except FieldError as error:
            raise FieldError(f"{kind.__name__}.{name}: {error}") from error
    return kind(**read)


def write(document: Any) -> bytes:
    return encode(to_map(document))


def read(kind: type[T], data: bytes, bytes_max: int) -> T:
    """CanonicalError or FieldError (both ValueError) unless it is exactly one such document."""
    return from_map(kind, decode(data, bytes_max))

"""Takes a wiring table apart, strictly. An unknown key is an error: a typing mistake in a street
cabinet must not become a default. Knows no protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from beffroi.guard.driver import DriverError
from beffroi.guard.drivers.limits import NAME_CHARS_MAX, RAW_MAX

_ABSENT = object()


class WiringError(DriverError):
    """The wiring table is wrong; the text says where and what was expected."""


class Fields:
    """The fields of one table. Take each by its type, then call `done`."""

    def __init__(self, where: str, given: object) -> None:
        if not isinstance(given, Mapping) or not all(isinstance(key, str) for key in given):
            raise WiringError(f"{where}: expected a table")
        self.where = where
        self._left = dict(given)

    def _take(self, name: str, default: object) -> object:
        value = self._left.pop(name, default)
        if value is _ABSENT:
            raise WiringError(f"{self.where}: {name} is missing")
        return value

    def whole(self, name: str, low: int, high: int, default: object = _ABSENT) -> int:
        """A whole number from `low` to `high`."""
        value = self._take(name, default)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise WiringError(f"{self.where}: {name} must be a whole number from {low} to {high}")
        return value

    def text(self, name: str, default: object = _ABSENT, chars_max: int = NAME_CHARS_MAX) -> str:
        value = self._take(name, default)
        if not isinstance(value, str) or len(value) > chars_max:
            raise WiringError(
                f"{self.where}: {name} must be text of at most {chars_max} characters"
            )
        return value

    def one_of(self, name: str, choices: Sequence[str], default: object = _ABSENT) -> str:
        value = self.text(name, default)
        if value not in choices:
            raise WiringError(f"{self.where}: {name} must be one of {', '.join(choices)}")
        return value

    def flag(self, name: str, default: object = _ABSENT) -> bool:
        value = self._take(name, default)
        if not isinstance(value, bool):
            raise WiringError(f"{self.where}: {name} must be true or false")
        return value

    def has(self, name: str) -> bool:
        return name in self._left

    def table(self, name: str) -> Fields:
        return Fields(f"{self.where}.{name}", self._take(name, _ABSENT))

    def tables(self, name: str, count_max: int) -> dict[str, Fields]:
        """A table of tables, by name; absent is empty."""
        whole = Fields(f"{self.where}.{name}", self._take(name, {}))
        if len(whole._left) > count_max:
            raise WiringError(f"{whole.where}: more than {count_max}")
        return {key: Fields(f"{whole.where}.{key}", each) for key, each in whole._left.items()}

    def rows(self, name: str, count_max: int) -> list[Fields]:
        """A list of tables; absent is empty."""
        given = self._take(name, [])
        if not isinstance(given, list | tuple) or len(given) > count_max:
            raise WiringError(f"{self.where}: {name} must be a list of at most {count_max} tables")
        return [Fields(f"{self.where}.{name}[{at}]", each) for at, each in enumerate(given)]

    def numbers(self, name: str, count_max: int) -> dict[str, int]:
        """A table of whole numbers by name; absent is empty."""
        inner = Fields(f"{self.where}.{name}", self._take(name, {}))
        if len(inner._left) > count_max:
            raise WiringError(f"{inner.where}: more than {count_max}")
        return {key: inner.whole(key, -RAW_MAX, RAW_MAX) for key in list(inner._left)}

    def texts(self, name: str, count_max: int, chars_max: int) -> dict[str, str]:
        """A table of texts by name; absent is empty."""
        inner = Fields(f"{self.where}.{name}", self._take(name, {}))
        if len(inner._left) > count_max:
            raise WiringError(f"{inner.where}: more than {count_max}")
        return {key: inner.text(key, chars_max=chars_max) for key in list(inner._left)}

    def value(self, name: str) -> int | str:
        """A whole number or a short text."""
        value = self._take(name, _ABSENT)
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise WiringError(f"{self.where}: {name} must be a whole number or text")
        return value

    def done(self) -> None:
        if self._left:
            raise WiringError(f"{self.where}: unknown {', '.join(sorted(self._left))}")

"""A small memory that can be saved as JSON and taken up again. Knows nothing of what it holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self


@dataclass(slots=True)
class Memory:
    """Base of the dataclasses that watches keep: numbers, texts and lists or dicts of numbers."""

    def dump(self) -> dict[str, Any]:
        """A copy: what follows does not change it."""
        out: dict[str, Any] = {}
        for item in fields(self):
            value = getattr(self, item.name)
            out[item.name] = value.copy() if isinstance(value, list | dict) else value
        return out

    @classmethod
    def load(cls, saved: Mapping[str, Any] | None) -> Self:
        """From a dump of this version or another: unknown names are dropped, missing ones new."""
        known = {item.name for item in fields(cls)}
        return cls(
            **{
                name: value.copy() if isinstance(value, list | dict) else value
                for name, value in (saved or {}).items()
                if name in known
            }
        )

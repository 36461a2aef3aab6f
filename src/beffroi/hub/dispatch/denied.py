"""A "no" of the dispatcher as a value: a code, an English sentence with {facts}, the facts.

Tree: DeniedError. The pure parts return `Denied`; the office raises it to whoever asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Denied:
    """`text` is a message id that pages translate; `facts` fill it."""

    code: str
    text: str
    facts: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.text.format(**self.facts)


class DeniedError(Exception):
    """What was asked is not possible now. `denied` says why."""

    def __init__(self, denied: Denied) -> None:
        super().__init__(str(denied))
        self.denied = denied


def deny(code: str, text: str, **facts: object) -> Denied:
    return Denied(code, text, facts)

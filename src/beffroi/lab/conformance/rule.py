"""A rule: a number, its text, and how it is tried. Registered by decorator, in order of number."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from beffroi.kernel.receipt import Receipt
from beffroi.lab.conformance.bench import Bench, BrokenRuleError

Try = Callable[[Bench], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Rule:
    """`anew`: it needs a guard that knows nothing of the rules before."""

    number: str
    text: str
    attempt: Try
    anew: bool


RULES: dict[str, Rule] = {}


def rule(number: int, *, anew: bool = False) -> Callable[[Try], Try]:
    def register(attempt: Try) -> Try:
        name = f"G-{number:02d}"
        text = " ".join((attempt.__doc__ or "").split())
        RULES[name] = Rule(name, text, attempt, anew)
        return attempt

    return register


def need(holds: bool, instead: str) -> None:
    """`instead` says what the guard did."""
    if not holds:
        raise BrokenRuleError(instead)


def is_refused(receipt: Receipt, *reasons: str) -> None:
    need(
        receipt.outcome == "refused" and receipt.reason in reasons,
        f"{receipt.outcome} ({receipt.reason}), not refused ({' or '.join(reasons)})",
    )


def is_done(receipt: Receipt) -> None:
    need(receipt.outcome == "done", f"{receipt.outcome}: {receipt.reason} {receipt.detail}")

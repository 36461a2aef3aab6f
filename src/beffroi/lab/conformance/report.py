"""Runs the rules against one guard and says what holds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from beffroi.lab.conformance import rules_bytes, rules_memory, rules_street
from beffroi.lab.conformance.bench import KILLS, Bench, BrokenRuleError, ContractError
from beffroi.lab.conformance.rule import RULES, Rule

_RULES_S_MAX = 120.0
# Importing them is what registers their rules.
MODULES = (rules_bytes, rules_street, rules_memory)


@dataclass(frozen=True, slots=True)
class Result:
    """`instead`: what the guard did, "" when the rule holds."""

    number: str
    holds: bool
    text: str
    instead: str
    took_ms: int


def chosen(numbers: Sequence[str]) -> list[Rule]:
    """All rules, or those named. ContractError for a number that does not exist."""
    unknown = set(numbers) - set(RULES)
    if unknown:
        raise ContractError(f"no rule {', '.join(sorted(unknown))}; there are {', '.join(RULES)}")
    return [one for name, one in sorted(RULES.items()) if not numbers or name in numbers]


async def check(
    command: str,
    folder: Path,
    numbers: Sequence[str] = (),
    tell: Callable[[Result], None] = lambda _: None,
    kills: int = KILLS,
) -> list[Result]:
    """Start `command` as a guard on a bench in `folder` (empty) and try each rule."""
    results = []
    async with Bench(folder, command, kills) as bench:
        running = False
        for one in chosen(numbers):
            result = await attempt(bench, one, anew=one.anew or not running)
            running = result.holds  # after a broken rule nobody knows in what state the guard is
            results.append(result)
            tell(result)
    return results


async def attempt(bench: Bench, one: Rule, *, anew: bool) -> Result:
    """One rule, on a guard that knows nothing if `anew`."""
    began_s = time.monotonic()
    instead = ""
    try:
        async with asyncio.timeout(_RULES_S_MAX):
            if anew:
                await bench.fresh()
            await one.attempt(bench)
    except BrokenRuleError as error:
        instead = str(error)
    except TimeoutError:
        instead = f"no end within {_RULES_S_MAX:.0f} s"
    took_ms = round((time.monotonic() - began_s) * 1000)
    return Result(one.number, not instead, one.text, instead, took_ms)


def as_json(command: str, results: Sequence[Result]) -> dict[str, Any]:
    return {
        "guard_command": command,
        "rules": len(results),
        "held": sum(one.holds for one in results),
        "results": [asdict(one) for one in results],
    }

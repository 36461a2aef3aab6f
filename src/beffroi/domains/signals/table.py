"""Reads and writes a junction as a table: an asset's `attrs.junction`, or a TOML file of many.

Strict: an unknown key is an error, and amber or clearance times are refused by name, because
nobody may set them. Knows files as text only.
"""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

from beffroi.domains import signal_law as law
from beffroi.domains.signal_junction import (
    KINDS_OF_GROUP,
    VEHICLE,
    Group,
    Junction,
    JunctionError,
    Plan,
    Stage,
)

JUNCTIONS_MAX = 5_000
FIXED = ("amber_s", "clearance_s", "clear_s", "all_red_s", "green_min_s", "wait_max_s")


def junctions(text: str) -> list[Junction]:
    """From TOML: [[junction]] tables (docs/signals.md). JunctionError."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise JunctionError(f"not a TOML table: {error}") from error
    found = _list(_keys(data, "the file", "junction")["junction"], "junction", JUNCTIONS_MAX)
    made = [junction(one) for one in found]
    if len({one.id for one in made}) < len(made):
        raise JunctionError("two junctions have the same id")
    return made


def junction(data: Any) -> Junction:
    """From {"id", "name", "local", "group": [...], "conflict": [...], "plan": [...]}."""
    given = _keys(data, "a junction", "id", "group", "conflict", "plan", "local", name="")
    ident = _text(given["id"], "id")
    groups = tuple(_group(one) for one in _list(given["group"], "group", law.GROUPS_MAX))
    numbers = {group.name: number for number, group in enumerate(groups)}
    conflicts: dict[tuple[int, int], int] = {}
    for one in _list(given["conflict"], "conflict", law.GROUPS_MAX**2):
        pair = _keys(one, f"{ident}, conflict", "groups", "metres")
        a, b = (_known(name, numbers) for name in _list(pair["groups"], "groups", 2, 2))
        if (a, b) in conflicts:
            raise JunctionError(f"{ident}: the conflict of {pair['groups']} is there twice")
        far = [_decimetres(one) for one in _list(pair["metres"], "metres", 2, 2)]
        conflicts[a, b], conflicts[b, a] = far
    plans: dict[int, Plan] = {}
    for one in _list(given["plan"], "plan", law.PLANS_MAX):
        item = _keys(one, f"{ident}, plan", "id", "stages", name="")
        number = _whole(item["id"], "plan id")
        if number in plans:
            raise JunctionError(f"{ident}: plan {number} is there twice")
        stages = _list(item["stages"], "stages", law.STAGES_MAX)
        plans[number] = Plan(_text(item["name"], "name"), tuple(_stage(s, numbers) for s in stages))
    local = _whole(given["local"], "local")
    return Junction(ident, _text(given["name"], "name"), groups, conflicts, plans, local)


def table(made: Junction) -> dict[str, Any]:
    """What `junction` reads, in JSON and TOML values."""
    names = [group.name for group in made.groups]
    return {
        "id": made.id,
        "name": made.name,
        "local": made.local,
        "group": [{"name": g.name, "kind": g.kind, "speed_kmh": g.speed_kmh} for g in made.groups],
        "conflict": [
            {"groups": [names[a], names[b]], "metres": [dm / 10, made.conflicts[b, a] / 10]}
            for (a, b), dm in sorted(made.conflicts.items())
            if a < b
        ],
        "plan": [
            {"id": number, "name": plan.name, "stages": [
                {"green": [names[g] for g in sorted(s.green)], "seconds": s.green_s}
                for s in plan.stages
            ]}
            for number, plan in sorted(made.plans.items())
        ],
    }  # fmt: skip


def toml(made: Junction) -> str:
    """The same as text for `junctions`, one entry a line, for an engineer to edit."""
    data = table(made)
    lines = ["[[junction]]", *(f"{key} = {_value(data[key])}" for key in ("id", "name", "local"))]
    for key in ("group", "conflict", "plan"):
        lines += [f"{key} = [", *(f"  {_value(one)}," for one in data[key]), "]"]
    return "\n".join(lines) + "\n"


def _value(data: Any) -> str:
    """JSON's texts and numbers are TOML's; its tables are not."""
    if isinstance(data, dict):
        return "{ " + ", ".join(f"{key} = {_value(one)}" for key, one in data.items()) + " }"
    if isinstance(data, list):
        return "[" + ", ".join(map(_value, data)) + "]"
    return json.dumps(data, ensure_ascii=False)


def _group(data: Any) -> Group:
    given = _keys(data, "a group", "name", kind=VEHICLE, speed_kmh=50)
    speed = _whole(given["speed_kmh"], "speed_kmh")
    if given["kind"] not in KINDS_OF_GROUP or not 10 <= speed <= 130:
        raise JunctionError(f"group {given['name']!r}: kind {KINDS_OF_GROUP}, 10 to 130 km/h")
    return Group(_text(given["name"], "name"), given["kind"], speed)


def _stage(data: Any, numbers: Mapping[str, int]) -> Stage:
    given = _keys(data, "a stage", "green", "seconds")
    green = _list(given["green"], "green", law.GROUPS_MAX)
    return Stage(
        frozenset(_known(name, numbers) for name in green), _whole(given["seconds"], "seconds")
    )


def _keys(data: Any, where: str, *needed: str, **others: Any) -> dict[str, Any]:
    if not isinstance(data, Mapping):
        raise JunctionError(f"{where} must be a table")
    for key in data:
        if key in FIXED:
            raise JunctionError(f"{where}: {key} cannot be set; it follows from law and distances")
        if key not in needed and key not in others:
            raise JunctionError(f"{where}: unknown key {key!r}; there are {[*needed, *others]}")
    missing = [key for key in needed if key not in data]
    if missing:
        raise JunctionError(f"{where}: {missing[0]!r} is missing")
    return {**others, **data}


def _list(data: Any, name: str, most: int, least: int = 0) -> Sequence[Any]:
    if not isinstance(data, list | tuple) or not least <= len(data) <= most:
        raise JunctionError(f"{name} must be a list of {least} to {most} entries")
    return data


def _known(name: Any, numbers: Mapping[str, int]) -> int:
    if not isinstance(name, str) or name not in numbers:
        raise JunctionError(f"no group is called {name!r}")
    return numbers[name]


def _text(data: Any, name: str) -> str:
    if not isinstance(data, str) or len(data) > law.NAME_CHARS_MAX or not data.isprintable():
        raise JunctionError(f"{name} must be a text of at most {law.NAME_CHARS_MAX} characters")
    return data


def _whole(data: Any, name: str) -> int:
    if type(data) is not int:
        raise JunctionError(f"{name} must be a whole number, not {data!r}")
    return int(data)


def _decimetres(data: Any) -> int:
    """Rounded up: a conflict point is never nearer than it is."""
    if isinstance(data, bool) or not isinstance(data, int | float):
        raise JunctionError(f"metres must be a number, not {data!r}")
    if not 0 < data <= law.DISTANCE_M_MAX:
        raise JunctionError(f"metres must be above 0 and at most {law.DISTANCE_M_MAX}")
    return math.ceil(round(10 * data, 6))

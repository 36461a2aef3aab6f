"""The conflict matrix on its card. It can be written only with a switch at the cabinet: a file that
anybody may write, or whose hash is not the one of the seal, is no card.

The switch is simulated by the write bits of the file. On a real cabinet the file lies on a medium
that is mounted read-only unless a key is turned; the check is the same.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from beffroi.guard.monitor import limits

VEHICLE, PEDESTRIAN = "vehicle", "pedestrian"


class CardError(Exception):
    """The card cannot be trusted or read; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Group:
    """Lamps that always show the same. `amber_ms` is 0 for pedestrians: they have none."""

    name: str
    amber_ms: int


@dataclass(frozen=True, slots=True)
class Card:
    """`after_ms[a, b]` (numbers of groups, both orders): these two conflict, and so long after `a`
    has ended `b` may begin."""

    junction: str
    groups: tuple[Group, ...]
    after_ms: dict[tuple[int, int], int]

    @property
    def clearance_ms(self) -> dict[tuple[int, int], int]:
        """The shorter of the two for each pair (a < b)."""
        return {
            (a, b): min(ms, self.after_ms[b, a]) for (a, b), ms in self.after_ms.items() if a < b
        }


def sealed(path: Path, seal: Path) -> tuple[Card, tuple[int, ...]]:
    """The card, and the mark by which a later change of the file is noticed. CardError."""
    data, mark = _locked(path)
    named, _ = _locked(seal)
    found = hashlib.sha256(data).hexdigest().encode()
    if not hmac.compare_digest(found, named.strip()):
        raise CardError(f"{path} is not the card that {seal} was made for: {found.decode()}")
    return read_card(data), mark


def mark_of(path: Path) -> tuple[int, ...]:
    """Changes whenever the file is changed, replaced or made writable. () when it is gone."""
    try:
        found = path.lstat()
    except OSError:
        return ()
    return (found.st_mode, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def _locked(path: Path) -> tuple[bytes, tuple[int, ...]]:
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK  # a pipe must not hold us
    try:
        handle = os.open(path, flags)
    except OSError as error:
        raise CardError(f"{path}: {error.strerror}") from error
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            raise CardError(f"{path} is not a plain file")
        if found.st_mode & 0o222:
            raise CardError(f"{path} can be written: turn the switch (chmod a-w) and start again")
        data = os.read(handle, limits.CARD_BYTES_MAX + 1)
    finally:
        os.close(handle)
    if len(data) > limits.CARD_BYTES_MAX:
        raise CardError(f"{path} is larger than {limits.CARD_BYTES_MAX} bytes")
    return data, mark_of(path)


def read_card(data: bytes) -> Card:
    """CardError unless it is exactly a card: an unknown key is an error."""
    try:
        given = json.loads(data, object_pairs_hook=_no_twins)
        junction, groups, conflicts = _fields(given, "junction", "groups", "conflicts")
        made = tuple(_group(each) for each in groups)
        card = Card(str(junction), made, _matrix(conflicts, made))
    except (ValueError, TypeError, KeyError) as error:
        raise CardError(f"the card is wrong: {error}") from error
    if not 1 <= len(card.groups) <= limits.GROUPS_MAX:
        raise CardError(f"the card names {len(card.groups)} groups, 1 to {limits.GROUPS_MAX} fit")
    return card


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError("a key stands twice")
    return dict(pairs)


def _fields(given: Any, *names: str) -> list[Any]:
    if not isinstance(given, dict) or set(given) != set(names):
        raise ValueError(f"expected exactly {', '.join(names)}")
    return [given[name] for name in names]


def _group(given: Any) -> Group:
    name, kind, amber_ms = _fields(given, "name", "kind", "amber_ms")
    if kind not in (VEHICLE, PEDESTRIAN) or not isinstance(name, str) or not name:
        raise ValueError(f"group {name!r}: a name, and kind {VEHICLE} or {PEDESTRIAN}")
    if kind == PEDESTRIAN and amber_ms != 0:
        raise ValueError(f"group {name}: pedestrians have no amber")
    if kind == VEHICLE and not limits.AMBER_MIN <= _whole(amber_ms) <= limits.AMBER_MAX:
        raise ValueError(f"group {name}: amber from {limits.AMBER_MIN} to {limits.AMBER_MAX} ms")
    return Group(name, _whole(amber_ms))


def _matrix(given: Any, groups: tuple[Group, ...]) -> dict[tuple[int, int], int]:
    """Rows [a, b, ms]: either after the other; or [a, b, ms of b after a, ms of a after b]."""
    at = {group.name: number for number, group in enumerate(groups)}
    if len(at) != len(groups):
        raise ValueError("two groups have the same name")
    matrix: dict[tuple[int, int], int] = {}
    for first, second, *after_ms in given:
        a, b = at[first], at[second]
        if a == b or (a, b) in matrix:
            raise ValueError(f"the conflict {first}, {second} stands twice or is with itself")
        if len(after_ms) not in (1, 2) or any(
            not 0 <= _whole(ms) <= limits.CLEARANCE_MAX for ms in after_ms
        ):
            raise ValueError(f"clearance of {first}, {second}: 0 to {limits.CLEARANCE_MAX} ms")
        matrix[a, b], matrix[b, a] = after_ms[0], after_ms[-1]
    return matrix


def _whole(value: Any) -> int:
    if type(value) is not int:
        raise ValueError(f"{value!r} is not a whole number")
    return value

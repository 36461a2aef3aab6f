"""The wiring table of a Modbus target, as the electrician writes it. See docs/drivers.md."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass

from beffroi.guard.driver import FALL_BACK, DriverError, Shown
from beffroi.guard.drivers.limits import (
    ACTIONS_MAX,
    BUDGET_MS,
    BUDGET_MS_MAX,
    BUDGET_MS_MIN,
    POINTS_MAX,
    TIMEOUT_MS,
    TIMEOUT_MS_MAX,
    TIMEOUT_MS_MIN,
    WRITES_MAX,
)
from beffroi.guard.drivers.modbus_points import HOLDING, Point, read_point
from beffroi.guard.drivers.wiring import Fields, WiringError

Params = Mapping[str, int | str]


@dataclass(frozen=True, slots=True)
class Source:
    """Where a value comes from: a parameter of the action, or (param "") always the same."""

    param: str
    value: int | str = 0

    def of(self, params: Params) -> int | str:
        return params[self.param] if self.param else self.value


@dataclass(frozen=True, slots=True)
class Write:
    point: Point
    source: Source


@dataclass(frozen=True, slots=True)
class Action:
    """`writes` happen in this order: put first what must be there when the last one starts it.
    `expects` may be empty for the safe local state alone: it may change by itself."""

    writes: tuple[Write, ...]
    expects: Mapping[str, Source]

    @property
    def params(self) -> frozenset[str]:
        sources = [write.source for write in self.writes] + list(self.expects.values())
        return frozenset(source.param for source in sources if source.param)

    def cells(self, params: Params) -> list[tuple[Point, list[int]]]:
        """Everything it will write, checked before the first write. DriverError."""
        if set(params) != self.params:
            wanted = ", ".join(sorted(self.params)) or "none"
            raise DriverError(f"parameters {', '.join(sorted(params))} given, {wanted} wired")
        return [(w.point, w.point.cells(w.source.of(params))) for w in self.writes]

    def shows(self, params: Params) -> Shown:
        return {fact: source.of(params) for fact, source in self.expects.items()}


@dataclass(frozen=True, slots=True)
class Wiring:
    """`heartbeat` is a register that changes while a command holds; `identity` one that says which
    PLC this is, so that a swapped address is noticed."""

    host: str
    port: int
    unit: int
    timeout_ms: int
    budget_ms: int
    facts: Mapping[str, Point]
    actions: Mapping[str, Action]
    fall_back: Action | None
    heartbeat: Point | None
    identity: tuple[Point, int] | None


def read_wiring(given: Mapping[str, object]) -> Wiring:
    """WiringError unless it is a complete table in which silence is safe."""
    fields = Fields("wiring", given)
    fields.text("driver", "modbus")
    facts = {name: _point(each) for name, each in fields.tables("facts", POINTS_MAX).items()}
    actions = {
        name: _action(each, facts, shown=True)
        for name, each in fields.tables("actions", ACTIONS_MAX).items()
    }
    wiring = Wiring(
        host=_address(fields),
        port=fields.whole("port", 1, 65_535, 502),
        unit=fields.whole("unit", 0, 247, 1),
        timeout_ms=fields.whole("timeout_ms", TIMEOUT_MS_MIN, TIMEOUT_MS_MAX, TIMEOUT_MS),
        budget_ms=fields.whole("budget_ms", BUDGET_MS_MIN, BUDGET_MS_MAX, BUDGET_MS),
        facts=facts,
        actions=actions,
        fall_back=_action(fields.table("fall_back"), facts) if fields.has("fall_back") else None,
        heartbeat=_heartbeat(fields),
        identity=_identity(fields),
    )
    fields.done()
    if actions and wiring.fall_back is None and wiring.heartbeat is None:
        raise WiringError("wiring: neither fall_back nor heartbeat: silence would not be safe")
    if FALL_BACK in actions:
        raise WiringError(f"wiring.actions: {FALL_BACK} is a table of its own")
    if wiring.fall_back and wiring.fall_back.params:
        raise WiringError("wiring.fall_back: only fixed values, nobody is there to give others")
    return wiring


def _address(fields: Fields) -> str:
    """A number, not a name: a guard must not depend on a name server."""
    text = fields.text("host")
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise WiringError(f"{fields.where}: host must be an IP address, not {text!r}") from None


def _point(fields: Fields) -> Point:
    point = read_point(fields, writes=False)
    fields.done()
    return point


def _heartbeat(fields: Fields) -> Point | None:
    if not fields.has("heartbeat"):
        return None
    inner = fields.table("heartbeat")
    address = inner.whole("address", 0, 65_535)
    inner.done()
    return Point(HOLDING, address, "u16", 0, 65_535)


def _identity(fields: Fields) -> tuple[Point, int] | None:
    if not fields.has("identity"):
        return None
    inner = fields.table("identity")
    value = inner.whole("value", 0, 2**32 - 1)
    point = read_point(inner, writes=False)
    inner.done()
    _tellable(inner, point, value)
    return point, value


def _tellable(fields: Fields, point: Point, value: int | str) -> None:
    """A fixed value that no register can hold is found now, not in an emergency."""
    try:
        point.cells(value)
    except DriverError as error:
        raise WiringError(f"{fields.where}: {error}") from error


def _source(fields: Fields) -> Source:
    if fields.has("param"):
        return Source(fields.text("param"))
    return Source("", fields.value("value"))


def _write(fields: Fields) -> Write:
    source = _source(fields)
    point = read_point(fields, writes=True, fixed=None if source.param else source.value)
    write = Write(point, source)
    if not source.param:
        _tellable(fields, point, source.value)
    fields.done()
    return write


def _action(fields: Fields, facts: Mapping[str, Point], *, shown: bool = False) -> Action:
    writes = tuple(_write(each) for each in fields.rows("writes", WRITES_MAX))
    expects = {name: _source(each) for name, each in fields.tables("expects", POINTS_MAX).items()}
    fields.done()
    if not writes:
        raise WiringError(f"{fields.where}: writes must not be empty")
    if shown and not expects:
        raise WiringError(f"{fields.where}: expects nothing, so nobody would know that it is done")
    for name in expects:
        if name not in facts:
            raise WiringError(f"{fields.where}.expects: {name} is not a fact")
    return Action(writes, expects)

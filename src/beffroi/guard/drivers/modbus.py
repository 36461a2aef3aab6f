"""Modbus TCP: pumps, valves, regulators, lighting cabinets. Knows wiring, never who may act.

Silence is safe even when the guard dies: while a command holds, every `read` and `act` changes a
heartbeat register that the PLC watches; when it stops, the PLC goes back to its own control. The
heart does not beat before the first command, nor after `fall_back`, whether the wire let it
through or not.
"""

from __future__ import annotations

from collections.abc import Mapping

from beffroi.guard.driver import FALL_BACK, DriverError, Shown
from beffroi.guard.drivers.modbus_link import ModbusLink
from beffroi.guard.drivers.modbus_points import Point, Span, spans
from beffroi.guard.drivers.modbus_wiring import Action, Wiring, read_wiring


class ModbusDriver:
    """One target behind one Modbus unit. Implements guard.driver.Driver."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring
        self._link = ModbusLink(
            wiring.host, wiring.port, wiring.unit, wiring.timeout_ms, wiring.budget_ms
        )
        self._spans = spans(list(wiring.facts.values()))
        self._beats = 0
        self._holding = False

    def read(self) -> Shown:
        """All facts. One whose reading is impossible (a broken sensor) is left out: a fact that is
        absent holds no permissive."""
        self._begin()
        cells: dict[tuple[str, int], int] = {}
        for span in self._spans:
            for at, cell in enumerate(self._link.read(span)):
                cells[span.table, span.address + at] = cell
        self._beat()
        shown = {name: point.shown(_of(cells, point)) for name, point in self._wiring.facts.items()}
        return {name: value for name, value in shown.items() if value is not None}

    def act(self, action: str, params: Mapping[str, int | str]) -> None:
        writes = self._action(action).cells(params)
        self._begin()
        for point, cells in writes:
            self._link.write(point.table, point.address, cells)
        self._holding = True
        self._beat()

    def expects(self, action: str, params: Mapping[str, int | str]) -> Shown:
        if action == FALL_BACK:
            return self._wiring.fall_back.shows({}) if self._wiring.fall_back else {}
        wired = self._action(action)
        wired.cells(params)
        return wired.shows(params)

    def fall_back(self) -> None:
        """Writes what is wired for it; without such wiring the silent heart does it."""
        self._holding = False
        if self._wiring.fall_back is None:
            return
        self._begin()
        for point, cells in self._wiring.fall_back.cells({}):
            self._link.write(point.table, point.address, cells)

    def close(self) -> None:
        self._link.hang_up()

    def _action(self, name: str) -> Action:
        if name not in self._wiring.actions:
            raise DriverError(f"{self._link.name}: no action {name} is wired")
        return self._wiring.actions[name]

    def _begin(self) -> None:
        self._link.begin()
        if self._wiring.identity and not self._link.connected:
            self._recognise(*self._wiring.identity)

    def _recognise(self, point: Point, value: int) -> None:
        cells = self._link.read(Span(point.table, point.address, point.width))
        if cells != point.cells(value):
            self._link.hang_up()
            raise DriverError(f"{self._link.name}: another PLC answers at this address")

    def _beat(self) -> None:
        """Never zero: that is what a PLC has after its own restart."""
        beat = self._wiring.heartbeat
        if beat is None or not self._holding:
            return
        self._beats = self._beats % 65_535 + 1
        self._link.write(beat.table, beat.address, [self._beats])


def _of(cells: Mapping[tuple[str, int], int], point: Point) -> list[int]:
    return [cells[point.table, point.address + at] for at in range(point.width)]


def open(wiring: Mapping[str, object]) -> ModbusDriver:  # noqa: A001 - the name all drivers share
    """A driver by its wiring table. WiringError when the table is wrong; nothing is dialled yet."""
    return ModbusDriver(read_wiring(wiring))

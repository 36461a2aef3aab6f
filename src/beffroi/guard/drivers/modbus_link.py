"""One Modbus TCP connection that never waits long and never believes a strange answer.

After any trouble it hangs up: a late answer must not be taken for the next one. The protocol has
no authentication: whoever reaches the PLC can write to it. The wire between guard and PLC belongs
inside the locked cabinet; what others write is noticed by reading back.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from pymodbus.client import ModbusTcpClient
from pymodbus.exceptions import ModbusException
from pymodbus.pdu import ModbusPDU

from beffroi.guard.driver import DriverError
from beffroi.guard.drivers.modbus_points import COIL, DISCRETE, HOLDING, INPUT, Span

EXCEPTIONS = {
    1: "illegal function",
    2: "illegal address",
    3: "illegal value",
    4: "device failure",
    5: "acknowledged, not done yet",
    6: "busy",
    8: "memory parity error",
    10: "gateway path unavailable",
    11: "no answer behind the gateway",
}


class ModbusLink:
    """Reads and writes cells of one unit. Every error is a DriverError.

    `timeout_ms` bounds one answer, `budget_ms` everything between two calls of `begin`.
    """

    def __init__(self, host: str, port: int, unit: int, timeout_ms: int, budget_ms: int) -> None:
        self.name = f"modbus {host}:{port} unit {unit}"
        self._unit = unit
        self._timeout_s = timeout_ms / 1000
        self._budget_s = budget_ms / 1000
        self._until_s = 0.0
        # No retry: a write that was perhaps done is a matter for the guard, not for the wire.
        self._client = ModbusTcpClient(
            host, port=port, timeout=self._timeout_s, retries=0, reconnect_delay=0
        )

    @property
    def connected(self) -> bool:
        return self._client.connected

    def begin(self) -> None:
        """Start the time budget of one call of the driver."""
        self._until_s = time.monotonic() + self._budget_s

    def read(self, span: Span) -> list[int]:
        """The cells of a span, bits as 0 or 1."""
        calls: dict[str, tuple[int, Callable[..., ModbusPDU]]] = {
            COIL: (1, self._client.read_coils),
            DISCRETE: (2, self._client.read_discrete_inputs),
            INPUT: (4, self._client.read_input_registers),
            HOLDING: (3, self._client.read_holding_registers),
        }
        answer = self._ask(*calls[span.table], span.address, count=span.count)
        if span.table in (COIL, DISCRETE):
            padded = -(-span.count // 8) * 8
            if len(answer.bits) != padded:
                raise self._trouble(f"{len(answer.bits)} bits instead of {padded}")
            return [int(bit) for bit in answer.bits[: span.count]]
        if len(answer.registers) != span.count:
            raise self._trouble(f"{len(answer.registers)} registers instead of {span.count}")
        return list(answer.registers)

    def write(self, table: str, address: int, cells: Sequence[int]) -> None:
        """One request per value, so that a 32-bit value is never half written."""
        if table == COIL:
            answer = self._ask(5, self._client.write_coil, address, bool(cells[0]))
            echo = answer.address == address and [int(b) for b in answer.bits[:1]] == list(cells)
        elif len(cells) == 1:
            answer = self._ask(6, self._client.write_register, address, cells[0])
            echo = answer.address == address and answer.registers == list(cells)
        else:
            answer = self._ask(16, self._client.write_registers, address, list(cells))
            echo = answer.address == address and answer.count == len(cells)
        if not echo:
            raise self._trouble(f"the answer to the write at {address} is about something else")

    def hang_up(self) -> None:
        self._client.close()  # type: ignore[no-untyped-call]

    def _ask(
        self,
        function: int,
        call: Callable[..., ModbusPDU],
        address: int,
        *args: object,
        **named: object,
    ) -> ModbusPDU:
        if time.monotonic() >= self._until_s:
            raise self._trouble("took too long")
        try:
            answer = call(address, *args, device_id=self._unit, **named)
        except (ModbusException, OSError) as error:
            raise self._trouble(f"no proper answer at {address} ({error})") from error
        except Exception as error:
            # A frame that breaks the parser must not stop the guard.
            raise self._trouble(
                f"an answer that cannot be read at {address} ({error!r})"
            ) from error
        if answer.isError():
            code = int(getattr(answer, "exception_code", 0))
            said = EXCEPTIONS.get(code, f"exception {code}")
            raise self._trouble(f"{said} at {address}")
        if answer.function_code != function:  # the library does not look
            raise self._trouble(f"function {answer.function_code} instead of {function}")
        return answer

    def _trouble(self, text: str) -> DriverError:
        self.hang_up()
        return DriverError(f"{self.name}: {text}")

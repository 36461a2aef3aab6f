"""A waterworks and a lighting cabinet behind one Modbus TCP server: the PLC of the lab.

`python -m beffroi.lab.plant` prints `listening <port>` and takes mischief by line on its standard
input: `slow S`, `freeze`, `exception N`, `tid`, `echo`, `value`, `short`, `mute`,
`honest`, `reset`. It keeps its
own limits, as a PLC must: a full tank stops the pump, and a heartbeat that stops brings back local
control.

Unit 1, waterworks (registers are 10 mbar, 0.1 %, 10 l/h):
  coil 0 pump; discrete 0 pump runs, 1 remote control; holding 0 pressure set point, 1 heartbeat;
  input 0 tank level, 1 pressure, 2-3 outflow (u32), 9 identity 4242
Unit 2, lighting cabinet:
  coil 0 contactor; holding 0 dimming %, 1 heartbeat; input 0-1 power (f32, W)
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import copy
import struct
import sys
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import cast

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

STEP_S = 0.05
LOCAL_PRESSURE = 300  # register units: 3 bar
IDENTITY = 4242
BIT_FUNCTIONS = (1, 2, 5, 15)


@dataclass
class Waterworks:
    """A tank that a pump fills and the town drains; pressure follows its set point."""

    watchdog_s: float
    level: float = 600.0  # 0.1 %
    pressure: float = 300.0
    coils: list[int] = field(default_factory=lambda: [0])
    holding: list[int] = field(default_factory=lambda: [LOCAL_PRESSURE, 0])
    beat_s: float = -1e9
    remote: bool = False

    def step(self, now_s: float) -> None:
        if self.remote and now_s - self.beat_s > self.watchdog_s:
            self.remote = False
            self.holding[0] = LOCAL_PRESSURE
        if not self.remote:
            self.coils[0] = int(self.level < 400 or (self.coils[0] == 1 and self.level < 900))
        if self.level >= 1000:
            self.coils[0] = 0
        self.level += STEP_S * (2.0 * self.coils[0] - 0.5)
        self.level = min(1000.0, max(0.0, self.level))
        self.pressure += (self.holding[0] - self.pressure) * STEP_S / 0.5

    def wrote(self, address: int, now_s: float) -> None:
        if address == 1:
            self.beat_s, self.remote = now_s, True

    def inputs(self) -> list[int]:
        flow = int(self.pressure * 20)
        cells = [round(self.level), round(self.pressure), flow >> 16, flow & 0xFFFF]
        return cells + [0] * 5 + [IDENTITY]

    def discretes(self) -> list[int]:
        return [self.coils[0], int(self.remote)]


@dataclass
class Cabinet:
    """Lamps of a street. When the heart stops they burn, all of them."""

    watchdog_s: float
    coils: list[int] = field(default_factory=lambda: [1])
    holding: list[int] = field(default_factory=lambda: [100, 0])
    beat_s: float = -1e9
    remote: bool = False

    def step(self, now_s: float) -> None:
        if self.remote and now_s - self.beat_s > self.watchdog_s:
            self.remote = False
            self.coils[0], self.holding[0] = 1, 100

    def wrote(self, address: int, now_s: float) -> None:
        if address == 1:
            self.beat_s, self.remote = now_s, True

    def inputs(self) -> list[int]:
        power_w = 1500.0 * self.coils[0] * self.holding[0] / 100
        return list(struct.unpack(">2H", struct.pack(">f", power_w)))

    def discretes(self) -> list[int]:
        return [self.coils[0], int(self.remote)]


@dataclass
class Mischief:
    slow_s: float = 0.0
    freeze: bool = False
    exception: int = 0
    wire: str = ""  # echo, value, tid, short, mute

    def obey(self, line: str) -> None:
        word, _, rest = line.strip().partition(" ")
        if word == "slow":
            self.slow_s = float(rest)
        elif word == "exception":
            self.exception = int(rest)
        elif word == "freeze":
            self.freeze = True
        elif word in ("honest", "reset"):
            self.slow_s, self.freeze, self.exception, self.wire = 0.0, False, 0, ""
        else:
            self.wire = word

    def packet(self, sending: bool, data: bytes) -> bytes:
        """What leaves the server, tampered with."""
        if not sending or not self.wire:
            return data
        if self.wire == "echo" and data[7] in (5, 6, 16):  # about the next address
            return data[:9] + bytes([data[9] + 1]) + data[10:]
        if self.wire == "value" and data[7] in (5, 6):  # another value than was asked
            return data[:10] + bytes([data[10] ^ 0xFF]) + data[11:]
        if self.wire == "tid":
            return bytes([data[0] ^ 0x55]) + data[1:]
        if self.wire in ("echo", "value"):
            return data
        if self.wire == "short":  # a proper frame that holds fewer registers than asked
            return data[:4] + b"\0\5" + data[6:8] + b"\2" + data[9:11]
        return b""


Machine = Waterworks | Cabinet
Values = list[int] | list[bool] | None
Action = Callable[[int, int, int, int, list[int], Values], Coroutine[None, None, ExcCodes | None]]


def server_action(machine: Machine, mischief: Mischief) -> Action:
    """What the server calls at each access: `registers` is the table that the request is about."""

    async def action(
        function: int,
        start: int,
        address: int,
        count: int,
        registers: list[int],
        values: Values,
    ) -> ExcCodes | None:
        del start, count
        if mischief.slow_s:
            await asyncio.sleep(mischief.slow_s)
        if mischief.exception:
            return ExcCodes(mischief.exception)
        bits = function in BIT_FUNCTIONS
        own = machine.coils if bits else machine.holding
        if values is not None and not mischief.freeze:
            for at, value in enumerate(values):
                if address + at < len(own):
                    own[address + at] = int(value)
                    machine.wrote(-1 if bits else address + at, time.monotonic())
        if values is None and not mischief.freeze:
            _show(machine, function, registers)
        return None

    return action


def _show(machine: Machine, function: int, registers: list[int]) -> None:
    if function in BIT_FUNCTIONS:
        bits = machine.discretes() if function == 2 else machine.coils
        registers[0] = sum(bit << at for at, bit in enumerate(bits))
    else:
        cells = machine.inputs() if function == 4 else machine.holding
        registers[: len(cells)] = cells


def device(unit: int, machine: Machine, mischief: Mischief) -> SimDevice:
    def bits(count: int) -> list[SimData]:
        return [SimData(0, count=1, values=[False] * count, datatype=DataType.BITS)]

    def cells(count: int) -> list[SimData]:
        return [SimData(0, count=count, values=0, datatype=DataType.REGISTERS)]

    tables = (bits(16), bits(16), cells(len(machine.holding)), cells(len(machine.inputs())))
    return SimDevice(unit, simdata=tables, action=server_action(machine, mischief))


async def run(host: str, port: int, watchdog_s: float) -> None:
    """Serve until the standard input closes."""
    mischief = Mischief()
    machines: list[Machine] = [Waterworks(watchdog_s), Cabinet(watchdog_s)]
    fresh = [dict(vars(machine)) for machine in (Waterworks(watchdog_s), Cabinet(watchdog_s))]
    devices = [device(unit, machine, mischief) for unit, machine in enumerate(machines, 1)]
    server = ModbusTcpServer(devices, address=(host, port), trace_packet=mischief.packet)
    await server.serve_forever(background=True)
    listening = cast(asyncio.Server, server.transport)
    print(f"listening {listening.sockets[0].getsockname()[1]}", flush=True)  # noqa: T201
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    physics = asyncio.create_task(_turn(machines))
    while line := await reader.readline():
        mischief.obey(line.decode())
        if line == b"reset\n":
            for machine, values in zip(machines, fresh, strict=True):
                vars(machine).update(copy.deepcopy(values))
        print("done", flush=True)  # noqa: T201
    physics.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await physics
    await server.shutdown()  # type: ignore[no-untyped-call]


async def _turn(machines: list[Machine]) -> None:
    while True:
        for machine in machines:
            machine.step(time.monotonic())
        await asyncio.sleep(STEP_S)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--watchdog-s", type=float, default=30.0)
    options = parser.parse_args()
    asyncio.run(run(options.host, options.port, options.watchdog_s))


if __name__ == "__main__":
    main()

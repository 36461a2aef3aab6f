"""A cabinet whose equipment is a real Modbus TCP server process: the lighting unit of `lab.plant`.

Whoever reaches its port can write to it, as to most controllers in the field. Its ledger is the
register itself, read by a second Modbus client.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pymodbus.client import ModbusTcpClient

from beffroi.lab.guards.posts import Post, head
from beffroi.lab.street import Address
from beffroi.model.asset import Asset, Commune

UNIT = 2  # the lighting cabinet of `lab.plant`
LEVEL = 0  # the holding register of its dimming level, percent
WATCHDOG_S = 30
ON = '[{ table = "coil", address = 0, value = 1 }, { table = "holding", address = 0, value = 100 }]'
WIRING = """\
[targets.{target}]
driver = "modbus"
[targets.{target}.wiring]
host = "127.0.0.1"
port = {port}
unit = 2
heartbeat = {{ address = 1 }}
fall_back = {{ writes = {on}, expects = {{ level_pct = {{ value = 100 }} }} }}
[targets.{target}.wiring.facts]
level_pct = {{ table = "holding", address = 0, max = 100 }}
[targets.{target}.wiring.actions]
on = {{ writes = {on}, expects = {{ level_pct = {{ value = 100 }} }} }}
[[targets.{target}.wiring.actions.dim.writes]]
table = "holding"
address = 0
min = 0
max = 100
param = "level_pct"
[targets.{target}.wiring.actions.dim.expects]
level_pct = {{ param = "level_pct" }}
"""


class PlcPost(Post):
    """One lighting cabinet behind Modbus."""

    def __init__(self, folder: Path, commune: Commune, guard: str, assets: Sequence[Asset]) -> None:
        super().__init__(folder, commune, guard, assets)
        self.port = 0
        self._plant: asyncio.subprocess.Process | None = None

    @property
    def target(self) -> str:
        return next(iter(self.assets))

    async def power(self) -> None:
        """Start the controller; its port is known from then on."""
        self._plant = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "beffroi.lab.plant", "--watchdog-s", str(WATCHDOG_S),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert self._plant.stdout is not None  # noqa: S101 - it was asked for
        line = await self._plant.stdout.readline()
        self.port = int(line.split()[1])

    async def unpower(self) -> None:
        if self._plant is not None and self._plant.returncode is None:
            assert self._plant.stdin is not None  # noqa: S101
            self._plant.stdin.close()
            await self._plant.wait()

    def open(self, address: Address) -> None:
        self.cabinet.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        text = head(self.guard, self.commune, address)
        text += WIRING.format(target=self.target, port=self.port, on=ON)
        (self.cabinet.folder / "guard.toml").write_text(text)

    def close(self) -> None:
        """The process is ended by `unpower`."""

    def level_pct(self) -> int:
        """What the register holds now, asked by a client of our own."""
        return Hand(self.port).read()


class Hand:
    """A laptop on the cabinet's network: reads and writes registers, knows no password because
    there is none."""

    def __init__(self, port: int) -> None:
        self._client: Any = ModbusTcpClient("127.0.0.1", port=port)

    def read(self) -> int:
        self._client.connect()
        try:
            found = self._client.read_holding_registers(LEVEL, device_id=UNIT)
            return int(found.registers[0])
        finally:
            self._client.close()

    def write(self, level_pct: int) -> float:
        """Returns the monotonic second of the write."""
        self._client.connect()
        try:
            self._client.write_register(LEVEL, level_pct, device_id=UNIT)
            return time.monotonic()
        finally:
            self._client.close()

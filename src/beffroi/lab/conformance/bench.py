"""The bench of the kit: one guard process, its broker, its equipment and a hub that we play.

It only does and hears; what is right is said by the rules.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shlex
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from beffroi.adapters.nats.process import spawn
from beffroi.guard.drivers.equipment import Equipment, EquipmentServer
from beffroi.kernel.canonical import CanonicalError
from beffroi.kernel.command import Command
from beffroi.kernel.document import FieldError
from beffroi.kernel.dsse import unpack
from beffroi.kernel.lease import Status, read_status
from beffroi.kernel.receipt import Receipt, verified
from beffroi.lab.conformance import commune as town
from beffroi.lab.conformance.broker import KitBroker
from beffroi.lab.conformance.commune import GUARD, SHOWS, WIRING, Commune
from beffroi.lab.mqtt import MqttClient, OnMessage

LEASE_TTL_MS = 2_000
LEASE_EVERY_S = 0.4
READBACK_MS = 1_000
ANSWER_S_MAX = 10.0
REPEAT_S = 1.5
KILLS = 12  # at random instants
START_S_MAX = 30.0
STEP_S = 0.02


class BrokenRuleError(Exception):
    """The guard does not keep a rule; the text says what it did instead."""


class ContractError(Exception):
    """The guard cannot be tested: it does not keep the kit's command-line contract."""


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class Bench:
    """async with Bench(folder, command) as bench: ... `kills`: how often the plug is pulled at
    random; `documents`: the bundle that the hub repeats (empty: none)."""

    def __init__(self, folder: Path, command: str, kills: int = KILLS) -> None:
        self.folder, self.kills = folder, kills
        self.guard_command = command
        self.cabinet = folder / "cabinet"
        self._broker = KitBroker(folder, now_ms())
        self._servers: dict[str, EquipmentServer] = {}
        self.commune: Commune
        self._client: MqttClient
        self._process: asyncio.subprocess.Process | None = None
        self._feeder: asyncio.Task[None] | None = None
        self.leasing = True
        self.patience_s = ANSWER_S_MAX
        self.lease_number = 0
        self._counters: dict[str, int] = {}
        self._said: set[bytes] = set()
        self.documents = b""
        self.receipts: list[tuple[Receipt, bytes]] = []
        self.statuses: list[Status] = []
        self.strange: list[str] = []

    async def __aenter__(self) -> Bench:
        self.cabinet.mkdir(parents=True)
        for target, shows in SHOWS.items():
            self._servers[target] = EquipmentServer(Equipment(shows))
            self._servers[target].start()
        try:
            await self._broker.start()
            self._write_config()
            self.commune = Commune(self.folder / "commune", await self._show_key(), now_ms())
            (self.cabinet / "root.json").write_bytes(self.commune.root)
            await self._connect()
        except BaseException:
            await self.__aexit__()
            raise
        self._feeder = asyncio.create_task(self._feed())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._feeder is not None:
            self._feeder.cancel()
            await asyncio.wait({self._feeder})
        await self.kill()
        if hasattr(self, "_client"):
            await self._client.close()
        await self._broker.stop()
        for server in self._servers.values():
            server.shutdown()
            server.server_close()

    async def _connect(self) -> None:
        self._client = self.client("kit-hub", self._hear)
        await self._client.connect()
        await self._client.subscribe("d/+/receipt")
        await self._client.subscribe("d/+/status")

    def client(self, name: str, on_message: OnMessage | None = None) -> MqttClient:
        """Anybody with a certificate in this name, not connected yet."""
        here, context = self._broker.port, self._broker.context(name)
        return MqttClient("127.0.0.1", here, name, context, on_message=on_message)

    async def outage(self, length_s: float) -> None:
        """The broker is away for so long."""
        feeder, self._feeder = self._feeder, None
        if feeder is not None:
            feeder.cancel()
            await asyncio.wait({feeder})
        await self._client.close()
        await self._broker.stop()
        await asyncio.sleep(length_s)
        await self._broker.start()
        await self._connect()
        self._feeder = asyncio.create_task(self._feed())

    # --- the guard's process ----------------------------------------------------------------
    async def start(self) -> None:
        """Start it, and wait until it has documents and a lease."""
        before = self.nonce
        await self.launch()
        await self.until(lambda: self.nonce != before and self.ready, "it is ready", START_S_MAX)

    async def launch(self) -> None:
        self.lease_number = 0
        self.documents = self.commune.bundle()
        command = [*shlex.split(self.guard_command), "--config", str(self.cabinet / "guard.toml")]
        self._process = await spawn(command, self.folder / f"guard-{now_ms()}.log", {}, 1_024)

    async def kill(self) -> None:
        """SIGKILL: what a power cut is to a process."""
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    def pull_the_plug(self) -> None:
        """SIGKILL at this very instant, from whatever thread."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGKILL)

    def freeze(self, frozen: bool) -> None:
        if self._process is not None and self._process.returncode is None:
            os.kill(self._process.pid, signal.SIGSTOP if frozen else signal.SIGCONT)

    async def restart(self) -> None:
        await self.kill()
        await self.start()

    async def fresh(self) -> None:
        """Another guard, on new equipment, that knows nothing of what was before."""
        await self.kill()
        key = next((p for p in (self.cabinet / "state").glob("*.key")), None)
        secret = None if key is None else (key, key.read_bytes())
        shutil.rmtree(self.cabinet / "state", ignore_errors=True)
        if secret is not None:  # the roster names this key
            secret[0].parent.mkdir(mode=0o700)
            secret[0].write_bytes(secret[1])
            secret[0].chmod(0o600)
        for target, shows in SHOWS.items():
            self._servers[target].equipment.renew(shows)
        self._counters.clear()
        self._said.clear()
        self.receipts.clear()
        self.statuses.clear()
        self.strange.clear()
        self.leasing = True
        await self.start()

    # --- what we say ------------------------------------------------------------------------
    async def send(self, wire: bytes, topic: str = "cmd") -> None:
        self._said.add(wire)
        await self._client.publish(f"d/{GUARD}/{topic}", wire)

    async def hand(self, wire: bytes, topic: str = "cmd") -> None:
        """Send it alone, and return when the guard has judged it. Of leases and documents a guard
        may keep the newest only: one sent on the heels of another proves nothing about it."""
        while True:
            before = await self.judged()
            await self.send(wire, topic)
            if await self.judged() == before:  # else its link was made anew in between
                return

    async def judged(self) -> frozenset[str]:
        """When the guard has acknowledged whatever was sent to it: the names of its subscriptions.
        BrokenRuleError when that does not come."""
        end_s = time.monotonic() + self.patience_s
        while not (names := await self._broker.settled(GUARD)):
            if time.monotonic() > end_s:
                raise BrokenRuleError(
                    f"{self.patience_s:.0f} s without its acknowledgement (QoS 1) of what was sent"
                )
            await asyncio.sleep(STEP_S)
        return names

    def command(self, **fields: Any) -> Command:
        """The next command for its target."""
        target = fields.get("target", town.LAMPS[0])
        counter = fields.pop("counter", self._counters.get(target, 0) + 1)
        self._counters[target] = max(counter, self._counters.get(target, 0))
        return self.commune.command(fields.pop("nonce", self.nonce), counter, now_ms(), **fields)

    async def ask(self, command: Command, *keys: bytes) -> Receipt:
        """Send it and wait for the first receipt about it."""
        return await self.answer(self.commune.wire(command, *keys), command.digest)

    async def answer(self, wire: bytes, digest: bytes = b"") -> Receipt:
        """Send bytes, again and again as a hub does, until a new receipt names `digest`. Bytes
        that were never sent have no receipt yet: one that comes late again is of others."""
        seen = len(self.receipts)
        others = set() if wire in self._said else {one for _, one in self.receipts}

        def found() -> list[Receipt]:
            new = [r for r, one in self.receipts[seen:] if one not in others]
            return [r for r in new if r.digest == digest and (digest or r.outcome == "refused")]

        for _ in range(round(self.patience_s / REPEAT_S)):
            await self.send(wire)
            with contextlib.suppress(BrokenRuleError):
                await self.until(lambda: bool(found()), "", REPEAT_S)
                return found()[0]
        raise BrokenRuleError(f"{self.patience_s:.0f} s without a receipt for what was sent")

    def lease(self, **fields: Any) -> bytes:
        """The hub's next lease, or (`fields`) one that is not quite so."""
        ttl_ms = fields.pop("ttl_ms", LEASE_TTL_MS)
        number = fields.pop("number", 0) or self.lease_number + 1
        at_ms = fields.pop("at_ms", now_ms())
        self.lease_number = max(self.lease_number, number)
        nonce = fields.pop("nonce", self.nonce)
        return self.commune.lease(nonce, number, at_ms, ttl_ms, **fields)

    # --- what we hear and see ---------------------------------------------------------------
    @property
    def nonce(self) -> bytes:
        """Of the guard's newest start, empty before the first."""
        return self.statuses[-1].nonce if self.statuses else b""

    def status(self, target: str) -> Status:
        return next(s for s in reversed(self.statuses) if s.target == target)

    @property
    def ready(self) -> bool:
        newest = {s.target: s for s in self.statuses if s.nonce == self.nonce}
        return len(newest) == len(SHOWS) and all(
            s.leased
            and s.envelope == self.commune.envelopes[t].digest
            and s.roster_version == self.commune.roster.version
            for t, s in newest.items()
        )

    def equipment(self, target: str = town.LAMPS[0]) -> Equipment:
        return self._servers[target].equipment

    def acts(self, target: str = town.LAMPS[0]) -> list[dict[str, Any]]:
        """What commands did to it, in order."""
        return [one for one in self.equipment(target).effects if one["do"] == "act"]

    def of(self, outcome: str, target: str = "") -> list[Receipt]:
        return [r for r, _ in self.receipts if r.outcome == outcome and target in ("", r.target)]

    async def until(self, holds: Callable[[], bool], what: str, wait_s: float = 0.0) -> None:
        """BrokenRuleError when it does not hold within `wait_s` (0: `patience_s`)."""
        wait_s = wait_s or self.patience_s
        end_s = time.monotonic() + wait_s
        while not holds():
            if time.monotonic() > end_s:
                raise BrokenRuleError(f"waited {wait_s:.0f} s in vain until {what}")
            await asyncio.sleep(STEP_S)

    def _hear(self, topic: str, payload: bytes) -> None:
        try:
            signed = unpack(payload)
            if topic == f"d/{GUARD}/receipt":
                self.receipts.append((verified(signed, self.commune.roster), payload))
            elif topic == f"d/{GUARD}/status":
                self.statuses.append(read_status(signed, self.commune.roster))
            else:
                self.strange.append(f"a message on {topic}")
        except (CanonicalError, FieldError) as error:
            self.strange.append(f"on {topic}: {error}")

    async def _feed(self) -> None:
        """What a hub does all the time: documents until they are known, and leases."""
        while True:
            await asyncio.sleep(LEASE_EVERY_S)
            known = bool(self.statuses) and (
                self.statuses[-1].roster_version == self.commune.roster.version
                and self.statuses[-1].envelope != bytes(32)
            )
            if self.documents and not known:
                await self.send(self.documents, "trust")
            if self.leasing and self.nonce:
                await self.send(self.lease(), "lease")

    async def trust(self, bundle: bytes) -> None:
        await self.send(bundle, "trust")

    # --- its configuration ------------------------------------------------------------------
    def _write_config(self) -> None:
        cert, key = self._broker.certificate(GUARD)
        lines = [
            f'guard = "{GUARD}"',
            f'commune = "{town.NAME}"',
            'folder = "state"',
            "[place]",
            "latitude_deg = 43.76",
            "longitude_deg = 5.36",
            'timezone = "Europe/Paris"',
            "[hub]",
            'host = "127.0.0.1"',
            f"port = {self._broker.port}",
            *(
                f"{name} = {json.dumps(str(path))}"
                for name, path in (("ca", self._broker.ca), ("cert", cert), ("key", key))
            ),
            "[trust]",
            'root = "root.json"',
        ]
        for target, wiring in WIRING.items():
            near = [one for one in town.LAMPS if one != target] if target in town.LAMPS else []
            lines += [
                f"[targets.{target}]",
                'driver = "simulated"',
                f"readback_ms = {READBACK_MS}",
                f"neighbours = {json.dumps(near)}",
                f"[targets.{target}.wiring]",
                f'address = "{self._servers[target].address}"',
                f"safe = {_inline(wiring['safe'])}",
                f"[targets.{target}.wiring.actions]",
                *(f"{name} = {_inline(sets)}" for name, sets in wiring["actions"].items()),
            ]
        (self.cabinet / "guard.toml").write_text("\n".join(lines) + "\n")

    async def _show_key(self) -> bytes:
        process = await asyncio.create_subprocess_exec(
            *shlex.split(self.guard_command),
            "--config",
            str(self.cabinet / "guard.toml"),
            "--show-key",
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await asyncio.wait_for(process.communicate(), START_S_MAX)
        try:
            public = bytes.fromhex(out.decode().split()[0])
        except (IndexError, ValueError) as error:
            tail = err.decode(errors="replace")[-500:]
            raise ContractError(
                f"`--config FILE --show-key` must print a public key in hex: {tail}"
            ) from error
        return public


def _inline(values: dict[str, Any]) -> str:
    return "{" + ", ".join(f"{name} = {json.dumps(one)}" for name, one in values.items()) + "}"

"""A cabinet whose equipment speaks NTCIP over SNMP: a signal controller and a message sign.

Both are agent processes (`lab.ntcip_agent`). The guard speaks version 3 with secrets of its own.
The maker left version 2c on, with a community that whoever installed one like it knows, as is usual
in the field: `Hand` is somebody beside the guard who tries what he has.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pysnmp.hlapi.v3arch import asyncio as snmp
from pysnmp.proto import rfc1902

from beffroi.domains.boards.catalogue import TEMPLATES
from beffroi.guard.drivers import ntcip_oids as oids
from beffroi.guard.drivers.ntcip_oids import Oid
from beffroi.lab.guards.posts import Effect, Post, head
from beffroi.lab.street import Address
from beffroi.model.asset import Asset, Commune

USER, COMMUNITY = "beffroi", "maintenance"
PATTERNS = {1: 1, 2: 2, 3: 3, 4: 11}  # plan of the catalogue: pattern stored in `lab.signal_unit`
SLOT = 2
AGENTS = {"junction": "controller", "board": "sign"}
ANSWER_S_MAX = 1.0
COMMON = """\
[targets.{target}]
driver = "ntcip"
{more}[targets.{target}.wiring]
device = "{device}"
host = "127.0.0.1"
port = {port}
snmp = {{ user = "beffroi", auth_file = "{folder}/auth", priv_file = "{folder}/priv" }}
"""
SIGNAL = """\
plans = {{ {plans} }}
actions = {{ select_plan = {{ param = "plan" }}, local = {{ pattern = 0 }}, \
flash = {{ pattern = 255 }} }}
"""
SIGN = """\
slot = {slot}
[targets.{target}.wiring.actions]
show = {{ message = "template", minutes = "minutes" }}
alert = {{ message = "template", minutes = "minutes" }}
blank = {{ blank = true }}
[targets.{target}.wiring.messages]
{messages}
"""


class SnmpPost(Post):
    """One junction and one board behind SNMP. The ledger is the agents' own."""

    def __init__(self, folder: Path, commune: Commune, guard: str, assets: Sequence[Asset]) -> None:
        super().__init__(folder, commune, guard, assets)
        self.ports: dict[str, int] = {}
        self._secrets = {name: secrets.token_hex(12) for name in ("auth", "priv")}
        self._agents: list[asyncio.subprocess.Process] = []

    def target(self, kind: str) -> str:
        return next(one.id for one in self.assets.values() if one.kind == kind)

    async def power(self) -> None:
        """Start both agents; their ports are known from then on."""
        self.cabinet.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for number, one in enumerate(self.assets.values(), 1):
            agent = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "beffroi.lab.ntcip_agent", AGENTS[one.kind],
                "--user", USER, "--auth", self._secrets["auth"], "--priv", self._secrets["priv"],
                "--community", COMMUNITY, "--engine", f"80000000010203{number:02x}",
                "--ledger", str(self._ledger(one.id)),
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            )  # fmt: skip
            self._agents.append(agent)
            assert agent.stdout is not None  # noqa: S101 - it was asked for
            self.ports[one.id] = int((await agent.stdout.readline()).split()[1])

    async def unpower(self) -> None:
        for agent in self._agents:
            if agent.returncode is None and agent.stdin is not None:
                agent.stdin.close()
                await agent.wait()

    def open(self, address: Address) -> None:
        folder = self.cabinet.folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name, secret in self._secrets.items():
            (folder / name).touch(mode=0o600)
            (folder / name).write_text(secret)
        text = head(self.guard, self.commune, address)
        text += "".join(self._wired(one) for one in self.assets.values())
        (folder / "guard.toml").write_text(text)

    def close(self) -> None:
        """The agents are ended by `unpower`."""

    def effects(self, since_s: float = 0.0) -> list[Effect]:
        """What was set since then: by the guard (what moves: a pattern, an activation), or by any
        other hand (everything)."""
        found = []
        for target in self.assets:
            path = self._ledger(target)
            for line in path.read_text().splitlines() if path.exists() else ():
                one = json.loads(line)
                do = _kind(one)
                if one["at_s"] >= since_s and do:
                    found.append(Effect(one["at_s"], target, do, one))
        return sorted(found, key=lambda one: one.at_s)

    def hand(self, target: str, **known: str) -> Hand:
        """Somebody beside the guard, who knows a `community`, or a `user` and perhaps secrets."""
        return Hand(self.ports[target], _credentials(known))

    async def looked_at(self, target: str, oid: Oid) -> int | bytes:
        """What the equipment holds, asked with the guard's secrets by a client of its own."""
        known = {"user": USER, **self._secrets}
        return await Hand(self.ports[target], _credentials(known)).read(oid)

    def _ledger(self, target: str) -> Path:
        return self.cabinet.folder / f"{target}.ledger"

    def _wired(self, one: Asset) -> str:
        more = 'code_param = "code"\n' if one.kind == "board" else ""
        text = COMMON.format(
            target=one.id, device=AGENTS[one.kind], port=self.ports[one.id], more=more,
            folder=self.cabinet.folder.resolve(),
        )  # fmt: skip
        if one.kind == "junction":
            plans = ", ".join(f"{plan} = {pattern}" for plan, pattern in PATTERNS.items())
            return text + SIGNAL.format(plans=plans)
        messages = "\n".join(f"{t.id} = {json.dumps(_multi(t.text))}" for t in TEMPLATES.values())
        return text + SIGN.format(target=one.id, slot=SLOT, messages=messages)


class Hand:
    """An SNMP client that is not the guard's. Says what came of it, never raises for a refusal."""

    def __init__(self, port: int, credentials: Any) -> None:
        self._port, self._credentials = port, credentials

    async def write(self, oid: Oid, value: int | bytes) -> str:
        """ "" when the device took it, else what it said, or that it said nothing."""
        typed = rfc1902.Integer32 if isinstance(value, int) else rfc1902.OctetString
        trouble, status, _ = await self._ask(snmp.set_cmd, oid, typed(value))
        return trouble or status

    async def read(self, oid: Oid) -> int | bytes:
        """OSError when the device does not say."""
        trouble, status, values = await self._ask(snmp.get_cmd, oid)
        if trouble or status:
            raise OSError(f"{oid} cannot be read: {trouble or status}")
        value = values[0][1]
        return bytes(value) if isinstance(value, rfc1902.OctetString) else int(value)

    async def _ask(self, command: Any, oid: Oid, *value: Any) -> tuple[str, str, Any]:
        engine = snmp.SnmpEngine()
        try:
            where = await snmp.UdpTransportTarget.create(
                ("127.0.0.1", self._port), timeout=ANSWER_S_MAX, retries=1
            )
            bind = snmp.ObjectType(snmp.ObjectIdentity(oid), *value)
            trouble, status, _, values = await command(
                engine, self._credentials, where, snmp.ContextData(), bind, lookupMib=False
            )
        finally:
            engine.close_dispatcher()
        return str(trouble or ""), "" if int(status) == 0 else str(int(status)), values


def _credentials(known: Mapping[str, str]) -> Any:
    if "community" in known:
        return snmp.CommunityData(known["community"], mpModel=1)  # noqa: S508 - an attacker's
    if "auth" not in known:
        return snmp.UsmUserData(known["user"])  # noqa: S509 - an attacker's
    return snmp.UsmUserData(
        known["user"],
        authKey=known["auth"],
        privKey=known["priv"],
        authProtocol=snmp.USM_AUTH_HMAC192_SHA256,
        privProtocol=snmp.USM_PRIV_CFB128_AES,
    )


def _kind(one: Mapping[str, Any]) -> str:
    """ "act" and "fall_back" of the guard, "write" of anybody else, "" for its preparations."""
    if one["by"] != USER:
        return "write"
    oid, value = tuple(one["oid"]), one["value"]
    if oid == oids.SYSTEM_PATTERN_CONTROL:
        return "fall_back" if value == oids.STANDBY else "act"
    if oid == oids.ACTIVATE_MESSAGE:
        return "fall_back" if bytes.fromhex(value)[3] == oids.BLANK else "act"
    return ""


def _multi(text: str) -> str:
    """The lines of a template, and the public code of the command on a page of its own."""
    return "[jl3]" + "[nl]".join(text.splitlines()) + "[np][jl3]{code}"

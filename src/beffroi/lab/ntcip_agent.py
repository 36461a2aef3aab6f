"""An SNMP agent process for the lab: `controller` (NTCIP 1202) or `sign` (NTCIP 1203).

`python -m beffroi.lab.ntcip_agent controller --port 0` prints `listening <port>`, speaks SNMPv3
with authentication and encryption (and versions 1 and 2c with `--community`), and takes orders by
line on its standard input: `mute`, `reset`, `set <field> <value>`. `--speed` lets its time run
faster. A set of several objects is not undone when a later one is refused. `--ledger FILE` gets a
line of JSON for each set that was taken: monotonic seconds, whose, which object, which value.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pysnmp.carrier.asyncio.dgram import udp
from pysnmp.entity import config, engine
from pysnmp.entity.rfc3413 import cmdrsp, context
from pysnmp.proto import rfc1902, rfc1905
from pysnmp.smi import error, instrum

from beffroi.lab.message_sign import MessageSign
from beffroi.lab.signal_unit import Oid, SetError, SignalUnit, Value

NTCIP = (1, 3, 6, 1, 4, 1, 1206)
TICK_S = 0.02
ERRORS: dict[str, Any] = {
    "genErr": error.GenError,
    "notWritable": error.NotWritableError,
    "wrongLength": error.WrongLengthError,
    "wrongType": error.WrongTypeError,
    "wrongValue": error.WrongValueError,
}
Device = SignalUnit | MessageSign


class Instruments(instrum.AbstractMibInstrumController):  # type: ignore[misc]
    """The library's door to our objects."""

    def __init__(
        self, make: Callable[[], Device], speed: float, ledger: Path | None = None
    ) -> None:
        self._make, self._speed, self._ledger = make, speed, ledger
        self.reset()

    def reset(self) -> None:
        """A device as it left the factory."""
        self.device, self._began_s = self._make(), time.monotonic()

    def read_variables(self, *binds: Any, **more: Any) -> list[Any]:
        objects = self._now()
        return [self._read(objects, at, name, more) for at, (name, _) in enumerate(binds)]

    def read_next_variables(self, *binds: Any, **more: Any) -> list[Any]:
        objects = self._now()
        found = []
        for at, (name, _) in enumerate(binds):
            after = sorted(oid for oid in objects if oid > tuple(name))
            found.append(
                self._read(objects, at, rfc1902.ObjectName(after[0]), more)
                if after
                else (name, rfc1905.endOfMibView)
            )
        return found

    def write_variables(self, *binds: Any, **more: Any) -> list[Any]:
        self._now()
        for at, (name, value) in enumerate(binds):
            more["acFun"]("write", (name, value), idx=at, **_plain(more))
            try:
                self.device.write(tuple(name), _ours(value))
            except SetError as refused:
                raise ERRORS[str(refused)](name=name, idx=at) from None
            self._note(more["snmpEngine"], name, value)
        return list(binds)

    def _note(self, snmp: Any, name: Any, value: Any) -> None:
        if self._ledger is None:
            return
        asked = snmp.observer.get_execution_context("rfc3412.receiveMessage:request")
        ours = _ours(value)
        line = {
            "at_s": time.monotonic(),
            "by": str(asked["securityName"]),
            "oid": list(name),
            "value": ours if isinstance(ours, int) else ours.hex(),
        }
        with self._ledger.open("a") as file:
            file.write(json.dumps(line) + "\n")

    def _now(self) -> dict[Oid, Callable[[], Value]]:
        self.device.advance((time.monotonic() - self._began_s) * self._speed)
        if isinstance(self.device, MessageSign):
            self.device.heard()
        return self.device.objects()

    def _read(self, objects: dict[Oid, Callable[[], Value]], at: int, name: Any, more: Any) -> Any:
        more["acFun"]("read", (name, None), idx=at, **_plain(more))
        get = objects.get(tuple(name))
        return name, rfc1905.noSuchInstance if get is None else _theirs(get())


def _plain(more: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in more.items() if key != "acFun"}


def _ours(value: Any) -> Value:
    return bytes(value) if isinstance(value, rfc1902.OctetString) else int(value)


def _theirs(value: Value) -> Any:
    return rfc1902.Integer32(value) if isinstance(value, int) else rfc1902.OctetString(value)


def agent(instruments: Instruments, options: argparse.Namespace) -> tuple[Any, Any]:
    """The engine and its transport, on the running loop."""
    snmp = engine.SnmpEngine(rfc1902.OctetString(hexValue=options.engine))
    transport = udp.UdpTransport().open_server_mode((options.host, options.port))
    config.add_transport(snmp, udp.DOMAIN_NAME, transport)
    config.add_v3_user(
        snmp,
        options.user,
        config.USM_AUTH_HMAC192_SHA256,
        options.auth,
        config.USM_PRIV_CFB128_AES,
        options.priv,
    )
    config.add_vacm_user(snmp, 3, options.user, "authPriv", NTCIP, NTCIP)
    if options.community:
        config.add_v1_system(snmp, "area", options.community)
        for model in (1, 2):
            config.add_vacm_user(snmp, model, "area", "noAuthNoPriv", NTCIP, NTCIP)
    world = context.SnmpContext(snmp)
    world.unregister_context_name(b"")
    world.register_context_name(b"", instruments)
    for responder in (
        cmdrsp.GetCommandResponder,
        cmdrsp.NextCommandResponder,
        cmdrsp.SetCommandResponder,
    ):
        responder(snmp, world)
    return snmp, transport


async def serve(instruments: Instruments, options: argparse.Namespace) -> None:
    """Until the standard input closes."""
    snmp, transport = agent(instruments, options)
    while transport.transport is None:
        await asyncio.sleep(TICK_S)
    socket = transport.transport.get_extra_info("socket")
    print(f"listening {socket.getsockname()[1]}", flush=True)  # noqa: T201
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    mute = Mute(transport)
    while line := await reader.readline():
        print(obey(line.decode().split(), instruments, mute), flush=True)  # noqa: T201
    snmp.close_dispatcher()


class Mute:
    """Swallows what the transport would send."""

    def __init__(self, transport: Any) -> None:
        self._transport, self._send = transport, transport.send_message

    def on(self, silent: bool) -> None:
        self._transport.send_message = (lambda *_: None) if silent else self._send


def obey(words: list[str], instruments: Instruments, mute: Mute) -> str:
    """One order; what to answer."""
    match words:
        case ["mute"]:
            mute.on(True)
        case ["reset"]:
            mute.on(False)
            instruments.reset()
        case ["set", name, value]:
            is_bytes = isinstance(getattr(instruments.device, name), bytes)
            setattr(instruments.device, name, bytes.fromhex(value) if is_bytes else int(value))
        case _:
            return "what?"
    return "done"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("device", choices=("controller", "sign"))
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--engine", default="8000000001020304", help="SNMP engine id, in hex")
    parser.add_argument("--user", default="beffroi")
    parser.add_argument("--auth", default="lab-authentication")
    parser.add_argument("--priv", default="lab-encryption")
    parser.add_argument("--community", default="", help="also speak versions 1 and 2c")
    parser.add_argument("--speed", type=float, default=1.0)
    parser.add_argument("--ledger", type=Path)
    options = parser.parse_args()
    made = SignalUnit if options.device == "controller" else MessageSign
    asyncio.run(serve(Instruments(made, options.speed, options.ledger), options))


if __name__ == "__main__":
    main()

"""SNMP to one device: gets, and sets of an allow-list. Never hangs, never believes half an answer.

SNMPv3 with authentication and encryption. Versions 1 and 2c have no secret worth the name: they
are spoken only when the wiring says `accept_insecure`, for a cable that does not leave the cabinet.

`SnmpLink.set` holds the only call of the library's set command in this program.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any

from pyasn1.type.univ import Integer, OctetString
from pysnmp.hlapi.v3arch import asyncio as snmp
from pysnmp.proto import rfc1902, rfc1905

from beffroi.guard.driver import DriverError
from beffroi.guard.drivers.limits import MULTI_BYTES_MAX
from beffroi.guard.drivers.ntcip_oids import Oid, may_set
from beffroi.guard.drivers.ntcip_security import Security

Value = int | bytes
ASKED_AT_ONCE = 16
_ABSENT = (rfc1905.NoSuchObject, rfc1905.NoSuchInstance, rfc1905.EndOfMibView)


class SnmpLink:
    """`settable`: the objects of this device that may be set, themselves within `may_set`."""

    def __init__(
        self,
        address: tuple[str, int],
        security: Security,
        timeout_ms: int,
        budget_ms: int,
        settable: frozenset[Oid],
    ) -> None:
        self.name = f"snmp {address[0]}:{address[1]}"
        self._address, self._security = address, security
        self._timeout_s, self._budget_s = timeout_ms / 1000, budget_ms / 1000
        self._settable = settable
        self._until_s = 0.0
        self._loop = asyncio.new_event_loop()
        self._engine: Any = None
        self._target: Any = None

    def begin(self) -> None:
        """Start the time budget of one call of the driver."""
        self._until_s = time.monotonic() + self._budget_s

    def get(self, oids: Sequence[Oid]) -> dict[Oid, Value | None]:
        """Their values; None for an object that the device does not have."""
        found: dict[Oid, Value | None] = {}
        for at in range(0, len(oids), ASKED_AT_ONCE):
            found |= self._get(list(oids[at : at + ASKED_AT_ONCE]))
        return found

    def set(self, pairs: Mapping[Oid, Value]) -> None:
        """All or, says SNMP, nothing. DriverError for an object outside the allow-list."""
        for oid in pairs:
            if not may_set(oid) or oid not in self._settable:
                raise DriverError(f"{self.name}: {dotted(oid)} is never set by this program")
        binds = [_bind(oid, _typed(value)) for oid, value in pairs.items()]
        status, _, _ = self._run(self._command(snmp.set_cmd, binds))
        if status:
            raise SetRefusedError(f"{self.name}: the device refused ({status})")

    def close(self) -> None:
        self._hang_up()
        if not self._loop.is_closed():
            self._loop.close()

    def _get(self, oids: list[Oid]) -> dict[Oid, Value | None]:
        found: dict[Oid, Value | None] = {}
        while oids:
            binds = [_bind(oid, None) for oid in oids]
            status, index, answers = self._run(self._command(snmp.get_cmd, binds))
            if status == "noSuchName" and 1 <= index <= len(oids):  # version 1 says it so
                found[oids.pop(index - 1)] = None
                continue
            if status:
                raise self._trouble(f"the device answered {status}")
            found |= self._answers(oids, answers)
            break
        return found

    def _answers(self, oids: Sequence[Oid], answers: Sequence[Any]) -> dict[Oid, Value | None]:
        if len(answers) != len(oids):
            raise self._trouble(f"{len(answers)} values instead of {len(oids)}")
        found: dict[Oid, Value | None] = {}
        for oid, (name, value) in zip(oids, answers, strict=True):
            if tuple(name) != oid:
                raise self._trouble(f"{dotted(tuple(name))} instead of {dotted(oid)}")
            found[oid] = self._value(oid, value)
        return found

    def _value(self, oid: Oid, value: Any) -> Value | None:
        if isinstance(value, _ABSENT):
            return None
        if isinstance(value, Integer):
            return int(value)
        if isinstance(value, OctetString) and len(value) <= MULTI_BYTES_MAX:
            return bytes(value)
        raise self._trouble(f"{dotted(oid)} is of no expected type or size")

    async def _command(self, command: Any, binds: list[Any]) -> tuple[str, int, Sequence[Any]]:
        if self._engine is None:
            self._engine = snmp.SnmpEngine()
            # One repetition: datagrams get lost, and everything that we set is idempotent.
            self._target = await snmp.UdpTransportTarget.create(
                self._address, timeout=self._timeout_s, retries=1
            )
        trouble, status, index, answers = await command(
            self._engine,
            self._security.credentials(),
            self._target,
            snmp.ContextData(),
            *binds,
            lookupMib=False,
        )
        if trouble:
            raise DriverError(f"{self.name}: {trouble}")
        said = str(status.prettyPrint()) if hasattr(status, "prettyPrint") else str(status)
        return ("" if int(status) == 0 else said), int(index), answers

    def _run(
        self, command: Coroutine[Any, Any, tuple[str, int, Sequence[Any]]]
    ) -> tuple[str, int, Sequence[Any]]:
        left_s = self._until_s - time.monotonic()
        try:
            return self._loop.run_until_complete(asyncio.wait_for(command, max(left_s, 0.001)))
        except TimeoutError:
            raise self._trouble("no answer in time") from None
        except DriverError:
            self._hang_up()
            raise
        except Exception as error:
            # A datagram that breaks the parser must not stop the guard.
            raise self._trouble(f"an answer that cannot be read ({error!r})") from error

    def _hang_up(self) -> None:
        """Forget the engine: the next call makes a new one, which asks again who is there."""
        if self._engine is not None:
            self._engine.close_dispatcher()
            # Let cancelled timers end, so that nothing is left hanging in the loop.
            self._loop.run_until_complete(asyncio.sleep(0))
        self._engine = self._target = None

    def _trouble(self, text: str) -> DriverError:
        self._hang_up()
        return DriverError(f"{self.name}: {text}")


class SetRefusedError(DriverError):
    """The device answered, and said no. It may say why elsewhere."""


def dotted(oid: Oid) -> str:
    return ".".join(map(str, oid))


def _bind(oid: Oid, value: Any) -> Any:
    name = snmp.ObjectIdentity(oid)
    return snmp.ObjectType(name) if value is None else snmp.ObjectType(name, value)


def _typed(value: Value) -> Any:
    return rfc1902.Integer32(value) if isinstance(value, int) else rfc1902.OctetString(value)

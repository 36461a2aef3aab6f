"""NTCIP over SNMP: signal controllers (1202) and message signs (1203), by one wiring table."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

from beffroi.guard.drivers.limits import (
    BUDGET_MS,
    BUDGET_MS_MAX,
    BUDGET_MS_MIN,
    TIMEOUT_MS,
    TIMEOUT_MS_MAX,
    TIMEOUT_MS_MIN,
)
from beffroi.guard.drivers.ntcip_oids import Oid
from beffroi.guard.drivers.ntcip_security import read_security
from beffroi.guard.drivers.ntcip_sign import SignDriver, read_sign
from beffroi.guard.drivers.ntcip_sign import settable as sign_settable
from beffroi.guard.drivers.ntcip_signal import SETTABLE, SignalDriver, read_signal
from beffroi.guard.drivers.ntcip_snmp import SnmpLink
from beffroi.guard.drivers.wiring import Fields, WiringError

DEVICES = ("controller", "sign")


def open(wiring: Mapping[str, object]) -> SignalDriver | SignDriver:  # noqa: A001 - all share it
    """A driver by its wiring table. WiringError when the table is wrong; nothing is sent yet."""
    fields = Fields("wiring", wiring)
    fields.text("driver", "ntcip")
    device = fields.one_of("device", DEVICES)
    host = fields.text("host")
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        raise WiringError(f"wiring: host must be an IPv4 address, not {host!r}") from None
    address = (host, fields.whole("port", 1, 65_535, 161))
    timeout_ms = fields.whole("timeout_ms", TIMEOUT_MS_MIN, TIMEOUT_MS_MAX, TIMEOUT_MS)
    budget_ms = fields.whole("budget_ms", BUDGET_MS_MIN, BUDGET_MS_MAX, BUDGET_MS)
    security = read_security(inner := fields.table("snmp"))
    inner.done()

    def link(allowed: frozenset[Oid]) -> SnmpLink:
        return SnmpLink(address, security, timeout_ms, budget_ms, allowed)

    if device == "controller":
        signal = read_signal(fields)
        fields.done()
        return SignalDriver(signal, link(SETTABLE))
    sign = read_sign(fields)
    fields.done()
    return SignDriver(sign, link(sign_settable(sign)))

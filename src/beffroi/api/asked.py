"""Who asks, as far as counting goes, and the numbers that an address may hold.

A number is bounded before it reaches a store: none has one of thirty digits. Knows no route.
"""

from __future__ import annotations

import ipaddress
from typing import Annotated

from fastapi import Query, Request

from beffroi.model.limits import ROW_NUMBER_MAX, TIME_MS_MAX

IPV6_NET_BITS = 64  # a household has so many addresses that one of them says nothing
Moment = Annotated[int, Query(ge=0, le=TIME_MS_MAX)]  # UTC ms
Number = Annotated[int, Query(ge=0, le=ROW_NUMBER_MAX)]  # of a row or a line


def address_of(request: Request) -> str:
    return request.client.host if request.client else ""


def household(request: Request) -> str:
    """What the requests of one connection are counted under."""
    return network(address_of(request))


def network(ip: str) -> str:
    """What one household is counted under."""
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return ip
    if address.version == 4:
        return ip
    mapped = address.ipv4_mapped
    return str(mapped or ipaddress.ip_network((ip, IPV6_NET_BITS), strict=False))

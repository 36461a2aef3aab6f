"""What the webhooks of LoRaWAN network servers have in common: one frame out of JSON fields.

Knows no particular network server and no codec.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any

from beffroi.hub.links import strict
from beffroi.hub.links.items import Frame, LinkError
from beffroi.model.limits import LORAWAN_PAYLOAD_BYTES_MAX, VALUES_PER_READING_MAX

_EUI = re.compile(r"[0-9A-Fa-f]{16}")
F_PORT_MAX = 255
F_CNT_MAX = 2**32 - 1


def document(body: bytes, encoding_hint: str) -> dict[str, Any]:
    """The body as a JSON object; anything else is told how to choose JSON at the source."""
    strict.check_size(body)
    if not body.lstrip(b" \t\r\n").startswith(b"{"):
        raise LinkError(f"the body is not a JSON object: {encoding_hint}")
    found = strict.loads(body)
    if not isinstance(found, dict):
        raise LinkError(f"the body is not a JSON object: {encoding_hint}")
    return found


def section(parent: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The object under `name`."""
    value = parent.get(name)
    if not isinstance(value, dict):
        raise LinkError(f'"{name}" is missing or not an object')
    return value


def frame(
    *, dev_eui: Any, f_port: Any, data: Any, time: Any, f_cnt: Any, decoded: Any, recv_ms: int
) -> Frame:
    """Check each field; absent ones have the value that JSON of protobuf leaves out (0, "")."""
    if not isinstance(dev_eui, str) or not _EUI.fullmatch(dev_eui):
        raise LinkError(f"the DevEUI must be 16 hexadecimal digits, not {str(dev_eui)[:40]!r}")
    if decoded is not None and not isinstance(decoded, dict):
        raise LinkError("the decoded payload must be an object")
    if decoded is not None and len(decoded) > VALUES_PER_READING_MAX:
        raise LinkError(
            f"{len(decoded)} decoded values are more than {VALUES_PER_READING_MAX} a reading"
        )
    ts_ms = _time(time, recv_ms)
    return Frame(
        dev_eui.upper(),
        _whole(f_port, "the port", F_PORT_MAX),
        _bytes(data),
        strict.iso(ts_ms),
        ts_ms,
        _whole(f_cnt, "the frame counter", F_CNT_MAX),
        decoded or None,
    )


def _whole(value: Any, what: str, most: int) -> int:
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise LinkError(f"{what} must be a whole number from 0 to {most}")
    return value


def _bytes(data: Any) -> bytes:
    if data is None:
        return b""
    try:
        payload = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError, TypeError) as error:
        raise LinkError(f"the payload is not base64: {error}") from error
    if len(payload) > LORAWAN_PAYLOAD_BYTES_MAX:
        raise LinkError(f"a LoRaWAN payload has at most {LORAWAN_PAYLOAD_BYTES_MAX} bytes")
    return payload


def _time(time: Any, recv_ms: int) -> int:
    if time is None:
        return recv_ms
    if not isinstance(time, str):
        raise LinkError("the time must be ISO 8601 text")
    try:
        ts_ms = strict.iso_ms(time)
    except (ValueError, OverflowError) as error:
        raise LinkError(f"the time {time[:60]!r} cannot be understood: {error}") from error
    return ts_ms

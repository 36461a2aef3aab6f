"""How safe a device is, from what the inventory knows of it. Pure; each point has a reason.

Five questions, twenty points each: identity, certificate not near its end, seen lately, newest
firmware and still supported, no default secret. "Not known" earns half: it is a task, not a fault.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import NamedTuple

from beffroi.model.asset import Device
from beffroi.model.measure import DAY_MS

CERT_SOON_MS = 30 * DAY_MS
SILENT_MS = 2 * DAY_MS
PART = 20
HALF = 10
GOOD, MIDDLING = 80, 60


class Point(NamedTuple):
    """One question: `name` and `code` are for translation; `earned` of PART."""

    name: str
    code: str
    earned: int


class Posture(NamedTuple):
    """`score` of 100; `level`: good, middling or poor."""

    score: int
    level: str
    points: tuple[Point, ...]


def judge(device: Device, now_ms: int) -> Posture:
    points = (
        _identity(device),
        _expiry(device, now_ms),
        _seen(device, now_ms),
        _firmware(device, now_ms),
        _secret(device),
    )
    score = sum(point.earned for point in points)
    sound = all(point.earned for point in points)  # one open door spoils the best score
    level = "good" if score >= GOOD and sound else "middling" if score >= MIDDLING else "poor"
    return Posture(score, level, points)


def _identity(device: Device) -> Point:
    if device.status == "revoked":
        return Point("identity", "revoked", 0)
    if device.cert_serial:
        return Point("identity", "certificate", PART)
    if device.gateway or device.dev_eui:
        return Point("identity", "through_gateway", PART * 3 // 4)
    return Point("identity", "none_yet", HALF if device.status == "pending" else 0)


def _expiry(device: Device, now_ms: int) -> Point:
    if not device.cert_not_after_ms:
        through = bool(device.gateway or device.dev_eui)
        return Point("expiry", "not_needed" if through else "unknown", PART if through else HALF)
    left = device.cert_not_after_ms - now_ms
    if left <= 0:
        return Point("expiry", "expired", 0)
    return Point("expiry", "soon", HALF) if left < CERT_SOON_MS else Point("expiry", "ok", PART)


def _seen(device: Device, now_ms: int) -> Point:
    if not device.last_seen_ms:
        return Point("seen", "never", HALF)
    silent = now_ms - device.last_seen_ms > SILENT_MS
    return Point("seen", "silent", 0) if silent else Point("seen", "ok", PART)


def _firmware(device: Device, now_ms: int) -> Point:
    end = _date(device.support_end)
    if end is not None and end < datetime.fromtimestamp(now_ms / 1000, UTC).date():
        return Point("firmware", "unsupported", 0)
    if not device.firmware or not device.firmware_newest:
        return Point("firmware", "unknown", HALF)
    if device.firmware != device.firmware_newest:
        return Point("firmware", "outdated", HALF)
    return Point("firmware", "ok", PART)


def _secret(device: Device) -> Point:
    if device.default_secret is None:
        return Point("secret", "unchecked", HALF)
    return Point("secret", "left", 0) if device.default_secret else Point("secret", "changed", PART)


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None

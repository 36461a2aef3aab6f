"""Cleans photos in a process of their own each: bounded in time, memory, number. The port `Photos`.

A process that dies (a bomb, a fault of a decoder) is a photo that we cannot read, and nothing more.
"""

from __future__ import annotations

import subprocess
import sys
import threading

import structlog

from beffroi.adapters.photos.child import KIND, OK, PIXELS
from beffroi.model.limits import (
    PHOTO_BYTES_MAX,
    PHOTO_KEPT_BYTES_MAX,
    PHOTO_MEMORY_BYTES_MAX,
    PHOTO_PIXELS_MAX,
    PHOTO_SIDE_PX,
    PHOTO_WORK_S_MAX,
    PHOTO_WORKERS_MAX,
)
from beffroi.ports.photos import PhotoError

log = structlog.get_logger("photos")
_LIMITS = (
    PHOTO_PIXELS_MAX, PHOTO_SIDE_PX, PHOTO_KEPT_BYTES_MAX, PHOTO_MEMORY_BYTES_MAX,
    int(PHOTO_WORK_S_MAX),
)  # fmt: skip
_COMMAND = (sys.executable, "-I", "-m", "beffroi.adapters.photos.child", *map(str, _LIMITS))
_WHY = {PIXELS: "photo_pixels", KIND: "photo_kind"}


class Cleaner:
    """See `ports.photos.Photos`."""

    def __init__(self) -> None:
        self._places = threading.BoundedSemaphore(PHOTO_WORKERS_MAX)

    def clean(self, data: bytes) -> bytes:
        if len(data) > PHOTO_BYTES_MAX:
            raise PhotoError("photo_size")
        if not self._places.acquire(timeout=PHOTO_WORK_S_MAX):
            raise PhotoError("photo_busy")
        try:
            return _cleaned(data)
        finally:
            self._places.release()


def _cleaned(data: bytes) -> bytes:
    try:
        done = subprocess.run(
            _COMMAND, input=data, capture_output=True, timeout=PHOTO_WORK_S_MAX * 2, check=False
        )
    except subprocess.TimeoutExpired:
        log.warning("photo_too_slow", size=len(data))
        raise PhotoError("photo_kind") from None
    status, jpeg = done.stdout[:1], done.stdout[1:]
    if status == OK and jpeg:
        return jpeg
    if status not in _WHY:
        log.warning(
            "photo_worker_died",
            code=done.returncode,
            why=done.stderr[-300:].decode(errors="replace"),
        )
    raise PhotoError(_WHY.get(status, "photo_kind"))

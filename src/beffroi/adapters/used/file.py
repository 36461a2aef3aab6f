"""The used set of one verifier in one file that only grows: synced before anybody is answered.

A torn last record (power cut while it was written) was never answered, so it is cut off; damage
that whole records follow stops the verifier, for a forgotten claim is a title that works twice.
One process at a time.
"""

from __future__ import annotations

import fcntl
import os
import struct
import zlib
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from beffroi.adapters.durable import sync
from beffroi.domains.single_use import Claim
from beffroi.model.limits import USED_CLAIMS_MAX

_HEAD = struct.Struct(">BBq")  # bytes of nonce, bytes of place, seconds
_CRC = struct.Struct(">I")
MAGIC = b"beffroi used set 1\n"
RECORD_BYTES_MAX = _HEAD.size + 2 * 255 + _CRC.size


class UsedFileError(Exception):
    """The file is damaged, in use, or full; the text says what to do."""


class UsedFile:
    """See `domains.single_use.UsedSet`."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._file)
            raise UsedFileError(f"{path} is in use by another process") from error
        self._known: dict[bytes, Claim] = {}
        try:
            self._load(path)
        except BaseException:
            self.close()
            raise
        self._path = path

    def _load(self, path: Path) -> None:
        raw = path.read_bytes()
        if len(raw) < len(MAGIC) and MAGIC.startswith(raw):
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, MAGIC, 0)
            self._sync(path)
            self._end = len(MAGIC)
            return
        if not raw.startswith(MAGIC):
            raise UsedFileError(f"{path} is not a used set; move it away and start a new one")
        at = len(MAGIC)
        while (body := _record(raw, at)) is not None:
            claim = _claim(body)
            self._known.setdefault(claim.nonce, claim)
            at += len(body) + _CRC.size
        torn = len(raw) - at < RECORD_BYTES_MAX and not any(
            _record(raw, later) for later in range(at + 1, len(raw))
        )
        if not torn:
            raise UsedFileError(f"{path} is damaged at byte {at}; restore it, do not delete it")
        if at < len(raw):
            os.ftruncate(self._file, at)
            self._sync(path)
        self._end = at

    def _sync(self, path: Path) -> None:
        os.fsync(self._file)
        sync(path.parent)

    def claim(self, nonce: bytes, where: bytes, until_s: int) -> bytes:
        known = self._known.get(nonce)
        if known is not None:
            return known.where
        if len(self._known) >= USED_CLAIMS_MAX:
            raise UsedFileError(f"{self._path} is full; collect it and start a new one")
        claim = Claim(nonce, where, until_s)
        body = _HEAD.pack(len(nonce), len(where), until_s) + nonce + where
        record = body + _CRC.pack(zlib.crc32(body))
        if os.pwrite(self._file, record, self._end) != len(record):
            raise UsedFileError(f"{self._path} could not be written: is the disk full?")
        os.fsync(self._file)
        self._end += len(record)
        self._known[nonce] = claim
        return where

    def claims(self) -> Iterable[Claim]:
        return list(self._known.values())

    def close(self) -> None:
        os.close(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _record(raw: bytes, at: int) -> bytes | None:
    """The record that begins at this byte, without its checksum; None if there is none."""
    if at + _HEAD.size > len(raw):
        return None
    nonce, where, _ = _HEAD.unpack_from(raw, at)
    end = at + _HEAD.size + nonce + where
    if end + _CRC.size > len(raw):
        return None
    body = raw[at:end]
    return body if _CRC.unpack_from(raw, end) == (zlib.crc32(body),) else None


def _claim(body: bytes) -> Claim:
    nonce, _, until_s = _HEAD.unpack_from(body)
    start = _HEAD.size + nonce
    return Claim(body[_HEAD.size : start], body[start:], until_s)

"""Where the guard's memory lies: one folder, two files, nothing acknowledged before it is on disk.

    record.cbor    SHA-256 and record, replaced as a whole: write, fsync, rename, fsync of folder
    receipts.log   frames (length, CRC-32, receipt) appended with fsync; a torn tail was never sent
    sent           a number, written without haste: losing it only sends receipts twice
    receipt.key    the Ed25519 seed, made at first start, mode 0600

An error of the disk is final (StoreError): after a failed fsync nobody knows what is on the disk,
so a guard goes to its safe state and starts anew instead of trying again.
"""

from __future__ import annotations

import fcntl
import os
import zlib
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from beffroi.guard.durable import replace, write_all
from beffroi.guard.limits import ANSWERS_MAX, OUTBOX_MAX, RECEIPTS_FILE_BYTES_MAX
from beffroi.guard.memory import Kept, Memory, Record, read_kept, read_record
from beffroi.kernel.canonical import CanonicalError
from beffroi.kernel.document import FieldError
from beffroi.kernel.keys import sha256
from beffroi.kernel.limits import WIRE_BYTES_MAX

_HASH_BYTES = 32
_HEAD_BYTES = 8
_FRAME_BYTES_MAX = 2 * WIRE_BYTES_MAX
_KEY_BYTES = 32


class StoreError(Exception):
    """The memory cannot be read or written; the text says which file and why."""


class BusyError(StoreError):
    """Another guard uses this memory; it is the one that acts."""


class Store:
    """Opened by one process at a time: a second guard on the same memory would act twice."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._record, self._log = folder / "record.cbor", folder / "receipts.log"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BusyError(f"another guard runs on {folder}: end it first") from error
        except OSError as error:
            raise StoreError(f"cannot use the folder {folder}: {error}") from error
        self._file = -1
        self._bytes = 0

    def close(self) -> None:
        for file in (self._file, self._lock):
            if file >= 0:
                os.close(file)
        self._file = self._lock = -1

    def key(self) -> bytes:
        """The seed of this guard's receipts, made now if there is none."""
        path = self._folder / "receipt.key"
        try:
            if not path.exists():
                replace(path, os.urandom(_KEY_BYTES))
            seed = path.read_bytes()
        except OSError as error:
            raise StoreError(f"cannot read or make {path}: {error}") from error
        if len(seed) != _KEY_BYTES:
            raise StoreError(
                f"{path} is damaged: put it back from a copy, or delete it and enrol the new key"
            )
        return seed

    def load(self) -> Memory:
        """What a former start left. A damaged file is put aside as `<name>.bad`, and said."""
        record, flaw = self._read_record()
        kept, bad = self._read_log()
        fresh = record is None and not kept and not flaw
        if record is None and kept and not flaw:
            flaw = "record.cbor is missing: counters, limits and clock start anew"
        if record is not None and record.receipts and not kept and not bad:
            bad = "receipts.log is missing"
        flaw = "; ".join(one for one in (flaw, bad) if one)
        memory = Memory(record or Record(), tuple(kept), self._sent(), fresh, flaw)
        needed = _needed(memory.kept, memory.sent)
        self._write_log(needed)
        return Memory(memory.record, needed, memory.sent, fresh, flaw)

    def persist(self, record: Record) -> None:
        """Durable when it returns."""
        try:
            data = record.encoded()
            replace(self._record, sha256(data) + data)
        except (OSError, ValueError) as error:
            raise StoreError(f"cannot write {self._record}: {error}") from error

    def keep(self, kept: Kept, sent: int) -> None:
        """Durable when it returns. `sent`: receipts up to this one need not be sent any more."""
        frame = _frame(kept)
        try:
            write_all(self._file, frame)
            os.fsync(self._file)
        except OSError as error:
            raise StoreError(f"cannot write {self._log}: {error}") from error
        self._bytes += len(frame)
        if self._bytes > RECEIPTS_FILE_BYTES_MAX:
            kept_all, _ = self._read_log()
            self._write_log(_needed(kept_all, sent))

    def note_sent(self, number: int) -> None:
        """Without fsync, and silent on a full disk: it only spares repetitions."""
        path = self._folder / "sent"
        with suppress(OSError):
            path.with_suffix(".new").write_text(str(number))
            path.with_suffix(".new").replace(path)

    # ----------------------------------------------------------------------------------------
    def _read_record(self) -> tuple[Record | None, str]:
        try:
            data = self._record.read_bytes()
            if data[:_HASH_BYTES] != sha256(data[_HASH_BYTES:]):
                raise FieldError("its hash is another")
            return read_record(data[_HASH_BYTES:]), ""
        except FileNotFoundError:
            return None, ""
        except OSError as error:
            raise StoreError(f"cannot read {self._record}: {error}") from error
        except (CanonicalError, FieldError) as error:
            self._put_aside(self._record)
            return None, f"record.cbor is damaged ({error}): counters, limits, clock start anew"

    def _read_log(self) -> tuple[list[Kept], str]:
        try:
            data = self._log.read_bytes()
        except FileNotFoundError:
            return [], ""
        except OSError as error:
            raise StoreError(f"cannot read {self._log}: {error}") from error
        kept, at = [], 0
        while at < len(data):
            end = at + _HEAD_BYTES + int.from_bytes(data[at : at + 4], "big")
            body = data[at + _HEAD_BYTES : end]
            if end > len(data) or zlib.crc32(body) != int.from_bytes(data[at + 4 : at + 8], "big"):
                break
            try:
                kept.append(read_kept(body))
            except (CanonicalError, FieldError):
                break
            at = end
        if len(data) - at > _FRAME_BYTES_MAX or (at < len(data) and _whole(data, at)):
            self._put_aside(self._log)
            return kept, f"receipts.log is damaged after receipt {kept[-1].number if kept else 0}"
        return kept, ""

    def _write_log(self, kept: Iterable[Kept]) -> None:
        data = b"".join(_frame(one) for one in kept)
        try:
            if self._file >= 0:
                os.close(self._file)
                self._file = -1
            replace(self._log, data)
            self._file = os.open(self._log, os.O_WRONLY | os.O_APPEND)
        except OSError as error:
            raise StoreError(f"cannot write {self._log}: {error}") from error
        self._bytes = len(data)

    def _put_aside(self, path: Path) -> None:
        with suppress(OSError):
            path.replace(path.with_name(path.name + ".bad"))

    def _sent(self) -> int:
        try:
            return int((self._folder / "sent").read_text())
        except (OSError, ValueError):
            return 0


def _needed(kept: Iterable[Kept], sent: int) -> tuple[Kept, ...]:
    """Those not sent, the answers that may be asked again, and what each target shall show."""
    kept = list(kept)
    unsent = [one for one in kept if one.number > sent][-OUTBOX_MAX:]
    asked = [one for one in kept if one.asked and not one.acted][-ANSWERS_MAX:]
    acted = [one for one in kept if one.acted][-ANSWERS_MAX:]
    shall = {one.target: one for one in kept if one.expects}
    chosen = {one.number: one for one in (*kept[-1:], *unsent, *asked, *acted, *shall.values())}
    return tuple(chosen[number] for number in sorted(chosen))


def _frame(kept: Kept) -> bytes:
    body = kept.encoded()
    return len(body).to_bytes(4, "big") + zlib.crc32(body).to_bytes(4, "big") + body


def _whole(data: bytes, at: int) -> bool:
    """A frame that is all there and yet wrong: not torn, but damaged."""
    length = int.from_bytes(data[at : at + 4], "big")
    return at + _HEAD_BYTES + length <= len(data)

"""Values of the model as checked JSON documents, and back."""

from __future__ import annotations

import zlib
from typing import Any, TypeVar

import msgspec

from beffroi.ports.store import StoreError

T = TypeVar("T")

_encode = msgspec.json.Encoder().encode


def pack(key: str, value: Any) -> tuple[str, int]:
    """(doc, chk): the checksum covers the key too."""
    data = _encode(value)
    return data.decode(), _sum(key, data)


def unpack(kind: msgspec.json.Decoder[T], key: str, doc: str, chk: int) -> T:
    """The value; StoreError when document or key is not what was written."""
    data = doc.encode()
    if _sum(key, data) != chk:
        raise StoreError(
            f"the record {key!r} was damaged: run `beffroi data check`, restore a backup"
        )
    try:
        return kind.decode(data)
    except msgspec.DecodeError as error:
        raise StoreError(
            f"the record {key!r} is not understood ({error}): was it written by a newer beffroi?"
        ) from error


def _sum(key: str, data: bytes) -> int:
    return zlib.crc32(data, zlib.crc32(key.encode()))

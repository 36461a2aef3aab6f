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
    verify(key, doc, chk)
    try:
        return kind.decode(doc)
    except msgspec.DecodeError as error:
        raise StoreError(
            f"the record {key!r} is not understood ({error}): was it written by a newer beffroi?"
        ) from error


def storable(text: str) -> str:
    """PostgreSQL keeps no NUL in a text, so neither engine is given one."""
    return text.replace("\0", "\ufffd")


def seal_of(*words: str) -> int:
    """The checksum of a row that is only words."""
    return zlib.crc32("\0".join(words).encode())


def verify_words(chk: int, *words: str) -> None:
    """StoreError when these are not the words that were written."""
    if seal_of(*words) != chk:
        raise StoreError(
            f"the record {words[0]!r} was damaged: run `beffroi data check`, restore a backup"
        )


def verify(key: str, doc: str, chk: int) -> None:
    """StoreError when document or key is not what was written."""
    if _sum(key, doc.encode()) != chk:
        raise StoreError(
            f"the record {key!r} was damaged: run `beffroi data check`, restore a backup"
        )


def _sum(key: str, data: bytes) -> int:
    return zlib.crc32(data, zlib.crc32(key.encode()))

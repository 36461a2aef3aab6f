"""M9: pictures that attack: huge when decoded, active, or telling where they were taken."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from PIL import Image

from beffroi.adapters.photos.cleaner import Cleaner
from beffroi.ports.photos import PhotoError


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_bomb(side: int) -> bytes:
    """A valid PNG of one bit a pixel: `side` x `side`, about a thousandth of that in bytes."""
    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    packer = zlib.compressobj(9)
    row = bytes(1 + (side + 7) // 8)
    body = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def with_place() -> bytes:
    """A JPEG that says where, when and with what it was taken."""
    exif = Image.Exif()
    exif[0x010F] = "Telephone of Camille"
    exif.get_ifd(0x8825).update({1: "N", 2: (43.0, 45.0, 50.0), 3: "E", 4: (5.0, 21.0, 40.0)})
    out = io.BytesIO()
    Image.new("RGB", (320, 200), (90, 120, 60)).save(out, "JPEG", exif=exif, comment=b"secret")
    return out.getvalue()


SCRIPT = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("30,000 x 30,000", png_bomb(30_000)),
        ("svg with a script", SCRIPT),
        ("svg that says it is a picture", b"\x89PNG\r\n\x1a\n" + SCRIPT),
        ("html", b"<html><script>alert(1)</script></html>"),
        ("half a picture", with_place()[:200]),
        ("nothing", b""),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_m9_what_is_no_harmless_photo_is_refused(name: str, data: bytes) -> None:
    with pytest.raises(PhotoError):
        Cleaner().clean(data)


def test_m9_a_photo_loses_its_place_and_its_words() -> None:
    data = with_place()
    assert b"Telephone" in data
    assert b"secret" in data
    kept = Cleaner().clean(data)
    with Image.open(io.BytesIO(kept)) as picture:
        assert not picture.getexif()
        assert picture.size == (320, 200)
    for word in (b"Telephone", b"secret", b"Exif"):
        assert word not in kept


def test_m9_what_hides_behind_the_picture_is_gone() -> None:
    kept = Cleaner().clean(with_place() + SCRIPT)
    assert b"script" not in kept

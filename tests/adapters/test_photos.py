"""Whatever is sent as a photo, what comes out is a small JPEG of our own, or a refusal."""

from __future__ import annotations

import contextlib
import io
import struct
import zlib

import pytest
from PIL import Image

from beffroi.adapters.photos import child
from beffroi.adapters.photos.cleaner import Cleaner
from beffroi.model.limits import PHOTO_BYTES_MAX, PHOTO_SIDE_PX
from beffroi.ports.photos import PhotoError

SIZES = (50_000_000, 1_600, 1024 * 1024)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, *more: bytes, data: bytes = b"") -> bytes:
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = (chunk(b"IHDR", head), *more, chunk(b"IDAT", zlib.compress(data)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


BOMB = png(30_000, 30_000, data=bytes(1_000))
TEXT_BOMB = png(1, 1, chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(80_000_000))), data=bytes(4))
PROFILE_BOMB = png(1, 1, chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(80_000_000))), data=bytes(4))
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def photo(kind: str, **kw: object) -> bytes:
    out = io.BytesIO()
    Image.effect_noise((1_000, 700), 60).convert("RGB").save(out, kind, **kw)
    return out.getvalue()


def test_place_and_words_hidden_in_a_photo_are_gone_and_it_stands_upright() -> None:
    exif = Image.Exif()
    exif[0x010E], exif[0x0112] = "MAISON DE JEANNE", 6
    exif[0x8825] = {1: "N", 2: (50.0, 30.0, 0.0), 3: "E", 4: (2.0, 30.0, 0.0)}
    sent = photo("JPEG", exif=exif, comment=b"JEANNE")
    assert b"JEANNE" in sent
    kept = Cleaner().clean(sent + b"<script>JEANNE</script>")
    assert b"JEANNE" not in kept
    with Image.open(io.BytesIO(kept)) as made:
        assert (made.format, made.size) == ("JPEG", (700, 1_000))
        assert dict(made.getexif()) == {}
        assert not {"exif", "comment", "icc_profile", "xmp"} & set(made.info)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_other_kinds_become_jpeg(kind: str) -> None:
    kept = Cleaner().clean(photo(kind))
    assert kept.startswith(b"\xff\xd8\xff")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (BOMB, "photo_pixels"),
        (SVG, "photo_kind"),
        (b"GIF89a" + bytes(100), "photo_kind"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n(x) run", "photo_kind"),
        (photo("JPEG")[:200], "photo_kind"),
        (b"\xff\xd8\xff" + b"A" * 10_000, "photo_kind"),
        (b"", "photo_kind"),
        (bytes(PHOTO_BYTES_MAX + 1), "photo_size"),
    ],
    ids=["30k", "svg", "gif", "eps", "cut", "noise", "nothing", "heavy"],
)
def test_what_is_no_photo_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(PhotoError) as refused:
        Cleaner().clean(data)
    assert refused.value.code == why


@pytest.mark.parametrize("data", [TEXT_BOMB, PROFILE_BOMB], ids=["ztxt", "iccp"])
def test_a_bomb_beside_the_picture_is_refused_or_left_behind(data: bytes) -> None:
    with contextlib.suppress(PhotoError):
        assert len(Cleaner().clean(data)) < 10_000


def test_a_process_that_dies_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    from beffroi.adapters.photos import cleaner

    dies = (cleaner.sys.executable, "-c", "import os; os.kill(os.getpid(), 9)")
    monkeypatch.setattr(cleaner, "_COMMAND", dies)
    with pytest.raises(PhotoError) as refused:
        Cleaner().clean(photo("JPEG"))
    assert refused.value.code == "photo_kind"


def test_a_large_photo_is_made_smaller() -> None:
    out = io.BytesIO()
    Image.new("RGB", (4_000, 3_000), "teal").save(out, "JPEG")
    status = child.cleaned(out.getvalue(), *SIZES)
    with Image.open(io.BytesIO(status[1:])) as made:
        assert max(made.size) == PHOTO_SIDE_PX

"""The process in which one photo is decoded and encoded anew: bytes in, status and bytes out.

Decoders are C code that reads what a stranger wrote: so the process first loads what it needs, then
gives up files, network, processes and most system calls (the jail of the codecs), and only then
looks at the bytes. It trusts the parent for the size of its input and refuses to know whose it is.
"""

from __future__ import annotations

import io
import sys

from PIL import Image, ImageOps

from beffroi.adapters.codecs import jail

OK, PIXELS, KIND = b"0", b"P", b"K"
FORMATS = ("JPEG", "PNG", "WEBP")
QUALITIES = (82, 70, 55, 40)


def cleaned(data: bytes, pixels_max: int, side_px: int, kept_bytes_max: int) -> bytes:
    """Status byte and JPEG."""
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as found:
            if found.width * found.height > pixels_max or getattr(found, "n_frames", 1) > 1:
                return PIXELS
            found.draft("RGB", (side_px, side_px))  # a JPEG is decoded at a fraction of its size
            upright = ImageOps.exif_transpose(found)  # before the metadata goes
            picture = _flat(upright)
    except Image.DecompressionBombError:
        return PIXELS
    except (OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, MemoryError):
        return KIND  # whatever a decoder says of what is no picture
    picture.thumbnail((side_px, side_px))
    for quality in QUALITIES:
        out = io.BytesIO()
        # A new picture of the same pixels: no metadata comes along.
        picture.save(out, "JPEG", quality=quality, optimize=True, exif=b"", icc_profile=None)
        if out.tell() <= kept_bytes_max:
            break
    return OK + out.getvalue()


def _flat(picture: Image.Image) -> Image.Image:
    """On white, without transparency, palette, profile or info."""
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        whole = picture.convert("RGBA")
        under = Image.new("RGBA", whole.size, "white")
        under.alpha_composite(whole)
        picture = under
    bare = picture.convert("RGB")
    bare.info.clear()
    return bare


def main() -> None:
    """Arguments: limits (pixels, side, bytes kept, memory, CPU seconds)."""
    pixels, side, kept, memory, cpu_s = (int(word) for word in sys.argv[1:6])
    Image.MAX_IMAGE_PIXELS = pixels
    Image.init()
    data = sys.stdin.buffer.read()
    _warm()
    jail.allow_cpu(cpu_s)
    jail.lock(memory)
    sys.stdout.buffer.write(cleaned(data, pixels, side, kept))
    sys.stdout.buffer.flush()


def _warm() -> None:
    """Whatever decoding and encoding load late is loaded now, while files can still be read."""
    for kind in FORMATS:
        small = io.BytesIO()
        Image.new("RGBA" if kind != "JPEG" else "RGB", (8, 8)).save(small, kind)
        with Image.open(io.BytesIO(small.getvalue())) as again:
            ImageOps.exif_transpose(again).convert("RGB").thumbnail((4, 4))


if __name__ == "__main__":
    main()

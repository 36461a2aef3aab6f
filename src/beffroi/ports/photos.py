"""Makes a harmless JPEG of what somebody sent as a photo."""

from __future__ import annotations

from typing import Protocol


class PhotoError(Exception):
    """This is no photo that we take. `code` is one of the keys of WHY, the text is that."""

    def __init__(self, code: str) -> None:
        super().__init__(WHY[code])
        self.code = code


WHY = {
    "photo_size": "The photo is too heavy. Send a smaller one.",
    "photo_pixels": "The photo has too many pixels. Send a smaller one.",
    "photo_kind": "This is not a photo that we can read. Send a JPEG, PNG or WebP picture.",
    "photo_busy": "Too many photos are being read just now. Try again in a minute.",
}


class Photos(Protocol):
    """Blocks while it decodes: call it from a thread."""

    def clean(self, data: bytes) -> bytes:
        """Decoded and encoded anew as JPEG: no metadata, nothing of the original bytes, the longer
        side at most PHOTO_SIDE_PX. PhotoError when it is not one, or too large."""

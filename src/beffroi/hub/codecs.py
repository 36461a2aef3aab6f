"""Puts device codecs on the allow-list and takes them off, for the pages and the command line.

A codec is checked before anybody depends on it: size, text, and a trial run in its own process.
Refuses to know how codecs are run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from beffroi.hub.services import Services
from beffroi.model.limits import CODEC_BYTES_MAX, NAME_CHARS_MAX
from beffroi.ports.codec import Codec, CodecBrokenError, CodecError, CodecRunner, Uplink
from beffroi.ports.store import Store

# Any frame will do: it shows whether the codec loads, has an entry point and comes to an end.
# That a codec refuses them as too short or on the wrong port is its right.
SAMPLES: Sequence[Uplink] = (
    Uplink(1, bytes(range(12)), "2026-01-01T00:00:00.000Z"),
    Uplink(2, b"", "2026-01-01T00:00:00.000Z"),
)


def add_codec(services: Services, name: str, source: str, actor: str) -> Codec:
    """`put` with the services of a web application. Blocks for the trial: call it in a thread."""
    now_ms = services.clock.now_ms()
    return put(services.store, services.codecs, name, source, actor, now_ms)


def remove_codec(services: Services, sha256: str, actor: str) -> Codec:
    """`remove` with the services of a web application."""
    return remove(services.store, sha256, actor, services.clock.now_ms())


def put(
    store: Store, runner: CodecRunner, name: str, source: str, actor: str, now_ms: int
) -> Codec:
    """Check, try and allow a codec. Adding the same source again changes its name only.

    Raises CodecError with a text for the person who adds it.
    """
    name = name.strip()
    if not name or len(name) > NAME_CHARS_MAX or not name.isprintable():
        raise CodecError(f"a codec needs a name of 1 to {NAME_CHARS_MAX} printable characters")
    try:
        data = source.encode()
    except UnicodeEncodeError:
        raise CodecError("the source is not text: save the file as UTF-8") from None
    if not data.strip() or len(data) > CODEC_BYTES_MAX:
        raise CodecError(f"a codec has 1 to {CODEC_BYTES_MAX} bytes, this one has {len(data)}")
    codec = Codec(hashlib.sha256(data).hexdigest(), name, source, now_ms, actor)
    for outcome in runner.trial(codec, SAMPLES):
        if isinstance(outcome, CodecBrokenError):
            raise outcome
    store.assets.put_codec(codec)
    store.people.log_access(now_ms, actor, "codec.add", codec.sha256)
    return codec


def remove(store: Store, sha256: str, actor: str, now_ms: int) -> Codec:
    """Take it off the allow-list: its source goes, the record of who removed it stays.

    `sha256` may be shortened to its first digits. Frames of devices that still name it go to
    quarantine, where the reason says so.
    """
    known = find(store, sha256)
    gone = Codec(known.sha256, known.name, "", now_ms, actor)
    store.assets.put_codec(gone)
    store.people.log_access(now_ms, actor, "codec.remove", known.sha256)
    return gone


def find(store: Store, sha256: str) -> Codec:
    """The codec whose hash begins so. Raises CodecError when there is none or more than one."""
    found = [codec for codec in store.assets.codecs() if sha256 and codec.sha256.startswith(sha256)]
    if len(found) != 1:
        how_many = "no codec has" if not found else f"{len(found)} codecs have"
        raise CodecError(f"{how_many} a hash that begins with {sha256!r}")
    return found[0]


def removed(codec: Codec) -> bool:
    """Taken off the allow-list; only its record is left."""
    return not codec.source

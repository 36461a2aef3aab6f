"""The process in which one codec runs: a loop of frames in, results out. Standard library only.

Started as `python -I -S` with nothing but two descriptors, it locks itself up (`jail`) before it
reads the codec, checks the codec's hash, and gives every frame a context of its own: nothing that
one frame does (globals, prototypes, intrinsics) is seen by the next.

Messages are length-prefixed (4 bytes, big endian). Parent to child: the source, then batches: a
message that holds messages, each the JSON text of one input. Child to parent: the names of the
walls, then for each input one message: a status byte and text. It refuses to judge what a codec
returns: `output` does. What it imports is chosen for a fast start: no json, hashlib or typing.
"""

from __future__ import annotations

import os
import sys

import _quickjs

from beffroi.adapters.codecs import jail
from beffroi.adapters.codecs.driver import DRIVER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from hashlib import sha256
else:
    try:
        from _sha256 import sha256  # Python 3.11; without OpenSSL, which takes 10 ms to load
    except ImportError:
        from _sha2 import sha256

RESULT, FAILED, STOPPED, BROKEN = b"R", b"F", b"S", b"B"
ERROR_CHARS_MAX = 300
FRAME_BYTES_MAX = 16 * 1024 * 1024


def receive(fd: int) -> bytes:
    """One message; EOFError when the parent is gone."""
    size = int.from_bytes(_exactly(fd, 4), "big")
    if size > FRAME_BYTES_MAX:
        raise ValueError(f"message of {size} bytes")
    return _exactly(fd, size)


def send(fd: int, message: bytes) -> None:
    rest = memoryview(len(message).to_bytes(4, "big") + message)
    while rest:
        rest = rest[os.write(fd, rest) :]


def _exactly(fd: int, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        part = os.read(fd, min(size - len(parts), 1 << 20))
        if not part:
            raise EOFError
        parts += part
    return bytes(parts)


def batch(fd: int) -> Iterator[bytes]:
    """The inputs of one round trip."""
    message = receive(fd)
    start = 0
    while start < len(message):
        end = start + 4 + int.from_bytes(message[start : start + 4], "big")
        yield message[start + 4 : end]
        start = end


class Limits:
    """What the parent allows; the order of `argv`."""

    def __init__(self, argv: list[str]) -> None:
        self.sha256 = argv[0]
        self.process_bytes, self.memory_bytes, self.stack_bytes = map(int, argv[1:4])
        self.output_bytes, self.time_ms, self.cpu_s = map(int, argv[4:7])


def main() -> None:
    """Until the parent closes its end, or a limit ends this process."""
    limits = Limits(sys.argv[1:])
    walls = jail.lock(limits.process_bytes)
    send(1, " ".join(walls).encode())
    source = receive(0)
    if sha256(source).hexdigest() != limits.sha256:
        raise SystemExit(3)
    # The engine takes C strings. A NUL can only stand in a literal, where the escape means it.
    text = source.decode().replace("\0", "\\x00")
    while True:
        try:
            for frame in batch(0):
                jail.allow_cpu(limits.cpu_s)
                send(1, decode(limits, text, frame.decode()))
        except EOFError:
            return


def decode(limits: Limits, source: str, frame: str) -> bytes:
    """One frame in a context of its own."""
    blame = BROKEN  # until the codec is loaded, no frame can be at fault
    try:
        context = _quickjs.Context()
        context.set_memory_limit(limits.memory_bytes)
        context.set_max_stack_size(limits.stack_bytes)
        context.set_time_limit(limits.time_ms / 1000)
        entry = context.eval(DRIVER)(limits.output_bytes)
        context.eval(source)
        run = entry()
        blame = FAILED
        result: str = run(frame)
        return RESULT + result.encode()
    except _quickjs.JSException as error:
        line = str(error).partition("\n")[0]
        # Stopped by a limit of the engine. A codec that throws these words itself gains nothing.
        limited = line in ("InternalError: interrupted", "InternalError: out of memory", "null")
        return (STOPPED if limited else blame) + _short(line)
    except (MemoryError, _quickjs.StackOverflow) as error:
        return STOPPED + _short(str(error).partition("\n")[0] or type(error).__name__)
    except (ValueError, TypeError, AttributeError, UnicodeError, SystemError) as error:
        return blame + _short(f"{type(error).__name__}: {error}")


def _short(line: str) -> bytes:
    shown = "".join(c if c.isprintable() else " " for c in line[:ERROR_CHARS_MAX])
    return shown.encode("utf-8", "replace")


if __name__ == "__main__":
    main()

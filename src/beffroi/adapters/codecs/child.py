"""The process in which one codec runs: a loop of frames in, results out. Standard library only.

Started as `python -I -S` with nothing but two descriptors, it locks itself up (`jail`) before it
reads the codec, checks the codec's hash, and gives every frame a context of its own: nothing that
one frame does (globals, prototypes, intrinsics) is seen by the next.

Messages are length-prefixed (4 bytes, big endian). Parent to child: first a header, then the
source, then batches, each a JSON list of inputs. Child to parent: the list of walls, then for each
input one message: a status byte and text. It refuses to judge what a codec returns: `output` does.
"""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any

import _quickjs

from beffroi.adapters.codecs import jail
from beffroi.adapters.codecs.driver import DRIVER

RESULT, FAILED, STOPPED = b"R", b"F", b"S"
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


def main() -> None:
    """Until the parent closes its end, or a limit ends this process."""
    header = json.loads(receive(0))
    walls = jail.lock(header["process_bytes_max"])
    send(1, json.dumps(walls).encode())
    source = receive(0)
    if hashlib.sha256(source).hexdigest() != header["sha256"]:
        raise SystemExit(3)
    # The engine takes C strings. A NUL can only stand in a literal, where the escape means it.
    text = source.decode().replace("\0", "\\x00")
    while True:
        try:
            batch = json.loads(receive(0))
        except EOFError:
            return
        for frame in batch:
            jail.allow_cpu(header["cpu_s_max"])
            send(1, decode(header, text, json.dumps(frame)))


def decode(header: dict[str, Any], source: str, frame: str) -> bytes:
    """One frame in a context of its own."""
    try:
        context = _quickjs.Context()
        context.set_memory_limit(header["memory_bytes_max"])
        context.set_max_stack_size(header["stack_bytes_max"])
        context.set_time_limit(header["time_s_max"])
        run = context.eval(DRIVER)(header["output_bytes_max"])
        context.eval(source)
        result: str = run(frame)
        return RESULT + result.encode()
    except _quickjs.JSException as error:
        line = str(error).partition("\n")[0]
        # Stopped by a limit of the engine. A codec that throws these words itself gains nothing.
        limited = line in ("InternalError: interrupted", "InternalError: out of memory", "null")
        return (STOPPED if limited else FAILED) + _short(line)
    except (MemoryError, _quickjs.StackOverflow) as error:
        return STOPPED + _short(str(error).partition("\n")[0] or type(error).__name__)
    except (ValueError, TypeError, AttributeError, UnicodeError, SystemError) as error:
        return FAILED + _short(f"{type(error).__name__}: {error}")


def _short(line: str) -> bytes:
    shown = "".join(c if c.isprintable() else " " for c in line[:ERROR_CHARS_MAX])
    return shown.encode("utf-8", "replace")


if __name__ == "__main__":
    main()

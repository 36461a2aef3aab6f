"""What a disk may hold after a power cut: rebuilt from the system calls of a real run.

`strace` records every write, truncation, link, unlink and sync that a process made below a
folder. Between two syncs of a file the kernel may have written any subset of its pages, torn at
sectors, or none; a name is sure only after a sync of its folder. `states` draws such worlds.
Nothing here knows what the files mean.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

SECTOR = 512
CALLS = "openat,close,write,pwrite64,ftruncate,link,linkat,unlink,unlinkat,rename,fsync,fdatasync"
STRACE = ["strace", "-xx", "-s", "1048576", "-e", f"trace={CALLS}", "-e", "signal=none"]

_LINE = re.compile(r"^(\w+)\((.*)\)\s+= (-?\d+)", re.DOTALL)
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


@dataclass
class File:
    """`sure` is on disk; `maybe` are the changes since the last sync, in order."""

    sure: bytearray = field(default_factory=bytearray)
    maybe: list[tuple[int, bytes | None]] = field(default_factory=list)  # None: cut here

    def sync(self) -> None:
        for at, data in self.maybe:
            _apply(self.sure, at, data)
        self.maybe.clear()

    def after_cut(self, rng: random.Random, luck: float) -> bytes:
        """Each sector of each unsynced write made it to the disk with probability `luck`."""
        content = bytearray(self.sure)
        for at, data in self.maybe:
            if data is None:
                if rng.random() < luck:
                    _apply(content, at, None)
                continue
            for start in range(0, len(data), SECTOR):
                if rng.random() < luck:
                    _apply(content, at + start, data[start : start + SECTOR])
        return bytes(content)


class Disk:
    """The folder, call by call. `said` is all that the process wrote to its standard output."""

    def __init__(self, folder: Path) -> None:
        self.said = b""
        self._folder = str(folder)
        self._names: dict[str, File] = {}  # as running programs see them
        self._sure_names: dict[str, File] = {}  # as a restart might find them at worst
        self._open: dict[int, File | str] = {}

    def do(self, call: str, args: str, result: int) -> bool:
        """Follow one call; False when it has nothing to do with the folder."""
        if result < 0:
            return False
        if call == "openat":
            return self._opened(args, result)
        if call in ("link", "linkat", "unlink", "unlinkat", "rename"):
            return self._named(call, [_decode(text) for text in _TEXT.findall(args)])
        fd = int(args.split(",")[0])
        if call == "write" and fd == 1:
            self.said += _decode(_TEXT.findall(args)[0])
            return True
        return self._touched(call, fd, args)

    def states(self, rng: random.Random) -> Iterator[dict[str, bytes]]:
        """Worlds that a cut at this moment may leave: the poorest, then luckier ones."""
        for luck in (0.0, 0.5, 0.9):
            names = self._sure_names if luck == 0.0 else self._drawn_names(rng)
            yield {name: file.after_cut(rng, luck) for name, file in names.items()}

    def _drawn_names(self, rng: random.Random) -> dict[str, File]:
        """Each change of a name since the last sync of the folder happened or not."""
        drawn = dict(self._sure_names)
        for name in {*self._names, *self._sure_names}:
            if self._names.get(name) is not self._sure_names.get(name) and rng.random() < 0.5:
                drawn.pop(name, None)
                if name in self._names:
                    drawn[name] = self._names[name]
        return drawn

    def _opened(self, args: str, fd: int) -> bool:
        path = _decode(_TEXT.findall(args)[0]).decode()
        if path == self._folder:
            self._open[fd] = path
            return True
        if Path(path).parent != Path(self._folder) or path.endswith("-shm"):
            self._open.pop(fd, None)
            return False
        name = Path(path).name
        if name not in self._names:
            self._names[name] = File()
        if "O_TRUNC" in args:
            self._names[name].maybe.append((0, None))
        self._open[fd] = self._names[name]
        return True

    def _named(self, call: str, paths: list[bytes]) -> bool:
        names = [Path(path.decode()).name for path in paths]
        if not paths or str(Path(paths[0].decode()).parent) != self._folder:
            return False
        if call.startswith("link"):
            self._names[names[1]] = self._names[names[0]]
        elif call == "rename":
            self._names[names[1]] = self._names.pop(names[0])
        else:
            self._names.pop(names[0], None)
        return True

    def _touched(self, call: str, fd: int, args: str) -> bool:
        file = self._open.get(fd)
        if file is None:
            return False
        if call == "close":
            del self._open[fd]
        elif isinstance(file, str):
            if call in ("fsync", "fdatasync"):
                self._sure_names = dict(self._names)
        elif call in ("fsync", "fdatasync"):
            file.sync()
        elif call == "pwrite64":
            file.maybe.append((int(args.rsplit(", ", 1)[1], 0), _decode(_TEXT.findall(args)[0])))
        elif call == "ftruncate":
            file.maybe.append((int(args.split(", ")[1], 0), None))
        else:
            raise ValueError(f"{call} without an offset is not understood")
        return True


def calls(trace: Path) -> Iterator[tuple[str, str, int]]:
    """(call, arguments, result) of a recording."""
    with trace.open() as lines:
        for line in lines:
            match = _LINE.match(line)
            if match:
                yield match[1], match[2], int(match[3])


def _decode(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))


def _apply(content: bytearray, at: int, data: bytes | None) -> None:
    if data is None:
        del content[at:]
        content.extend(bytes(at - len(content)))
        return
    if len(content) < at:
        content.extend(bytes(at - len(content)))
    content[at : at + len(data)] = data

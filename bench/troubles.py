"""More ways to ill-treat a running tree, for `faults_hub.py`: few files, little memory, a process
that stands still, a file system that becomes read-only. Each returns what it did, counted.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import resource
import signal
import socket
import subprocess
import time
import urllib.error
from collections.abc import Awaitable, Callable
from pathlib import Path

import psutil

from tree import Tree, TreeError

Trouble = Callable[[Tree, random.Random], Awaitable[dict[str, int]]]
VISITORS = 64
FILES_LEFT = 4
MEMORY_FACTOR = 1.2
WRITING_AGAIN_S_MAX = 90.0


def starving(seconds: float) -> Trouble:
    """F14, F13, F15 behind each other, each for so long, with rest between."""

    async def trouble(tree: Tree, _: random.Random) -> dict[str, int]:
        done: dict[str, int] = {}
        await asyncio.sleep(3)
        for name in ("hub", "broker"):
            done[f"{name} without files, visitors refused"] = await _few_files(tree, name, seconds)
        done["hub at 1.2 of its memory"] = await _little_memory(tree, seconds)
        done["hub stood still, s"] = await _still(tree, seconds)
        await asyncio.sleep(3)
        return done

    return trouble


async def _few_files(tree: Tree, name: str, seconds: float) -> int:
    """How many of VISITORS connections were not served while `name` could open next to nothing."""
    process = tree.processes()[name]
    before = process.rlimit(psutil.RLIMIT_NOFILE)
    process.rlimit(psutil.RLIMIT_NOFILE, (process.num_fds() + FILES_LEFT, before[1]))
    port = tree.web_port if name == "hub" else tree.mqtt_port
    open_: list[socket.socket] = []
    try:
        for _ in range(VISITORS):
            with contextlib.suppress(OSError):
                open_.append(socket.create_connection(("127.0.0.1", port), 1))
        await asyncio.sleep(seconds)
        served = [await asyncio.to_thread(_served, one) for one in open_]
        return served.count(False)
    finally:
        for one in open_:
            one.close()
        with contextlib.suppress(psutil.NoSuchProcess):  # it ended itself: the next one is free
            process.rlimit(psutil.RLIMIT_NOFILE, before)


def _served(visitor: socket.socket) -> bool:
    visitor.settimeout(0.05)
    try:
        visitor.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        return visitor.recv(1) == b"H"
    except OSError:
        return False


async def _little_memory(tree: Tree, seconds: float) -> int:
    """The limit is on data: what a process may still ask for. Returns 1 if it survived."""
    process = tree.processes()["hub"]
    before = process.rlimit(psutil.RLIMIT_DATA)
    most = int(_data_bytes(process) * MEMORY_FACTOR)
    process.rlimit(psutil.RLIMIT_DATA, (most, before[1]))
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for path in ("/api/map", "/api/status"):
            with contextlib.suppress(OSError, urllib.error.URLError):
                await asyncio.to_thread(tree.get, path)
        await asyncio.sleep(0.05)
    try:
        process.rlimit(psutil.RLIMIT_DATA, before)
    except psutil.NoSuchProcess:
        return 0
    return 1


def _data_bytes(process: psutil.Process) -> int:
    for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("VmData:"):
            return int(line.split()[1]) * 1024
    return resource.RLIM_INFINITY


async def _still(tree: Tree, seconds: float) -> int:
    process = tree.processes()["hub"]
    process.send_signal(signal.SIGSTOP)
    try:
        await asyncio.sleep(seconds)
    finally:
        process.send_signal(signal.SIGCONT)
    return int(seconds)


def read_only(mount: Path, image: Path, seconds: float) -> Trouble:
    """F7: ext4 gives up writing after an error (`errors=remount-ro`). Then what a person does:
    stop, check the file system, mount, start."""

    async def trouble(tree: Tree, _: random.Random) -> dict[str, int]:
        await asyncio.sleep(4)
        os.sync()  # what was written before, by whomever, is not what is tried here
        device = Path(_loop_of(image)).name
        Path(f"/sys/fs/ext4/{device}/trigger_fs_error").write_text("1")
        said = answered = 0
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with contextlib.suppress(OSError, urllib.error.URLError):
                status = await asyncio.to_thread(tree.json, "/api/status")
                answered += 1
                said += "house.disk_readonly" in {one["rule"] for one in status["house"]}
            await asyncio.sleep(0.5)
        await asyncio.to_thread(_repair, tree, mount, image)
        await asyncio.sleep(4)
        return {"read-only, s": int(seconds), "status asked": answered, "it said so": said}

    return trouble


def _loop_of(image: Path) -> str:
    found = subprocess.run(
        ["losetup", "-n", "-O", "NAME", "-j", image], capture_output=True, text=True, check=True
    )
    return found.stdout.split()[0]


def _repair(tree: Tree, mount: Path, image: Path) -> None:
    tree.stop()
    with tree.elsewhere():
        subprocess.run(["umount", mount], check=True)
        subprocess.run(["e2fsck", "-fy", image], check=False, capture_output=True)
        subprocess.run(["mount", "-o", "loop,errors=remount-ro", image, mount], check=True)
    tree.launch()
    try:
        tree.wait("/api/map", WRITING_AGAIN_S_MAX)
    except TreeError as error:
        raise TreeError(f"{error}: {tree.last_words()}") from error

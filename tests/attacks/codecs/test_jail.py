"""If the engine itself were broken: what code that runs natively in the process can still do.

Each attempt is Python in a process that has locked itself up, which can do all that native code
of a codec could.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import beffroi
from beffroi.adapters.codecs import jail

ROOT = str(Path(beffroi.__file__).parents[1])
PRELUDE = f"""
import sys
sys.path.insert(0, {ROOT!r})
import ctypes, mmap, os, resource, signal, socket, time
from beffroi.adapters.codecs import jail
libc = ctypes.CDLL(None)
walls = jail.lock(64 * 1024 * 1024)
os.write(1, ' '.join(walls).encode() + b'\\n')
"""
ATTEMPTS = {
    "read a file": "open('/etc/passwd').read()",
    "write a file": "os.open('/tmp/x', os.O_CREAT | os.O_WRONLY)",
    "list a folder": "os.listdir('/')",
    "use the network": "socket.socket().connect(('127.0.0.1', 9))",
    "make a process": "os.fork()",
    "run a program": "os.execv('/bin/true', ['true'])",
    "signal the parent": "os.kill(os.getppid(), signal.SIGTERM)",
    "raise its limits": "resource.setrlimit(resource.RLIMIT_NOFILE, (99, 99)); os.dup(0)",
    "change its identity": "os.setuid(0)",
    "trace a process": "libc.ptrace(16, os.getppid(), 0, 0)",
    "make memory executable": "mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_EXEC)",
    "load a library": "ctypes.CDLL('libresolv.so.2')",
    "sleep for ever": "time.sleep(60)",
}


def locked(attempt: str) -> subprocess.CompletedProcess[str]:
    script = PRELUDE + attempt + "\nos.write(1, b'DONE')\n"
    return subprocess.run(
        [sys.executable, "-I", "-S", "-c", script],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
        env={},
    )


@pytest.fixture(scope="module", autouse=True)
def _seccomp() -> None:
    walls = locked("").stdout.split()
    if "seccomp" not in walls:
        pytest.skip(f"this kernel or architecture has no seccomp for us; walls: {walls}")


@pytest.mark.parametrize("what", ATTEMPTS)
def test_native_code_cannot(what: str) -> None:
    done = locked(ATTEMPTS[what])
    assert "DONE" not in done.stdout, done
    assert done.returncode != 0
    assert done.returncode in (-signal.SIGSYS, 1), done


def test_what_computing_needs_is_left() -> None:
    done = locked("x = bytearray(8_000_000); time.monotonic(); os.urandom(8); del x")
    assert "DONE" in done.stdout, done.stderr


def test_memory_is_bounded() -> None:
    done = locked("x = bytearray(256 * 1024 * 1024)")
    assert "DONE" not in done.stdout
    assert "MemoryError" in done.stderr


def test_processor_time_is_bounded_without_a_parent() -> None:
    done = locked("jail.allow_cpu(0)\nwhile True: pass")
    assert done.returncode == -signal.SIGXCPU


def test_the_table_knows_this_machine() -> None:
    architecture, calls = jail.CALLS[os.uname().machine]
    assert architecture
    assert {"read", "write", "mmap", "exit_group"} <= calls.keys()

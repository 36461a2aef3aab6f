"""What a codec's process gives up before it sees the codec. Standard library only.

Each wall is tried and reported: a kernel or container that refuses one leaves the others, and
`docs/codecs.md` says which are essential (the parent's clock and SIGKILL, RLIMIT_AS and the limits
of the engine work everywhere). Refuses to know codecs and frames.
"""

from __future__ import annotations

import ctypes
import os
import resource
import struct
import sys

TYPE_CHECKING = False  # as in `typing`, which would cost 10 ms at each start of a codec
if TYPE_CHECKING:
    from collections.abc import Callable

NOBODY = 65_534
PR_SET_DUMPABLE = 4
PR_SET_SECCOMP = 22
PR_SET_NO_NEW_PRIVS = 38
SECCOMP_MODE_FILTER = 2
SECCOMP_KILL_PROCESS = 0x8000_0000
SECCOMP_ALLOW = 0x7FFF_0000
CLONE_NEWUSER_NEWNET = 0x1000_0000 | 0x4000_0000

# What Python and QuickJS need to compute, take memory and talk over the two open descriptors.
# Numbers of the kernel's tables: (audit architecture, {name: number}).
CALLS = {
    "x86_64": (
        0xC000_003E,
        {
            "read": 0, "write": 1, "mmap": 9, "mprotect": 10, "munmap": 11, "brk": 12,
            "rt_sigaction": 13, "rt_sigprocmask": 14, "rt_sigreturn": 15, "mremap": 25,
            "madvise": 28, "getpid": 39, "exit": 60, "getrusage": 98, "gettimeofday": 96,
            "setrlimit": 160, "futex": 202, "clock_gettime": 228, "exit_group": 231,
            "prlimit64": 302, "getrandom": 318,
        },
    ),
    "aarch64": (
        0xC000_00B7,
        {
            "read": 63, "write": 64, "exit": 93, "exit_group": 94, "futex": 98,
            "clock_gettime": 113, "rt_sigaction": 134, "rt_sigprocmask": 135,
            "rt_sigreturn": 139, "setrlimit": 164, "getrusage": 165, "gettimeofday": 169,
            "getpid": 172, "brk": 214, "munmap": 215, "mremap": 216, "mmap": 222,
            "mprotect": 226, "madvise": 233, "prlimit64": 261, "getrandom": 278,
        },
    ),
}  # fmt: skip


def lock(memory_bytes: int) -> list[str]:
    """Give up files, network, new processes and most system calls. Returns the walls that stand.

    `memory_bytes` is the address space allowed on top of what is mapped now.
    """
    walls: list[tuple[str, Callable[[], None]]] = [
        ("memory", lambda: _limit_memory(memory_bytes)),
        ("files", _limit_files),
        ("core", lambda: _limit("RLIMIT_CORE", 0)),
    ]
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        walls += [
            ("no_network", lambda: _checked(libc.unshare(CLONE_NEWUSER_NEWNET))),
            ("nobody", _become_nobody),
            ("not_dumpable", lambda: _prctl(libc, PR_SET_DUMPABLE, 0)),
            ("no_processes", lambda: _limit("RLIMIT_NPROC", 0)),
            ("no_new_privileges", lambda: _prctl(libc, PR_SET_NO_NEW_PRIVS, 1)),
            ("seccomp", lambda: _seccomp(libc)),
        ]
    return [name for name, build in walls if _stands(build)]


def allow_cpu(seconds: int) -> None:
    """The process dies (SIGXCPU) if it uses more than this from now on, even without a parent."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + 1 + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.RLIM_INFINITY))


def _stands(build: Callable[[], None]) -> bool:
    try:
        build()
    except (OSError, ValueError, AttributeError, KeyError):
        return False
    return True


def _limit(name: str, value: int) -> None:
    resource.setrlimit(getattr(resource, name), (value, value))


def _limit_memory(memory_bytes: int) -> None:
    mapped = 256 * 1024 * 1024  # where /proc is missing: Python itself
    if os.path.exists("/proc/self/statm"):  # noqa: PTH110 (pathlib costs 8 ms at each start)
        with open("/proc/self/statm") as file:  # noqa: PTH123
            mapped = int(file.read().split()[0]) * resource.getpagesize()
    _limit("RLIMIT_AS", mapped + memory_bytes)


def _limit_files() -> None:
    _limit("RLIMIT_FSIZE", 0)
    _limit("RLIMIT_NOFILE", 3)  # those that are open stay; no other can be


def _become_nobody() -> None:
    """As root of a container or of a home server: not root. In a namespace: nobody already."""
    if os.geteuid() != 0:
        return
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)


def _prctl(libc: ctypes.CDLL, option: int, value: int) -> None:
    _checked(libc.prctl(option, value, 0, 0, 0))


def _checked(result: int) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), "refused")


class _Program(ctypes.Structure):
    """`struct sock_fprog` of linux/filter.h."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def _seccomp(libc: ctypes.CDLL) -> None:
    architecture, calls = CALLS[os.uname().machine]
    code = _filter(architecture, sorted(calls.values()), calls["mmap"], calls["mprotect"])
    program = _Program(len(code) // 8, code)
    address = ctypes.byref(program)
    _checked(libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, address, 0, 0))


def _filter(architecture: int, allowed: list[int], *mappers: int) -> bytes:
    """Classic BPF over `struct seccomp_data`: kill all but `allowed`, and executable memory."""
    load, equal, any_bit, answer = 0x20, 0x15, 0x45, 0x06
    number, arch, protection = 0, 4, 32  # offsets: nr, arch, low half of args[2]

    def op(code: int, yes: int, no: int, k: int) -> bytes:
        return struct.pack("=HBBI", code, yes, no, k)

    ops = [op(load, 0, 0, arch), op(equal, 1, 0, architecture)]
    ops += [op(answer, 0, 0, SECCOMP_KILL_PROCESS), op(load, 0, 0, number)]
    for call in mappers:  # mmap and mprotect: never PROT_EXEC (4)
        ops += [op(equal, 0, 4, call), op(load, 0, 0, protection), op(any_bit, 0, 1, 4)]
        ops += [op(answer, 0, 0, SECCOMP_KILL_PROCESS), op(answer, 0, 0, SECCOMP_ALLOW)]
    for call in allowed:
        ops += [op(equal, 0, 1, call), op(answer, 0, 0, SECCOMP_ALLOW)]
    return b"".join([*ops, op(answer, 0, 0, SECCOMP_KILL_PROCESS)])

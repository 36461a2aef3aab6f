"""Speed of the codec runner: frames per second, latency, start, and what a hostile codec costs.

    python bench/codec.py [--codecs FOLDER] [--frames 2000]

FOLDER holds published codecs (`vendor/device/codec.js` beside `vectors.json`), for a real mix;
without it two codecs of our own are used. Prints JSON.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import statistics
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from beffroi.adapters.codecs.runner import Runner
from beffroi.adapters.codecs.worker import Worker
from beffroi.ports.codec import Codec, CodecError, Uplink

SMALL = (
    "function decodeUplink(i) { return {data: {level_m: (i.bytes[0] << 8 | i.bytes[1]) / 1000}}; }"
)
LARGE = SMALL + "".join(
    f"\nfunction helper{n}(bytes, i) {{ var v = bytes[i] << 8 | bytes[i + 1];"
    f" return (v > 32767 ? v - 65536 : v) / {n + 1}; }}"
    for n in range(200)
)
LOOP = "function decodeUplink() { for (;;) {} }"
NATIVE = "function decodeUplink() { new Array(1 << 28).join('x'); }"  # ignores the engine's limit


class List:
    """The allow-list of this run."""

    def __init__(self) -> None:
        self.items: dict[str, Codec] = {}

    def add(self, name: str, source: str) -> str:
        sha256 = hashlib.sha256(source.encode()).hexdigest()
        self.items[sha256] = Codec(sha256, name, source, 0, "bench")
        return sha256

    def inventory_version(self) -> int:
        return len(self.items)

    def codecs(self) -> list[Codec]:
        return list(self.items.values())


def timed_ms(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1000


def spread(times_ms: list[float]) -> dict[str, float]:
    ordered = sorted(times_ms)
    last = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    return {"p50_ms": round(statistics.median(ordered), 3), "p99_ms": round(last, 3)}


def speed(runner: Runner, sha256: str, frames: list[Uplink]) -> dict[str, Any]:
    """Singly (as they come in a small commune) and in batches (as the ingest sends them)."""
    runner.decode(sha256, frames[:1])
    single = [timed_ms(lambda f=f: runner.decode(sha256, [f])) for f in frames]
    batch_ms = timed_ms(lambda: runner.decode(sha256, frames))
    return {"single": spread(single), "batch_frames_per_s": round(len(frames) / batch_ms * 1000)}


def neighbours(runner: Runner, hostile: str, honest: str, frame: Uplink) -> dict[str, Any]:
    """Latency of an honest codec while another one is stopped, killed and suspended."""
    quiet = [timed_ms(lambda: runner.decode(honest, [frame])) for _ in range(300)]
    looping = threading.Thread(target=runner.decode, args=(hostile, [frame] * 3))
    looping.start()
    meanwhile = []
    while looping.is_alive():
        meanwhile.append(timed_ms(lambda: runner.decode(honest, [frame])))
    looping.join()
    return {"alone": spread(quiet), "while_one_loops": spread(meanwhile), "frames": len(meanwhile)}


def recovery(allowed: List, source: str, frame: Uplink) -> dict[str, float]:
    """From the hostile frame to its verdict, and from there to the next good frame."""
    marked = source.replace("{ ", "{ if (arguments[0].bytes[0] === 9) ", 1)
    marked = marked.rstrip("}") + " return {data: {x: 1}}; }"
    verdicts, returns = [], []
    for n in range(5):
        runner = Runner(allowed)  # type: ignore[arg-type]
        sha256 = allowed.add(f"hostile {n}", marked + f" // {n}")
        runner.decode(sha256, [frame])
        bad = Uplink(1, b"\x09", "")
        start = time.perf_counter()
        (answer,) = runner.decode(sha256, [bad])
        verdicts.append((time.perf_counter() - start) * 1000)
        assert isinstance(answer, CodecError), answer
        returns.append(timed_ms(lambda r=runner, s=sha256: r.decode(s, [frame])))
        runner.close()
    return {
        "verdict_ms": round(statistics.median(verdicts), 1),
        "next_frame_ms": round(statistics.median(returns), 1),
    }


def start_up(codec: Codec) -> dict[str, Any]:
    times, resident = [], 0
    walls: list[str] = []
    for _ in range(20):
        start = time.perf_counter()
        worker = Worker(codec, "/")
        times.append((time.perf_counter() - start) * 1000)
        list(worker.run([Uplink(1, b"\x01\x02", "")]))
        walls = worker.walls
        status = Path(f"/proc/{worker.pid}/status")
        if status.exists():
            resident = int(status.read_text().split("VmRSS:")[1].split()[0])
        worker.kill()
    return {**spread(times), "resident_kib": resident, "walls": walls}


def published(folder: Path, count: int) -> dict[str, Any]:
    """Every codec with its own vectors, as one town with that many types would run them."""
    allowed = List()
    runner = Runner(allowed)  # type: ignore[arg-type]
    paths = sorted(folder.rglob("codec.js"))
    per_frame, total = [], 0
    for path in paths[:: max(1, len(paths) // count)]:
        sha256 = allowed.add(str(path.parent.name), path.read_bytes().decode())
        vectors = json.loads((path.parent / "vectors.json").read_text())["uplink"]
        frames = [Uplink(v["input"]["fPort"], bytes(v["input"]["bytes"]), "") for v in vectors]
        runner.decode(sha256, frames)
        per_frame.append(timed_ms(lambda s=sha256, f=frames: runner.decode(s, f)) / len(frames))
        total += len(frames)
    runner.close()
    return {"codecs": len(per_frame), "frames": total, "per_frame_warm": spread(per_frame)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--codecs", type=Path)
    parser.add_argument("--frames", type=int, default=2_000)
    options = parser.parse_args()
    allowed = List()
    runner = Runner(allowed)  # type: ignore[arg-type]
    frames = [Uplink(1, (n % 65_536).to_bytes(2, "big"), "") for n in range(options.frames)]
    small, large = allowed.add("small", SMALL), allowed.add("large", LARGE)
    loop, native = allowed.add("loop", LOOP), allowed.add("native", NATIVE)
    report: dict[str, Any] = {
        "machine": {"cpus": os.cpu_count(), "python": platform.python_version()},
        "load_before": os.getloadavg()[0],
        "start": start_up(allowed.items[small]),
        f"small codec ({len(SMALL)} B)": speed(runner, small, frames),
        f"larger codec ({len(LARGE)} B)": speed(runner, large, frames),
        "endless loop (stopped by the engine)": recovery(allowed, LOOP, frames[0]),
        "native loop (killed by the parent)": recovery(allowed, NATIVE, frames[0]),
        "neighbours of an endless loop": neighbours(runner, loop, small, frames[0]),
        "neighbours of a native loop": neighbours(runner, native, small, frames[0]),
    }
    runner.close()
    if options.codecs:
        report["published codecs"] = published(options.codecs, 60)
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()

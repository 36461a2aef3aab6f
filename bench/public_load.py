"""10,000 reports through the public form, then 1,000 readers of the public map, over real HTTP.

    python bench/public_load.py [--reports 10000] [--readers 1000] [--seconds 60] [--out FILE]

A real `beffroi serve` (broker, gate, hub) with the lab's commune. Three parts, each measured:
- the form: both steps as a browser without scripts does them, the wait of three seconds that the
  form wants and the sum that it asks once many came in; every sixth report from a new address
  (127.x.y.z), so the limit of one address stays as it is; one in twenty with a photo of a
  telephone's size, one in ten with an e-mail. ONE thing is changed in the hub process: the limit of
  all addresses together (120 in ten minutes) is lifted, else ten thousand would take 14 hours;
- the town hall: reports are read and published through the API until the public map is full;
- readers: each its own kept connection; asks, looks for 1 to 5 seconds, asks again. Pages: MIX. A
  reader takes gzip and says which bytes it has, as a browser does.

Readers and hub share the machine. A time counts from the first byte sent to the last received; what
is not 200, 303 or 304, or takes longer than 60 s, is an error. Writes results/public_load.json.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import io
import json
import os
import platform
import random
import re
import secrets
import signal
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
from PIL import Image

from beffroi.api import sessions
from beffroi.domains.registry import domains
from beffroi.lab.commune import commune
from beffroi.lab.demo import install_commune
from beffroi.ports.store import User
from tree import Tree

RESULTS = Path(__file__).parent / "results" / "public_load.json"
OPERATOR = User("operator", "Operator", "operator")
OF_EACH_MAX = 6  # reports of one address in ten minutes: the hub's own limit
WAIT_S = 3.2  # the form takes nothing earlier than 3 s
ANSWER_S_MAX = 60.0
PHOTO_EVERY, MAIL_EVERY = 20, 10
MIX = {"map data": 40, "list": 20, "one report": 20, "form with map": 10, "ground map": 10}

# Only the hub process is changed, and only in this limit.
LIFTED = (
    "from beffroi.api.report_gate import Gate; Gate.__init__.__kwdefaults__['of_all'] = 10**6; "
    "from beffroi.cli.main import app; app()"
)
ENTRY = f"""
from beffroi.cli import serve
from beffroi.cli.main import app
class Child(serve.Child):
    def __init__(self, name, *rest, **more):
        super().__init__(name, *rest, **more)
        if name == "hub":
            self._command[1:3] = ["-c", {LIFTED!r}]
serve.Child = Child
app()
"""


class Times:
    """Of one kind of request, in seconds; errors by what they were."""

    def __init__(self) -> None:
        self.ok: dict[str, list[float]] = defaultdict(list)
        self.bad: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        self.bytes = self.unchanged = 0

    def told(self) -> dict[str, Any]:
        found = {name: self._one(self.ok[name], self.bad[name]) for name in self._names()}
        every = [one for times in self.ok.values() for one in times]
        errors = [kinds for name in self._names() for kinds in [self.bad[name]]]
        total: dict[str, int] = defaultdict(int)
        for kinds in errors:
            for kind, count in kinds.items():
                total[kind] += count
        return {"all": self._one(every, total), **found}

    def _names(self) -> list[str]:
        return sorted({*self.ok, *self.bad})

    @staticmethod
    def _one(times: list[float], bad: dict[str, int]) -> dict[str, Any]:
        times = sorted(times)
        at = {f"p{round(q * 100)}_ms": round(1_000 * times[int(len(times) * q)], 1)
              for q in (0.5, 0.95, 0.99) if times}  # fmt: skip
        more = {"max_ms": round(1_000 * times[-1], 1)} if times else {}
        told: dict[str, Any] = {"requests": len(times) + sum(bad.values()), **at, **more}
        return told | {"errors": sum(bad.values()), "kinds": dict(bad)}


# --- the form ------------------------------------------------------------------------------------


def photo(rng: random.Random) -> bytes:
    """About 1 MB, twelve megapixels, as a telephone sends it."""
    small = Image.effect_noise((400, 300), rng.uniform(10, 60)).convert("RGB")
    out = io.BytesIO()
    small.resize((4_000, 3_000), Image.Resampling.BICUBIC).save(out, "JPEG", quality=85)
    return out.getvalue()


class Inhabitants:
    """Who reports what. `wanted` are left to send; the photos are made beforehand."""

    def __init__(self, url: str, wanted: int, place: tuple[float, float]) -> None:
        self._url, self._left, self._place = url, wanted, place
        self._rng, self._address = random.Random(5), 0
        self._photos = [photo(self._rng) for _ in range(4)]
        self._topics = list(domains()["participation"].topics)  # type: ignore[attr-defined]
        self.times, self.sent, self.follow = Times(), 0, list[str]()

    async def work(self) -> None:
        """One household after another, until nothing is left."""
        while self._left > 0:
            count = min(OF_EACH_MAX, self._left)
            self._left -= count
            self._address += 1
            high, low = divmod(self._address, 250)
            door = httpx.AsyncHTTPTransport(local_address=f"127.9.{high}.{low + 1}")
            async with httpx.AsyncClient(
                base_url=self._url,
                transport=door,
                timeout=ANSWER_S_MAX,
                headers={"origin": self._url},
            ) as home:
                for _ in range(count):
                    await self._report(home)

    async def _report(self, home: httpx.AsyncClient) -> None:
        rng, self.sent = self._rng, self.sent + 1
        number, topic = self.sent, rng.choice(self._topics)
        lon, lat = (one + rng.uniform(-0.02, 0.02) for one in self._place)
        asked = {"topic": topic, "where": "chemin du Lavoir", "lat": f"{lat:.6f}",
                 "lon": f"{lon:.6f}"}  # fmt: skip
        step = await self._ask("form", home, "GET", f"/signaler/details?{urlencode(asked)}")
        token = re.search(r'name="token" value="([^"]*)"', step) if step else None
        if token is None or step is None:
            return
        spot = re.search(r'name="spot"[^>]*? value="([^"]*)"', step)
        form = {
            "token": token[1],
            "topic": topic,
            "where": asked["where"],
            "spot": spot[1] if spot else "elsewhere",
            "text": "Un trou devant le portail.",
        }
        terms = token[1].split(".")[2:-1]
        form["sum"] = str(sum(map(int, terms))) if terms else ""
        form["email"] = f"a{number}@example.fr" if number % MAIL_EVERY == 0 else ""
        await asyncio.sleep(WAIT_S + rng.uniform(0, 2))
        if number % PHOTO_EVERY:
            await self._ask("send", home, "POST", "/signaler", data=form)
        else:
            files = {"photo": ("p.jpg", rng.choice(self._photos), "image/jpeg")}
            await self._ask("send with photo", home, "POST", "/signaler", data=form, files=files)

    async def _ask(
        self, kind: str, home: httpx.AsyncClient, method: str, path: str, **what: Any
    ) -> str | None:
        began = time.perf_counter()
        try:
            answer = await home.request(method, path, **what)
        except httpx.HTTPError as error:
            self.times.bad[kind][type(error).__name__] += 1
            return None
        if answer.status_code not in (200, 303):
            self.times.bad[kind][str(answer.status_code)] += 1
            return None
        self.times.ok[kind].append(time.perf_counter() - began)
        return answer.text


async def reported(url: str, count: int, homes: int, place: tuple[float, float]) -> Inhabitants:
    people = Inhabitants(url, count, place)
    await asyncio.gather(*(people.work() for _ in range(homes)))
    return people


# --- the town hall -------------------------------------------------------------------------------


def published(url: str, cookie: str, csrf: str, wanted: int) -> tuple[int, float]:
    """Read and let out the newest reports; (how many, seconds)."""
    began, done, before = time.monotonic(), 0, ""
    headers = {"cookie": cookie, "x-csrf-token": csrf, "origin": url}
    with httpx.Client(base_url=url, headers=headers, timeout=ANSWER_S_MAX) as hall:
        while done < wanted:
            rows = hall.get("/api/reports", params={"view": "new", "before": before}).json()
            for row in rows[: wanted - done]:
                here = f"/api/reports/{row['id']}"
                hall.post(f"{here}/accept", json={}).raise_for_status()
                told = {"text": "Un trou devant le portail, à l’entrée du chemin",
                        "place": "chemin du Lavoir"}  # fmt: skip
                hall.post(f"{here}/publish", json=told).raise_for_status()
                done += 1
            if not rows:
                break
            before = rows[-1]["id"]
    return done, time.monotonic() - began


# --- readers -------------------------------------------------------------------------------------


class Reader:
    """One kept connection, with what a browser would keep: the tag of each page."""

    def __init__(self, port: int, number: int, times: Times) -> None:
        self._port, self._times, self._rng = port, times, random.Random(number)
        self._tags: dict[str, str] = {}

    async def work(self, pages: dict[str, list[str]], until: float) -> None:
        await asyncio.sleep(self._rng.uniform(0, 5))  # they do not all come in one second
        kinds, weights = list(MIX), list(MIX.values())
        while time.monotonic() < until:
            async with self._line() as line:
                while line is not None and time.monotonic() < until:
                    kind = self._rng.choices(kinds, weights)[0]
                    if not await self._timed(kind, self._rng.choice(pages[kind]), line):
                        break
                    await asyncio.sleep(self._rng.uniform(1, 5))

    @contextlib.asynccontextmanager
    async def _line(self) -> AsyncIterator[Any]:
        try:
            line = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError as error:
            self._times.bad["connect"][type(error).__name__] += 1
            await asyncio.sleep(1)
            yield None
            return
        try:
            yield line
        finally:
            line[1].close()

    async def _timed(self, kind: str, path: str, line: Any) -> bool:
        began = time.perf_counter()
        try:
            status = await asyncio.wait_for(self._ask(path, *line), ANSWER_S_MAX)
        except (OSError, ValueError, asyncio.IncompleteReadError, TimeoutError) as error:
            self._times.bad[kind][type(error).__name__] += 1
            return False
        if status not in (200, 304):
            self._times.bad[kind][str(status)] += 1
            return False
        self._times.unchanged += status == 304
        self._times.ok[kind].append(time.perf_counter() - began)
        return True

    async def _ask(
        self, path: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> int:
        """Status, after the whole body came."""
        tag = f"If-None-Match: {self._tags[path]}\r\n" if path in self._tags else ""
        writer.write(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nAccept-Language: fr\r\n"
            f"Accept-Encoding: gzip\r\n{tag}\r\n".encode()
        )
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        lines = head.split("\r\n")
        fields = {k.lower(): v for k, _, v in (one.partition(": ") for one in lines[1:])}
        if "etag" in fields:
            self._tags[path] = fields["etag"]
        status, size = int(lines[0].split()[1]), int(fields.get("content-length", 0))
        if size and status != 304:
            self._times.bytes += len(await reader.readexactly(size))
        return status


async def read(port: int, pages: dict[str, list[str]], readers: int, seconds: float) -> Times:
    times, until = Times(), time.monotonic() + seconds
    await asyncio.gather(*(Reader(port, n, times).work(pages, until) for n in range(readers)))
    return times


# --- together ------------------------------------------------------------------------------------


def pages_of(url: str) -> dict[str, list[str]]:
    """Addresses of each kind of page, as the public finds them."""
    found = httpx.get(f"{url}/signalements.geojson", timeout=ANSWER_S_MAX).json()["features"]
    ones = [f"/signalements/{one['properties']['id']}" for one in found]
    return {
        "map data": ["/signalements.geojson"],
        "list": ["/signalements"],
        "one report": ones or ["/signalements"],
        "form with map": ["/signaler?map=1"],
        "ground map": ["/signalements/fond.json"],
    }


def used(tree: Tree) -> tuple[float, int]:
    """(processor seconds, MB in memory now) of the hub process."""
    hub = tree.processes()["hub"]
    spent = hub.cpu_times()
    return spent.user + spent.system, hub.memory_info().rss // 2**20


def measured(tree: Tree, asked: argparse.Namespace, place: tuple[float, float]) -> dict[str, Any]:
    url, found = f"http://127.0.0.1:{tree.web_port}", dict[str, Any]()
    cookie, csrf = session(tree)
    tree.start()
    for name, part in (("report", _report), ("publish", _publish), ("read", _read)):
        cpu_s, began, load = used(tree)[0], time.monotonic(), os.getloadavg()[0]
        own_s = time.process_time()
        found[name] = part(tree, asked, url=url, cookie=cookie, csrf=csrf, place=place)
        seconds = time.monotonic() - began
        spent_s, memory_mb = used(tree)
        found[name] |= {
            "seconds": round(seconds, 1),
            "hub_cores": round((spent_s - cpu_s) / seconds, 2),
            "load_tool_cores": round((time.process_time() - own_s) / seconds, 2),
            "hub_rss_mb": memory_mb,
            "load_before": round(load, 1),
        }
        print(name, json.dumps(found[name], ensure_ascii=False), flush=True)
    return found


def _report(_tree: Tree, asked: argparse.Namespace, **more: Any) -> dict[str, Any]:
    people = asyncio.run(reported(more["url"], asked.reports, asked.homes, more["place"]))
    return people.times.told()


def _publish(_tree: Tree, asked: argparse.Namespace, **more: Any) -> dict[str, Any]:
    count, seconds = published(more["url"], more["cookie"], more["csrf"], asked.publish)
    return {"published": count, "per_s": round(count / seconds, 1)}


def _read(tree: Tree, asked: argparse.Namespace, **more: Any) -> dict[str, Any]:
    pages = pages_of(more["url"])
    times = asyncio.run(read(tree.web_port, pages, asked.readers, asked.seconds))
    told = times.told()
    told["per_s"] = round(told["all"]["requests"] / asked.seconds, 1)
    return told | {"unchanged": times.unchanged, "mb": round(times.bytes / 1e6, 1)}


def session(tree: Tree) -> tuple[str, str]:
    """(cookie, CSRF token) of an operator: signing in is not what is measured."""
    store = tree.store()
    tree.sign_in(store)
    store.people.put_user(OPERATOR)
    token = f"{int(time.time() * 1_000)}.{secrets.token_urlsafe(32)}"
    until_ms = int((time.time() + 12 * 3_600) * 1_000)
    store.people.put_session(sessions.hashed(token), OPERATOR.id, until_ms)
    store.close()
    return f"{sessions.COOKIE}={token}", sessions.csrf_of(token)


def main(words: Iterable[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reports", type=int, default=10_000)
    parser.add_argument("--homes", type=int, default=100, help="that report at the same time")
    parser.add_argument("--publish", type=int, default=1_000)
    parser.add_argument("--readers", type=int, default=1_000)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args(None if words is None else list(words))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the hub ends with us
    made = commune(800, 1)
    found: dict[str, Any] = {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "cpus": os.cpu_count(), "kernel": platform.release(),
        "load_1min": round(os.getloadavg()[0], 1),
        "reports": asked.reports, "homes": asked.homes, "readers": asked.readers, "mix": MIX,
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        tree = Tree(Path(folder) / "home", entry=ENTRY)
        store = tree.store()
        install_commune(store, made)
        store.close()
        try:
            found |= measured(tree, asked, (made.commune.lon, made.commune.lat))
        except Exception:
            print(tree.last_words(), file=sys.stderr)
            raise
        finally:
            tree.stop()
    asked.out.parent.mkdir(exist_ok=True)
    asked.out.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    return int(found["read"]["all"]["errors"] > 0 or found["report"]["all"]["errors"] > 0)


if __name__ == "__main__":
    sys.exit(main())

"""sqlmap against a running hub: does it find an injection in what strangers and accounts may send?

    pip install sqlmap==1.10.10            # not among our dependencies: a tool of this measure
    python bench/sqlmap.py --tool sqlmap [--level 2] [--risk 1] [--seconds 90]

The same call is first let loose on a small server that is injectable on purpose (the control): had
it found nothing there, finding nothing in the hub would show nothing. Limits on attempts are off,
so that it is the queries that answer and not the gate. Writes results/sqlmap.json.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import parse_qs, urlparse

HERE = Path(__file__).resolve().parent
FOUND, CLEAN = "identified the following injection point", "do not appear to be injectable"
PUBLIC = (
    ("/signalements?topic=lamp&page=1", ""),
    ("/signalements.geojson?topic=lamp", ""),
    ("/signalements/{report}*", ""),
    ("/signaler/details?topic=lamp&where=rue", ""),
    ("/suivi/{secret}*", ""),
    ("/open311/v2/services/lamp*.json", ""),
    ("/open311/v2/requests.json?service_code=lamp&status=open&page=1&jurisdiction_id=x", ""),
    ("/open311/v2/requests.json?service_request_id={report}", ""),
    ("/open311/v2/requests.json", "service_code=lamp&description=Une+lampe&address_string=rue"),
    ("/open-data/reports.json?page=1&start=2026-11-01&end=2026-11-20", ""),
    ("/open-data/{report}*", ""),
    ("/consultations/{report}*", ""),
    ("/results/G3*", ""),
    ("/sign-in", "name=Personne&passphrase=quatre+mots&next=/"),
)
SIGNED_IN = (
    ("/api/assets/{asset}*", ""),
    ("/api/assets/{asset}/series?prop=x&start=1&end=2", ""),
    ("/assets/{asset}*", ""),
    ("/alarms?view=closed&domain=x", ""),
    ("/reports?view=over&topic=lamp", ""),
    ("/list?q=lampe&after=x", ""),
    ("/api/privacy/accesses?before=1&subject=x", ""),
)


class Patient:
    """In place of the counters of attempts."""

    def allowed(self, *_: object) -> bool:
        return True

    def forget(self, *_: object) -> None: ...


class Injectable(BaseHTTPRequestHandler):
    """The control: a query made of what was sent."""

    def do_GET(self) -> None:
        asked = parse_qs(urlparse(self.path).query).get("id", [""])[0]
        conn = sqlite3.connect(":memory:")
        conn.executescript("CREATE TABLE lamp (id TEXT, name TEXT); INSERT INTO lamp VALUES (1, 2)")
        try:
            rows = conn.execute(f"SELECT name FROM lamp WHERE id = '{asked}'").fetchall()  # noqa: S608
            status, text = 200, f"<p>{len(rows)} lamps {rows}</p>"
        except sqlite3.Error as error:
            status, text = 500, f"<p>{error}</p>"
        self.send_response(status)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None: ...


@contextlib.contextmanager
def control() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Injectable)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/lamp?id=1"
    server.shutdown()


def run(args: argparse.Namespace, url: str, data: str, headers: dict[str, str]) -> dict[str, Any]:
    """What sqlmap says of one address: "injectable", "clean", or why it is neither."""
    with tempfile.TemporaryDirectory() as out:
        command = [
            args.tool, "-u", url, "--batch", "--flush-session", f"--level={args.level}",
            f"--risk={args.risk}", "--threads=2", "--ignore-code=*", f"--output-dir={out}",
            "--disable-coloring", "--dbms=SQLite", "--drop-set-cookie",
        ]  # fmt: skip
        command += [f"--data={data}"] if data else []
        command += [f"--header={name}: {value}" for name, value in headers.items()][:1]
        if len(headers) > 1:
            command += ["--headers=" + "\n".join(f"{k}: {v}" for k, v in headers.items())]
        start = time.monotonic()
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=args.seconds, check=False
            )
            text = done.stdout
        except subprocess.TimeoutExpired as late:
            text = (late.stdout or b"").decode(errors="replace") + "unfinished"
    requests = re.search(r"(\d+) HTTP\(s\) requests", text)
    parameters = sorted(set(re.findall(r"esting for SQL injection on (.+)", text)))
    return {
        "verdict": verdict(text),
        "parameters": parameters,
        "requests": int(requests[1]) if requests else None,
        "seconds": round(time.monotonic() - start, 1),
        "last": text.strip().splitlines()[-3:] if verdict(text) == "unknown" else [],
    }


def verdict(text: str) -> str:
    if FOUND in text:
        return "injectable"
    if CLEAN in text:
        return "clean"
    return "unfinished" if text.endswith("unfinished") else "unknown"


def served() -> Any:
    """The town of the tests. Somebody else’s package may be called `tests` too: ours is meant."""
    ours = ModuleType("tests")
    ours.__path__ = [str(HERE.parent / "tests")]
    sys.modules["tests"] = ours
    return import_module("tests.ui.world").world


def prepared(town: Any) -> tuple[dict[str, str], dict[str, str]]:
    """Real ids, and the headers of an administrator's session."""
    from beffroi.api import accounts, sessions
    from beffroi.api.report_gate import Gate

    helped = import_module("tests.api.test_reports")
    town.app.state.report_gate = Gate(each=9**9, of_all=9**9, before_question=9**9, form_s_min=0)
    town.app.state.tries = town.app.state.passkey_tries = Patient()
    with contextlib.closing(import_module("tests.api.test_access").signed_in(town, "admin")):
        user = accounts.by_name(town.services.store.people, "Chef")
    with helped.client(town) as stranger:
        answer = helped.send(town, stranger)
    secret = re.search(r"/suivi/([^?/#]+)", answer.headers["location"])
    asset = town.services.store.assets.assets(limit=1)[0].id
    ids = {"report": helped.newest(town).id, "secret": secret[1] if secret else "", "asset": asset}
    token = sessions.start(town.services, user)
    return ids, {"Cookie": f"{sessions.COOKIE}={token}"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tool", default=shutil.which("sqlmap") or "sqlmap")
    parser.add_argument("--level", type=int, default=2)
    parser.add_argument("--risk", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=90, help="per address")
    args = parser.parse_args()
    version = subprocess.run([args.tool, "--version"], capture_output=True, text=True, check=True)
    with control() as url:
        known = run(args, url, "", {})
    print("control", known["verdict"], flush=True)
    found = []
    with tempfile.TemporaryDirectory() as folder, served()(Path(folder)) as town:
        ids, session = prepared(town)
        for paths, headers in ((PUBLIC, {}), (SIGNED_IN, session)):
            for path, data in paths:
                one = run(args, town.url + path.format(**ids), data, headers)
                found.append({"path": path, "form": data, "signed_in": bool(headers), **one})
                print(f"{one['verdict']:11} {path} {one['requests']}", flush=True)
    result = {
        "tool": f"sqlmap {version.stdout.strip().splitlines()[-1]}",
        "measured": time.strftime("%Y-%m-%d"),
        "level": args.level,
        "risk": args.risk,
        "database": "SQLite",
        "control": known,
        "addresses": len(found),
        "injectable": sum(one["verdict"] == "injectable" for one in found),
        "clean": sum(one["verdict"] == "clean" for one in found),
        "found": found,
    }
    (HERE / "results" / "sqlmap.json").write_text(json.dumps(result, indent=1) + "\n")
    good = known["verdict"] == "injectable" and result["injectable"] == 0
    raise SystemExit(0 if good else 1)


if __name__ == "__main__":
    main()

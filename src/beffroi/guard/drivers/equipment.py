"""Simulated equipment as a process: what a guard drives, and what a foreign hand may write to.

    python -m beffroi.guard.drivers.equipment --shows '{"level_pct": 100}' --effects effects.jsonl

prints its address. One line of JSON each way: {"do": "read"}, {"do": "act", ...}, {"do":
"fall_back", ...}, {"do": "write", "values": {...}} (past any guard), {"do": "fault", "faults":
{"deaf": true}}. What moves it is appended to the file before it is answered: the truth in tests.
"""

from __future__ import annotations

import argparse
import json
import socketserver
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TextIO

from beffroi.guard.drivers.simulated import LINE_BYTES_MAX

Values = dict[str, Any]


class Equipment:
    """Values, faults and the list of everything that was done to it. Safe to use from threads.

    Faults: `deaf`, `mute`, `late_ms` (obeys so much later), `shows` (shown instead of its own).
    `on_act(effect)` is called before an effect is answered: the place to pull a plug.
    """

    def __init__(self, shows: Mapping[str, Any], effects: TextIO | None = None) -> None:
        self._values: Values = dict(shows)
        self._faults: Values = {}
        self._late: list[tuple[float, Values]] = []
        self._file = effects
        self._lock = threading.Lock()
        self.effects: list[Values] = []
        self.on_act: Callable[[Values], None] = lambda _: None

    def ask(self, question: Mapping[str, Any]) -> Values:
        """The answer to one line."""
        do = question.get("do")
        with self._lock:
            self._settle()
            if do == "fault":
                self._faults = dict(question.get("faults", {}))
                return {}
            if do == "write":
                self._values.update(question.get("values", {}))
                self._note({"do": "write", "values": question.get("values", {})})
                return {}
            if self._faults.get("mute"):
                return {"error": "the equipment does not answer"}
            if do == "read":
                return {"shown": {**self._values, **self._faults.get("shows", {})}}
            if do not in ("act", "fall_back"):
                return {"error": f"unknown: {do!r}"}
            self._note(dict(question))
            self._obey(question.get("sets", {}))
        self.on_act(dict(question))
        return {}

    def renew(self, shows: Mapping[str, Any]) -> None:
        """As if it had just been mounted."""
        with self._lock:
            self._values, self._faults, self._late = dict(shows), {}, []
            self.effects.clear()
        self.on_act = lambda _: None

    @property
    def shown(self) -> Values:
        return dict(self.ask({"do": "read"}).get("shown", {}))

    def _obey(self, sets: Values) -> None:
        if self._faults.get("late_ms"):
            self._late.append((time.monotonic() + self._faults["late_ms"] / 1000, sets))
        elif not self._faults.get("deaf"):
            self._values.update(sets)

    def _settle(self) -> None:
        now_s = time.monotonic()
        for at_s, sets in self._late:
            if now_s >= at_s:
                self._values.update(sets)
        self._late = [one for one in self._late if one[0] > now_s]

    def _note(self, effect: Values) -> None:
        self.effects.append(effect)
        if self._file is not None:
            self._file.write(json.dumps(effect) + "\n")
            self._file.flush()


class _Handler(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def handle(self) -> None:
        server = self.server
        assert isinstance(server, EquipmentServer)  # noqa: S101 - for the type checker
        while line := self.rfile.readline(LINE_BYTES_MAX):
            try:
                answer = server.equipment.ask(json.loads(line))
            except (ValueError, AttributeError, TypeError) as error:
                answer = {"error": f"unreadable: {error}"}
            try:
                self.wfile.write(json.dumps(answer).encode() + b"\n")
            except OSError:
                return


class EquipmentServer(socketserver.ThreadingTCPServer):
    """One piece of equipment on a free port of this machine; `address` is for the wiring."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, equipment: Equipment, port: int = 0) -> None:
        self.equipment = equipment
        super().__init__(("127.0.0.1", port), _Handler)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"

    def start(self) -> None:
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A guard that was killed in mid sentence is no news."""


def main() -> None:
    """Run one piece of equipment until it is ended."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--shows", type=json.loads, default={})
    parser.add_argument("--effects", type=Path)
    said = parser.parse_args()
    file = None if said.effects is None else said.effects.open("a")
    with EquipmentServer(Equipment(said.shows, file), said.port) as server:
        print(server.address, flush=True)  # noqa: T201
        server.serve_forever()


if __name__ == "__main__":
    main()

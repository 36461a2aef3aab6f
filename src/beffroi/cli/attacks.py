"""Plays the lab's attackers for the pages of a demonstration, one at a time, in another process."""

from __future__ import annotations

import atexit
import contextlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from beffroi.lab.demo import SETTING
from beffroi.ports.store import Store

PAUSE_S = 30.0
PLAY_S_MAX = 300.0


class PlayedAttacks:
    """Implements `api.routes.lab.Attacks` on `home/lab/attacks`."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "lab" / "attacks"
        self._turn = threading.Lock()
        self._playing = ""
        self._ended_s = -PAUSE_S
        self._process: subprocess.Popen[bytes] | None = None
        atexit.register(self.close)

    def listed(self) -> Sequence[dict[str, Any]]:
        from beffroi.lab.attackers.stage import CAST  # only when somebody looks

        return [
            {
                "name": name,
                **{part: asdict(label) for part, label in _parts(attack.STORY).items()},
                "running": name == self._playing,
                "outcome": self._outcome(name),
            }
            for name, attack in CAST.items()
        ]

    def play(self, name: str) -> str:
        with self._turn:
            if self._playing:
                return "busy"
            if time.monotonic() - self._ended_s < PAUSE_S:
                return "soon"
            self._playing = name
        threading.Thread(target=self._play, args=(name,), daemon=True).start()
        return ""

    def proof(self, name: str) -> Path | None:
        known = name in {one["name"] for one in self.listed()}  # it becomes part of a path
        outcome = self._outcome(name) if known else None
        if outcome is None or not outcome["evidence"]:
            return None
        path = self._folder / Path(outcome["evidence"]).name
        return path if path.exists() else None

    def close(self) -> None:
        """What plays now is ended."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def _play(self, name: str) -> None:
        home = self._folder / f"run-{time.time_ns()}"
        home.mkdir(parents=True, mode=0o700)
        command = [sys.executable, "-m", "beffroi", "lab", "attack", name,
                   "--home", str(home), "--json", str(home / "outcome.json")]  # fmt: skip
        try:
            with (self._folder / f"{name}.log").open("wb") as log:
                self._process = subprocess.Popen(command, stdout=log, stderr=log)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(PLAY_S_MAX)
            self.close()
            self._keep(name, home)
        finally:
            with self._turn:
                self._playing, self._ended_s = "", time.monotonic()

    def _keep(self, name: str, home: Path) -> None:
        """The outcome and its proof; the commune that was attacked is thrown away."""
        import shutil

        for path in home.glob("*.preuves.txt"):
            path.replace(self._folder / path.name)
        with contextlib.suppress(OSError):
            (home / "outcome.json").replace(self._folder / f"{name}.json")
        shutil.rmtree(home, ignore_errors=True)

    def _outcome(self, name: str) -> dict[str, Any] | None:
        try:
            (found,) = json.loads((self._folder / f"{name}.json").read_text())
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None


def _parts(story: Any) -> dict[str, Any]:
    return {part: getattr(story, part) for part in ("title", "tale", "has", "stops")}


def attacks_of(store: Store, home: Path) -> PlayedAttacks | None:
    """None unless this hub is a demonstration."""
    return PlayedAttacks(home) if store.people.setting(SETTING) else None

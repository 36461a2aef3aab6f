"""Short runs of the hub's campaign on the whole tree: nothing acknowledged is lost."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).parents[2] / "bench"


def test_kill_9_loses_nothing(tmp_path: Path) -> None:
    command = [sys.executable, str(BENCH / "faults_hub.py"), "kill", "--times", "4", "--seed", "5"]
    done = subprocess.run(
        [*command, "--results", str(tmp_path)], capture_output=True, text=True, timeout=220
    )
    assert done.returncode == 0, done.stdout[-2_000:] + done.stderr[-2_000:]
    verdict = json.loads((tmp_path / "faults_hub-kill.json").read_text())
    assert verdict["acked"] > 500
    assert (verdict["lost"], verdict["doubled"], verdict["alarms_lost"]) == (0, 0, 0)
    assert verdict["lamps_failed"] >= 2


def test_starved_it_loses_nothing(tmp_path: Path) -> None:
    """F13, F14, F15: few files, little memory, a hub that stands still."""
    command = [sys.executable, str(BENCH / "faults_hub.py"), "starve", "--short"]
    done = subprocess.run(
        [*command, "--results", str(tmp_path)], capture_output=True, text=True, timeout=220
    )
    assert done.returncode == 0, done.stdout[-2_000:] + done.stderr[-2_000:]
    verdict = json.loads((tmp_path / "faults_hub-starve.json").read_text())
    assert verdict["acked"] > 500
    assert (verdict["lost"], verdict["doubled"], verdict["alarms_lost"]) == (0, 0, 0)
    assert verdict["kills"]["broker without files, visitors refused"] > 0

"""A short run of the hub's kill campaign: the whole tree, kill -9, nothing acknowledged lost."""

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

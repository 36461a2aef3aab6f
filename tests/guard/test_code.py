"""A board shows the short code of the very command: the guard tells its driver, nobody else can."""

from __future__ import annotations

from dataclasses import replace

from tests.guard.kit import Rig

from beffroi.guard.config import read_config
from beffroi.guard.drivers.simulated import Simulated
from beffroi.guard.post import Wired
from beffroi.kernel.code import code_of

BOARD = {
    "shows": {"level_pct": 100, "code": ""},
    "safe": {"level_pct": 100, "code": ""},
    "actions": {
        "dim": {"level_pct": "$level_pct", "code": "$code"},
        "on": {"level_pct": 100, "code": ""},
    },
}


def test_the_code_of_the_command_is_shown_and_read_back(tmp_path):
    rig = Rig(tmp_path, drivers={"lamp-1": Simulated(BOARD), "lamp-2": Simulated(BOARD)})
    rig.lease()
    for post in rig.core.posts.values():
        post.wired = replace(post.wired, code_param="code")
    command = rig.command()
    rig.send(command)
    code = code_of(command.digest)
    assert rig.drivers["lamp-1"].read()["code"] == code
    assert rig.hub.receipts[-1].outcome == "done"
    assert rig.hub.receipts[-1].readback["code"] == code


def test_without_the_wiring_no_driver_gets_a_parameter_that_nobody_signed(tmp_path):
    assert Wired().code_param == ""
    (tmp_path / "guard.toml").write_text(
        'guard = "g1"\ncommune = "c"\n[place]\nlatitude_deg = 48.0\nlongitude_deg = 2.0\n'
        '[hub]\nhost = "h"\n[trust]\nroot = "root.json"\n[targets.board-1]\n'
        'driver = "simulated"\ncode_param = "code"\n[targets.board-2]\ndriver = "simulated"\n'
    )
    targets = read_config(tmp_path / "guard.toml").targets
    assert targets["board-1"].wired.code_param == "code"
    assert targets["board-2"].wired.code_param == ""

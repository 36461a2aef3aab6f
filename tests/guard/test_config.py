"""guard.toml: read strictly, with errors that say where."""

from __future__ import annotations

import pytest

from beffroi.guard.config import ConfigError, read_config
from beffroi.guard.drivers import NAMES, open_driver
from beffroi.guard.drivers.wiring import WiringError
from beffroi.guard.main import EX_CONFIG, main

GOOD = """
guard = "cabinet-1"
commune = "lourmarin"
[place]
latitude_deg = 43.76
longitude_deg = 5.36
[hub]
host = "hub.lan"
[trust]
root = "root.json"
[targets.lamp-1]
driver = "simulated"
neighbours = ["lamp-2"]
[targets.lamp-1.wiring]
shows = { level_pct = 100 }
[targets.lamp-2]
driver = "simulated"
readback_ms = 9000
"""


def test_a_good_one(tmp_path):
    (tmp_path / "guard.toml").write_text(GOOD)
    config = read_config(tmp_path / "guard.toml")
    assert config.folder == tmp_path / "state"
    assert config.hub.port == 8883
    assert config.hub.cert == tmp_path / "device.crt"
    assert config.targets["lamp-1"].wired.near.names == ("lamp-2",)
    assert config.targets["lamp-2"].wired.readback_ms == 9000
    assert str(config.place.zone) == "Europe/Paris"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('guard = "cabinet-1"', "", "guard must be"),
        ('guard = "cabinet-1"', 'guard = "a b"', "an id"),
        ("latitude_deg = 43.76", "latitude_deg = 143.76", "latitude_deg"),
        ("latitude_deg = 43.76", "latitude_deg = nan", "latitude_deg"),
        ("longitude_deg = 5.36", 'longitude_deg = 5.36\ntimezone = "Mars/Base"', "timezone"),
        ('host = "hub.lan"', 'host = "hub.lan"\nhots = 1', "unknown hots"),
        ('host = "hub.lan"', 'host = "hub.lan"\nport = 70000', "port"),
        ('root = "root.json"', "", "root must be"),
        ("readback_ms = 9000", "readback_ms = 900000", "readback_ms"),
        ("readback_ms = 9000", "readback_ms = true", "readback_ms"),
        ('neighbours = ["lamp-2"]', 'neighbours = ["lamp-3"]', "lamp-3 is not wired"),
        ('neighbours = ["lamp-2"]', 'neighbours = "lamp-2"', "a list of texts"),
        ("[targets.lamp-1]", '[targets."lamp 1"]', "no id"),
        ("[hub]", "[hub", "not TOML"),
    ],
)
def test_a_mistake_is_named(tmp_path, old, new, says):
    assert old in GOOD
    text = GOOD.replace(old, new, 1)
    if "lamp 1" in new:
        text = text.replace("[targets.lamp-1.wiring]", '[targets."lamp 1".wiring]')
    (tmp_path / "guard.toml").write_text(text)
    with pytest.raises(ConfigError, match=says):
        read_config(tmp_path / "guard.toml")


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ConfigError, match="cannot read"):
        read_config(tmp_path / "guard.toml")


def test_the_command_says_it_in_one_line_and_ends_with_the_code_for_configuration(
    tmp_path, capsys, caplog
):
    assert main(["--config", str(tmp_path / "guard.toml")]) == EX_CONFIG
    (tmp_path / "guard.toml").write_text(GOOD)
    assert main(["--config", str(tmp_path / "guard.toml")]) == EX_CONFIG  # no root yet
    assert "root" in caplog.text
    assert main(["--config", str(tmp_path / "guard.toml"), "--show-key"]) == 0
    shown = capsys.readouterr().out.split()[0]
    assert len(bytes.fromhex(shown)) == 32


def test_drivers_are_known_by_name_and_say_what_is_wrong():
    assert set(NAMES) == {"modbus", "ntcip", "simulated"}
    with pytest.raises(WiringError, match="no driver"):
        open_driver("telepathy", {})
    for wiring in ({"shows": 1}, {"actions": []}, {"address": "nowhere"}, {"safe": {"a": 1.5}}):
        with pytest.raises(WiringError, match="simulated"):
            open_driver("simulated", wiring)
    with pytest.raises(WiringError):
        open_driver("modbus", {"nonsense": True})

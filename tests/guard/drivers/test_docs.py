"""The examples of docs/drivers.md are wirings that open."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from beffroi.guard.driver import FALL_BACK
from beffroi.guard.drivers import open_driver
from beffroi.guard.drivers.ntcip_code import message_crc

PAGE = Path(__file__).parents[3] / "docs" / "drivers.md"


def test_every_example_opens(snmp: dict[str, str]) -> None:
    opened = {}
    for block in re.findall(r"```toml\n(.*?)```", PAGE.read_text(), re.DOTALL):
        for name, target in tomllib.loads(block)["targets"].items():
            wiring = target["wiring"]
            driver = "ntcip" if "device" in wiring else "modbus"
            if "snmp" in wiring:
                wiring["snmp"] |= snmp
            opened[name] = open_driver(driver, wiring)
    assert set(opened) == {"surpresseur-1", "carrefour-1", "panneau-1"}
    asked = opened["panneau-1"].expects(
        "show", {"template": "travaux", "place": "MAIRIE", "minutes": 5}
    )
    assert asked["slot_crc"] == message_crc(b"[jl3]TRAVAUX[nl]MAIRIE[nl]RALENTIR")
    for driver in opened.values():
        assert driver.expects(FALL_BACK, {})
        driver.close()

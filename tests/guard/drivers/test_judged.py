"""A guard with real equipment behind it: commands are read back, foreign hands are noticed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pymodbus.client import ModbusTcpClient
from tests.guard.kit import ROSTER, WIRING, Rig, envelope

from beffroi.guard.drivers import open_driver
from beffroi.guard.drivers.simulated import Simulated
from beffroi.guard.trust import Trusted
from beffroi.kernel.envelope import Action, Allowed, Case

PATTERN_CONTROL = "1.3.6.1.4.1.1206.4.2.1.4.14.0"


def cabinet(port: int) -> dict[str, Any]:
    on = [
        {"table": "coil", "address": 0, "value": 1},
        {"table": "holding", "address": 0, "value": 100},
    ]
    level = {"table": "holding", "address": 0, "min": 0, "max": 100, "param": "level_pct"}
    return {
        "host": "127.0.0.1",
        "port": port,
        "unit": 2,
        "heartbeat": {"address": 1},
        "facts": {"level_pct": {"table": "holding", "address": 0, "max": 100}},
        "actions": {
            "dim": {"writes": [level], "expects": {"level_pct": {"param": "level_pct"}}},
            "on": {"writes": on, "expects": {"level_pct": {"value": 100}}},
        },
        "fall_back": {"writes": on, "expects": {"level_pct": {"value": 100}}},
    }


def rig_with(folder: Path, driver: Any, **fields: Any) -> Rig:
    drivers = {"lamp-1": driver, "lamp-2": Simulated(WIRING)}
    envelopes = {"lamp-1": envelope("lamp-1", **fields), "lamp-2": envelope("lamp-2")}
    rig = Rig(folder, drivers=drivers, trusted=Trusted(ROSTER, envelopes))
    rig.envelopes = envelopes
    rig.lease()
    rig.hub.take()
    return rig


def test_lights_switched_off_past_the_guard_are_on_again_and_evidence(
    tmp_path: Path, plant: Any
) -> None:
    rig = rig_with(tmp_path, open_driver("modbus", cabinet(plant.port)))
    rig.send()
    assert rig.hub.take() == [("done", "lamp-1", "")]
    attacker = ModbusTcpClient("127.0.0.1", port=plant.port)
    attacker.connect()
    attacker.write_register(0, 0, device_id=2)
    rig.wait(5_000)
    assert rig.hub.take() == [("tampered", "lamp-1", "changed"), ("fallback", "lamp-1", "tampered")]
    assert attacker.read_holding_registers(0, device_id=2).registers == [100]
    tampered = next(one for one in rig.hub.all if one.outcome == "tampered")
    assert tampered.detail == "level_pct is 0, expected 50"
    attacker.close()


def test_a_cabinet_that_says_yes_and_does_nothing_is_no_success(tmp_path: Path, plant: Any) -> None:
    wiring = cabinet(plant.port)
    # The power that flows, not the register that was written: a liar repeats what it is told.
    wiring["facts"]["power_w"] = {"table": "input", "address": 0, "encoding": "f32", "max": 5_000}
    wiring["actions"]["dim"]["expects"]["power_w"] = {"value": 750}
    rig = rig_with(tmp_path, open_driver("modbus", wiring))
    plant.order("freeze")
    rig.send()
    rig.wait(10_000, lease=True)
    assert ("failed", "lamp-1") in [(outcome, target) for outcome, target, _ in rig.hub.take()]


def test_without_a_lease_the_lights_burn(tmp_path: Path, plant: Any) -> None:
    rig = rig_with(tmp_path, open_driver("modbus", cabinet(plant.port)))
    rig.send()
    rig.wait(40_000)
    assert ("fallback", "lamp-1", "lease_lost") in rig.hub.take()
    assert rig.level() == 100


def test_a_plan_set_past_the_guard_is_given_back_and_evidence(
    tmp_path: Path, controller: Any, snmp: dict[str, str], net_snmp: Callable[..., str]
) -> None:
    wiring = {
        "device": "controller",
        "host": "127.0.0.1",
        "port": controller.port,
        "snmp": snmp,
        "plans": {"2": 2},
        "actions": {"select_plan": {"param": "plan"}},
    }
    select = Action((Case("B", {"plan": Allowed(((2, 2),))}),), "Plan {plan}", "Plan {plan}")
    rig = rig_with(tmp_path, open_driver("ntcip", wiring), actions={"select_plan": select})
    rig.send(action="select_plan", params={"plan": 2})
    assert rig.hub.take() == [("done", "lamp-1", "")]
    net_snmp("snmpset", controller.port, PATTERN_CONTROL, "i", "255")
    rig.wait(5_000)
    assert rig.hub.take() == [("tampered", "lamp-1", "changed"), ("fallback", "lamp-1", "tampered")]
    assert "INTEGER: 0" in net_snmp("snmpget", controller.port, PATTERN_CONTROL)

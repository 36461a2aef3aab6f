"""The Modbus driver against a PLC process: what it does, what it notices, that it never hangs."""

from __future__ import annotations

import signal
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from pymodbus.client import ModbusTcpClient

from beffroi.guard.driver import FALL_BACK, DriverError
from beffroi.guard.drivers import modbus
from beffroi.guard.drivers.modbus_link import ModbusLink
from beffroi.guard.drivers.modbus_points import Span
from beffroi.guard.drivers.wiring import WiringError

# Generous: it says "bounded", it does not measure.
NEVER_S = 20


def waterworks(port: int, **more: object) -> dict[str, Any]:
    return {
        "driver": "modbus",
        "host": "127.0.0.1",
        "port": port,
        "unit": 1,
        "timeout_ms": 500,
        "budget_ms": 2_000,
        "identity": {"table": "input", "address": 9, "value": 4242},
        "heartbeat": {"address": 1},
        "facts": {
            "level_pct": {"table": "input", "address": 0, "divide": 10, "min": 0, "max": 100},
            "pressure_mbar": {"table": "input", "address": 1, "multiply": 10, "max": 10_000},
            "flow_lph": {"table": "input", "address": 2, "encoding": "u32", "multiply": 10},
            "setpoint_mbar": {"table": "holding", "address": 0, "multiply": 10},
            "pump": {"table": "discrete", "address": 0},
            "remote": {"table": "discrete", "address": 1},
        },
        "actions": {
            "set_pressure": {
                "writes": [
                    {
                        "table": "holding",
                        "address": 0,
                        "multiply": 10,
                        "min": 1_000,
                        "max": 5_000,
                        "param": "pressure_mbar",
                    }
                ],
                "expects": {"setpoint_mbar": {"param": "pressure_mbar"}},
            },
            "pump": {
                "writes": [{"table": "coil", "address": 0, "param": "on"}],
                "expects": {"pump": {"param": "on"}},
            },
        },
        "fall_back": {
            "writes": [{"table": "holding", "address": 0, "multiply": 10, "value": 3_000}],
            "expects": {"setpoint_mbar": {"value": 3_000}},
        },
        **more,
    }


@pytest.fixture
def driver(plant: Any) -> Iterator[modbus.ModbusDriver]:
    opened = modbus.open(waterworks(plant.port))
    yield opened
    opened.close()


def eventually(driver: modbus.ModbusDriver, **wanted: object) -> None:
    for _ in range(200):
        shown = driver.read()
        if all(shown.get(key) == value for key, value in wanted.items()):
            return
        time.sleep(0.05)
    pytest.fail(f"{shown} never showed {wanted}")


def raw(plant: Any, unit: int = 1) -> ModbusTcpClient:
    client = ModbusTcpClient("127.0.0.1", port=plant.port)
    assert client.connect()
    return client


def test_facts_come_in_their_units(driver: modbus.ModbusDriver) -> None:
    shown = driver.read()
    assert shown["pressure_mbar"] == 3_000
    assert shown["flow_lph"] == 60_000
    assert shown["remote"] == 0
    assert 55 <= int(shown["level_pct"]) <= 65


def test_an_action_is_done_and_shows_what_was_expected(driver: modbus.ModbusDriver) -> None:
    params = {"pressure_mbar": 4_200}
    driver.act("set_pressure", params)
    driver.act("set_pressure", params)  # twice is once
    assert driver.expects("set_pressure", params) == {"setpoint_mbar": 4_200}
    assert driver.read()["setpoint_mbar"] == 4_200
    eventually(driver, pressure_mbar=4_200, remote=1)


def test_a_pump_is_switched_by_a_coil(driver: modbus.ModbusDriver) -> None:
    for on in (1, 0):
        driver.act("pump", {"on": on})
        eventually(driver, pump=on)


@pytest.mark.parametrize(
    ("action", "params"),
    [
        ("set_pressure", {"pressure_mbar": 5_010}),
        ("set_pressure", {"pressure_mbar": 990}),
        ("set_pressure", {"pressure_mbar": 4_205}),
        ("set_pressure", {"pressure_mbar": "4200"}),
        ("set_pressure", {}),
        ("set_pressure", {"pressure_mbar": 4_200, "more": 1}),
        ("pump", {"on": 2}),
        ("empty_the_tank", {}),
    ],
)
def test_what_is_outside_the_wiring_writes_nothing(
    driver: modbus.ModbusDriver, action: str, params: dict[str, int | str]
) -> None:
    before = driver.read()["setpoint_mbar"]
    with pytest.raises(DriverError):
        driver.act(action, params)
    with pytest.raises(DriverError):
        driver.expects(action, params)
    assert driver.read()["setpoint_mbar"] == before


def test_a_raw_write_by_another_client_shows(driver: modbus.ModbusDriver, plant: Any) -> None:
    driver.act("set_pressure", {"pressure_mbar": 4_200})
    attacker = raw(plant)
    attacker.write_register(0, 500, device_id=1)
    attacker.close()
    assert driver.read()["setpoint_mbar"] == 5_000
    assert driver.expects("set_pressure", {"pressure_mbar": 4_200}) != {"setpoint_mbar": 5_000}


def test_when_the_guard_is_silent_the_plc_takes_over(
    driver: modbus.ModbusDriver, plant: Any
) -> None:
    driver.act("set_pressure", {"pressure_mbar": 4_200})
    eventually(driver, remote=1)
    observer = raw(plant)
    for _ in range(100):  # nobody reads by the driver: the heart has stopped
        if observer.read_holding_registers(0, device_id=1).registers == [300]:
            break
        time.sleep(0.05)
    else:
        pytest.fail("the PLC still holds the set point of a dead guard")
    observer.close()


def test_a_beating_heart_holds_the_command(driver: modbus.ModbusDriver) -> None:
    driver.act("set_pressure", {"pressure_mbar": 4_200})
    end = time.monotonic() + 2.5  # longer than the watchdog of 1 s
    while time.monotonic() < end:
        assert driver.read()["setpoint_mbar"] == 4_200
        time.sleep(0.1)


def test_after_falling_back_the_heart_stops(driver: modbus.ModbusDriver) -> None:
    driver.act("set_pressure", {"pressure_mbar": 4_200})
    driver.fall_back()
    driver.fall_back()
    assert driver.read()["setpoint_mbar"] == 3_000
    assert driver.expects(FALL_BACK, {}) == {"setpoint_mbar": 3_000}
    eventually(driver, remote=0)


def test_the_heart_stops_even_when_the_fall_back_does_not_get_through(
    driver: modbus.ModbusDriver, plant: Any
) -> None:
    driver.act("set_pressure", {"pressure_mbar": 4_200})
    plant.order("exception 4")
    with pytest.raises(DriverError, match="device failure"):
        driver.fall_back()
    plant.order("honest")
    eventually(driver, remote=0, setpoint_mbar=3_000)


def test_a_restart_of_the_server_needs_no_restart_of_the_guard(
    driver: modbus.ModbusDriver, plant: Any
) -> None:
    driver.act("set_pressure", {"pressure_mbar": 4_200})
    plant.stop()
    with pytest.raises(DriverError):
        driver.read()
    plant.start()
    assert driver.read()["setpoint_mbar"] == 3_000  # the PLC's own, and the guard sees it


@pytest.mark.parametrize(
    "mischief", ["tid", "short", "mute", "slow 30", *(f"exception {n}" for n in (1, 2, 3, 4, 6))]
)
def test_a_misbehaving_server_is_an_error_in_time(
    driver: modbus.ModbusDriver, plant: Any, mischief: str
) -> None:
    driver.read()
    plant.order(mischief)
    began = time.monotonic()
    with pytest.raises(DriverError):
        driver.read()
    with pytest.raises(DriverError):
        driver.act("pump", {"on": 1})
    assert time.monotonic() - began < NEVER_S
    plant.order("honest")
    assert driver.read()["remote"] == 0


@pytest.mark.parametrize("mischief", ["echo", "value"])
def test_a_write_that_is_answered_for_another_is_an_error(
    driver: modbus.ModbusDriver, plant: Any, mischief: str
) -> None:
    driver.read()
    plant.order(mischief)
    for action, params in (("pump", {"on": 1}), ("set_pressure", {"pressure_mbar": 4_200})):
        with pytest.raises(DriverError):
            driver.act(action, params)


def answering(server: socket.socket, answers: list[bytes]) -> None:
    """One connection after another, each given the next PDU, in a frame that is its own."""
    for pdu in answers:
        connection, _ = server.accept()
        with connection:
            request = connection.recv(300)
            head = request[:4] + (len(pdu) + 1).to_bytes(2, "big") + request[6:7]
            connection.sendall(head + pdu)
            connection.recv(300)


@pytest.mark.parametrize(
    "pdu",
    [b"\x03\x02\0\1", b"\x03\x08" + bytes(8), b"\x03\x04\0\1", b"\x04\x04\0\1\0\2", b"\x03", b""],
    ids=["fewer", "more", "cut", "other function", "nothing", "empty"],
)
def test_an_answer_of_another_size_is_an_error_and_ends_the_connection(pdu: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        told = threading.Thread(target=answering, args=(server, [pdu] * 2), daemon=True)
        told.start()
        link = ModbusLink("127.0.0.1", server.getsockname()[1], 1, 300, 1_000)
        for _ in range(2):  # each time a connection of its own
            link.begin()
            with pytest.raises(DriverError):
                link.read(Span("holding", 0, 2))
            assert not link.connected
        told.join(NEVER_S)
        assert not told.is_alive()


def test_a_stopped_server_does_not_stop_the_guard(driver: modbus.ModbusDriver, plant: Any) -> None:
    driver.read()
    plant.send(signal.SIGSTOP)
    began = time.monotonic()
    for _ in range(3):
        with pytest.raises(DriverError):
            driver.read()
    assert time.monotonic() - began < NEVER_S
    plant.send(signal.SIGCONT)
    for _ in range(50):
        try:
            driver.read()
            break
        except DriverError:
            time.sleep(0.1)
    else:
        pytest.fail("it did not come back")


def test_a_lying_server_is_caught_by_what_it_does_not_do(
    driver: modbus.ModbusDriver, plant: Any
) -> None:
    driver.read()
    plant.order("freeze")
    driver.act("pump", {"on": 1})  # the PLC says yes and does nothing
    shown = driver.read()
    assert shown["pump"] != driver.expects("pump", {"on": 1})["pump"]


def trickle(server: socket.socket, byte_s: float) -> None:
    """Answers one byte at a time, for ever."""
    connection, _ = server.accept()
    with connection:
        head = connection.recv(64)
        for byte in head[:2] + b"\0\0\0\xff" + bytes(300):
            try:
                connection.sendall(bytes([byte]))
            except OSError:
                return
            time.sleep(byte_s)


def test_a_server_that_answers_by_drops_is_an_error_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=trickle, args=(server, 0.1), daemon=True).start()
        driver = modbus.open(waterworks(server.getsockname()[1]))
        began = time.monotonic()
        with pytest.raises(DriverError):
            driver.read()
        assert time.monotonic() - began < NEVER_S
        driver.close()


def test_another_plc_at_the_address_is_not_spoken_to(plant: Any) -> None:
    wiring = waterworks(plant.port)
    wiring["identity"]["value"] = 4243
    driver = modbus.open(wiring)
    with pytest.raises(DriverError, match="another PLC"):
        driver.act("set_pressure", {"pressure_mbar": 4_200})
    observer = raw(plant)
    assert observer.read_holding_registers(0, device_id=1).registers == [300]
    observer.close()


def test_a_lighting_cabinet_is_another_unit(plant: Any) -> None:
    driver = modbus.open(
        {
            "host": "127.0.0.1",
            "port": plant.port,
            "unit": 2,
            "heartbeat": {"address": 1},
            "facts": {
                "dim_pct": {"table": "holding", "address": 0},
                "power_w": {"table": "input", "address": 0, "encoding": "f32", "max": 5_000},
                "lit": {"table": "coil", "address": 0},
            },
            "actions": {
                "dim": {
                    "writes": [
                        {"table": "coil", "address": 0, "value": 1},
                        {
                            "table": "holding",
                            "address": 0,
                            "min": 20,
                            "max": 100,
                            "param": "level_pct",
                        },
                    ],
                    "expects": {"dim_pct": {"param": "level_pct"}, "lit": {"value": 1}},
                }
            },
            "fall_back": {
                "writes": [
                    {"table": "coil", "address": 0, "value": 1},
                    {"table": "holding", "address": 0, "value": 100},
                ]
            },
        }
    )
    driver.act("dim", {"level_pct": 40})
    shown = driver.read()
    assert dict(shown) == {"dim_pct": 40, "power_w": 600, "lit": 1}
    driver.fall_back()
    assert driver.read()["power_w"] == 1_500
    driver.close()


@pytest.mark.parametrize(
    "change",
    [
        {"host": "plc.example"},
        {"unit": 248},
        {"timeout_ms": 60_000},
        {"surprise": 1},
        {"fall_back": {"writes": [{"table": "coil", "address": 0, "param": "x"}]}},
        {
            "fall_back": {
                "writes": [{"table": "holding", "address": 0, "multiply": 7, "value": 3_000}]
            }
        },
        {"actions": {"a": {"writes": [{"table": "coil", "address": 0, "value": 1}]}}},
        {"actions": {"a": {"writes": [], "expects": {"pump": {"value": 1}}}}},
        {
            "actions": {
                "a": {
                    "writes": [{"table": "coil", "address": 0, "value": 1}],
                    "expects": {"no_such_fact": {"value": 1}},
                }
            }
        },
    ],
)
def test_a_wrong_wiring_is_refused_at_the_start(change: dict[str, object]) -> None:
    with pytest.raises(WiringError):
        modbus.open(waterworks(502, **change))


def test_wiring_in_which_silence_is_not_safe_is_refused() -> None:
    wiring = waterworks(502)
    del wiring["heartbeat"], wiring["fall_back"]
    with pytest.raises(WiringError, match="silence"):
        modbus.open(wiring)

"""A signal controller: plans and patterns, silence, foreign hands, and nothing but patterns."""

from __future__ import annotations

import ast
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import beffroi.guard
from beffroi.guard.driver import FALL_BACK, DriverError
from beffroi.guard.drivers import ntcip, ntcip_oids
from beffroi.guard.drivers.ntcip_security import Security
from beffroi.guard.drivers.ntcip_snmp import SnmpLink
from beffroi.guard.drivers.wiring import WiringError

ASC = "1.3.6.1.4.1.1206.4.2.1"
PATTERN_CONTROL = f"{ASC}.4.14.0"
NEVER_S = 30


def junction(port: int, snmp: dict[str, str], **more: object) -> dict[str, Any]:
    return {
        "driver": "ntcip",
        "device": "controller",
        "host": "127.0.0.1",
        "port": port,
        "timeout_ms": 500,
        "budget_ms": 3_000,
        "snmp": snmp,
        "plans": {"1": 1, "2": 2, "3": 3, "9": 99},  # 99 is not in the controller
        "actions": {
            "select_plan": {"param": "plan"},
            "local": {"pattern": 0},
            "flash": {"pattern": 255},
        },
        **more,
    }


@pytest.fixture
def driver(controller: Any, snmp: dict[str, str]) -> Iterator[Any]:
    opened = ntcip.open(junction(controller.port, snmp))
    yield opened
    opened.close()


def eventually(driver: Any, **wanted: object) -> None:
    for _ in range(150):
        shown = driver.read()
        if all(shown.get(key) == value for key, value in wanted.items()):
            return
        time.sleep(0.05)
    pytest.fail(f"{shown} never showed {wanted}")


def test_it_shows_what_the_junction_does(driver: Any) -> None:
    shown = driver.read()
    assert {"pattern": 1, "plan": 1, "called_plan": 0, "backup_s": 60}.items() <= shown.items()
    for _ in range(15):
        shown = driver.read()
        lit = shown["greens_1"] | shown["yellows_1"]
        assert bin(lit).count("1") <= 1
        assert lit | shown["reds_1"] == 0b1010
        time.sleep(0.02)


def test_a_plan_of_the_catalogue_is_called_and_runs_at_the_end_of_the_cycle(driver: Any) -> None:
    driver.act("select_plan", {"plan": 2})
    driver.act("select_plan", {"plan": 2})
    assert driver.read()["called_pattern"] == 2
    assert driver.expects("select_plan", {"plan": 2}) == {"called_pattern": 2}
    eventually(driver, plan=2, control_status=2)


def test_done_may_mean_that_it_runs(controller: Any, snmp: dict[str, str]) -> None:
    driver = ntcip.open(junction(controller.port, snmp, done="running"))
    assert driver.expects("select_plan", {"plan": 3}) == {"called_pattern": 3, "pattern": 3}
    driver.close()


def test_a_pattern_that_the_controller_does_not_have_never_counts_as_run(driver: Any) -> None:
    driver.act("select_plan", {"plan": 9})
    eventually(driver, pattern=254, free_status=7, plan=-1)


@pytest.mark.parametrize(
    ("action", "params"),
    [
        ("select_plan", {"plan": 4}),
        ("select_plan", {"plan": "2"}),
        ("select_plan", {"plan": True}),
        ("select_plan", {}),
        ("select_plan", {"plan": 2, "hold": 1}),
        ("local", {"plan": 2}),
        ("hold", {"phase": 2}),
        ("fall_back", {}),
    ],
)
def test_what_is_not_wired_is_not_sent(
    driver: Any, action: str, params: dict[str, int | str]
) -> None:
    with pytest.raises(DriverError):
        driver.act(action, params)
    assert driver.read()["called_pattern"] == 0


def test_falling_back_gives_the_junction_back(driver: Any) -> None:
    driver.act("select_plan", {"plan": 3})
    eventually(driver, plan=3)
    driver.fall_back()
    driver.fall_back()
    assert driver.expects(FALL_BACK, {}) == {"called_pattern": 0}
    eventually(driver, called_pattern=0, plan=1)


def test_a_held_plan_outlives_the_backup_time_only_while_somebody_reads(
    slow_controller: Any, snmp: dict[str, str]
) -> None:
    slow_controller.order("set backup_s 2")
    driver = ntcip.open(junction(slow_controller.port, snmp))
    driver.act("select_plan", {"plan": 3})
    end = time.monotonic() + 3
    while time.monotonic() < end:
        assert driver.read()["called_pattern"] == 3
        time.sleep(0.2)
    time.sleep(2.5)
    assert driver.read()["called_pattern"] == 0
    driver.close()


def test_a_controller_that_would_hold_for_ever_is_given_no_plan(
    driver: Any, controller: Any
) -> None:
    controller.order("set backup_s 0")
    with pytest.raises(DriverError, match="silence"):
        driver.act("select_plan", {"plan": 2})
    driver.act("local", {})  # the safe direction stays possible
    assert driver.read()["called_pattern"] == 0


def test_a_raw_set_by_another_client_shows_and_is_not_fought(
    slow_controller: Any, snmp: dict[str, str], net_snmp: Callable[..., str]
) -> None:
    slow_controller.order("set backup_s 4")
    driver = ntcip.open(junction(slow_controller.port, snmp))
    driver.act("select_plan", {"plan": 2})
    assert "INTEGER: 3" in net_snmp("snmpset", slow_controller.port, PATTERN_CONTROL, "i", "3")
    end = time.monotonic() + 1.5  # longer than the plan may stand without being repeated
    while time.monotonic() < end:
        assert driver.read()["called_pattern"] == 3
        time.sleep(0.1)
    driver.close()


def test_another_client_sees_the_same_junction(
    driver: Any, controller: Any, net_snmp: Callable[..., str]
) -> None:
    driver.act("select_plan", {"plan": 2})
    assert "INTEGER: 2" in net_snmp("snmpget", controller.port, PATTERN_CONTROL)


# --- nothing but patterns ---------------------------------------------------------------------

FORBIDDEN = {
    "phase omit, ped omit, hold, force off, calls": [
        (*ntcip_oids.ASC, 1, 5, 1, c, 1) for c in range(2, 8)
    ],
    "minimum green, yellow, red clearance": [(*ntcip_oids.ASC, 1, 2, 1, c, 2) for c in (4, 8, 9)],
    "preemption, ring, unit control, overlaps": [
        (*ntcip_oids.ASC, 6, 3, 1, 2, 1),
        (*ntcip_oids.ASC, 7, 5, 1, 2, 1),
        (*ntcip_oids.ASC, 3, 10, 0),
        (*ntcip_oids.ASC, 9, 2, 1, 2, 1),
    ],
    "backup time, sync, pattern and split tables": [
        (*ntcip_oids.ASC, 3, 3, 0),
        (*ntcip_oids.ASC, 4, 15, 0),
        (*ntcip_oids.ASC, 4, 7, 1, 2, 1),
        (*ntcip_oids.ASC, 4, 9, 1, 3, 1, 1),
    ],
    "sign control mode, end message, brightness, permanent messages": [
        (*ntcip_oids.DMS, 6, 1, 0),
        (*ntcip_oids.DMS, 6, 15, 0),
        (*ntcip_oids.DMS, 7, 6, 0),
        (*ntcip_oids.DMS, 5, 8, 1, 3, 2, 1),
    ],
}  # fmt: skip


def everything_settable() -> frozenset[tuple[int, ...]]:
    """A link that was told, by mistake, that it may set all of these."""
    return frozenset(oid for group in FORBIDDEN.values() for oid in group)


@pytest.mark.parametrize("what", FORBIDDEN)
def test_a_dangerous_set_cannot_leave_whoever_asks_for_it(what: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
        wire.bind(("127.0.0.1", 0))
        wire.setblocking(False)
        security = Security("2c", "", auth_secret="public")
        link = SnmpLink(wire.getsockname(), security, 100, 300, everything_settable())
        link.begin()
        for oid in FORBIDDEN[what]:
            with pytest.raises(DriverError, match="never set"):
                link.set({oid: 1})
            with pytest.raises(DriverError, match="never set"):
                link.set({ntcip_oids.SYSTEM_PATTERN_CONTROL: 1, oid: 1})
        link.close()
        with pytest.raises(BlockingIOError):
            wire.recvfrom(1_500)


@given(st.lists(st.integers(0, 70_000), max_size=20).map(tuple))
def test_no_other_object_of_any_mib_may_be_set(oid: tuple[int, ...]) -> None:
    assert not ntcip_oids.may_set(oid)


@given(
    st.sampled_from([ntcip_oids.ASC, ntcip_oids.DMS]),
    st.lists(st.integers(0, 20), min_size=1, max_size=7).map(tuple),
)
def test_near_the_objects_that_may_be_set_there_are_no_others(
    root: tuple[int, ...], rest: tuple[int, ...]
) -> None:
    oid = root + rest
    if not ntcip_oids.may_set(oid):
        return
    if oid in (ntcip_oids.SYSTEM_PATTERN_CONTROL, ntcip_oids.ACTIVATE_MESSAGE):
        return
    table, (column, memory, number) = oid[:-3], oid[-3:]
    assert table == ntcip_oids.MESSAGE
    assert column in (3, 4, 8, 9)
    assert memory == 3
    assert number >= 1


def test_the_library_s_set_is_called_in_one_place_and_controls_have_no_name() -> None:
    package = Path(str(beffroi.guard.__file__)).parent
    calls = []
    for path in package.rglob("*.py"):
        text = path.read_text()
        names = {
            node.attr if isinstance(node, ast.Attribute) else node.id
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.Attribute | ast.Name)
        }
        calls += [path.name] * len(re.findall(r"\bset_cmd\b|SetCommandGenerator", text))
        assert not {name for name in names if "FORCE" in name.upper() or "OMIT" in name.upper()}
    assert calls == ["ntcip_snmp.py"]


# --- a device that misbehaves -----------------------------------------------------------------


def test_a_mute_controller_is_an_error_in_time(driver: Any, controller: Any) -> None:
    driver.read()
    controller.order("mute")
    began = time.monotonic()
    with pytest.raises(DriverError):
        driver.read()
    with pytest.raises(DriverError):
        driver.act("select_plan", {"plan": 2})
    assert time.monotonic() - began < NEVER_S
    controller.order("reset")
    assert driver.read()["called_pattern"] == 0


def test_a_controller_that_restarts_is_found_again(driver: Any, controller: Any) -> None:
    driver.act("select_plan", {"plan": 2})
    controller.stop()
    with pytest.raises(DriverError):
        driver.read()
    controller.start()
    assert driver.read()["called_pattern"] == 0


def test_garbage_is_an_error_in_time(snmp: dict[str, str]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
        wire.bind(("127.0.0.1", 0))
        driver = ntcip.open(junction(wire.getsockname()[1], snmp))
        wire.settimeout(0.01)
        driver_read_meets_noise(driver, wire)
        driver.close()


def driver_read_meets_noise(driver: Any, wire: socket.socket) -> None:
    over = threading.Event()

    def answer() -> None:
        while not over.is_set():
            try:
                datagram, sender = wire.recvfrom(65_535)
                for noise in (b"", b"\x30", datagram[::-1], datagram, b"\x30\x84" + b"\xff" * 40):
                    wire.sendto(noise, sender)
            except OSError:
                continue

    thread = threading.Thread(target=answer)
    thread.start()
    began = time.monotonic()
    with pytest.raises(DriverError):
        driver.read()
    assert time.monotonic() - began < NEVER_S
    over.set()
    thread.join()


def test_a_wrong_secret_opens_nothing(
    controller: Any, snmp: dict[str, str], tmp_path: Path
) -> None:
    Path(snmp["auth_file"]).write_text("not-the-authentication")
    driver = ntcip.open(junction(controller.port, snmp))
    with pytest.raises(DriverError):
        driver.act("select_plan", {"plan": 2})
    driver.close()


# --- wiring -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"host": "junction.example"},
        {"plans": {"1": 254}},
        {"plans": {"1": 0}},
        {"plans": {"matin": 1}},
        {"actions": {"free": {"pattern": 254}}},
        {"actions": {"hold": {"hold": 1}}},
        {"backup_s_max": 0},
        {"phase_groups": 3},
        {"device": "ramp_meter"},
    ],
)
def test_a_wrong_wiring_is_refused(snmp: dict[str, str], change: dict[str, object]) -> None:
    with pytest.raises(WiringError):
        ntcip.open(junction(161, snmp, **change))


def test_versions_without_secrets_are_refused_unless_somebody_insists(
    snmp: dict[str, str],
) -> None:
    table: dict[str, Any] = {"version": "2c", "community_file": snmp["auth_file"]}
    with pytest.raises(WiringError, match="clear"):
        ntcip.open(junction(161, table))
    with pytest.raises(WiringError, match="clear"):
        ntcip.open(junction(161, {**table, "accept_insecure": False}))
    ntcip.open(junction(161, {**table, "accept_insecure": True})).close()


def test_a_secret_that_others_can_read_is_refused(snmp: dict[str, str]) -> None:
    Path(snmp["priv_file"]).chmod(0o640)
    with pytest.raises(WiringError, match="chmod 600"):
        ntcip.open(junction(161, snmp))


def test_a_short_secret_is_refused(snmp: dict[str, str]) -> None:
    Path(snmp["priv_file"]).write_text("short")
    with pytest.raises(WiringError, match="characters"):
        ntcip.open(junction(161, snmp))

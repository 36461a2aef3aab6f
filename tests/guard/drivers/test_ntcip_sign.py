"""A message sign: the standard's order, its refusals, and what a passer-by reads."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from beffroi.guard.driver import FALL_BACK, DriverError
from beffroi.guard.drivers import ntcip
from beffroi.guard.drivers.wiring import WiringError

DMS = "1.3.6.1.4.1.1206.4.2.3"
TEXT = f"{DMS}.5.8.1.3"


def board(port: int, snmp: dict[str, str], **more: object) -> dict[str, Any]:
    return {
        "device": "sign",
        "host": "127.0.0.1",
        "port": port,
        "timeout_ms": 500,
        "budget_ms": 3_000,
        "snmp": snmp,
        "messages": {
            "travaux": "[jl3]TRAVAUX[nl]{place}[nl]RALENTIR",
            "verglas": "[jl3]VERGLAS",
            "wrong": "[moon]",
            "long": "UNE LIGNE QUI EST BIEN TROP LONGUE",
        },
        "actions": {
            "show": {"message": "template", "minutes": "minutes"},
            "blank": {"blank": True},
        },
        "slot": 2,
        **more,
    }


@pytest.fixture
def driver(sign: Any, snmp: dict[str, str]) -> Iterator[Any]:
    opened = ntcip.open(board(sign.port, snmp))
    yield opened
    opened.close()


def works(place: str = "RUE D’ÉGLISE", minutes: int = 10) -> dict[str, int | str]:
    return {"template": "travaux", "place": place, "minutes": minutes}


def test_a_message_is_shown_and_read_back(driver: Any) -> None:
    assert driver.read()["blank"] == 1
    driver.act("show", works())
    driver.act("show", works())
    shown = driver.read()
    assert shown["text"] == "TRAVAUX / RUE D'ÉGLISE / RALENTIR"
    assert driver.expects("show", works()).items() <= shown.items()
    assert {"memory": 3, "number": 2, "blank": 0, "minutes_left": 10}.items() <= shown.items()


def test_blank_and_fall_back_leave_nothing(driver: Any) -> None:
    for leave in (lambda: driver.act("blank", {}), driver.fall_back):
        driver.act("show", works())
        leave()
        leave()
        shown = driver.read()
        assert driver.expects("blank", {}).items() <= shown.items()
        assert driver.expects(FALL_BACK, {}).items() <= shown.items()
        assert (shown["text"], shown["memory"]) == ("", 7)


def test_one_message_follows_another(driver: Any) -> None:
    driver.act("show", works())
    driver.act("show", {"template": "verglas", "minutes": 5})
    assert driver.read()["text"] == "VERGLAS"


def test_a_message_ends_by_itself_when_the_guard_is_dead(sign: Any, snmp: dict[str, str]) -> None:
    driver = ntcip.open(board(sign.port, snmp))
    sign.order("set minute_s 1")
    driver.act("show", works(minutes=1))
    assert driver.read()["blank"] == 0
    time.sleep(1.3)
    shown = driver.read()
    assert (shown["blank"], shown["source_mode"]) == (1, 14)  # endDuration
    assert driver.expects("show", works(minutes=1)).items() <= shown.items()  # no foreign hand
    driver.fall_back()
    assert driver.read()["ours"] == 0  # somebody blanked it
    driver.close()


def test_a_sign_that_says_yes_and_shows_nothing_is_no_success(driver: Any, sign: Any) -> None:
    sign.order("set lies 1")
    with pytest.raises(DriverError, match="said that it shows"):
        driver.act("show", works())
    assert driver.read()["ours"] == 0


def test_a_sign_that_names_our_message_and_shows_another_is_caught(driver: Any, sign: Any) -> None:
    driver.act("show", works())
    sign.order(f"set paint {b'ALERTE'.hex()}")
    shown = driver.read()
    assert (shown["text"], shown["ours"]) == ("ALERTE", 0)


@pytest.mark.parametrize(
    ("action", "params"),
    [
        ("show", {"template": "alerte", "minutes": 5}),
        ("show", {"template": "verglas", "minutes": 0}),
        ("show", {"template": "verglas", "minutes": 65_535}),
        ("show", {"template": "verglas", "minutes": "5"}),
        ("show", {"template": "verglas", "minutes": 5, "multi": "HELLO"}),
        ("show", {"template": "travaux", "minutes": 5}),
        ("show", {"template": "travaux", "minutes": 5, "place": "ДОМ"}),
        ("show", {"template": "travaux", "minutes": 5, "place": "A\nB"}),
        ("blank", {"minutes": 5}),
        ("multi", {"text": "HELLO"}),
    ],
)
def test_what_is_not_wired_is_not_shown(
    driver: Any, action: str, params: dict[str, int | str]
) -> None:
    with pytest.raises(DriverError):
        driver.act(action, params)
    with pytest.raises(DriverError):
        driver.expects(action, params)
    assert driver.read()["blank"] == 1


def test_brackets_in_a_place_are_brackets_on_the_sign(driver: Any) -> None:
    driver.act("show", works("[fl]BOMBE[/fl]"))
    assert driver.read()["text"] == "TRAVAUX / [fl]BOMBE[/fl] / RALENTIR"


@pytest.mark.parametrize(
    ("template", "said"), [("wrong", "syntax error 3, at 0"), ("long", "syntax error 5")]
)
def test_what_the_sign_does_not_accept_is_said(driver: Any, template: str, said: str) -> None:
    with pytest.raises(DriverError, match=said):
        driver.act("show", {"template": template, "minutes": 5})
    assert driver.read()["blank"] == 1


def test_somebody_at_the_sign_goes_first(driver: Any, sign: Any) -> None:
    sign.order("set control_mode 2")
    with pytest.raises(DriverError, match="control mode 2"):
        driver.act("show", works())
    with pytest.raises(DriverError, match="local mode"):
        driver.fall_back()
    assert driver.read()["control_mode"] == 2


def test_a_higher_priority_is_not_pushed_aside_but_can_be_blanked(
    sign: Any, snmp: dict[str, str]
) -> None:
    high = ntcip.open(board(sign.port, snmp, priority=200))
    low = ntcip.open(board(sign.port, snmp, slot=1, priority=100))
    high.act("show", works())
    with pytest.raises(DriverError, match="priority"):
        low.act("show", {"template": "verglas", "minutes": 5})
    assert low.read()["text"].startswith("TRAVAUX")
    low.fall_back()
    assert high.read()["blank"] == 1
    high.close()
    low.close()


def test_a_sign_that_would_show_something_afterwards_is_told_nothing(
    driver: Any, sign: Any
) -> None:
    permanent = bytes([2, 0, 1]).hex() + "0000"
    sign.order(f"set end_message {permanent}")
    assert driver.read()["end_blank"] == 0
    with pytest.raises(DriverError, match="dmsEndDurationMessage"):
        driver.act("show", works())


def test_a_foreign_message_by_another_client_shows(
    driver: Any, sign: Any, net_snmp: Callable[..., str]
) -> None:
    driver.act("show", works())
    slot = "3.4"
    for oid, kind, value in (
        (f"{DMS}.5.8.1.9.{slot}", "i", "6"),
        (f"{TEXT}.{slot}", "s", "ALERTE"),
        (f"{DMS}.5.8.1.8.{slot}", "i", "255"),
        (f"{DMS}.5.8.1.9.{slot}", "i", "7"),
    ):
        assert "Error" not in net_snmp("snmpset", sign.port, oid, kind, value)
    said = net_snmp("snmpget", sign.port, f"{DMS}.5.8.1.5.{slot}")
    crc = int(said.rsplit(" ", 1)[1])
    activation = f"ffffff030004{crc:04x}7f000001"
    answer = net_snmp("snmpset", sign.port, f"{DMS}.6.3.0", "x", activation)
    assert "Error" not in answer
    shown = driver.read()
    assert shown["text"] == "ALERTE"
    assert not driver.expects("show", works()).items() <= shown.items()


def test_another_client_reads_what_we_wrote(
    driver: Any, sign: Any, net_snmp: Callable[..., str]
) -> None:
    driver.act("show", {"template": "verglas", "minutes": 5})
    said = net_snmp("snmpget", sign.port, f"{TEXT}.5.1").replace("\n", "")
    assert b"[jl3]VERGLAS".hex(" ").upper() in said


def test_the_sign_refuses_an_activation_with_another_crc(
    driver: Any, sign: Any, net_snmp: Callable[..., str]
) -> None:
    driver.act("show", works())
    answer = net_snmp("snmpset", sign.port, f"{DMS}.6.3.0", "x", "000aff0300020bad7f000001")
    assert "genErr" in answer or "genError" in answer.replace(" ", "")
    assert "INTEGER: 7" in net_snmp("snmpget", sign.port, f"{DMS}.6.17.0")
    assert driver.read()["text"].startswith("TRAVAUX")


@pytest.mark.parametrize(
    "change",
    [
        {"messages": {"a": "{0}"}},
        {"messages": {"a": "{place!r}"}},
        {"messages": {"a": "{place:>9}"}},
        {"messages": {"a": "{place.__class__}"}},
        {"messages": {"a": "{"}},
        {"messages": {"a": ""}},
        {"actions": {"show": {"text": "free"}}},
        {"actions": {"blank": {"blank": False}}},
        {"slot": 0},
        {"priority": 255},
    ],
)
def test_a_wrong_wiring_is_refused(snmp: dict[str, str], change: dict[str, object]) -> None:
    with pytest.raises(WiringError):
        ntcip.open(board(161, snmp, **change))

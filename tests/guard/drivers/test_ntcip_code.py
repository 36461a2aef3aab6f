"""MULTI text, message codes and the CRC, against the standard's example and a second author."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.guard.driver import DriverError
from beffroi.guard.drivers import ntcip_code as code
from beffroi.guard.drivers.ntcip_code import MessageId
from beffroi.lab import message_sign

EXAMPLE = b"[jp3]TEST [fl]Flashing[/fl]"  # NTCIP 8004/8005, MessageActivationCode


def test_the_worked_example_of_the_standard() -> None:
    message = MessageId(4, 5, code.message_crc(EXAMPLE))
    assert message.encoded().hex(" ") == "04 00 05 95 f9"
    activation = code.activation(message, 267, 55, bytes([103, 8, 9, 10]))
    assert activation.hex(" ") == "01 0b 37 04 00 05 95 f9 67 08 09 0a"
    assert code.read_id(message.encoded()) == message


def test_the_check_value_of_this_crc() -> None:
    assert code.crc16(b"123456789") == 0x906E  # CRC-16/ISO-HDLC, "X-25"


@given(st.binary(max_size=300), st.integers(0, 1), st.integers(0, 1))
def test_two_authors_agree_on_the_crc(multi: bytes, beacon: int, pixels: int) -> None:
    assert code.message_crc(multi, beacon, pixels) == message_sign.crc(
        multi + bytes([beacon, pixels])
    )


@given(st.text(st.characters(max_codepoint=255, exclude_categories=["C"]), max_size=20))
def test_what_a_person_chose_is_never_a_tag(text: str) -> None:
    multi = code.encoded("[jl3]" + code.escaped(text) + "[nl]")
    assert "".join(code.lines(multi)) == text


@given(st.binary(max_size=200))
def test_any_bytes_can_be_read_as_lines(multi: bytes) -> None:
    assert all(line for line in code.lines(multi))


def test_lines_and_pages() -> None:
    assert code.lines(b"[jp3][jl3]RUE [[A]][nl]FERM\xc9E[np]PAGE 2[fo3]") == [
        "RUE [A]",
        "FERMÉE",
        "PAGE 2",
    ]


def test_french_fits_or_is_refused() -> None:
    assert code.encoded("L’ŒUVRE D’ÉTÉ") == b"L'OEUVRE D'\xc9T\xc9"
    for bad in ("Привет", "BELL\a", "\x9b", "X" * 1_501):
        with pytest.raises(DriverError):
            code.encoded(bad)

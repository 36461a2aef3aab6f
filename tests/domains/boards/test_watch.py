"""Read-back of a board: what stands there against what was ordered."""

from __future__ import annotations

import json
from typing import Any

import pytest

from beffroi.domains.base import DecodeError
from beffroi.domains.boards import DOMAIN
from beffroi.domains.boards.catalogue import text_of
from beffroi.kernel.code import code_of
from beffroi.model.asset import Asset
from beffroi.model.reading import Obs

T0, MIN = 1_780_000_000_000, 60_000
BOARD = Asset("board-1", "boards", "board", "Entrée", 2, 48)
SAID: dict[str, int | str] = {"template": "travaux", "place": "ÉCOLE", "minutes": 20}
DIGEST = bytes(range(32))


class Street:
    """A board that is read every minute, and its watch."""

    def __init__(self) -> None:
        self.watch, self.now_ms, self.on = DOMAIN.watch(BOARD, None), T0, set[str]()

    def _step(self, values: dict[str, Any], device: str) -> None:
        obs = [Obs(k, device, self.now_ms, float(v)) for k, v in values.items()]
        for found in self.watch.step(obs).findings:
            (self.on.add if found.active else self.on.discard)(found.rule.partition(".")[2])

    def order(self, action: str = "show", digest: bytes = DIGEST) -> None:
        self._step(dict(DOMAIN.ordered(BOARD, action, SAID, digest, self.now_ms)), "")

    def shows(self, text: str, code: str, minutes: int = 3) -> set[str]:
        for _ in range(minutes):
            self._step(dict(DOMAIN.decode("", {"text": text, "code": code})), "pmv-1")
            self.now_ms += MIN
        return self.on

    def reload(self) -> None:
        self.watch = DOMAIN.watch(BOARD, json.loads(json.dumps(self.watch.dump())))


def test_an_ordered_message_is_no_surprise_and_goes_away() -> None:
    street = Street()
    assert street.shows("", "") == set()
    street.order()
    assert street.shows(text_of(SAID), code_of(DIGEST), 15) == set()
    street.reload()
    assert street.shows(text_of(SAID), code_of(DIGEST), 3) == set()
    street.now_ms += 3 * MIN
    assert street.shows("", "") == set()


def test_a_message_that_nobody_ordered_is_grave() -> None:
    street = Street()
    assert street.shows("MISSILE EN APPROCHE", "") == {"unknown_message"}
    assert str(DOMAIN.rules["boards.unknown_message"].severity.name) == "GRAVE"
    assert street.shows("", "") == set()


@pytest.mark.parametrize(
    ("text", "code"),
    [("TRAVAUX ÉCOLE FUYEZ", code_of(DIGEST)), (text_of(SAID), code_of(bytes(32))),
     (text_of(SAID), "??")],
)  # fmt: skip
def test_another_text_or_another_code_than_ordered_is_grave(text: str, code: str) -> None:
    street = Street()
    street.order()
    assert street.shows(text, code) == {"unknown_message"}


def test_a_message_that_stays_after_its_end_is_grave() -> None:
    street = Street()
    street.order()
    assert street.shows(text_of(SAID), code_of(DIGEST), 24) == {"not_cleared"}


def test_an_order_that_is_not_followed_is_told() -> None:
    street = Street()
    street.order()
    assert street.shows("", "", 5) == {"not_shown"}


def test_after_blank_nothing_may_stand_there() -> None:
    street = Street()
    street.order()
    street.shows(text_of(SAID), code_of(DIGEST))
    street.order("blank")
    assert street.shows(text_of(SAID), code_of(DIGEST)) == {"unknown_message"}


def test_silence_is_told_and_orders_are_no_sign_of_life() -> None:
    street = Street()
    street.shows("", "")
    street.watch.tick(street.now_ms)
    for _ in range(20):
        street.now_ms += 10 * MIN
        street.order()
    found = street.watch.tick(street.now_ms).findings
    assert [(f.rule, f.active) for f in found] == [("boards.silent", True)]


def test_no_device_may_say_what_was_ordered() -> None:
    assert {"ordered_text", "ordered_code", "ordered_until_min"} == set(
        DOMAIN.kinds["board"].derived
    )


@pytest.mark.parametrize("raw", [{"text": 3}, {"text": "x" * 501}])
def test_what_is_no_text_is_refused(raw: dict[str, Any]) -> None:
    with pytest.raises(DecodeError):
        DOMAIN.decode("", raw)

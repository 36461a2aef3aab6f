"""Parking titles against people who would rather not pay (M10)."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from beffroi.domains.entitlement.token import (
    MINUTES_MAX,
    Token,
    TokenError,
    message,
    plate_hash,
    seal,
    unseal,
)
from beffroi.domains.entitlement.verify import Reason, Refused, Valid, Verifier
from beffroi.domains.single_use import Claim
from beffroi.kernel import keys
from beffroi.kernel.document import FieldError

NOW = 1_780_000_000
KEY, THIEF = b"k" * 32, b"t" * 32
PUBLIC = keys.public_of(KEY)
KEY_ID = keys.key_id(keys.ED25519, PUBLIC)
SALT = b"salt of the commune of Bourg"
PLATE = plate_hash(SALT, "AB-123-CD")
TOKEN = Token("bourg", "zone-1", NOW, NOW + 3_600, 60, b"n" * 16)
VERIFIER = Verifier("bourg", {KEY_ID: PUBLIC}, {"bay-1": {"zone-1"}, "bay-2": {"zone-1"}})


@dataclass
class Memory:
    """A used set without a disk; the one with a disk passes the same tests (test_file)."""

    known: dict[bytes, Claim] = field(default_factory=dict)

    def claim(self, nonce: bytes, where: bytes, until_s: int) -> bytes:
        return self.known.setdefault(nonce, Claim(nonce, where, until_s)).where

    def claims(self) -> Iterable[Claim]:
        return self.known.values()


def word(token: Token = TOKEN, private: bytes = KEY, key: str = KEY_ID) -> str:
    return seal(token, key, keys.sign(private, message(token)))


def told(
    said: str, bay: str = "bay-1", plate: bytes = b"", now_s: int = NOW, used: Memory | None = None
) -> str:
    answer = VERIFIER.check(said, bay, plate, now_s, used or Memory())
    return str(answer.reason) if isinstance(answer, Refused) else "valid"


def test_a_paid_title_is_valid_on_any_bay_of_its_zone() -> None:
    assert told(word()) == told(word(), "bay-2") == "valid"
    assert told(word(replace(TOKEN, place="bay-1"))) == "valid"
    assert len(word()) < 400  # a QR code of version 12 holds 535 characters


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (word(private=THIEF), Reason.FORGED),
        (word(private=THIEF, key=keys.key_id(keys.ED25519, keys.public_of(THIEF))),
         Reason.UNKNOWN_KEY),
        (word(replace(TOKEN, commune="val")), Reason.OTHER_COMMUNE),
        (word(replace(TOKEN, place="zone-2")), Reason.OTHER_PLACE),
        (word(replace(TOKEN, place="bay-2")), Reason.OTHER_PLACE),
        (word(replace(TOKEN, from_s=NOW + 61)), Reason.NOT_YET),
        (word(replace(TOKEN, from_s=NOW - 60, until_s=NOW)), Reason.EXPIRED),
        (word(replace(TOKEN, plate=PLATE)), Reason.PLATE_NEEDED),
        (word()[:-1], Reason.UNREADABLE),
        (word().lower(), Reason.UNREADABLE),
        (word() + "A", Reason.UNREADABLE),
        ("", Reason.UNREADABLE),
        ("É" * 20, Reason.UNREADABLE),
        ("A" * 100_000, Reason.UNREADABLE),
    ],
)  # fmt: skip
def test_what_was_not_paid_for_here_and_now_is_refused(said: str, reason: Reason) -> None:
    used = Memory()
    assert told(said, used=used) == reason
    assert not used.known  # a refused look uses nothing up


def test_a_title_with_a_plate_is_for_that_vehicle() -> None:
    said = word(replace(TOKEN, plate=PLATE))
    assert told(said, plate=plate_hash(SALT, "ab 123 cd")) == "valid"
    assert told(said, plate=plate_hash(SALT, "AB-123-CE")) == Reason.OTHER_PLATE
    assert told(said, plate=plate_hash(SALT + b"2", "AB-123-CD")) == Reason.OTHER_PLATE


def test_one_title_does_not_pay_for_two_vehicles() -> None:
    used = Memory()
    assert told(word(), "bay-1", used=used) == "valid"
    assert told(word(), "bay-1", used=used, now_s=NOW + 600) == "valid"  # the controller is back
    assert told(word(), "bay-2", used=used) == Reason.USED_ELSEWHERE


@given(st.integers(0, 10**9), st.integers(1, 255))
def test_no_altered_word_is_valid(at: int, flip: int) -> None:
    raw = bytearray(base64.b32decode(word() + "=" * (-len(word()) % 8)))
    raw[at % len(raw)] ^= flip
    assert told(base64.b32encode(raw).decode().rstrip("=")) != "valid"


def test_a_word_has_one_spelling() -> None:
    """Spare bits of base32: another word for the same bytes would be another title to a list."""
    said = word()
    raw = base64.b32decode(said + "=" * (-len(said) % 8))
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    others = [said[:-1] + last for last in letters if last != said[-1]]
    same = [one for one in others if base64.b32decode(one + "=" * (-len(one) % 8)) == raw]
    assert same, "no spare bits at this length: choose another place"
    assert {told(one) for one in same} == {"unreadable"}


@given(st.text(max_size=300))
def test_no_text_does_more_than_be_refused(text: str) -> None:
    assert told(text) == Reason.UNREADABLE


@given(
    st.integers(0, 2**40), st.integers(1, MINUTES_MAX * 60), st.integers(0, MINUTES_MAX),
    st.binary(min_size=16, max_size=16), st.sampled_from([b"", PLATE]),
)  # fmt: skip
def test_what_is_issued_is_read_back(
    start: int, length: int, paid: int, nonce: bytes, plate: bytes
) -> None:
    token = Token("bourg", "zone-1", start, start + length, paid, nonce, plate)
    assert unseal(word(token))[1] == token
    assert told(word(token), plate=plate, now_s=start + length - 1) == "valid"
    assert told(word(token), plate=plate, now_s=start + length) == Reason.EXPIRED


@pytest.mark.parametrize(
    "changes",
    [{"until_s": NOW}, {"until_s": NOW + (MINUTES_MAX + 1) * 60}, {"plate": b"short"}],
)
def test_a_title_that_makes_no_sense_is_not_made(changes: dict[str, object]) -> None:
    with pytest.raises(FieldError):
        replace(TOKEN, **changes)  # type: ignore[arg-type]


def test_plates_are_hashed_with_a_real_salt_only() -> None:
    with pytest.raises(TokenError, match="salt"):
        plate_hash(b"short", "AB123CD")
    with pytest.raises(TokenError, match="plate"):
        plate_hash(SALT, "-- --")
    assert plate_hash(SALT, "AB-123-CD") != plate_hash(SALT, "AB-123-CE")


class Street(RuleBasedStateMachine):
    """Two verifiers without a link, honest and dishonest drivers, time. Whatever happens, at one
    verifier a word is valid for one place at most, only when signed, and only in its time."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.used = [Memory(), Memory()]
        self.valid: dict[tuple[int, bytes], set[str]] = {}
        self.issued: list[Token] = []

    @rule(minutes=st.integers(1, 120), place=st.sampled_from(["zone-1", "bay-1", "zone-9"]))
    def pays(self, minutes: int, place: str) -> None:
        nonce = len(self.issued).to_bytes(16, "big")
        self.issued.append(Token("bourg", place, self.now, self.now + 60 * minutes, minutes, nonce))

    @rule(seconds=st.integers(1, 4_000))
    def waits(self, seconds: int) -> None:
        self.now += seconds

    @rule(
        which=st.integers(0, 20), bay=st.sampled_from(["bay-1", "bay-2", "bay-3"]),
        verifier=st.integers(0, 1), private=st.sampled_from([KEY, KEY, KEY, THIEF]),
        longer=st.sampled_from([0, 0, 3_600]),
    )  # fmt: skip
    def shows(self, which: int, bay: str, verifier: int, private: bytes, longer: int) -> None:
        if not self.issued:
            return
        paid = self.issued[which % len(self.issued)]
        shown = replace(paid, until_s=paid.until_s + longer)
        signature = keys.sign(private if longer == 0 else THIEF, message(shown))
        said = seal(shown, KEY_ID, signature)
        answer = VERIFIER.check(said, bay, b"", self.now, self.used[verifier])
        if isinstance(answer, Valid):
            assert private == KEY
            assert longer == 0
            assert paid.from_s - 60 <= self.now < paid.until_s
            assert paid.place == bay or (paid.place == "zone-1" and bay != "bay-3")
            self.valid.setdefault((verifier, paid.nonce), set()).add(bay)

    @invariant()
    def one_place_each(self) -> None:
        assert all(len(bays) == 1 for bays in self.valid.values())


TestStreet = Street.TestCase
TestStreet.settings = settings(max_examples=40, stateful_step_count=30)

"""Every document of the kernel: what is written is read; what is not quite right is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.kernel.world import (
    ACTIONS,
    COMMUNE,
    ENVELOPE,
    GUARD_ID,
    MEMBERS,
    NONCE,
    NOW,
    PLAIN,
    POINT_OF_MAYOR,
    ROSTER,
    TARGET,
    member,
    public,
    seed,
    signature,
)

from beffroi.kernel import document, keys, limits
from beffroi.kernel.canonical import CanonicalError, decode, encode
from beffroi.kernel.cases import permits
from beffroi.kernel.command import read_command
from beffroi.kernel.document import (
    Blob,
    FieldError,
    Flag,
    Id,
    Many,
    OneOf,
    Param,
    Range,
    Spec,
    Table,
    Text,
    Whole,
    is_id,
)
from beffroi.kernel.dsse import LEASE, RECEIPT, STATUS, Signed
from beffroi.kernel.envelope import Action, Allowed, Case, Envelope, Slew, read_envelope
from beffroi.kernel.lease import Lease, Status, read_lease, read_status
from beffroi.kernel.limits import WHOLE_MAX
from beffroi.kernel.receipt import DONE, Receipt, read_receipt, verified
from beffroi.kernel.roster import (
    BREAK_GLASS,
    GUARD,
    HUB,
    OPERATOR,
    Member,
    Roster,
    read_roster,
    signer,
)
from beffroi.kernel.situation import Fact, fresh
from beffroi.kernel.state import Effect, State, TargetState, read_state

RECEIPT_1 = Receipt(
    GUARD_ID, 1, bytes(32), NOW, DONE, TARGET, PLAIN.digest, "", "", {"pressure_mbar": 3_600}
)
LEASE_1 = Lease(COMMUNE, GUARD_ID, NONCE, 1, NOW, 30_000)
STATUS_1 = Status(COMMUNE, GUARD_ID, TARGET, NONCE, NOW, 1, 3, ENVELOPE.digest, 2, 10)
STATE_1 = State({TARGET: TargetState(2, 10, (Effect(NOW, "set", False, {"pressure_mbar": 7}),))})

READERS: dict[str, tuple[Any, Callable[[bytes], Any]]] = {
    "command": (PLAIN, read_command),
    "command with a plan": (replace(PLAIN, plan="p1", params={"text": "é"}), read_command),
    "envelope": (ENVELOPE, read_envelope),
    "roster": (ROSTER, read_roster),
    "state": (STATE_1, read_state),
    "empty state": (State(), read_state),
    "receipt": (RECEIPT_1, read_receipt),
    "lease": (LEASE_1, lambda data: document.read(Lease, data, 4_096)),
    "status": (STATUS_1, lambda data: document.read(Status, data, 4_096)),
}


@pytest.mark.parametrize("name", READERS)
def test_what_is_written_is_read(name: str) -> None:
    one, read = READERS[name]
    data = document.write(one)
    assert read(data) == one
    assert document.write(read(data)) == data


@pytest.mark.parametrize("name", READERS)
def test_a_field_more_or_less_is_refused(name: str) -> None:
    one, read = READERS[name]
    good = decode(document.write(one), limits.DOCUMENT_BYTES_MAX)
    assert isinstance(good, dict)
    for field in good:
        less = {key: value for key, value in good.items() if key != field}
        with pytest.raises(FieldError, match=f"missing or unknown: .*{field}"):
            read(encode(less))
    with pytest.raises(FieldError, match="missing or unknown"):
        read(encode({**good, "more\x1b[2J": 1}))
    with pytest.raises(CanonicalError):
        read(document.write(one) + b"\0")
    with pytest.raises(FieldError, match="not a map"):
        read(encode([good]))


@example("x" * 1_000)
@example("\u2028" * 300)
@given(st.text())
def test_a_name_of_the_attacker_does_not_reach_a_terminal(name: str) -> None:
    with pytest.raises(FieldError) as error:
        read_command(encode({name: 1}))
    assert str(error.value).isprintable()
    assert len(str(error.value)) < limits.SENTENCE_CHARS_MAX


def test_sizes_of_documents() -> None:
    texts = {f"p{n}": "é" * 200 for n in range(8)}
    with pytest.raises(CanonicalError, match="more than 2048"):
        read_command(replace(PLAIN, params=texts).encoded())
    readback = replace(RECEIPT_1, readback=texts, detail="é" * 300)
    assert read_receipt(replace(readback, detail="").encoded())
    with pytest.raises(CanonicalError, match="more than 4096"):
        read_receipt(
            replace(readback, readback={f"p{n}" * 40: "é" * 200 for n in range(8)}).encoded()
        )


Bad = tuple[Spec, object]
BAD: list[Bad] = [
    (Whole(), -1),
    (Whole(), WHOLE_MAX + 1),
    (Whole(), True),
    (Whole(), False),
    (Whole(), "1"),
    (Whole(), None),
    (Whole(3, 5), 2),
    (Whole(3, 5), 6),
    (Text(3, 1), ""),
    (Text(3, 1), "abcd"),
    (Text(), b"a"),
    (Text(), "a" * 201),
    (Text(), 1),
    (Id(), ""),
    (Id(), "*"),
    (Id(also="*"), ""),
    (Id(also=""), "*"),
    (Id(also=""), " "),
    (Id(), 1),
    (Id(), b"a"),
    (OneOf(("A", "B")), "C"),
    (OneOf(("A", "B")), "AB"),
    (OneOf(("A", "B")), 0),
    (OneOf(("A", "B")), None),
    (Blob(2, 3), b"a"),
    (Blob(2, 3), b"abcd"),
    (Blob(2, 3), "abc"),
    (Flag(), 1),
    (Flag(), 0),
    (Flag(), None),
    (Range(), [1]),
    (Range(), [1, 2, 3]),
    (Range(), [2, 1]),
    (Range(), [1, True]),
    (Range(), [True, 2]),
    (Range(), [-WHOLE_MAX - 1, 0]),
    (Range(), {"low": 1}),
    (Range(), "12"),
    (Param(), True),
    (Param(), None),
    (Param(), WHOLE_MAX + 1),
    (Param(), -WHOLE_MAX - 1),
    (Param(), "a" * 201),
    (Param(), b"a"),
    (Many(Whole(), 2), [1, 2, 3]),
    (Many(Whole(), 2), [True]),
    (Many(Whole(), 2), "12"),
    (Many(Whole(), 2), {"a": 1}),
    (Table(Whole(), 1), {"a": 1, "b": 2}),
    (Table(Whole(), 1), {"": 1}),
    (Table(Whole(), 1), {"a b": 1}),
    (Table(Whole(), 1), {"a": True}),
    (Table(Whole(), 1), [1]),
]
GOOD: list[Bad] = [
    (Whole(), 0),
    (Whole(), WHOLE_MAX),
    (Whole(3, 5), 3),
    (Whole(3, 5), 5),
    (Text(3, 1), "a"),
    (Text(3, 1), "abc"),
    (Text(), ""),
    (Text(), "é" * 200),
    (Id(also="*"), "*"),
    (Id(also=""), ""),
    (Id(), "a"),
    (Id(), "A9.z_:-"),
    (Id(), "a" * 80),
    (OneOf(("A", "B")), "B"),
    (Blob(2, 3), b"ab"),
    (Blob(2, 3), b"abc"),
    (Flag(), True),
    (Flag(), False),
    (Range(), [1, 1]),
    (Range(), [-WHOLE_MAX, WHOLE_MAX]),
    (Param(), -WHOLE_MAX),
    (Param(), WHOLE_MAX),
    (Param(), ""),
    (Many(Whole(), 2), [1, 2]),
    (Many(Whole(), 2), []),
    (Table(Whole(), 1), {"a": 1}),
    (Table(Whole(), 1), {}),
]


@pytest.mark.parametrize(("spec", "value"), BAD, ids=repr)
def test_a_value_out_of_its_bounds(spec: Spec, value: Any) -> None:
    with pytest.raises(FieldError):
        spec.read(value)


@pytest.mark.parametrize(("spec", "value"), GOOD, ids=repr)
def test_a_value_at_its_bounds(spec: Spec, value: Any) -> None:
    assert encode(spec.write(spec.read(value))) == encode(value)


@given(st.text(max_size=90))
def test_ids_are_of_ascii_letters(text: str) -> None:
    """What looks like another name cannot be written: no Cyrillic, no full width, no blanks."""
    allowed = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-")
    fits = 0 < len(text) <= 80 and set(text) <= allowed and text[0] not in "._:-"
    assert is_id(text) == fits


@pytest.mark.parametrize("text", ["a\n", "\na", "é", "а", "ａ", "a b", ".a", "-a", "a/b", "a" * 81])
def test_no_identifier(text: str) -> None:
    assert not is_id(text)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"public": bytes(31)}, "another length"),
        ({"public": POINT_OF_MAYOR}, "another length"),
        ({"public": bytes(32)}, "anybody can sign"),
        ({"public": b"\1" + bytes(31)}, "anybody can sign"),
        ({"kind": keys.PASSKEY}, "another length"),
        (
            {"kind": keys.PASSKEY, "public": POINT_OF_MAYOR, "independent": True},
            "never independent",
        ),
        ({"kind": keys.PASSKEY, "public": POINT_OF_MAYOR, "role": HUB}, "operator's"),
        ({"kind": keys.PASSKEY, "public": POINT_OF_MAYOR, "role": BREAK_GLASS}, "operator's"),
    ],
    ids=str,
)
def test_members_that_cannot_be(change: dict[str, Any], says: str) -> None:
    with pytest.raises(FieldError, match=says):
        replace(MEMBERS["clerk"], **change)


def test_rosters_that_cannot_be() -> None:
    clerk = MEMBERS["clerk"]
    with pytest.raises(FieldError, match="twice"):
        replace(ROSTER, members=(clerk, replace(clerk, person="other")))
    with pytest.raises(FieldError, match="capitals"):
        replace(ROSTER, members=(clerk, member("x", "mairie", OPERATOR, person="Clerk")))
    with pytest.raises(FieldError, match="capitals"):
        replace(ROSTER, members=(clerk, member("x", "Mairie", OPERATOR)))
    data = decode(ROSTER.encoded(), limits.DOCUMENT_BYTES_MAX)
    assert isinstance(data, dict)
    assert isinstance(data["members"], list)
    with pytest.raises(FieldError, match="twice"):
        read_roster(encode({**data, "members": [*data["members"], data["members"][0]]}))


def test_a_roster_finds_its_members() -> None:
    assert ROSTER.member(MEMBERS["clerk"].key) == MEMBERS["clerk"]
    assert ROSTER.member("nobody") is None
    assert ROSTER.having(GUARD) == (MEMBERS["g1"],)
    assert Roster(COMMUNE, 1, 1).having(HUB) == ()


SET = ACTIONS["set"]


@pytest.mark.parametrize(
    "case",
    [
        Case("B"),
        Case("B", {"pressure_mbar": Allowed(choices=("max",))}),
        Case("B", {"pressure_mbar": Allowed(((1, 2),), chars_max=3, charset="09")}),
        Case("B", {"pressure_bar": Allowed(((1, 2),))}),
    ],
    ids=str,
)
def test_a_step_that_cannot_be_measured_is_no_rule(case: Case) -> None:
    with pytest.raises(FieldError, match="pressure_mbar"):
        replace(SET, cases=(*SET.cases, case))
    assert replace(SET, cases=(*SET.cases, replace(case, safe=True)))
    assert replace(SET, cases=(*SET.cases, case), slew=())


def test_a_step_that_cannot_be_measured_is_not_read() -> None:
    data = decode(ENVELOPE.encoded(), limits.DOCUMENT_BYTES_MAX)
    whole: Any = data
    whole["actions"]["set"]["slew"][0]["param"] = "flow_lph"
    with pytest.raises(FieldError, match="flow_lph"):
        read_envelope(encode(whole))


def test_an_envelope_has_one_digest() -> None:
    assert (
        ENVELOPE.digest
        == keys.sha256(ENVELOPE.encoded())
        == read_envelope(ENVELOPE.encoded()).digest
    )
    assert replace(ENVELOPE, version=8).digest == keys.sha256(
        replace(ENVELOPE, version=8).encoded()
    )
    assert ENVELOPE.digest != replace(ENVELOPE, version=8).digest
    assert replace(ENVELOPE) == ENVELOPE
    assert "_digest" not in repr(ENVELOPE)


def test_the_digest_of_a_command_is_of_its_bytes() -> None:
    assert PLAIN.digest == keys.sha256(PLAIN.encoded())
    assert RECEIPT_1.hash == keys.sha256(RECEIPT_1.encoded())


def signed(kind: str, payload: bytes, *by: str) -> Signed:
    bare = Signed(kind, payload)
    return replace(bare, signatures=tuple(signature(name, bare.pae) for name in by))


def test_leases_statuses_and_receipts_are_of_whom_they_should_be() -> None:
    lease, status = document.write(LEASE_1), document.write(STATUS_1)
    assert read_lease(signed(LEASE, lease, "hub"), ROSTER) == LEASE_1
    assert read_status(signed(STATUS, status, "g1"), ROSTER) == STATUS_1
    assert verified(signed(RECEIPT, RECEIPT_1.encoded(), "g1"), ROSTER) == RECEIPT_1


@pytest.mark.parametrize("by", [(), ("clerk",), ("stranger",), ("g1",), ("hub", "hub")], ids=str)
def test_a_lease_of_somebody_else(by: tuple[str, ...]) -> None:
    with pytest.raises(FieldError):
        read_lease(signed(LEASE, document.write(LEASE_1), *by), ROSTER)


@pytest.mark.parametrize("by", [(), ("clerk",), ("stranger",), ("hub",), ("g1", "g1")], ids=str)
def test_a_receipt_or_status_of_somebody_else(by: tuple[str, ...]) -> None:
    with pytest.raises(FieldError):
        verified(signed(RECEIPT, RECEIPT_1.encoded(), *by), ROSTER)
    with pytest.raises(FieldError):
        read_status(signed(STATUS, document.write(STATUS_1), *by), ROSTER)


def test_a_guard_speaks_for_itself_only() -> None:
    g2 = member("g2", "mairie", GUARD)
    roster = replace(ROSTER, members=(*ROSTER.members, g2))
    with pytest.raises(FieldError, match="g2 speaks for g1"):
        verified(signed(RECEIPT, RECEIPT_1.encoded(), "g2"), roster)
    with pytest.raises(FieldError, match="g2 speaks for g1"):
        read_status(signed(STATUS, document.write(STATUS_1), "g2"), roster)


def test_one_signer() -> None:
    good = signed(LEASE, b"x", "hub")
    assert signer(good, LEASE, ROSTER, HUB) == "hub"
    (one,) = good.signatures
    odd = {
        "not a": replace(good, kind=STATUS),
        "does not hold": replace(good, payload=b"y"),
        "not signed by": replace(
            good, signatures=(replace(signature("mayor", good.pae), key=one.key),)
        ),
    }
    for text, bad in odd.items():
        with pytest.raises(FieldError, match=text):
            signer(bad, LEASE, ROSTER, HUB)
    with pytest.raises(FieldError, match="not signed by a guard"):
        signer(good, LEASE, ROSTER, GUARD)
    passkey = signed(LEASE, b"x", "mayor")
    with pytest.raises(FieldError, match="not signed by"):
        signer(passkey, LEASE, ROSTER, OPERATOR)


def test_states_that_are_remembered() -> None:
    state = TargetState()
    for n in range(40):
        state = state.after(1, n + 1, Effect(NOW + n, f"a{n % 3}", safe=True))
    assert [(e.action, e.at_ms - NOW) for e in state.effects] == [
        ("a0", 39),
        ("a1", 37),
        ("a2", 38),
    ]
    state = state.after(1, 41, Effect(NOW + 50, "set"))
    assert [e.action for e in state.effects] == ["set", "a0", "a1", "a2"]
    assert state.changed_since(NOW + 49)
    assert not state.changed_since(NOW + 50), "what is safe does not count as changed"
    later = state.after(2, 1, Effect(NOW + 37 + limits.DAY_MS, "set"))
    assert [(e.action, e.at_ms - NOW) for e in later.effects] == [
        ("set", 50),
        ("set", 37 + limits.DAY_MS),
        ("a0", 39),
        ("a2", 38),
    ]
    assert (later.epoch, later.counter) == (2, 1)


def test_a_full_memory_can_be_read_again() -> None:
    """The largest state that `decide` can make is one that a guard can start from."""
    target = TargetState()
    for n in range(limits.EFFECTS_MAX):
        target = target.after(1, n + 1, Effect(NOW, "a" * 80, travel={"p" * 80: WHOLE_MAX}))
    for n in range(limits.ACTIONS_MAX + 9):
        target = target.after(1, n + 1, Effect(NOW, f"s{n}", safe=True))
    assert len(target.effects) == limits.EFFECTS_MAX + limits.ACTIONS_MAX
    assert [e.action for e in target.effects[-2:]] == ["s39", "s40"]
    assert read_state(State({TARGET: target}).encoded()) == State({TARGET: target})
    plain = TargetState(1, 1, tuple([Effect(NOW, "pressure:set")] * limits.EFFECTS_MAX))
    one = len(State({TARGET: plain}).encoded())
    assert one * limits.TARGETS_MAX < limits.STATE_BYTES_MAX


def test_states_keep_other_targets() -> None:
    state = State().having("a", TargetState(1, 1)).having("b", TargetState(1, 2))
    assert state.having("a", TargetState(1, 3)).targets == {
        "a": TargetState(1, 3),
        "b": TargetState(1, 2),
    }
    assert state.of("c") == TargetState()


def test_facts_that_nobody_knows() -> None:
    facts = {"x": Fact(5, NOW), "t": Fact("5", NOW), "b": Fact(True, NOW)}  # type: ignore[arg-type]
    assert fresh(facts, "x", 0, NOW) == 5
    assert fresh(facts, "x", 10, NOW + 10) == 5
    assert fresh(facts, "x", 10, NOW + 11) is None
    assert fresh(facts, "x", 10, NOW - 1) is None
    assert fresh(facts, "y", 10, NOW) is None
    assert fresh(facts, "t", 10, NOW) is None
    assert fresh(facts, "b", 10, NOW) is None


def test_what_is_permitted() -> None:
    both = Allowed(ranges=((1, 2), (5, 5)), choices=("max",), chars_max=2, charset="ab")
    assert [v for v in range(8) if permits(both, v)] == [1, 2, 5]
    assert [v for v in ("", "a", "ab", "ba", "aba", "c", "max", "MAX") if permits(both, v)] == [
        "a",
        "ab",
        "ba",
        "max",
    ]
    assert not permits(both, True), "true is not one"
    assert not permits(Allowed(), 0)
    assert not permits(Allowed(), "")


def test_the_shapes_others_rely_on() -> None:
    assert Envelope.__dataclass_fields__["fleet_targets_max"].default == 1_000
    assert Action((), "fr", "en").per_day_max == limits.EFFECTS_MAX
    assert Slew("p", "f", 1, 1, 1) == Slew("p", "f", 1, 1, 1)
    assert isinstance(Member(keys.ED25519, public("a"), "a", "b", HUB), Member)
    assert len(seed("a")) == 32


@pytest.mark.parametrize("value", [b"\x01\x02", "12", {0: 1, 1: 2}, [1], [1, 2, 3], [2, 1], None])
def test_a_range_is_a_list_of_two_ends(value: Any) -> None:
    with pytest.raises(FieldError):
        document.Range().read(value)


def test_a_part_is_absent_only_where_it_may_be() -> None:
    part, optional = document.Part(keys.Assertion), document.Part(keys.Assertion, optional=True)
    assert optional.read(None) is None
    assert optional.write(None) is None
    with pytest.raises(FieldError):
        part.read(None)
    with pytest.raises(TypeError):
        part.write(None)

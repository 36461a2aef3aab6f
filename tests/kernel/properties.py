"""For each reason: whatever the numbers, this kind of wrong command is refused for that reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from hypothesis import strategies as st
from tests.kernel.world import (
    ACTIONS,
    DAY,
    ENVELOPE,
    HOUR,
    MEMBERS,
    NOW,
    ROSTER,
    TARGET,
    Trial,
    trial,
)

from beffroi.kernel.dsse import LEASE, RECEIPT, STATUS, Signed, pack, unpack
from beffroi.kernel.limits import WHOLE_MAX, WIRE_BYTES_MAX
from beffroi.kernel.situation import Fact
from beffroi.kernel.state import Effect, State, TargetState
from beffroi.kernel.verdict import Reason

B, ALERT, DRAIN = trial("B"), trial("alert"), trial("drain")
NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,30}", fullmatch=True)
COUNTERS = st.integers(0, WHOLE_MAX)
NO_OPERATORS = sorted(set(MEMBERS) - {"clerk", "engineer", "prefect", "mayor", "water", "sealed"})
PERSONS = ("clerk", "engineer", "prefect", "mayor", "water", "sealed", "sealed-2")


def mangled(change: Callable[[bytes], bytes]) -> Trial:
    return replace(B, mangle=change)


def bit(wire: bytes, at: int) -> bytes:
    at %= 8 * len(wire)
    raw = bytearray(wire)
    raw[at // 8] ^= 1 << at % 8
    return bytes(raw)


def unreadable(at: int) -> Trial:
    """Cut anywhere."""
    return mangled(lambda wire: wire[: at % len(wire)])


def of_kind(kind: str) -> Trial:
    return replace(B, alter=lambda signed: replace(signed, kind=kind))


def wrong_value(value: bytes) -> Trial:
    def alter(signed: Signed) -> Signed:
        first, second = signed.signatures
        return replace(signed, signatures=(first, replace(second, value=value)))

    return replace(B, alter=alter)


def signed_by(*who: str, shape: Trial = B) -> Trial:
    return replace(shape, by=who)


def set_to(mbar: int, **changes: object) -> Trial:
    return B.says(params={"pressure_mbar": mbar}, **changes)


def travelled(parts: list[int]) -> Trial:
    """As many steps within the hour, whose sum leaves no room for one of 100."""
    steps = [
        Effect(NOW - HOUR + 1 + n, "set", travel={"pressure_mbar": p}) for n, p in enumerate(parts)
    ]
    return B.acts("set", per_hour_max=100, per_day_max=100).after(*steps)


def fleet(names: set[str], age_ms: int) -> Trial:
    moved = {name: TargetState(1, 1, (Effect(NOW - age_ms, "set"),)) for name in names}
    return B.where(state=State({**moved, TARGET: TargetState(2, 10)}))


PROPERTIES: dict[Reason, st.SearchStrategy[Trial]] = {
    Reason.TOO_LARGE: st.integers(0, 50_000).map(
        lambda n: mangled(lambda wire: wire + bytes(WIRE_BYTES_MAX + 1 - len(wire) + n))
    ),
    Reason.UNREADABLE: st.integers(0).map(unreadable)
    | st.binary(max_size=300).map(lambda raw: mangled(lambda wire: raw)),
    Reason.NOT_A_COMMAND: st.sampled_from((RECEIPT, LEASE, STATUS)).map(of_kind),
    Reason.NOT_FOR_ME: st.tuples(NAMES, NAMES)
    .filter(lambda to: to != ("bourg", "g1"))
    .map(lambda to: B.says(commune=to[0], guard=to[1])),
    Reason.UNKNOWN_TARGET: NAMES.filter(lambda name: name != TARGET).map(
        lambda name: B.says(target=name)
    ),
    Reason.ROSTER_EXPIRED: st.integers(0, NOW).map(
        lambda end: B.where(roster=replace(ROSTER, expires_ms=end))
    ),
    Reason.ENVELOPE_EXPIRED: st.integers(0, NOW).map(lambda end: B.ruled(expires_ms=end)),
    Reason.OTHER_ENVELOPE: st.binary(min_size=32, max_size=32).map(lambda d: B.says(envelope=d)),
    Reason.UNKNOWN_KEY: NAMES.filter(lambda name: name not in MEMBERS).map(
        lambda name: signed_by("hub", "clerk", name)
    ),
    Reason.BAD_SIGNATURE: st.binary(min_size=1, max_size=128).map(wrong_value),
    Reason.SAME_PERSON_TWICE: st.permutations(("hub", "clerk", "clerk-2", "engineer")).map(
        lambda who: signed_by(*who)
    )
    | st.sampled_from(PERSONS).map(lambda who: signed_by("hub", who, who)),
    Reason.NOT_FROM_HUB: st.sets(st.sampled_from(PERSONS)).map(lambda who: signed_by(*who)),
    Reason.WRONG_ROLE: st.sampled_from(
        [n for n in NO_OPERATORS if n not in ("hub", "clerk-2", "sealed-2")]
    ).map(lambda who: signed_by("hub", "clerk", who)),
    Reason.OTHER_START: st.binary(min_size=16, max_size=16).map(lambda n: B.says(nonce=n)),
    Reason.OTHER_EPOCH: COUNTERS.filter(lambda e: e != 2).map(lambda e: B.says(epoch=e))
    | st.integers(3, WHOLE_MAX).map(lambda e: B.after(epoch=e)),
    Reason.REPLAYED: st.tuples(st.integers(1, WHOLE_MAX), st.integers(0, WHOLE_MAX))
    .filter(lambda pair: pair[0] <= pair[1])
    .map(lambda pair: B.after(counter=pair[1]).says(counter=pair[0])),
    Reason.COUNTER_JUMP: st.tuples(COUNTERS, COUNTERS)
    .filter(lambda pair: pair[0] > pair[1] + 1_000)
    .map(lambda pair: B.after(counter=pair[1]).says(counter=pair[0])),
    Reason.NOT_YET: st.integers(1, 10**12).map(lambda ms: B.says(not_before_ms=NOW + ms)),
    Reason.EXPIRED: st.integers(0, NOW).map(lambda ms: B.says(expires_ms=ms)),
    Reason.UNKNOWN_ACTION: NAMES.filter(lambda name: name not in ACTIONS).map(
        lambda name: B.says(action=name)
    ),
    Reason.LIVES_TOO_LONG: st.integers(HOUR, 10**12).map(lambda ms: B.says(expires_ms=NOW + ms)),
    Reason.OUTSIDE_ENVELOPE: st.integers(-WHOLE_MAX, WHOLE_MAX)
    .filter(lambda mbar: not 1_500 <= mbar <= 5_000)
    .map(set_to)
    | st.dictionaries(NAMES, st.integers(3_000, 3_500) | NAMES, max_size=8)
    .filter(lambda params: params.keys() != {"pressure_mbar"})
    .map(lambda params: B.says(params=params))
    | st.text(max_size=30).map(lambda text: B.says(params={"pressure_mbar": text})),
    Reason.CLASS_TOO_LOW: st.integers(3_501, 5_000).map(lambda mbar: set_to(mbar, klass="A")),
    Reason.NOT_PERMITTED_NOW: st.integers(-WHOLE_MAX, WHOLE_MAX)
    .filter(lambda ms: not 0 <= NOW - ms <= 5_000)
    .map(lambda ms: B.facing(pressure_mbar=Fact(3_600, ms))),
    Reason.TOO_FEW_PERSONS: st.sampled_from(PERSONS).map(
        lambda who: signed_by("hub", who, shape=DRAIN)
    ),
    Reason.NOT_COMPETENT: st.permutations(("hub", "water", "prefect")).map(
        lambda who: signed_by(*who, shape=DRAIN)
    ),
    Reason.TOO_FEW_ORGANISATIONS: st.permutations(
        ("hub", "clerk", "engineer", "mayor", "sealed-2")
    ).map(lambda who: signed_by(*who, shape=ALERT)),
    Reason.NO_INDEPENDENT_SIGNER: st.permutations(("hub", "clerk", "mayor", "water")).map(
        lambda who: signed_by(*who, shape=ALERT)
    ),
    Reason.NO_LEASE: st.integers(0, NOW).map(lambda ms: B.where(lease_until_ms=ms)),
    Reason.NOT_LOGGED: st.binary(min_size=1, max_size=100).map(
        lambda raw: replace(
            DRAIN,
            alter=lambda s: replace(s, logged=s.logged and replace(s.logged, checkpoint=raw)),
        )
    ),
    Reason.TOO_FEW_WITNESSES: st.sampled_from(((), ("val",), ("mont",), ("val",) * 5)).map(
        lambda who: replace(DRAIN, witnesses=who)
    ),
    Reason.TOO_FAST: st.integers(-WHOLE_MAX, WHOLE_MAX)
    .filter(lambda mbar: abs(mbar - 3_600) > 200)
    .map(lambda mbar: B.facing(pressure_mbar=Fact(mbar, NOW)))
    | st.lists(st.integers(0, 400), min_size=1, max_size=20)
    .filter(lambda parts: sum(parts) > 400)
    .map(travelled),
    Reason.TOO_OFTEN: st.lists(st.integers(0, HOUR - 1), min_size=6, max_size=30).map(
        lambda ages: B.after(*[Effect(NOW - age, "set") for age in ages])
    )
    | st.integers(-(10**9), 9_999)
    .map(lambda age: B.after(Effect(NOW - age, "set")))
    .filter(lambda t: t.known.state.of(TARGET).effects[0].at_ms <= NOW),
    Reason.FLEET_LIMIT: st.tuples(
        st.sets(NAMES.filter(lambda name: name != TARGET), min_size=2, max_size=6),
        st.integers(0, ENVELOPE.fleet_window_ms - 1),
    ).map(lambda both: fleet(*both)),
}

__all__ = ["DAY", "PROPERTIES", "bit", "pack", "unpack"]

"""Rule -> reasons, and for each reason one plain example: what is spoilt in a valid command.

Each `spoil` changes one thing, so that two of them can be put together: the judge must then answer
with the reason that stands first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tests.kernel.world import (
    DAY,
    ENVELOPE,
    HOUR,
    NOW,
    ROSTER,
    TANK,
    TARGET,
    Trial,
    pressures,
    signature,
)

from beffroi.kernel.dsse import RECEIPT, Signed
from beffroi.kernel.envelope import Case
from beffroi.kernel.limits import WIRE_BYTES_MAX
from beffroi.kernel.situation import Fact
from beffroi.kernel.state import Effect, State, TargetState
from beffroi.kernel.verdict import Reason

RULES: dict[int, tuple[Reason, ...]] = {
    1: (Reason.TOO_LARGE,),
    2: (Reason.UNREADABLE, Reason.NOT_A_COMMAND),
    3: (Reason.NOT_FOR_ME, Reason.UNKNOWN_TARGET),
    4: (Reason.ROSTER_EXPIRED, Reason.ENVELOPE_EXPIRED, Reason.OTHER_ENVELOPE),
    5: (Reason.UNKNOWN_KEY, Reason.BAD_SIGNATURE, Reason.SAME_PERSON_TWICE),
    6: (Reason.NOT_FROM_HUB, Reason.WRONG_ROLE),
    7: (Reason.OTHER_START, Reason.OTHER_EPOCH, Reason.REPLAYED, Reason.COUNTER_JUMP),
    8: (Reason.NOT_YET, Reason.EXPIRED, Reason.UNKNOWN_ACTION, Reason.LIVES_TOO_LONG),
    9: (Reason.OUTSIDE_ENVELOPE, Reason.CLASS_TOO_LOW, Reason.NOT_PERMITTED_NOW),
    10: (
        Reason.TOO_FEW_PERSONS,
        Reason.NOT_COMPETENT,
        Reason.TOO_FEW_ORGANISATIONS,
        Reason.NO_INDEPENDENT_SIGNER,
    ),
    11: (
        Reason.NO_LEASE,
        Reason.NOT_LOGGED,
        Reason.TOO_FEW_WITNESSES,
        Reason.TOO_FAST,
        Reason.TOO_OFTEN,
        Reason.FLEET_LIMIT,
    ),
}


def retyped(signed: Signed) -> Signed:
    """The same payload, signed as a receipt by the same people."""
    bare = replace(signed, kind=RECEIPT, signatures=())
    return replace(bare, signatures=tuple(signature(n, bare.pae) for n in ("hub", "clerk")))


def flipped(signed: Signed) -> Signed:
    """One bit of the last signature is another."""
    *others, last = signed.signatures
    value = bytes([last.value[0] ^ 1]) + last.value[1:]
    return replace(signed, signatures=(*others, replace(last, value=value)))


def moved(name: str, at_ms: int = NOW, *, safe: bool = False) -> dict[str, TargetState]:
    return {name: TargetState(2, 10, (Effect(at_ms, "set", safe),))}


def others_moved(trial: Trial) -> Trial:
    targets = {**trial.known.state.targets, **moved("pump:2"), **moved("pump:3")}
    return trial.where(state=State(targets))


def tank_empty(trial: Trial) -> Trial:
    case = Case("B", pressures(2_500, 4_000), (TANK,))
    return trial.acts("set", cases=(case,)).facing(tank_pct=Fact(19, NOW))


# The shape of command that is spoilt, and how.
EXAMPLES: dict[Reason, tuple[str, Callable[[Trial], Trial]]] = {
    Reason.TOO_LARGE: ("B", lambda t: replace(t, mangle=lambda w: w + bytes(WIRE_BYTES_MAX))),
    Reason.UNREADABLE: ("B", lambda t: replace(t, mangle=lambda w: w + b"\0")),
    Reason.NOT_A_COMMAND: ("B", lambda t: replace(t, alter=retyped)),
    Reason.NOT_FOR_ME: ("B", lambda t: t.says(guard="g2")),
    Reason.UNKNOWN_TARGET: ("B", lambda t: t.says(target="pump:9")),
    Reason.ROSTER_EXPIRED: ("B", lambda t: t.where(roster=replace(ROSTER, expires_ms=NOW))),
    Reason.ENVELOPE_EXPIRED: ("B", lambda t: t.ruled(expires_ms=NOW)),
    Reason.OTHER_ENVELOPE: ("B", lambda t: t.says(envelope=replace(ENVELOPE, version=6).digest)),
    Reason.UNKNOWN_KEY: ("B", lambda t: replace(t, by=("hub", "stranger"))),
    Reason.BAD_SIGNATURE: ("B", lambda t: replace(t, alter=flipped)),
    Reason.SAME_PERSON_TWICE: ("B", lambda t: replace(t, by=("hub", "clerk", "clerk-2"))),
    Reason.NOT_FROM_HUB: ("B", lambda t: replace(t, by=("clerk",))),
    Reason.WRONG_ROLE: ("B", lambda t: replace(t, by=("hub", "lamps"))),
    Reason.OTHER_START: ("B", lambda t: t.says(nonce=bytes(16))),
    Reason.OTHER_EPOCH: ("B", lambda t: t.says(epoch=3)),
    Reason.REPLAYED: ("B", lambda t: t.says(counter=10)),
    Reason.COUNTER_JUMP: ("B", lambda t: t.says(counter=2_000)),
    Reason.NOT_YET: ("B", lambda t: t.says(not_before_ms=NOW + 1)),
    Reason.EXPIRED: ("B", lambda t: t.says(expires_ms=NOW)),
    Reason.UNKNOWN_ACTION: ("B", lambda t: t.says(action="burst")),
    Reason.LIVES_TOO_LONG: ("B", lambda t: t.says(expires_ms=NOW + DAY)),
    Reason.OUTSIDE_ENVELOPE: ("B", lambda t: t.says(params={"pressure_mbar": 9_000})),
    Reason.CLASS_TOO_LOW: ("B", lambda t: t.says(klass="A")),
    Reason.NOT_PERMITTED_NOW: ("B", tank_empty),
    Reason.TOO_FEW_PERSONS: ("B", lambda t: replace(t, by=("hub",))),
    Reason.NOT_COMPETENT: ("B", lambda t: replace(t, by=("hub", "water"))),
    Reason.TOO_FEW_ORGANISATIONS: ("alert", lambda t: replace(t, by=("hub", "clerk", "engineer"))),
    Reason.NO_INDEPENDENT_SIGNER: ("alert", lambda t: replace(t, by=("hub", "mayor", "water"))),
    Reason.NO_LEASE: ("B", lambda t: t.where(lease_until_ms=NOW)),
    Reason.NOT_LOGGED: ("drain", lambda t: replace(t, log=False)),
    Reason.TOO_FEW_WITNESSES: ("drain", lambda t: replace(t, witnesses=("val",))),
    Reason.TOO_FAST: ("B", lambda t: t.facing(pressure_mbar=Fact(3_399, NOW))),
    Reason.TOO_OFTEN: ("B", lambda t: t.acts("set", per_hour_max=0)),
    Reason.FLEET_LIMIT: ("B", others_moved),
}
# Both change the same thing: they cannot be put together.
SAME_THING = (
    {Reason.TOO_LARGE, Reason.UNREADABLE},
    {Reason.NOT_A_COMMAND, Reason.BAD_SIGNATURE, Reason.UNKNOWN_KEY},
    {
        Reason.NOT_A_COMMAND,
        Reason.UNKNOWN_KEY,
        Reason.SAME_PERSON_TWICE,
        Reason.NOT_FROM_HUB,
        Reason.WRONG_ROLE,
        Reason.TOO_FEW_PERSONS,
        Reason.NOT_COMPETENT,
    },
    {Reason.REPLAYED, Reason.COUNTER_JUMP},
    {Reason.EXPIRED, Reason.LIVES_TOO_LONG},
    {Reason.NOT_PERMITTED_NOW, Reason.TOO_FAST},
    {Reason.OUTSIDE_ENVELOPE, Reason.CLASS_TOO_LOW, Reason.NOT_PERMITTED_NOW},
)

# (what, reason, just too much, just enough): where each border runs.
Border = tuple[str, Reason, Trial, Trial]


def borders(trial: Callable[[str], Trial]) -> list[Border]:
    b, c, alert, drain = trial("B"), trial("C"), trial("alert"), trial("drain")
    old = Effect(NOW - HOUR, "set", travel={"pressure_mbar": 401})
    new = replace(old, at_ms=NOW - HOUR + 1)

    def travelled(mbar: int) -> Trial:
        return b.after(replace(new, travel={"pressure_mbar": mbar}))

    def sets(count: int, at_ms: int) -> Trial:
        return b.after(*[Effect(at_ms, "set", travel={}) for _ in range(count)])

    def fleet(at_ms: int, *, safe: bool = False, most: int = 1) -> Trial:
        t = b.ruled(fleet_targets_max=most)
        return t.where(state=State({TARGET: TargetState(2, 10), **moved("x", at_ms, safe=safe)}))

    window = ENVELOPE.fleet_window_ms
    lifetime = NOW - 1_000 + HOUR
    roster = replace(ROSTER, expires_ms=NOW + 1)
    return [
        (
            "roster ends",
            Reason.ROSTER_EXPIRED,
            b.where(now_ms=ROSTER.expires_ms).says(
                not_before_ms=ROSTER.expires_ms, expires_ms=ROSTER.expires_ms + 1
            ),
            b.where(roster=roster),
        ),
        (
            "envelope ends",
            Reason.ENVELOPE_EXPIRED,
            b.ruled(expires_ms=NOW),
            b.ruled(expires_ms=NOW + 1),
        ),
        ("counter", Reason.REPLAYED, b.says(counter=10), b.says(counter=11)),
        ("jump", Reason.COUNTER_JUMP, b.says(counter=1_011), b.says(counter=1_010)),
        (
            "jump in a new epoch",
            Reason.COUNTER_JUMP,
            b.after(epoch=1, counter=5_000).says(counter=1_001),
            b.after(epoch=1, counter=5_000).says(counter=1_000),
        ),
        ("old epoch", Reason.OTHER_EPOCH, b.after(epoch=3, counter=0), b.after(epoch=2)),
        ("begins", Reason.NOT_YET, b.says(not_before_ms=NOW + 1), b.says(not_before_ms=NOW)),
        ("expires", Reason.EXPIRED, b.says(expires_ms=NOW), b.says(expires_ms=NOW + 1)),
        (
            "lifetime",
            Reason.LIVES_TOO_LONG,
            b.says(expires_ms=lifetime + 1),
            b.says(expires_ms=lifetime),
        ),
        ("lease", Reason.NO_LEASE, b.where(lease_until_ms=NOW), b.where(lease_until_ms=NOW + 1)),
        (
            "B's band",
            Reason.CLASS_TOO_LOW,
            b.says(params={"pressure_mbar": 4_001}).facing(pressure_mbar=Fact(4_000, NOW)),
            b.says(params={"pressure_mbar": 4_000}).facing(pressure_mbar=Fact(4_000, NOW)),
        ),
        (
            "B's band, below",
            Reason.CLASS_TOO_LOW,
            b.says(params={"pressure_mbar": 2_499}).facing(pressure_mbar=Fact(2_500, NOW)),
            b.says(params={"pressure_mbar": 2_500}).facing(pressure_mbar=Fact(2_500, NOW)),
        ),
        (
            "tank too low",
            Reason.NOT_PERMITTED_NOW,
            c.says(params={"pressure_mbar": 4_100}).facing(
                pressure_mbar=Fact(4_000, NOW), tank_pct=Fact(19, NOW)
            ),
            c.says(params={"pressure_mbar": 4_100}).facing(
                pressure_mbar=Fact(4_000, NOW), tank_pct=Fact(20, NOW)
            ),
        ),
        (
            "tank unknown for long",
            Reason.NOT_PERMITTED_NOW,
            c.says(params={"pressure_mbar": 4_100}).facing(
                pressure_mbar=Fact(4_000, NOW), tank_pct=Fact(50, NOW - 60_001)
            ),
            c.says(params={"pressure_mbar": 4_100}).facing(
                pressure_mbar=Fact(4_000, NOW), tank_pct=Fact(50, NOW - 60_000)
            ),
        ),
        (
            "fact of the future",
            Reason.NOT_PERMITTED_NOW,
            b.facing(pressure_mbar=Fact(3_500, NOW + 1)),
            b,
        ),
        (
            "stale step",
            Reason.NOT_PERMITTED_NOW,
            b.facing(pressure_mbar=Fact(3_500, NOW - 5_001)),
            b.facing(pressure_mbar=Fact(3_500, NOW - 5_000)),
        ),
        (
            "read before the last effect",
            Reason.NOT_PERMITTED_NOW,
            b.after(Effect(NOW - 20, "vent")).facing(pressure_mbar=Fact(3_500, NOW - 21)),
            b.after(Effect(NOW - 20, "vent")).facing(pressure_mbar=Fact(3_500, NOW - 20)),
        ),
        (
            "step up",
            Reason.TOO_FAST,
            b.facing(pressure_mbar=Fact(3_399, NOW)),
            b.facing(pressure_mbar=Fact(3_400, NOW)),
        ),
        (
            "step down",
            Reason.TOO_FAST,
            b.facing(pressure_mbar=Fact(3_801, NOW)),
            b.facing(pressure_mbar=Fact(3_800, NOW)),
        ),
        ("travel", Reason.TOO_FAST, travelled(401), travelled(400)),
        ("an hour of travel", Reason.TOO_FAST, b.after(new), b.after(old)),
        ("sets an hour", Reason.TOO_OFTEN, sets(6, NOW - HOUR + 1), sets(5, NOW - HOUR + 1)),
        ("hour is over", Reason.TOO_OFTEN, sets(6, NOW - HOUR + 1), sets(6, NOW - HOUR)),
        ("sets a day", Reason.TOO_OFTEN, sets(20, NOW - HOUR), sets(19, NOW - HOUR)),
        ("day is over", Reason.TOO_OFTEN, sets(20, NOW - DAY + 1), sets(20, NOW - DAY)),
        ("spacing", Reason.TOO_OFTEN, sets(1, NOW - 9_999), sets(1, NOW - 10_000)),
        (
            "no spacing, and the clock was set back",
            Reason.TOO_OFTEN,
            b.acts("set", spacing_ms_min=1, slew=()).after(Effect(NOW + DAY, "set")),
            b.acts("set", spacing_ms_min=0, slew=()).after(Effect(NOW + DAY, "set")),
        ),
        (
            "spacing after the safe direction",
            Reason.TOO_OFTEN,
            b.after(Effect(NOW - 9_999, "set", safe=True)),
            b.after(Effect(NOW - 10_000, "set", safe=True)),
        ),
        (
            "spacing is of one action",
            Reason.TOO_OFTEN,
            b.after(Effect(NOW, "set", safe=True)),
            b.after(Effect(NOW, "vent", safe=True)),
        ),
        (
            "the safe direction uses up no count",
            Reason.TOO_OFTEN,
            b.acts("set", per_hour_max=1).after(Effect(NOW - HOUR + 1, "set")),
            b.acts("set", per_hour_max=1).after(Effect(NOW - HOUR + 1, "set", safe=True)),
        ),
        (
            "counts are of one action",
            Reason.TOO_OFTEN,
            b.acts("set", per_hour_max=1, per_day_max=1).after(Effect(NOW - 20_000, "set")),
            b.acts("set", per_hour_max=1, per_day_max=1).after(Effect(NOW - 20_000, "vent")),
        ),
        (
            "travel is of one parameter",
            Reason.TOO_FAST,
            b.after(Effect(NOW - 20_000, "vent", travel={"pressure_mbar": 401})),
            b.after(
                Effect(NOW - 30_000, "vent", travel={"flow_lph": 401}),
                Effect(NOW - 20_000, "set", travel={"pressure_mbar": 400}),
            ),
        ),
        (
            "moves of all kinds",
            Reason.TOO_OFTEN,
            b.after(*[Effect(NOW - DAY + 1, "vent")] * 500),
            b.after(*[Effect(NOW - DAY + 1, "vent")] * 499),
        ),
        (
            "moves of all kinds, a day ago",
            Reason.TOO_OFTEN,
            b.after(*[Effect(NOW - DAY + 1, "vent")] * 500),
            b.after(*[Effect(NOW - DAY, "vent")] * 500),
        ),
        ("fleet", Reason.FLEET_LIMIT, fleet(NOW), fleet(NOW, most=2)),
        ("fleet window", Reason.FLEET_LIMIT, fleet(NOW - window + 1), fleet(NOW - window)),
        ("fleet, safe ones", Reason.FLEET_LIMIT, fleet(NOW), fleet(NOW, safe=True)),
        ("witnesses", Reason.TOO_FEW_WITNESSES, replace(drain, witnesses=("val",)), drain),
        (
            "one witness is enough here",
            Reason.TOO_FEW_WITNESSES,
            replace(alert, witnesses=()),
            replace(alert, witnesses=("mont",)),
        ),
        ("persons for C", Reason.TOO_FEW_PERSONS, replace(drain, by=("hub", "engineer")), drain),
        (
            "independent",
            Reason.NO_INDEPENDENT_SIGNER,
            replace(drain, by=("hub", "clerk", "mayor")),
            replace(drain, by=("hub", "clerk", "prefect")),
        ),
        (
            "organisations",
            Reason.TOO_FEW_ORGANISATIONS,
            replace(alert, by=("hub", "mayor", "engineer")),
            alert,
        ),
        (
            "competent",
            Reason.NOT_COMPETENT,
            replace(drain, by=("hub", "water", "prefect")),
            replace(drain, by=("hub", "water", "engineer")),
        ),
        (
            "text too long",
            Reason.OUTSIDE_ENVELOPE,
            alert.says(params={"text": "A" * 9}),
            alert.says(params={"text": "A" * 8}),
        ),
        (
            "no text",
            Reason.OUTSIDE_ENVELOPE,
            alert.says(params={"text": ""}),
            alert.says(params={"text": "A"}),
        ),
        (
            "remembered targets",
            Reason.UNKNOWN_TARGET,
            b.where(state=State({f"x{n}": TargetState() for n in range(1_000)})).says(counter=1),
            b.where(state=State({f"x{n}": TargetState() for n in range(999)})).says(counter=1),
        ),
    ]

"""For each reason, somebody who profits: root on the hub (with the hub's key and everything that
was ever signed), one malicious operator, a thief. No attacker has two persons' keys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tests.kernel.world import (
    ACTIONS,
    COMMUNE,
    DAY,
    ENVELOPE,
    HOUR,
    MEMBERS,
    NOW,
    ORIGIN,
    ROSTER,
    TARGET,
    Page,
    Trial,
    asserted,
    checkpoint,
    entry,
    logged,
    member,
    public,
    signature,
    tree,
    trial,
)

from beffroi.kernel import keys
from beffroi.kernel.canonical import decode, encode
from beffroi.kernel.dsse import COMMAND, RECEIPT, Logged, Signature, Signed, pack
from beffroi.kernel.limits import WHOLE_MAX
from beffroi.kernel.roster import HUB, WITNESS
from beffroi.kernel.situation import Fact
from beffroi.kernel.state import Effect, State, TargetState
from beffroi.kernel.verdict import Reason

B, C, ALERT, DRAIN = trial("B"), trial("C"), trial("alert"), trial("drain")


def resigned(change: Callable[[dict[str, object]], object]) -> Callable[[Signed], Signed]:
    """The payload is rewritten in another form, and the hub and the clerk sign those bytes."""

    def alter(signed: Signed) -> Signed:
        said = decode(signed.payload, 4_096)
        assert isinstance(said, dict)
        bare = Signed(COMMAND, raw(change(dict(said))))
        return replace(bare, signatures=tuple(signature(n, bare.pae) for n in ("hub", "clerk")))

    return alter


def raw(value: object) -> bytes:
    return value if isinstance(value, bytes) else encode(value)


def rewritten(change: Callable[[dict[str, object]], object]) -> Trial:
    return replace(B, alter=resigned(change))


def with_key(said: dict[str, object], **more: object) -> dict[str, object]:
    return {**said, **more}


def unsorted(said: dict[str, object]) -> bytes:
    pairs = [encode(key) + encode(value) for key, value in sorted(said.items(), reverse=True)]
    return bytes([0xA0 | len(pairs)]) + b"".join(pairs)


def doubled(said: dict[str, object]) -> bytes:
    """`counter` twice: one program takes the first, another the last."""
    body = encode(said)
    field = encode("counter") + encode(said["counter"])
    return bytes([body[0] + 1]) + body[1:].replace(field, field + field)


def long_number(said: dict[str, object]) -> bytes:
    return encode(said).replace(encode("epoch") + b"\x02", encode("epoch") + b"\x18\x02")


def outer_field(wire: bytes) -> bytes:
    said = decode(wire, 20_000)
    assert isinstance(said, dict)
    return encode({**said, "unsigned": True})


def altered(change: Callable[[Signed], Signed], t: Trial = B) -> Trial:
    return replace(t, alter=change)


def stolen_from(other: Trial) -> Callable[[Signed], Signed]:
    """The clerk's true signature, taken from another command."""

    def alter(signed: Signed) -> Signed:
        hub, _ = signed.signatures
        return replace(signed, signatures=(hub, other.signed().signatures[1]))

    return alter


def from_page(page: Page) -> Trial:
    return altered(
        lambda s: replace(s, signatures=(s.signatures[0], asserted(s.pae, page))),
    )


def passkey_without_assertion(signed: Signed) -> Signed:
    hub, person = replace(B, by=("hub", "mayor")).signed().signatures
    return replace(signed, signatures=(hub, replace(person, assertion=None)))


def key_with_assertion(signed: Signed) -> Signed:
    hub, clerk = signed.signatures
    assertion = asserted(signed.pae).assertion
    return replace(signed, signatures=(hub, replace(clerk, assertion=assertion)))


def renamed(signed: Signed) -> Signed:
    """The hub's signature under the clerk's key id."""
    hub, clerk = signed.signatures
    return replace(signed, signatures=(hub, replace(clerk, value=hub.value)))


def receipt_as_command(signed: Signed) -> Signed:
    """Signatures given for a receipt with the same bytes."""
    other = replace(signed, kind=RECEIPT)
    return replace(signed, signatures=tuple(signature(n, other.pae) for n in ("hub", "clerk")))


def roster_with(*members: object, **changes: object) -> object:
    return replace(ROSTER, members=(*ROSTER.members, *members), **changes)


def proof(change: Callable[[Logged], Logged]) -> Trial:
    return altered(lambda s: replace(s, logged=s.logged and change(s.logged)), DRAIN)


def own_log(signed: Signed) -> Signed:
    """A log of its own, signed with the log's key but cosigned by nobody outside."""
    body = entry(DRAIN.command.digest)
    note = checkpoint(1, tree([body]), ()).text()
    return replace(signed, logged=Logged(body, 0, (), note))


def forged_witness(signed: Signed) -> Signed:
    """The hub signs as both witnesses, with its own key."""
    body = entry(DRAIN.command.digest)
    true = checkpoint(1, tree([body]), ("val", "mont"))
    lines = [
        replace(line, raw=line.raw[:12] + keys.sign(b"\1" * 32, true.body))
        for line in true.signatures[1:]
    ]
    note = replace(true, signatures=(true.signatures[0], *lines)).text()
    return replace(signed, logged=Logged(body, 0, (), note))


def split_view(signed: Signed) -> Signed:
    """Witnesses cosigned a log of the same size that does not hold the command."""
    body = entry(DRAIN.command.digest)
    note = checkpoint(6, tree([b"other %d" % n for n in range(6)]), ("val", "mont")).text()
    return replace(signed, logged=Logged(body, 3, logged(b"").path, note))


def foreign(origin: str) -> Callable[[Signed], Signed]:
    def alter(signed: Signed) -> Signed:
        body = entry(DRAIN.command.digest)
        note = checkpoint(1, tree([body]), ("val", "mont"), origin).text()
        return replace(signed, logged=Logged(body, 0, (), note))

    return alter


def flushed() -> Trial:
    """500 commands in the safe direction, to push a travel of 500 out of memory."""
    target = TargetState(2, 10).after(2, 11, Effect(NOW - 9, "set", travel={"pressure_mbar": 500}))
    for n in range(600):
        target = target.after(2, 12 + n, Effect(NOW - 8, "rest", safe=True))
    return B.where(state=State({TARGET: target})).says(counter=target.counter + 1)


def flushed_by(action: str) -> Trial:
    """Another action's moves, to push out the counts of this one."""
    target = TargetState(2, 10)
    for n in range(20):
        target = target.after(2, 11 + n, Effect(NOW - 2 * HOUR, "set"))
    for n in range(479):
        target = target.after(2, 31 + n, Effect(NOW - HOUR, action))
    return B.where(state=State({TARGET: target})).says(counter=target.counter + 1)


def own_witness() -> Trial:
    """A witness key that our own organisation holds, beside one outside."""
    ours = member("shadow", "bourg", WITNESS)
    return replace(DRAIN, witnesses=("val", "shadow")).where(roster=roster_with(ours))


def alert_of_class(klass: str) -> Trial:
    """An action that asks for two organisations, with a case that asks for nobody."""
    cases = (replace(ACTIONS["alert"].cases[0], klass=klass),)
    return replace(ALERT, by=("hub",)).says(klass="A").acts("alert", cases=cases)


def other_guards(**changes: object) -> Trial:
    """An envelope that is not for this guard and target lies in the place of ours."""
    envelope = replace(ENVELOPE, **changes)  # type: ignore[arg-type]
    return B.where(envelopes={TARGET: envelope}).says(envelope=envelope.digest)


# reason -> (what is tried, the command as it comes)
ATTACKS: dict[Reason, dict[str, Trial]] = {
    Reason.TOO_LARGE: {
        "ten megabytes": replace(B, mangle=lambda wire: wire + bytes(10**7)),
        "a valid command padded by one byte too many": replace(
            B, mangle=lambda wire: wire.ljust(16_385, b"\0")
        ),
    },
    Reason.UNREADABLE: {
        "nothing": replace(B, mangle=lambda wire: b""),
        "a field more in the payload": rewritten(lambda m: with_key(m, force=True)),
        "a field less": rewritten(lambda m: {k: v for k, v in m.items() if k != "counter"}),
        "counter as true": rewritten(lambda m: with_key(m, counter=True)),
        "a parameter as true": rewritten(lambda m: with_key(m, params={"pressure_mbar": True})),
        "counter as text": rewritten(lambda m: with_key(m, counter="11")),
        "counter of zero": rewritten(lambda m: with_key(m, counter=0)),
        "a class of its own": rewritten(lambda m: with_key(m, klass="D")),
        "class in small letters": rewritten(lambda m: with_key(m, klass="a")),
        "target in Cyrillic": rewritten(lambda m: with_key(m, target="рump:1")),
        "target with a line": rewritten(lambda m: with_key(m, target="pump:1\n")),
        "target with a full-width digit": rewritten(lambda m: with_key(m, target="pump:１")),
        "a short nonce": rewritten(lambda m: with_key(m, nonce=bytes(15))),
        "maps in another order": rewritten(unsorted),
        "a field twice": rewritten(doubled),
        "a number written longer": rewritten(long_number),
        "a tag around it": rewritten(lambda m: b"\xd9\xd9\xf7" + encode(m)),
        "a second command behind it": rewritten(lambda m: encode(m) * 2),
        "a list of commands": rewritten(lambda m: encode([m])),
        "a payload too long": rewritten(lambda m: with_key(m, params={"t": "x" * 2_100})),
        "a field outside the signature": replace(B, mangle=outer_field),
        "nine signatures": altered(lambda s: replace(s, signatures=s.signatures[:1] * 9)),
    },
    Reason.NOT_A_COMMAND: {
        "a command signed as a receipt": altered(
            lambda s: replace(s, kind=RECEIPT, signatures=s.signatures)
        ),
    },
    Reason.NOT_FOR_ME: {
        "another guard's command": B.says(guard="g2"),
        "another commune's": B.says(commune="bourg2"),
        "capitals": B.says(guard="G1"),
    },
    Reason.UNKNOWN_TARGET: {
        "capitals": B.says(target="Pump:1"),
        "an envelope of another guard": other_guards(guard="g2"),
        "an envelope of another target": other_guards(target="pump:2"),
        "an envelope of another commune": other_guards(commune="val"),
        "a thousand targets fill the memory": B.where(
            state=State({f"x{n}": TargetState() for n in range(1_000)})
        ).says(counter=1),
    },
    Reason.ROSTER_EXPIRED: {
        "an offline guard after the roster's end": B.where(now_ms=ROSTER.expires_ms),
        "another commune's roster": B.where(roster=replace(ROSTER, commune="val")),
    },
    Reason.ENVELOPE_EXPIRED: {
        "frozen trust: the old envelope is kept up": B.where(now_ms=ENVELOPE.expires_ms),
    },
    Reason.OTHER_ENVELOPE: {
        "written under wider rules": B.says(
            envelope=replace(ENVELOPE, actions={"set": replace(ACTIONS["set"], slew=())}).digest
        ),
        "a prefix of the digest": B.says(envelope=ENVELOPE.digest[:16] + bytes(16)),
    },
    Reason.UNKNOWN_KEY: {
        "a key of its own": replace(B, by=("hub", "eve")),
        "a revoked key": B.where(
            roster=replace(ROSTER, members=tuple(m for n, m in MEMBERS.items() if n != "clerk"))
        ),
        "the clerk's key as a passkey": altered(
            lambda s: replace(
                s,
                signatures=(
                    s.signatures[0],
                    replace(s.signatures[1], key=keys.key_id(keys.PASSKEY, public("clerk"))),
                ),
            )
        ),
    },
    Reason.BAD_SIGNATURE: {
        "the signature of another counter": altered(stolen_from(B.says(counter=12))),
        "the signature of another value": altered(
            stolen_from(B.says(params={"pressure_mbar": 3_601}))
        ),
        "the signature for another guard": altered(stolen_from(B.says(guard="g2"))),
        "the signature of yesterday's start": altered(stolen_from(B.says(nonce=bytes(16)))),
        "the hub's signature under the clerk's key": altered(renamed),
        "a receipt's signatures": altered(receipt_as_command),
        "an assertion on a plain key": altered(key_with_assertion),
        "a passkey without an assertion": altered(passkey_without_assertion),
        "passkey: another site": from_page(Page({"origin": "https://evil.example"})),
        "passkey: another relying party": from_page(Page(rp_id="evil.example")),
        "passkey: a registration": from_page(Page({"type": "webauthn.create"})),
        "passkey: another command": from_page(Page({"challenge": "A" * 43})),
        "passkey: in a frame of another site": from_page(Page({"crossOrigin": True})),
        "passkey: somebody else's": from_page(Page(name="eve")),
        "passkey: nobody verified": from_page(Page(flags=0x01)),
        "passkey: nobody present": from_page(Page(flags=0x04)),
        "empty signature": altered(
            lambda s: replace(s, signatures=(s.signatures[0], replace(s.signatures[1], value=b"0")))
        ),
    },
    Reason.SAME_PERSON_TWICE: {
        "one person, two keys": replace(DRAIN, by=("hub", "clerk", "clerk-2")),
        "one person, one key twice": replace(DRAIN, by=("hub", "engineer", "engineer")),
        "the hub twice": replace(B, by=("hub", "hub", "clerk")),
    },
    Reason.NOT_FROM_HUB: {
        "an operator past the hub and its log": replace(DRAIN, by=("clerk", "engineer")),
        "no signature at all": replace(B, by=()),
        "two hubs": replace(B, by=("hub", "hub-2", "clerk")).where(
            roster=roster_with(member("hub-2", "bourg", HUB))
        ),
    },
    Reason.WRONG_ROLE: {
        "a stolen guard's key as a person": replace(DRAIN, by=("hub", "g1", "engineer")),
        "a witness as a person": replace(B, by=("hub", "val")),
        "the log's key as a person": replace(B, by=("hub", "log")),
        "a lighting operator for water": replace(DRAIN, by=("hub", "engineer", "lamps")),
    },
    Reason.OTHER_START: {
        "yesterday's capture after a restart": B.says(nonce=b"start-of-before."),
        "a prefix": B.says(nonce=b"start-of-today.\0"),
    },
    Reason.OTHER_EPOCH: {
        "the hub opens a new epoch": B.says(epoch=3, counter=1),
        "the last number there is": B.says(epoch=WHOLE_MAX),
        "an old envelope comes back": B.after(epoch=3, counter=0),
    },
    Reason.REPLAYED: {
        "the same again": B.after(counter=11),
        "an older one": B.after(counter=500).says(counter=499),
        "the last number there is": B.after(counter=WHOLE_MAX).says(counter=WHOLE_MAX),
    },
    Reason.COUNTER_JUMP: {
        "burn the counter": B.says(counter=WHOLE_MAX),
        "burn a new target's counter": B.where(state=State()).says(counter=1_001),
    },
    Reason.NOT_YET: {"signed for next year": B.says(not_before_ms=NOW + 365 * DAY)},
    Reason.EXPIRED: {
        "held back by the hub for a minute": B.where(now_ms=NOW + 60_000),
        "ends before it begins": B.says(not_before_ms=NOW, expires_ms=NOW - 1),
    },
    Reason.UNKNOWN_ACTION: {
        "a lamp head": replace(C, by=("hub", "clerk", "engineer")).says(action="head:3:green"),
        "capitals": B.says(action="SET"),
    },
    Reason.LIVES_TOO_LONG: {
        "to be used some day": B.says(expires_ms=WHOLE_MAX),
        "from the beginning of time": B.says(not_before_ms=0),
    },
    Reason.OUTSIDE_ENVELOPE: {
        "two people want too much": C.says(params={"pressure_mbar": 5_001}),
        "a negative pressure": B.says(params={"pressure_mbar": -3_600}),
        "a parameter more": B.says(params={"pressure_mbar": 3_600, "force": 1}),
        "no parameter": B.says(params={}),
        "a number as text": B.says(params={"pressure_mbar": "3600"}),
        "a text of other letters": ALERT.says(params={"text": "АВС"}),
        "a text that ends a line": ALERT.says(params={"text": "A\nB"}),
        "a choice and a bit": ALERT.says(params={"text": "flood "}),
        "text as a number": ALERT.says(params={"text": 0}),
    },
    Reason.CLASS_TOO_LOW: {
        "the hub alone calls it automatic": replace(B, by=("hub",)).says(klass="A"),
        "one person calls it B": C.says(klass="B", params={"pressure_mbar": 4_100}),
    },
    Reason.NOT_PERMITTED_NOW: {
        "the tank is empty": C.says(params={"pressure_mbar": 4_100}).facing(tank_pct=Fact(3, NOW)),
        "the sensor is cut": C.says(params={"pressure_mbar": 4_100}).facing(tank_pct=None),
        "the clock is set back: facts of the future": C.says(
            params={"pressure_mbar": 4_100}
        ).facing(tank_pct=Fact(50, NOW + 1)),
        "a fact that is no number": B.facing(pressure_mbar=Fact("3500", NOW)),  # type: ignore[arg-type]
        "a fact that is true": B.facing(pressure_mbar=Fact(True, NOW)),
        "two steps measured from one reading": B.after(Effect(NOW - 10, "vent")).facing(
            pressure_mbar=Fact(3_500, NOW - 11)
        ),
    },
    Reason.TOO_FEW_PERSONS: {
        "root on the hub": replace(DRAIN, by=("hub",)),
        "one malicious operator and root on the hub": replace(DRAIN, by=("hub", "engineer")),
        "both keys of the safe": replace(DRAIN, by=("hub", "sealed", "sealed-2")),
    },
    Reason.NOT_COMPETENT: {
        "two people of elsewhere": replace(DRAIN, by=("hub", "prefect", "water")),
        "one person of elsewhere": replace(B, by=("hub", "prefect")),
    },
    Reason.TOO_FEW_ORGANISATIONS: {
        "two of the same town hall": replace(ALERT, by=("hub", "clerk", "engineer")),
        "a sealed key as the second organisation": replace(ALERT, by=("hub", "clerk", "sealed-2")),
        "one person, in a case of class B": replace(
            ALERT.acts("alert", cases=(replace(ACTIONS["alert"].cases[0], klass="B"),)),
            by=("hub", "clerk"),
        ),
    },
    Reason.NO_INDEPENDENT_SIGNER: {
        "two passkeys pressed on the hub's page": replace(DRAIN, by=("hub", "mayor", "clerk")),
    },
    Reason.NO_LEASE: {
        "after the lease": B.where(lease_until_ms=NOW - 1),
        "never leased": B.where(lease_until_ms=0),
    },
    Reason.NOT_LOGGED: {
        "no proof": replace(DRAIN, log=False),
        "another command's proof": altered(
            lambda s: replace(s, logged=logged(B.command.digest)), DRAIN
        ),
        "an entry of another kind": proof(
            lambda p: replace(p, entry=entry(DRAIN.command.digest, kind="command.refused"))
        ),
        "an entry without a subject": proof(
            lambda p: replace(p, entry=entry(DRAIN.command.digest, subject=...))
        ),
        "an entry that is no map": proof(lambda p: replace(p, entry=encode("command.approved"))),
        "an entry that is no CBOR": proof(lambda p: replace(p, entry=b"\xff")),
        "an entry with one more field": proof(
            lambda p: replace(p, entry=entry(DRAIN.command.digest, more=1))
        ),
        "another index": proof(lambda p: replace(p, index=2)),
        "an index outside": proof(lambda p: replace(p, index=6)),
        "a shorter path": proof(lambda p: replace(p, path=p.path[:-1])),
        "a longer path": proof(lambda p: replace(p, path=(*p.path, bytes(32)))),
        "a path turned round": proof(lambda p: replace(p, path=p.path[::-1])),
        "a log of the hub's own, at another name": altered(foreign("beffroi/evil"), DRAIN),
        "a neighbour's log": altered(foreign("beffroi/val"), DRAIN),
        "a split view": altered(split_view, DRAIN),
        "a log key that nobody knows": altered(
            lambda s: replace(
                s,
                logged=Logged(
                    entry(DRAIN.command.digest),
                    0,
                    (),
                    checkpoint(
                        1, tree([entry(DRAIN.command.digest)]), ("val", "mont"), ORIGIN, "eve"
                    ).text(),
                ),
            ),
            DRAIN,
        ),
    },
    Reason.TOO_FEW_WITNESSES: {
        "a private log": altered(own_log, DRAIN),
        "forged cosignatures": altered(forged_witness, DRAIN),
        "one witness five times": replace(DRAIN, witnesses=("val",) * 5),
        "our own organisation as a witness": own_witness(),
        "the commune's own name as a witness": replace(DRAIN, witnesses=("val", "self")).where(
            roster=replace(
                ROSTER,
                members=(
                    *(replace(m, org="dsi") if m.org == "bourg" else m for m in ROSTER.members),
                    member("self", COMMUNE, WITNESS),
                ),
            )
        ),
        "two witness keys of one commune": replace(DRAIN, witnesses=("val", "val-2")).where(
            roster=roster_with(member("val-2", "val", WITNESS))
        ),
    },
    Reason.TOO_FAST: {
        "one large step": B.facing(pressure_mbar=Fact(3_000, NOW)),
        "small steps": B.after(
            *[Effect(NOW - HOUR + 1 + n, "set", travel={"pressure_mbar": 100}) for n in range(5)]
        ),
        "up and down": B.after(
            Effect(NOW - 9_000, "set", travel={"pressure_mbar": 200}),
            Effect(NOW - 8_000, "set", travel={"pressure_mbar": 201}),
        ),
        "safe commands to flush the memory": flushed(),
    },
    Reason.TOO_OFTEN: {
        "another action to flush the memory": flushed_by("vent"),
        "a storm of every kind": B.after(*[Effect(NOW - HOUR, "vent")] * 500),
        "on and off without a pause": B.acts("set", cases=(*ACTIONS["set"].cases,)).after(
            Effect(NOW - 9_999, "set", safe=True)
        ),
        "the clock is set back by a day": replace(
            B.acts("set", spacing_ms_min=0, slew=()), by=("hub", "clerk")
        ).after(*[Effect(NOW + DAY, "set")] * 6),
    },
    Reason.FLEET_LIMIT: {
        "the whole fleet at once": B.where(
            state=State(
                {f"pump:{n}": TargetState(2, 9, (Effect(NOW, "set"),)) for n in range(2, 900)}
            )
        ),
        "the clock is set back": B.where(
            state=State({f"p{n}": TargetState(2, 9, (Effect(NOW + DAY, "set"),)) for n in (2, 3)})
        ),
    },
}
# Refused one way or another; which reason comes first is of no interest.
ALSO_REFUSED: dict[str, Trial] = {
    "two organisations asked, class A": alert_of_class("A"),
    "signature swap": altered(
        lambda s: replace(
            s,
            signatures=tuple(
                Signature(one.key, other.value)
                for one, other in zip(s.signatures, s.signatures[::-1], strict=True)
            ),
        )
    ),
}

__all__ = ["ALSO_REFUSED", "ATTACKS", "pack"]

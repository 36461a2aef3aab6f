"""A small world for tests of the judge: keys, roster, one pump, valid commands, a log.

`trial()` is a valid command of class B. A test changes one thing and says what the answer is.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from beffroi.kernel import keys
from beffroi.kernel.canonical import encode
from beffroi.kernel.command import Command
from beffroi.kernel.decide import decide
from beffroi.kernel.dsse import COMMAND, Logged, Signature, Signed, pack
from beffroi.kernel.envelope import Action, Allowed, Case, Condition, Envelope, Slew
from beffroi.kernel.keys import Assertion
from beffroi.kernel.logged import ENTRY_KIND
from beffroi.kernel.note import (
    COSIGNATURE,
    SIGNATURE,
    Checkpoint,
    NoteSignature,
    cosigned,
    key_hint,
)
from beffroi.kernel.roster import BREAK_GLASS, GUARD, HUB, LOG, OPERATOR, WITNESS, Member, Roster
from beffroi.kernel.situation import Fact, Situation
from beffroi.kernel.state import Effect, State, TargetState
from beffroi.kernel.verdict import Accepted, Verdict

COMMUNE, GUARD_ID, TARGET = "bourg", "g1", "pump:1"
ORIGIN = "beffroi/bourg"
NOW = 1_800_000_000_000
NONCE = b"start-of-today.."
RP_ID, PAGE = "hub.bourg.example", "https://hub.bourg.example"
HOUR, DAY = 3_600_000, 86_400_000


def seed(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()


def public(name: str) -> bytes:
    return keys.public_of(seed(name))


def member(name: str, org: str, role: str, **more: Any) -> Member:
    return Member(keys.ED25519, public(name), more.pop("person", name), org, role, **more)


def passkey(name: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(seed(name), "big") >> 1, ec.SECP256R1())


def point(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


POINT_OF_MAYOR = point(passkey("mayor"))
MEMBERS = {
    "hub": member("hub", "bourg", HUB),
    "clerk": member("clerk", "mairie", OPERATOR),
    "clerk-2": member("clerk-2", "mairie", OPERATOR, person="clerk"),
    "engineer": member("engineer", "mairie", OPERATOR, independent=True),
    "prefect": member("prefect", "prefecture", OPERATOR, independent=True),
    "lamps": member("lamps", "mairie", OPERATOR, services=("lighting",)),
    "water": member("water", "syndicate", OPERATOR, services=("parking", "water")),
    "mayor": Member(keys.PASSKEY, POINT_OF_MAYOR, "mayor", "mairie", OPERATOR),
    "sealed": member("sealed", "mairie", BREAK_GLASS, independent=True),
    "sealed-2": member("sealed-2", "prefecture", BREAK_GLASS, independent=True),
    "g1": member("g1", "mairie", GUARD),
    "log": member("log", "bourg", LOG),
    "val": member("val", "val", WITNESS),
    "mont": member("mont", "mont", WITNESS),
}
ROSTER = Roster(COMMUNE, 3, NOW + 30 * DAY, tuple(MEMBERS.values()), RP_ID, (PAGE,))


def pressures(low: int, high: int) -> Mapping[str, Allowed]:
    return {"pressure_mbar": Allowed(ranges=((low, high),))}


TANK = Condition("tank_pct", ((20, 100),), 60_000)
WORDS = {"text": Allowed(choices=("flood",), chars_max=8, charset="ABC ")}
ACTIONS = {
    "set": Action(
        cases=(
            Case("A", pressures(3_000, 3_500)),
            Case("B", pressures(2_500, 4_000)),
            Case("C", pressures(1_500, 5_000), (TANK,)),
        ),
        say_fr="Consigne de pression {pressure_mbar} mbar",
        say_en="Pressure set point {pressure_mbar} mbar",
        slew=(Slew("pressure_mbar", "pressure_mbar", 200, 500, 5_000),),
        per_hour_max=6,
        per_day_max=20,
        spacing_ms_min=10_000,
        lifetime_ms_max=HOUR,
    ),
    "rest": Action((Case("A", safe=True),), "Repos", "Rest", spacing_ms_min=60_000),
    "vent": Action((Case("A"),), "Purge", "Vent", per_hour_max=500),
    "halt": Action((Case("C", safe=True),), "Arrêt", "Halt", orgs_min=2, witnesses_min=2),
    "alert": Action((Case("C", WORDS),), "Alerte", "Alert", orgs_min=2, witnesses_min=1),
    "drain": Action((Case("C"),), "Vidange", "Drain", witnesses_min=2),
}
ENVELOPE = Envelope(
    commune=COMMUNE,
    guard=GUARD_ID,
    target=TARGET,
    name="Pompe 1",
    service="water",
    authority="mairie",
    version=7,
    epoch=2,
    expires_ms=NOW + 20 * DAY,
    actions=ACTIONS,
    fleet_targets_max=2,
)
BEFORE = TargetState(2, 10)
STATE = State({TARGET: BEFORE})
FACTS = {TARGET: {"pressure_mbar": Fact(3_500, NOW), "tank_pct": Fact(50, NOW)}}
SITUATION = Situation(
    COMMUNE,
    GUARD_ID,
    ORIGIN,
    NONCE,
    ROSTER,
    {TARGET: ENVELOPE},
    STATE,
    NOW,
    NOW + 30_000,
    FACTS,
)
PLAIN = Command(
    id="c1",
    commune=COMMUNE,
    guard=GUARD_ID,
    target=TARGET,
    klass="B",
    action="set",
    nonce=NONCE,
    epoch=2,
    counter=11,
    not_before_ms=NOW - 1_000,
    expires_ms=NOW + 60_000,
    envelope=ENVELOPE.digest,
    params={"pressure_mbar": 3_600},
)
# One valid command of each shape: (what differs from PLAIN, who signs).
SHAPES: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "A": ({"klass": "A", "params": {"pressure_mbar": 3_450}}, ("hub",)),
    "B": ({}, ("hub", "clerk")),
    "B-passkey": ({}, ("hub", "mayor")),
    "B-sealed": ({}, ("hub", "sealed")),
    "C": (
        {"klass": "C", "params": {"pressure_mbar": 3_700}, "action": "set"},
        ("hub", "clerk", "engineer"),
    ),
    "drain": ({"klass": "C", "action": "drain", "params": {}}, ("hub", "clerk", "engineer")),
    "alert": (
        {"klass": "C", "action": "alert", "params": {"text": "flood"}},
        ("hub", "mayor", "prefect"),
    ),
    "rest": ({"klass": "A", "action": "rest", "params": {}}, ("hub",)),
    "vent": ({"klass": "A", "action": "vent", "params": {}}, ("hub",)),
    "halt": ({"klass": "C", "action": "halt", "params": {}}, ("hub", "clerk", "mayor")),
}


@dataclass(frozen=True)
class Trial:
    """One command and the situation it comes into. `wire()` is what comes."""

    command: Command = PLAIN
    by: tuple[str, ...] = ("hub", "clerk")
    known: Situation = SITUATION
    log: bool = True
    alter: Callable[[Signed], Signed] | None = None
    mangle: Callable[[bytes], bytes] | None = None
    witnesses: tuple[str, ...] = ("val", "mont")

    def says(self, **changes: Any) -> Trial:
        return replace(self, command=replace(self.command, **changes))

    def where(self, **changes: Any) -> Trial:
        return replace(self, known=replace(self.known, **changes))

    def ruled(self, **changes: Any) -> Trial:
        """With another envelope, for which the command is written."""
        envelope = replace(self.known.envelopes[TARGET], **changes)
        trial = self.where(envelopes={**self.known.envelopes, TARGET: envelope})
        return trial.says(envelope=envelope.digest)

    def acts(self, action: str, **changes: Any) -> Trial:
        """With another rule for one action."""
        actions = self.known.envelopes[TARGET].actions
        return self.ruled(actions={**actions, action: replace(actions[action], **changes)})

    def after(self, *effects: Effect, epoch: int = 2, counter: int = 10) -> Trial:
        return self.where(state=State({TARGET: TargetState(epoch, counter, effects)}))

    def facing(self, **facts: Fact | None) -> Trial:
        old = {**self.known.facts.get(TARGET, {}), **facts}
        return self.where(facts={TARGET: {k: v for k, v in old.items() if v is not None}})

    def signed(self) -> Signed:
        bare = Signed(COMMAND, self.command.encoded())
        proof = logged(self.command.digest, witnesses=self.witnesses) if self.log else None
        signatures = tuple(signature(name, bare.pae) for name in self.by)
        whole = replace(bare, signatures=signatures, logged=proof)
        return self.alter(whole) if self.alter else whole

    def wire(self) -> bytes:
        wire = pack(self.signed())
        return self.mangle(wire) if self.mangle else wire

    def verdict(self) -> Verdict:
        return decide(self.wire(), self.known)

    def accepted(self) -> Accepted:
        verdict = self.verdict()
        assert isinstance(verdict, Accepted), verdict
        return verdict


def trial(shape: str = "B") -> Trial:
    changes, by = SHAPES[shape]
    return Trial(replace(PLAIN, **changes), by)


def signature(name: str, message: bytes) -> Signature:
    """By a person of the roster, or by a stranger of that name."""
    if name == "mayor":
        return asserted(message)
    return Signature(keys.key_id(keys.ED25519, public(name)), keys.sign(seed(name), message))


@dataclass(frozen=True)
class Page:
    """What a browser and an authenticator put into an assertion."""

    said: dict[str, Any] = field(default_factory=dict)
    rp_id: str = RP_ID
    flags: int = 0x05
    name: str = "mayor"

    def assertion(self, message: bytes) -> tuple[Assertion, bytes]:
        wanted = base64.urlsafe_b64encode(hashlib.sha256(message).digest()).rstrip(b"=").decode()
        said = {"type": "webauthn.get", "challenge": wanted, "origin": PAGE, "crossOrigin": False}
        said = {k: v for k, v in {**said, **self.said}.items() if v is not ...}
        client = json.dumps(said).encode()
        data = hashlib.sha256(self.rp_id.encode()).digest() + bytes([self.flags]) + b"\0\0\0\7"
        signed = data + hashlib.sha256(client).digest()
        value = passkey(self.name).sign(signed, ec.ECDSA(hashes.SHA256()))
        return Assertion(data, client), value


def asserted(message: bytes, page: Page | None = None) -> Signature:
    assertion, value = (page or Page()).assertion(message)
    return Signature(keys.key_id(keys.PASSKEY, point(passkey("mayor"))), value, assertion)


# --- a log, written in the naive way on purpose: the definition of RFC 9162, section 2.1.1 ---


def tree(leaves: Sequence[bytes]) -> bytes:
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    k = split(len(leaves))
    return hashlib.sha256(b"\1" + tree(leaves[:k]) + tree(leaves[k:])).digest()


def split(count: int) -> int:
    """The largest power of two below count."""
    k = 1
    while k * 2 < count:
        k *= 2
    return k


def inclusion(leaves: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    if len(leaves) <= 1:
        return ()
    k = split(len(leaves))
    if index < k:
        return (*inclusion(leaves[:k], index), tree(leaves[k:]))
    return (*inclusion(leaves[k:], index - k), tree(leaves[:k]))


def entry(digest: bytes, **changes: object) -> bytes:
    said = {"kind": ENTRY_KIND, "at_ms": NOW, "subject": digest, **changes}
    return encode({key: value for key, value in said.items() if value is not ...})


def checkpoint(
    size: int, root: bytes, witnesses: Sequence[str] = (), origin: str = ORIGIN, log: str = "log"
) -> Checkpoint:
    bare = Checkpoint(origin, size, root)
    lines = [
        NoteSignature(
            origin, key_hint(origin, SIGNATURE, public(log)) + keys.sign(seed(log), bare.body)
        )
    ]
    for name in witnesses:
        seconds = NOW // 1_000
        hint = key_hint(name, COSIGNATURE, public(name))
        said = keys.sign(seed(name), cosigned(seconds, bare.body))
        lines.append(NoteSignature(name, hint + seconds.to_bytes(8, "big") + said))
    return replace(bare, signatures=tuple(lines))


def logged(
    digest: bytes, *, witnesses: Sequence[str] = ("val", "mont"), index: int = 3, size: int = 6
) -> Logged:
    leaves = [b"entry %d" % number for number in range(size)]
    leaves[index] = entry(digest)
    note = checkpoint(size, tree(leaves), witnesses).text()
    return Logged(leaves[index], index, inclusion(leaves, index), note)

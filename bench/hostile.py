"""Root on the hub against one guard: how many of N hostile commands move anything?

The attacker has the hub's key, the log's key and every command that was ever signed (`H`), and for
half of the commands the key of one malicious operator too (`HO`). Nobody has two persons' keys.
A forgery is an accepted effect of class B or C whose bytes too few persons have signed. Delivering
once more what people did sign is none (the counter answers for that), nor is class A: it is what
the envelope lets the hub do alone. Prints the refusals by reason and by way of attack, then how
many commands a second one core judges.

    python bench/hostile.py [--count 100000] [--seed 1] [--no-rate]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "kernel"))

import world
from world import NOW, PLAIN, SHAPES, SITUATION, Trial, trial

from beffroi.kernel import keys
from beffroi.kernel.canonical import CanonicalError, decode, encode
from beffroi.kernel.command import Command
from beffroi.kernel.decide import decide
from beffroi.kernel.dsse import COMMAND, LEASE, RECEIPT, Logged, Signature, Signed, pack
from beffroi.kernel.limits import WHOLE_MAX
from beffroi.kernel.signers import PERSONS_MIN
from beffroi.kernel.state import Effect, State, TargetState
from beffroi.kernel.verdict import Accepted

OPERATOR = "engineer"  # the malicious one: independent signer, of the authority in charge
PEOPLE = ("clerk", "engineer", "prefect", "mayor", "water", "sealed")
STRANGERS = ("eve", "mallory", "g1", "log", "val", "mont", "lamps", "clerk-2", "sealed-2")
Attack = Callable[["Campaign"], bytes]
BUSY = tuple(Effect(NOW - age, "set", travel={"pressure_mbar": 90}) for age in (9_000, 70_000))
# The same guard at other moments: most commands meet the first.
MOMENTS = (
    SITUATION,
    SITUATION,
    SITUATION,
    trial().where(lease_until_ms=NOW).known,
    trial().after(*BUSY).known,
    trial().after(Effect(NOW - 5_000, "rest", safe=True)).known,
    trial().facing(tank_pct=None, pressure_mbar=None).known,
    trial()
    .where(
        state=State(
            {
                world.TARGET: TargetState(2, 10),
                **{f"p{n}": TargetState(1, 1, (Effect(NOW - 1, "set"),)) for n in range(2)},
            }
        )
    )
    .known,
)


@dataclass
class Campaign:
    """What the attacker has, and what came of it."""

    rng: random.Random
    key_of_one: bool = False
    genuine: list[Trial] = field(default_factory=list)
    signed: dict[bytes, frozenset[str]] = field(default_factory=dict)
    wires: list[Signed] = field(default_factory=list)

    def capture(self) -> None:
        """Months of commands: used ones, those of other guards and starts, one still fresh."""
        for shape in SHAPES:
            for change in (
                {},
                {"counter": 10},
                {"counter": 3},
                {"guard": "g2"},
                {"target": "pump:2"},
                {"nonce": b"start-of-before."},
                {"epoch": 1},
                {"expires_ms": NOW - 1, "not_before_ms": NOW - 60_000},
                {"not_before_ms": NOW + 60_000, "expires_ms": NOW + 120_000},
                {"envelope": bytes(32)},
            ):
                one = trial(shape).says(**change)
                self.genuine.append(one)
                self.wires.append(one.signed())
                self.signed[one.command.digest] = frozenset(one.by) - {"hub"}

    def some(self) -> Signed:
        return self.rng.choice(self.wires)

    def command(self) -> Command:
        """Nearly right: a genuine command, one to three fields of it another."""
        fresh = self.genuine[:: len(self.genuine) // len(SHAPES)]
        command = self.rng.choice(fresh if self.rng.random() < 0.8 else self.genuine).command
        for _ in range(self.rng.choice((1, 1, 1, 2, 3))):
            command = replace(command, **self.change())
        return command

    def change(self) -> dict[str, Any]:
        rng = self.rng
        number = rng.choice((0, 1, 3, 11, 12, 1_010, 1_011, NOW, NOW + 1, WHOLE_MAX))
        return rng.choice(
            (
                {"klass": rng.choice("ABC")},
                {"klass": "A"},
                {"action": rng.choice(("set", "rest", "vent", "halt", "alert", "drain", "burst"))},
                {"params": {"pressure_mbar": rng.randint(-10, 9_000)}},
                {"params": {"pressure_mbar": rng.choice((3_000, 3_500, 3_600, 3_700, 4_000))}},
                {"params": {}},
                {"params": {"text": rng.choice(("flood", "ABC", "fire", ""))}},
                {"params": {"pressure_mbar": str(rng.randint(0, 5_000))}},
                {"counter": max(1, number)},
                {"counter": 11},
                {"epoch": rng.choice((1, 2, 3))},
                {"nonce": rng.choice((PLAIN.nonce, rng.randbytes(16), bytes(16)))},
                {"guard": rng.choice(("g1", "g2", "G1"))},
                {"target": rng.choice(("pump:1", "pump:2", "Pump:1"))},
                {"envelope": rng.choice((PLAIN.envelope, rng.randbytes(32)))},
                {"not_before_ms": NOW - 1_000, "expires_ms": NOW + rng.choice((1, 60_000, 10**9))},
                {"expires_ms": number},
                {"not_before_ms": number},
                {"id": f"x{rng.randint(0, 9)}"},
                {"plan": "p1"},
            )
        )

    def by(self, bare: Signed, stolen: Sequence[Signature] = ()) -> Signed:
        """Signed with what the attacker has, and with signatures taken from elsewhere."""
        mine = [world.signature("hub", bare.pae)]
        if self.key_of_one:
            mine.append(world.signature(OPERATOR, bare.pae))
        if self.rng.random() < 0.1:
            mine.append(world.signature(self.rng.choice(STRANGERS[:2]), bare.pae))
        return replace(bare, signatures=(*mine, *stolen), logged=self.proof(bare.payload))

    def proof(self, payload: bytes) -> Logged | None:
        """In a log that the attacker signs; the witnesses' lines are old or made up."""
        kind = self.rng.randint(0, 4)
        if kind == 0:
            return None
        if kind == 1:
            return self.some().logged
        body = world.entry(keys.sha256(payload))
        note = world.checkpoint(1, world.tree([body]))
        old = world.checkpoint(9, bytes(32), ("val", "mont")).signatures[1:]
        lines = old if kind == 2 else tuple(replace(o, raw=o.raw[:12] + bytes(64)) for o in old)
        return Logged(body, 0, (), replace(note, signatures=(*note.signatures, *lines)).text())


def bits(c: Campaign) -> bytes:
    raw = bytearray(pack(c.some()))
    for _ in range(c.rng.choice((1, 1, 1, 2, 5))):
        at = c.rng.randrange(8 * len(raw))
        raw[at // 8] ^= 1 << at % 8
    return bytes(raw)


def payload_bits(c: Campaign) -> bytes:
    """Bits of what people signed; the hub signs it again."""
    one = c.some()
    raw = bytearray(one.payload)
    at = c.rng.randrange(8 * len(raw))
    raw[at // 8] ^= 1 << at % 8
    return pack(c.by(Signed(COMMAND, bytes(raw)), one.signatures[1:]))


def cut(c: Campaign) -> bytes:
    raw, other = pack(c.some()), pack(c.some())
    at = c.rng.randrange(len(raw))
    return c.rng.choice((raw[:at], raw + other[:at], raw[:at] + other[at:], raw[at:], raw * 2))


def fields(c: Campaign) -> bytes:
    """The hub's own command, with the people's signatures of the nearest true one."""
    one = c.some()
    return pack(c.by(Signed(COMMAND, c.command().encoded()), one.signatures[1:]))


def alone(c: Campaign) -> bytes:
    return pack(c.by(Signed(COMMAND, c.command().encoded())))


def moved(c: Campaign) -> bytes:
    """A true command with signatures of others, in another order, renamed, or twice."""
    one, other = c.some(), c.some()
    hub = world.signature("hub", one.pae)
    mixed = [hub, *one.signatures[1:], *other.signatures[1:]]
    if c.key_of_one:
        mixed.append(world.signature(OPERATOR, one.pae))
    c.rng.shuffle(mixed)
    mixed = mixed[: c.rng.randint(1, 8)]
    if c.rng.random() < 0.5:
        values = [m.value for m in mixed]
        c.rng.shuffle(values)
        mixed = [replace(m, value=v) for m, v in zip(mixed, values, strict=True)]
    return pack(replace(one, signatures=tuple(mixed)))


def strangers(c: Campaign) -> bytes:
    """People's key ids, with signatures of other keys; or keys of other roles."""
    bare = Signed(COMMAND, replace(c.command(), counter=11).encoded())
    names = c.rng.sample(PEOPLE, c.rng.randint(1, 3))
    fake = [
        Signature(world.MEMBERS[name].key, world.signature("eve", bare.pae).value)
        for name in names
        if name != "mayor"
    ]
    roles = [world.signature(name, bare.pae) for name in ("g1", "log")]
    return pack(c.by(bare, c.rng.choice((fake, roles, fake[:1] + roles[:1]))))


def rewritten(c: Campaign) -> bytes:
    """The payload in another form of CBOR, or with a field more; signed by the hub."""
    said = decode(c.some().payload, 4_096)
    assert isinstance(said, dict)
    form = c.rng.randint(0, 6)
    items = [encode(k) + encode(v) for k, v in sorted(said.items(), key=lambda p: encode(p[0]))]
    head = bytes([0xA0 | len(items)])
    if form == 0:
        c.rng.shuffle(items)
    elif form == 1:
        items.append(c.rng.choice(items))
        head = bytes([0xA0 | len(items)])
    elif form == 2:
        head, items = b"\xbf", [*items, b"\xff"]
    elif form == 3:
        head = b"\xb8" + bytes([len(items)])
    elif form == 4:
        head = b"\xd9\xd9\xf7" + head
    elif form == 5:
        return pack(c.by(Signed(COMMAND, encode({**said, "force": True}))))
    else:
        said[c.rng.choice(sorted(said))] = c.rng.choice((True, None, "11", [], {}, -1, b""))
        return pack(c.by(Signed(COMMAND, encode(said))))
    return pack(c.by(Signed(COMMAND, head + b"".join(items))))


def container(c: Campaign) -> bytes:
    """The container in another form, of another kind, or with more inside."""
    one = c.some()
    if c.rng.random() < 0.3:
        return pack(c.by(replace(one, kind=c.rng.choice((RECEIPT, LEASE)), signatures=())))
    said = decode(pack(one), 16_384)
    assert isinstance(said, dict)
    said[c.rng.choice(("kind", "payload", "signatures", "logged", "more"))] = c.rng.choice(
        (None, True, 0, "x", b"x", [], {}, [{}], {"key": "k"})
    )
    return encode(said)


def again(c: Campaign) -> bytes:
    return pack(c.some())


def noise(c: Campaign) -> bytes:
    return c.rng.randbytes(c.rng.choice((0, 1, 40, 400, 16_385)))


WAYS: dict[str, Attack] = {
    "bits flipped": bits,
    "bits of the payload, signed again": payload_bits,
    "cut, glued, doubled": cut,
    "fields changed, old signatures kept": fields,
    "the hub alone": alone,
    "signatures moved, renamed, doubled": moved,
    "other people's keys": strangers,
    "another form of the payload": rewritten,
    "another form of the container": container,
    "replayed": again,
    "noise": noise,
}


@dataclass
class Outcome:
    refused: Counter[str] = field(default_factory=Counter)
    ways: Counter[tuple[str, str]] = field(default_factory=Counter)
    forged: list[tuple[str, bytes]] = field(default_factory=list)


def run(count: int, seed: int) -> Outcome:
    """Judge `count` hostile commands, each as the next one that comes to the same guard."""
    campaign = Campaign(random.Random(seed))
    campaign.capture()
    outcome = Outcome()
    names = tuple(WAYS)
    for number in range(count):
        campaign.key_of_one = number % 2 == 1
        way = names[number // 2 % len(names)]
        try:
            wire = WAYS[way](campaign)
        except CanonicalError:
            continue  # cannot even be written
        verdict = decide(wire, campaign.rng.choice(MOMENTS))
        if isinstance(verdict, Accepted):
            word = judged(campaign, verdict)
            if word == "forged":
                outcome.forged.append((way, wire))
        else:
            word = str(verdict.reason)
            outcome.refused[word] += 1
        outcome.ways[way, word if not isinstance(verdict, Accepted) else f"= {word}"] += 1
    return outcome


def judged(campaign: Campaign, said: Accepted) -> str:
    people = set(campaign.signed.get(said.command.digest, ()))
    if campaign.key_of_one:
        people.add(OPERATOR)
    needed = PERSONS_MIN[said.klass]
    if needed == 0:
        return "class A, by the envelope"
    if len(people) < needed:
        return "forged"
    return "what people signed" if said.command.digest in campaign.signed else "one operator's own"


def rate(shape: str, *, log: bool, seconds: float = 2.0) -> float:
    one = replace(trial(shape), log=log)
    wire = one.wire()
    one.accepted()
    done, began = 0, time.process_time()
    while (took := time.process_time() - began) < seconds:
        for _ in range(50):
            decide(wire, one.known)
        done += 50
    return done / took


def report(outcome: Outcome, count: int, seconds: float) -> None:
    print(f"{count} hostile commands in {seconds:.0f} s, building them included")
    for reason, times in outcome.refused.most_common():
        print(f"  {times:8} refused: {reason}")
    accepted: Counter[str] = Counter()
    for (_, word), times in outcome.ways.items():
        if word.startswith("= "):
            accepted[word[2:]] += times
    for word, times in sorted(accepted.items()):
        print(f"  {times:8} accepted: {word}")
    print(f"  {len(outcome.forged):8} forged")
    for way in WAYS:
        total = sum(n for (name, _), n in outcome.ways.items() if name == way)
        stopped = sum(
            n for (name, word), n in outcome.ways.items() if name == way and word[0] != "="
        )
        print(f"  {way:38} {stopped:7} of {total:7} refused")


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, help="results as JSON")
    parser.add_argument("--no-rate", action="store_true", help="leave out the speed of the judge")
    args = parser.parse_args(argv)
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, seed {args.seed}")
    began = time.monotonic()
    outcome = run(args.count, args.seed)
    report(outcome, args.count, time.monotonic() - began)
    for way, wire in outcome.forged[:5]:
        print(f"FORGED by {way}: {wire.hex()}")
    rates: dict[str, int] = {}
    if not args.no_rate:
        for shape, log, words in (
            ("A", False, "class A, the hub's signature"),
            ("B", False, "class B, and one person's"),
            ("B-passkey", False, "class B, and one passkey's"),
            ("C", False, "class C, and two persons'"),
            ("drain", True, "class C, in the log, two witnesses"),
        ):
            rates[shape] = round(rate(shape, log=log))
            print(f"  {rates[shape]:8} a second on one core: {words}")
    if args.out:
        found = {
            "commands": args.count,
            "seed": args.seed,
            "forged": len(outcome.forged),
            "refused": dict(outcome.refused),
            "rates": rates,
        }
        args.out.write_text(json.dumps(found, indent=1) + "\n")
    return 1 if outcome.forged else 0


if __name__ == "__main__":
    sys.exit(main())

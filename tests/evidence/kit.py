"""A small log in memory, its keys, its roster, and commands and receipts to put into it.

The tree here is the definition of RFC 9162 as it is written, so that the code under test is
compared with something else than itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from beffroi.evidence.dossier import Dossier, Item
from beffroi.evidence.entry import Draft
from beffroi.evidence.merkle import inclusion
from beffroi.evidence.note import cosign_note, sign_note
from beffroi.kernel import keys
from beffroi.kernel.canonical import encode
from beffroi.kernel.command import Command
from beffroi.kernel.document import write
from beffroi.kernel.dsse import COMMAND, RECEIPT, Signed, pack
from beffroi.kernel.note import Checkpoint
from beffroi.kernel.receipt import DONE, Receipt
from beffroi.kernel.roster import GUARD, HUB, LOG, OPERATOR, WITNESS, Member, Roster

COMMUNE = "aubigny"
ORIGIN = f"beffroi/{COMMUNE}"
NOW_MS = 1_800_000_000_000
NEIGHBOUR = "temoin.bethune"


def seed(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()


def public(name: str) -> bytes:
    return keys.public_of(seed(name))


def member(name: str, org: str, role: str, person: str = "") -> Member:
    return Member(keys.ED25519, public(name), person or name, org, role)


ROSTER = Roster(
    COMMUNE,
    3,
    NOW_MS + 10**9,
    (
        member("log", COMMUNE, LOG),
        member("hub", COMMUNE, HUB),
        member("p1", "mairie", OPERATOR),
        member("p2", "prefecture", OPERATOR),
        member("g1", COMMUNE, GUARD),
        member(NEIGHBOUR, "bethune", WITNESS),
        member("temoin.maison", COMMUNE, WITNESS),
    ),
)


def mth(leaves: Sequence[bytes]) -> bytes:
    """RFC 9162, 2.1.1, of entries."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def command(**changes: object) -> Command:
    plain = Command(
        "c1", COMMUNE, "g1", "J1", "C", "set_plan", b"n" * 16, 1, 7, NOW_MS, NOW_MS + 60_000,
        b"e" * 32, {"plan": 4, "text": "{x} «\x1b[31m»"},
    )  # fmt: skip
    return replace(plain, **changes)  # type: ignore[arg-type]


def wire(one: Command, *signers: str) -> Signed:
    signed = Signed(COMMAND, one.encoded())
    for name in signers:
        signed = signed.by(seed(name))
    return signed


def forged(one: Command, victim: str) -> Signed:
    """With a signature in the name of `victim` that somebody else made."""
    signed = wire(one, victim, "nobody")
    mine, false = signed.signatures
    return replace(signed, signatures=(replace(mine, value=false.value),))


def receipt(number: int, previous: bytes = bytes(32), by: str = "g1", **more: object) -> Signed:
    said = Receipt("g1", number, previous, NOW_MS, DONE, "J1", **more)  # type: ignore[arg-type]
    return Signed(RECEIPT, said.encoded()).by(seed(by))


def gathered(one: Command, *signers: str) -> bytes:
    """As the hub keeps what was approved."""
    signatures = wire(one, *signers).signatures
    return encode(
        {
            "command": one.encoded(),
            "signatures": [
                {"person": name, "signature": write(signature)}
                for name, signature in zip(signers, signatures, strict=True)
            ],
        }
    )


@dataclass
class Book:
    """A log in memory. `add` answers the index."""

    drafts: list[Draft] = field(default_factory=list)
    witnesses: tuple[str, ...] = (NEIGHBOUR,)
    seen_s: int = NOW_MS // 1000 + 5
    signer: str = "log"
    roster: Roster = ROSTER

    def add(
        self, kind: str, payload: bytes = b"", subject: bytes = bytes(32), **refs: object
    ) -> int:
        self.drafts.append(Draft(kind, NOW_MS, subject, refs, payload))  # type: ignore[arg-type]
        return len(self.drafts) - 1

    def add_command(self, kind: str, signed: Signed, **refs: object) -> int:
        return self.add(kind, pack(signed), hashlib.sha256(signed.payload).digest(), **refs)

    def add_receipt(self, signed: Signed) -> int:
        return self.add("guard.receipt", pack(signed), hashlib.sha256(signed.payload).digest())

    def salt(self, index: int) -> bytes:
        return hashlib.sha256(b"salt%d" % index).digest()

    @property
    def entries(self) -> list[bytes]:
        return [one.sealed(self.salt(i)).encoded() for i, one in enumerate(self.drafts)]

    def checkpoint(self, origin: str = ORIGIN) -> Checkpoint:
        bare = Checkpoint(origin, len(self.drafts), mth(self.entries))
        lines = [sign_note(bare, origin, seed(self.signer))]
        lines += [cosign_note(bare, name, seed(name), self.seen_s) for name in self.witnesses]
        return replace(bare, signatures=tuple(lines))

    def dossier(self, *indices: int, payloads: bool = True, roster: bool = True) -> Dossier:
        entries = self.entries
        items = []
        for index in indices or range(len(entries)):
            path = inclusion(
                index,
                len(entries),
                lambda level, at: mth(entries[at << level : (at + 1) << level]),
            )
            payload = self.drafts[index].payload if payloads else b""
            salt = self.salt(index) if payload else b""
            items.append(Item(index, entries[index], path, salt, payload))
        known = self.roster.encoded() if roster else b""
        return Dossier(self.checkpoint().text(), tuple(items), known)


def story() -> Book:
    """A command approved by two, sent, done; one forged and refused; a note without payload."""
    book = Book()
    good = wire(command(), "hub", "p1", "p2")
    book.add_command("command.requested", wire(command()))
    book.add(
        "command.approved", gathered(command(), "p1", "p2"), command().digest, guard="g1", klass="C"
    )
    book.add_command("command.sent", good)
    first = receipt(1, digest=command().digest)
    book.add_receipt(first)
    book.add_receipt(receipt(2, hashlib.sha256(first.payload).digest()))
    bad = forged(command(counter=8), "p2")
    book.add_command("command.refused", bad, reason="bad_signature", guard="g1")
    book.add("alarm.raised", asset="lamp-12", alarm="a7")
    return book

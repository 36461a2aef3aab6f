"""Who may sign what: signed offline by the commune's root, carried by every guard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from beffroi.kernel import document, keys
from beffroi.kernel.document import Blob, FieldError, Flag, Id, Many, OneOf, Part, Text, Whole
from beffroi.kernel.dsse import Signed
from beffroi.kernel.limits import DOCUMENT_BYTES_MAX, ID_CHARS_MAX, MEMBERS_MAX

HUB = "hub"  # signs what it sends, so that nothing passes outside its log
OPERATOR = "operator"  # approves
BREAK_GLASS = "break-glass"  # a sealed key in the town hall's safe: counts as a person, loudly
GUARD = "guard"  # signs receipts
WITNESS = "witness"  # another commune that cosigns our log
LOG = "log"  # signs the log's checkpoints
ROLES = (HUB, OPERATOR, BREAK_GLASS, GUARD, WITNESS, LOG)
EVERY = "*"


@dataclass(frozen=True, slots=True)
class Member:
    """One key. Two keys of one person have the same `person`: they count once.

    `services` the person may command ("*": all). `independent`: this signer decodes the bytes
    itself and is not served by the hub. A passkey never is: the hub serves the page that asks it.
    `name` is of the office, for people to read; never a personal datum that must be erased.
    """

    kind: Annotated[str, OneOf(keys.KINDS)]
    public: Annotated[bytes, Blob(32, 65)]
    person: Annotated[str, Id()]
    org: Annotated[str, Id()]
    role: Annotated[str, OneOf(ROLES)]
    services: Annotated[tuple[str, ...], Many(Id(also=EVERY), 32)] = (EVERY,)
    independent: Annotated[bool, Flag()] = False
    name: Annotated[str, Text(ID_CHARS_MAX)] = ""

    def __post_init__(self) -> None:
        if len(self.public) != keys.PUBLIC_BYTES[self.kind]:
            raise FieldError(f"a public key of kind {self.kind} has another length")
        if self.kind == keys.ED25519 and keys.weak(self.public):
            raise FieldError("a public key for which anybody can sign")
        if self.kind == keys.PASSKEY and (self.independent or self.role != OPERATOR):
            raise FieldError("a passkey is an operator's and never independent of the hub")

    @property
    def key(self) -> str:
        return keys.key_id(self.kind, self.public)


@dataclass(frozen=True, slots=True)
class Roster:
    """All keys of one commune until `expires_ms`. `rp_id`, `origins`: of its sign-in page."""

    commune: Annotated[str, Id()]
    version: Annotated[int, Whole(1)]
    expires_ms: Annotated[int, Whole()]
    members: Annotated[tuple[Member, ...], Many(Part(Member), MEMBERS_MAX)] = ()
    rp_id: Annotated[str, Text(chars_min=1)] = "localhost"
    origins: Annotated[tuple[str, ...], Many(Text(chars_min=1), 8)] = ()
    _by_key: Mapping[str, Member] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        table = {member.key: member for member in self.members}
        if len(table) != len(self.members):
            raise FieldError("a key is listed twice")
        for names in ({m.person for m in self.members}, {m.org for m in self.members}):
            if len({name.lower() for name in names}) != len(names):
                raise FieldError("two names differ by capitals only: one may pass for two")
        object.__setattr__(self, "_by_key", table)

    def member(self, key: str) -> Member | None:
        return self._by_key.get(key)

    def having(self, role: str) -> tuple[Member, ...]:
        return tuple(member for member in self.members if member.role == role)

    def encoded(self) -> bytes:
        return document.write(self)


def read_roster(data: bytes) -> Roster:
    """CanonicalError or FieldError (both ValueError) unless it is exactly one roster."""
    return document.read(Roster, data, DOCUMENT_BYTES_MAX)


def signer(signed: Signed, kind: str, roster: Roster, role: str) -> str:
    """The one who signed `signed`, alone, in `role`. FieldError if that is not so."""
    if signed.kind != kind or len(signed.signatures) != 1:
        raise FieldError(f"not a {kind} with one signature")
    (signature,) = signed.signatures
    member = roster.member(signature.key)
    if member is None or member.role != role or signature.assertion is not None:
        raise FieldError(f"not signed by a {role}")
    if not keys.verify(member.public, signature.value, signed.pae):
        raise FieldError("the signature does not hold")
    return member.person

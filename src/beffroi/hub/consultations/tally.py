"""What is published of a consultation, and how anybody counts it again. Pure: bytes in, sentences
out. `beffroi consultation verify` and the page of the result use the same function.

Two digests stand in the evidence log: at the opening that of question and codes (so no code can be
added later), at the end that of used codes, ballots and counts.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from beffroi.evidence.merkle import Range
from beffroi.kernel.canonical import CanonicalError, encode
from beffroi.kernel.keys import sha256
from beffroi.kernel.logged import leaf_hash
from beffroi.model.consultation import Ballot, Consultation
from beffroi.model.limits import CHOICES_MAX, TALLY_BYTES_MAX
from beffroi.ports.consultations import Codes

FORMAT = "beffroi-consultation-1"
ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # 32 signs that nobody confuses


class TallyError(ValueError):
    """This is no published count; the text says why."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence of the check. `fr` and `en` say the same."""

    holds: bool
    fr: str
    en: str


def plain(code: str) -> str:
    """A code as it is hashed: hyphens, spaces and case do not count."""
    return "".join(sign for sign in code.upper() if sign in ALPHABET)


def code_hash(consultation_id: str, code: str) -> str:
    """Of 80 random bits: it cannot be turned round by trying."""
    return _hash("code", consultation_id, plain(code))


def receipt_hash(consultation_id: str, receipt: str, word: str) -> str:
    """The voter's own word makes that nobody can give two voters the same receipt."""
    folded = " ".join(unicodedata.normalize("NFKC", word).casefold().split())
    return _hash("receipt", consultation_id, plain(receipt), folded)


def _hash(*parts: str) -> str:
    return hashlib.sha256(b"\0".join(part.encode() for part in ("beffroi", *parts))).hexdigest()


def root(leaves: Sequence[object]) -> str:
    """Of the Merkle tree (RFC 9162) over these, each in its one CBOR form."""
    return Range().plus([leaf_hash(encode(leaf)) for leaf in leaves]).root.hex()


def promise(one: Consultation, issued: Sequence[str]) -> bytes:
    """What the log keeps at the opening."""
    return _promise(one.id, one.title, one.text, list(one.choices), one.closes_ms, issued)


def _promise(
    ident: str, title: str, text: str, choices: list[str], closes_ms: int, issued: Sequence[str]
) -> bytes:
    about = {"format": FORMAT, "id": ident, "title": title, "text": text, "choices": choices}
    codes = {"issued": len(issued), "codes": root(issued)}
    return sha256(encode({**about, "closes_ms": closes_ms, **codes}))


def result(opened: str, used: Sequence[str], ballots: Sequence[Ballot], counts: list[int]) -> bytes:
    """What the log keeps at the end."""
    lists = {"used": root(used), "ballots": root([list(one) for one in ballots])}
    return sha256(encode({"opened": opened, **lists, "counts": counts}))


def count(ballots: Sequence[Ballot], choices: int) -> list[int]:
    """Votes by choice."""
    return [sum(one.choice == at for one in ballots) for at in range(choices)]


def written(one: Consultation, codes: Codes, ballots: Sequence[Ballot]) -> bytes:
    """The file that is published."""
    counts = count(ballots, len(one.choices))
    opened = one.promise
    return json.dumps(
        {
            "format": FORMAT,
            "id": one.id,
            "title": one.title,
            "text": one.text,
            "choices": list(one.choices),
            "closes_ms": one.closes_ms,
            "counts": counts,
            "opened": opened,
            "result": result(opened, codes.used, ballots, counts).hex(),
            "log": {"origin": one.origin, "opened": one.opened, "closed": one.closed},
            "issued": list(codes.issued),
            "used": list(codes.used),
            "ballots": [list(ballot) for ballot in ballots],
        },
        ensure_ascii=False,
        indent=1,
    ).encode()


def verify(data: bytes) -> list[Finding]:
    """Every sentence that the file can be asked. TallyError when it is no such file."""
    read = _read(data)
    issued, used = read["issued"], read["used"]
    ballots = [Ballot(*row) for row in read["ballots"]]
    counts = count(ballots, len(read["choices"]))
    about = (read["id"], read["title"], read["text"], read["choices"], read["closes_ms"])
    try:
        opened = _promise(*about, issued).hex()
        closed = result(read["opened"], used, ballots, counts).hex()
    except CanonicalError as error:
        raise TallyError(f"this cannot be what was counted: {error}") from error
    receipts = [ballot.receipt for ballot in ballots]
    return [
        _said(len(ballots) == len(used), f"{len(ballots)} bulletins, {len(used)} codes utilisés",
              f"{len(ballots)} ballots, {len(used)} used codes"),
        _said(set(used) <= set(issued), "chaque code utilisé avait été émis",
              "each used code had been issued"),
        _said(_distinct(issued) and _distinct(used) and _distinct(receipts),
              "rien n’est compté deux fois", "nothing is counted twice"),
        _said(all(0 <= one.choice < len(read["choices"]) for one in ballots),
              "chaque bulletin désigne un choix", "each ballot names a choice"),
        _said(counts == read["counts"], f"le décompte est {counts}", f"the count is {counts}"),
        _said(opened == read["opened"],
              "la question et les codes sont ceux de l’ouverture",
              "question and codes are those of the opening"),
        _said(closed == read["result"], "le résultat est celui qui a été scellé",
              "the result is the one that was sealed"),
    ]  # fmt: skip


def _said(holds: bool, fr: str, en: str) -> Finding:
    return Finding(holds, fr, en)


def _distinct(some: Sequence[str]) -> bool:
    return len(set(some)) == len(some)


def _read(data: bytes) -> dict[str, Any]:
    if len(data) > TALLY_BYTES_MAX:
        raise TallyError(f"more than {TALLY_BYTES_MAX} bytes")
    try:
        read = json.loads(data)
        texts = ("id", "title", "text", "opened", "result")
        good = (
            read["format"] == FORMAT
            and all(isinstance(read[name], str) for name in texts)
            and isinstance(read["closes_ms"], int)
            and _texts(read["choices"], CHOICES_MAX)
            and all(_texts(read[name], None) for name in ("issued", "used"))
            and all(_is_ballot(row) for row in read["ballots"])
            and isinstance(read["counts"], list)
        )
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise TallyError(f"not a published count of Beffroi: {error!r}") from error
    if not good:
        raise TallyError("not a published count of Beffroi: a part of it has another form")
    found: dict[str, Any] = read
    return found


def _texts(value: object, most: int | None) -> bool:
    listed = isinstance(value, list) and all(isinstance(one, str) for one in value)
    return listed and (most is None or len(value) <= most)  # type: ignore[arg-type]


def _is_ballot(row: object) -> bool:
    pair = isinstance(row, list) and len(row) == 2
    return pair and isinstance(row[0], str) and type(row[1]) is int  # type: ignore[index]

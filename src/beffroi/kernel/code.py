"""The short public code of a command: six characters that a board can show and a passer-by read.

It names an entry of the log, it proves nothing by itself: 30 bits. Among n commands some two share
a code with a probability of about n*n / 2**31 (one in 2,100 for 1,000), and whoever can have
commands logged can find two with the same code. So a check compares what is displayed as well.
"""

from __future__ import annotations

from collections.abc import Iterable

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # no I, L, O, U: nobody reads them twice the same
CODE_CHARS = 6
_ALIKE = str.maketrans("OIL", "011", " -")


def code_of(digest: bytes) -> str:
    """Of `Command.digest`: its first 30 bits."""
    number = int.from_bytes(digest[:4], "big") >> 2
    return "".join(ALPHABET[number >> 5 * i & 31] for i in reversed(range(CODE_CHARS)))


def number_of(code: str) -> int | None:
    """The 30 bits of a code as somebody typed it (small letters, O for 0, spaces); None if it is
    no code."""
    plain = code.upper().translate(_ALIKE)
    if len(plain) != CODE_CHARS or not set(plain) <= set(ALPHABET):
        return None
    number = 0
    for char in plain:
        number = number << 5 | ALPHABET.index(char)
    return number


def named_by(code: str, digests: Iterable[bytes]) -> tuple[bytes, ...]:
    """Every command that this code may mean: none, one, or rarely several (all are told)."""
    wanted = number_of(code)
    return tuple(one for one in digests if number_of(code_of(one)) == wanted is not None)

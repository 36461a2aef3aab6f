"""The file of evidence that a sealed edition carries: entries with proofs, as `beffroi verify`
takes them. Reads the log; writes nothing."""

from __future__ import annotations

from collections.abc import Sequence

from beffroi.evidence.dossier import Dossier, Item
from beffroi.kernel import keys
from beffroi.kernel.roster import LOG, Member, Roster
from beffroi.model.limits import PAPER_ATTACHED_MAX
from beffroi.model.measure import DAY_MS
from beffroi.ports.log_store import LogStore

YEAR_MS = 366 * DAY_MS
NAME = "preuves.txt"
WORDS = "Entrées du journal de preuves et leurs preuves d’inclusion (beffroi verify)"


def log_roster(commune: str, public: bytes, now_ms: int) -> bytes:
    """Of a commune without a root of trust yet: the log's own key and nothing else. Whoever
    verifies compares its fingerprint with the one the commune publishes."""
    member = Member(keys.ED25519, public, "log", commune, LOG)
    return Roster(commune, 1, now_ms + YEAR_MS, (member,)).encoded()


def attached(log: LogStore, indices: Sequence[int], roster: bytes = b"") -> bytes:
    """The newest PAPER_ATTACHED_MAX of `indices`, under the checkpoint that witnesses cosigned when
    it covers them all, else under the latest. An erased payload is simply absent."""
    wanted = sorted(set(indices))[-PAPER_ATTACHED_MAX:]
    seen, latest = log.witnessed(), log.checkpoint()
    covers = seen is not None and (not wanted or wanted[-1] < seen.size)
    at = seen if seen is not None and covers else latest
    items = []
    for index in wanted:
        proof = log.prove(index, at)
        salt, payload = log.payload(index) or (b"", b"")
        items.append(Item(index, proof.entry, proof.path, salt, payload))
    return Dossier(at.text(), tuple(items), roster).text()

"""Files and keys of other communes, kept as dated lines; what the comparison page is made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from beffroi import law
from beffroi.hub.compare.fair import Fair, compare
from beffroi.hub.compare.peerfile import PeerFile, PeerFileError, read_file
from beffroi.hub.compare.population import SizeClass, class_of, places, size_of
from beffroi.hub.indicators.entries import Write
from beffroi.kernel import keys
from beffroi.model.limits import PEERS_MAX
from beffroi.model.measure import DAY_MS, Measured
from beffroi.ports.registers import RegisterStore

FILES, KEYS = "peer_file", "peer_key"
AGE_DAYS_MAX = 400  # an older period is not compared with ours


@dataclass(frozen=True, slots=True)
class Comparison:
    """`total`: communes of the class in the country; `peers`: those that gave a usable file."""

    size: SizeClass
    total: int
    peers: int
    by_indicator: Mapping[str, Fair]


class Peers:
    """Of one commune."""

    def __init__(self, store: RegisterStore, write: Write) -> None:
        self._store, self._write = store, write

    def pin(self, commune: str, public_hex: str, actor: str) -> None:
        """From now on only this key speaks for that commune. PeerFileError."""
        if commune not in places():
            raise PeerFileError(f"there is no commune with the INSEE code {commune[:20]!r}")
        try:
            public = bytes.fromhex(public_hex.strip())
        except ValueError as error:
            raise PeerFileError("a public key is 64 hexadecimal digits") from error
        if len(public) != 32 or keys.weak(public):
            raise PeerFileError("this is no usable Ed25519 public key")
        self._write(KEYS, commune, "pinned", {"public": public.hex()}, actor)

    def take(self, data: bytes, now_ms: int, actor: str) -> PeerFile:
        """Verified, then kept; an older one than what is kept is refused. PeerFileError."""
        found = read_file(data, self._pins(), now_ms)
        kept = self.files(now_ms)
        if found.commune in kept and found.made_ms <= kept[found.commune].made_ms:
            raise PeerFileError("a file of this commune that is as new or newer is kept already")
        if len(kept) >= PEERS_MAX:
            raise PeerFileError(f"more than {PEERS_MAX} communes")
        self._write(FILES, found.commune, "imported", {"file": data.decode()}, actor)
        return found

    def files(self, now_ms: int) -> dict[str, PeerFile]:
        """The newest of each commune, verified again with the key pinned now."""
        pins, found = self._pins(), dict[str, PeerFile]()
        for record in self._store.records(FILES):
            try:
                one = read_file(str(record.facts.get("file", "")).encode(), pins, now_ms)
            except PeerFileError:
                continue  # its key was changed since: it no longer speaks
            before = found.get(one.commune)
            if before is None or one.made_ms > before.made_ms:
                found[one.commune] = one
        return found

    def comparison(
        self, own_code: str, inhabitants: int, own: Mapping[str, Measured], now_ms: int
    ) -> Comparison:
        """With communes of the class of `inhabitants`; their own class comes from the table."""
        size = class_of(inhabitants)
        oldest = now_ms - AGE_DAYS_MAX * DAY_MS
        table = places()
        peers = [
            one
            for code, one in self.files(now_ms).items()
            if code != own_code
            and code in table
            and class_of(table[code].inhabitants) == size
            and one.span.end_ms >= oldest
        ]
        by = {
            ident: compare(own.get(ident), [p.figures[ident] for p in peers if ident in p.figures])
            for ident, item in law.indicators().items()
            if item.public
        }
        return Comparison(size, size_of(size), len(peers), by)

    def _pins(self) -> dict[str, bytes]:
        found = {}
        for record in self._store.records(KEYS):
            text = str(record.facts.get("public", ""))
            if text:
                found[record.key] = bytes.fromhex(text)
        return found

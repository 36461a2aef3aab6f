"""The guard's statuses: what the hub must know to write the next command. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from beffroi.guard.effects import Effect, Instant, Say
from beffroi.guard.ledger import tidy
from beffroi.guard.limits import STATUS_MS
from beffroi.guard.post import Post
from beffroi.kernel import document
from beffroi.kernel.dsse import STATUS, Signed, pack
from beffroi.kernel.lease import Status
from beffroi.kernel.limits import FACTS_MAX, SIGNED_BYTES_MAX
from beffroi.kernel.situation import Situation


class Speech:
    """One status per target: when something changed, and every STATUS_MS."""

    def __init__(
        self, commune: str, guard: str, key: bytes, nonce: bytes, out: list[Effect]
    ) -> None:
        self._commune, self._guard, self._key, self._nonce = commune, guard, key, nonce
        self._out = out
        self._due_mono_ms: dict[str, int] = {}

    def due_now(self, targets: Iterable[str]) -> None:
        for name in targets:
            self._due_mono_ms[name] = 0

    def due(self, posts: Mapping[str, Post], instant: Instant) -> list[str]:
        return [
            name
            for name, post in posts.items()
            if post.changed
            or (instant.mono_ms >= self._due_mono_ms.get(name, 0) and not post.starting)
        ]

    def speak(
        self,
        names: Iterable[str],
        posts: Mapping[str, Post],
        instant: Instant,
        known: Situation,
        receipts: int,
        *,
        leased: bool,
    ) -> None:
        for name in names:
            posts[name].changed = False
            self._due_mono_ms[name] = instant.mono_ms + STATUS_MS
            self._out.append(Say(self._status(name, posts[name], known, receipts, leased)))

    def _status(
        self, name: str, post: Post, known: Situation, receipts: int, leased: bool
    ) -> bytes:
        envelope = known.envelopes.get(name)
        last = known.state.of(name)
        epoch = last.epoch if envelope is None else envelope.epoch
        derived = {key: fact.value for key, fact in known.facts.get(name, {}).items()}
        items = FACTS_MAX
        while True:
            status = Status(
                commune=self._commune,
                guard=self._guard,
                target=name,
                nonce=self._nonce,
                at_ms=known.now_ms,
                receipts=receipts,
                roster_version=known.roster.version,
                envelope=bytes(32) if envelope is None else envelope.digest,
                epoch=epoch,
                counter=last.counter if last.epoch == epoch else 0,
                leased=int(leased),
                facts=tidy({**derived, **post.shown}, items, derived),
            )
            payload = document.write(status)
            if len(payload) <= SIGNED_BYTES_MAX:
                return pack(Signed(STATUS, payload).by(self._key))
            items //= 2

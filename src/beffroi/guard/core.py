"""The guard as a state machine: bytes, readings and instants in; effects out. No socket, no file.

    command -> (Look, Judge) -> Persist -> Act -> Look ... -> Keep(receipt)
    no lease for its ttl     -> FallBack on every target -> Keep(fallback)
    equipment that changes by itself, twice seen -> Keep(tampered) -> FallBack

The order of a command's checks is that of `kernel.decide`, the judge. This module decides when the
judge is asked and what follows. It refuses to know protocols, wiring and disks; whoever runs it
does the effects in order and stops for good if one of them cannot be made durable.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from beffroi.guard import facts as derived
from beffroi.guard.driver import Shown
from beffroi.guard.effects import Act, Effect, Instant, Judge, Keep, Look, Persist
from beffroi.guard.facts import Place
from beffroi.guard.ledger import NOBODY, Asked, Ledger, Tap
from beffroi.guard.limits import DURATION_PARAM, FACTS_FRESH_MS, SEEN_MS_STEP, START_GRACE_MS
from beffroi.guard.memory import Expected, Memory, Pending, Record
from beffroi.guard.post import Awaited, Post, Wired
from beffroi.guard.speech import Speech
from beffroi.guard.tenure import WRONG_TIME, Tenure
from beffroi.guard.timekeeping import OwnTime
from beffroi.guard.watch import Watch
from beffroi.kernel.canonical import CanonicalError
from beffroi.kernel.code import code_of
from beffroi.kernel.command import Command, read_command
from beffroi.kernel.decide import decide
from beffroi.kernel.document import FieldError
from beffroi.kernel.dsse import unpack
from beffroi.kernel.envelope import Envelope
from beffroi.kernel.keys import sha256
from beffroi.kernel.limits import WIRE_BYTES_MAX
from beffroi.kernel.receipt import FAILED, REFUSED, STARTED
from beffroi.kernel.roster import Roster
from beffroi.kernel.situation import Fact, Situation
from beffroi.kernel.verdict import Accepted, Reason, Refused


@dataclass(frozen=True, slots=True)
class Me:
    """Who this guard is; `key` is its secret Ed25519 seed, which signs receipts alone."""

    commune: str
    guard: str
    place: Place
    key: bytes = field(repr=False)


class Core:
    """Feed it from one thread. Every method answers with what must now be done, in that order."""

    def __init__(
        self, me: Me, memory: Memory, nonce: bytes, wired: Mapping[str, Wired], instant: Instant
    ) -> None:
        self._me, self._memory, self._nonce = me, memory, nonce
        record = memory.record
        self._boots, self._state = record.boots + 1, record.state
        self._time = OwnTime(instant, record.seen_ms)
        self._seen_ms_kept = record.seen_ms
        self._ledger = Ledger(me.guard, me.key, memory)
        self._tap = Tap()
        self._tenure = Tenure(me.commune, me.guard, nonce)
        self._roster = Roster(me.commune, 1, 0)  # expired since 1970: nobody may do anything
        self._envelopes: Mapping[str, Envelope] = {}
        self._pending: dict[bytes, Pending] = {}
        self._troubles: set[str] = set()
        self._grace_until_mono_ms: int | None = instant.mono_ms + START_GRACE_MS
        self._out: list[Effect] = []
        self.posts = {name: Post(one) for name, one in wired.items()}
        self._watch = Watch(self.posts, self._ledger, self._out)
        self._speech = Speech(me.commune, me.guard, me.key, nonce, self._out)
        self._recall(memory)

    def _recall(self, memory: Memory) -> None:
        """What the equipment should show, and what was cut off in the middle."""
        expected = dict(memory.record.expected)
        for kept in memory.kept:
            known = expected.get(kept.target)
            if kept.expects and (known is None or known.number <= kept.number):
                expected[kept.target] = kept.expects
        for name, one in expected.items():
            if name in self.posts:
                self.posts[name].expect(one.values, 0, seen=True, fallen=False)
                self.posts[name].until_ms = one.until_ms
        for pending in memory.record.pending:
            if self._ledger.answer(pending.asked) is None:
                self._pending[pending.asked] = pending
                if pending.target in self.posts:
                    asked = Asked(pending.asked, pending.digest, acted=True)
                    self.posts[pending.target].interrupted = asked

    # --- what can happen --------------------------------------------------------------------
    def begin(self, instant: Instant) -> list[Effect]:
        """The first call. The new start is durable before anything is heard."""
        memory = self._memory
        self._persist()
        reason = "memory_lost" if memory.flaw else "first" if memory.fresh else "restart"
        detail = f"start {self._boots}" + (f": {memory.flaw}" if memory.flaw else "")
        self._keep(instant, STARTED, reason=reason, detail=detail)
        for pending in [p for p in self._pending.values() if p.target not in self.posts]:
            asked = Asked(pending.asked, pending.digest, acted=True)
            detail = "cut off by a restart; the target is wired no more"
            self._keep(instant, FAILED, pending.target, asked, "interrupted", detail)
        self._out += [Look(name) for name in self.posts]
        return self._done(instant)

    def trusted(
        self, roster: Roster, envelopes: Mapping[str, Envelope], instant: Instant
    ) -> list[Effect]:
        """Other documents, already checked against the root."""
        self._advance(instant)
        self._roster = roster
        self._envelopes = {
            name: one
            for name, one in envelopes.items()
            if (one.guard, one.target) == (self._me.guard, name) and name in self.posts
        }
        if self._tenure.held and not self._tenure.still_known(roster):
            self._lease_lost(instant, "the key of the lease was revoked")
        self._speech.due_now(self.posts)
        return self._done(instant)

    def distrusted(self, why: str, instant: Instant) -> list[Effect]:
        """Documents came that the root has not signed, or not so. What was trusted stays."""
        self._advance(instant)
        if self._tap.open(instant.mono_ms):
            self._keep(instant, REFUSED, reason="trust", detail=why)
        return self._done(instant)

    def connected(self, instant: Instant) -> list[Effect]:
        """The hub can hear us, anew: it must learn the nonce before it can speak."""
        self._speech.due_now(self.posts)
        return self._done(instant)

    def lease(self, wire: bytes, instant: Instant, came: Instant | None = None) -> list[Effect]:
        """Bytes that claim to be a lease; it counts from when they `came`."""
        self._advance(instant)
        held = self._tenure.held
        wrong = self._tenure.hear(wire, self._roster, self._time, came or instant)
        if wrong == WRONG_TIME:
            self._trouble(instant, "lease_time", wrong)
        elif not wrong:
            self._troubles.discard("lease_time")
            self._grace_until_mono_ms = None
            if not held:
                self._speech.due_now(self.posts)
            if self._time.seen_ms - self._seen_ms_kept >= SEEN_MS_STEP:
                self._persist()
        return self._done(instant)

    def command(self, wire: bytes, instant: Instant) -> list[Effect]:
        """Bytes that claim to be a command. The same bytes get the same receipt, whatever else."""
        self._advance(instant)
        asked = sha256(wire)
        kept = self._ledger.answer(asked)
        if kept is not None:
            self._out.append(Keep(kept, again=True))
        elif asked not in self._pending:  # else its receipt will come
            target = _target(wire)
            post = self.posts.get(target)
            tried = None if post is None else post.tried_mono_ms
            if post and (tried is None or instant.mono_ms - tried > FACTS_FRESH_MS):
                self._out.append(Look(target))
            self._out.append(Judge(wire))
        return self._done(instant)

    def judge(self, wire: bytes, instant: Instant) -> list[Effect]:
        """After `command`, with fresh facts."""
        self._advance(instant)
        verdict = decide(wire, self.situation(instant, (_target(wire),)))
        if isinstance(verdict, Accepted):
            self._accept(sha256(wire), verdict, instant)
        else:
            self._refuse(sha256(wire), verdict, instant)
        return self._done(instant)

    def acted(self, target: str, expects: Shown, error: str, instant: Instant) -> list[Effect]:
        """The equipment was told, or (`error`) could not be."""
        self._watch.acted(target, expects, error, self._time.at_ms(instant), instant.mono_ms)
        return self._done(instant)

    def fell_back(
        self, target: str, expects: Shown, shown: Shown, error: str, instant: Instant
    ) -> list[Effect]:
        now_ms = self._time.at_ms(instant)
        self._watch.fell_back(target, expects, shown, error, now_ms, instant.mono_ms)
        return self._done(instant)

    def shown(self, target: str, shown: Shown, error: str, instant: Instant) -> list[Effect]:
        """What the equipment shows, or (`error`) why it does not."""
        now_ms = self._time.at_ms(instant)
        self._watch.shown(target, shown, error, now_ms, instant.mono_ms)
        return self._done(instant)

    def tick(self, instant: Instant) -> list[Effect]:
        """Let time pass: about every TICK_MS."""
        self._advance(instant)
        if self._grace_until_mono_ms and instant.mono_ms >= self._grace_until_mono_ms:
            self._grace_until_mono_ms = None
            for name in [n for n, post in self.posts.items() if not post.fallen]:
                self._watch.fall(name, "start", self._time.at_ms(instant), "no lease since start")
        self._watch.due(self._time.at_ms(instant), instant.mono_ms)
        return self._done(instant)

    def now_ms(self, instant: Instant) -> int:
        """The guard's own time."""
        return self._time.at_ms(instant)

    # --- what follows -----------------------------------------------------------------------
    def situation(self, instant: Instant, about: Collection[str]) -> Situation:
        """What the judge is told, with the facts of the targets `about`. In doubt about the time
        no lease counts: the safe direction stays, nothing else does."""
        now_ms = self._time.at_ms(instant)
        left_ms = 0 if self._time.doubt(instant) else self._tenure.left_ms(instant)
        return Situation(
            commune=self._me.commune,
            guard=self._me.guard,
            origin=f"beffroi/{self._me.commune}",
            nonce=self._nonce,
            roster=self._roster,
            envelopes=self._envelopes,
            state=self._state,
            now_ms=now_ms,
            lease_until_ms=now_ms + left_ms if left_ms else 0,
            facts=self._facts(now_ms, about),
        )

    def _facts(self, now_ms: int, about: Collection[str]) -> dict[str, dict[str, Fact]]:
        time = derived.of_time(self._me.place, now_ms)
        measured = {name: post.facts for name, post in self.posts.items()}
        return {
            name: {
                **post.facts,
                **time,
                "adjacent_dark": derived.adjacent_dark(post.wired.near, measured, now_ms),
            }
            for name, post in self.posts.items()
            if name in about
        }

    def _accept(self, asked: bytes, verdict: Accepted, instant: Instant) -> None:
        command = verdict.command
        post = self.posts[command.target]
        if post.awaited is not None:
            self._watch.fail(
                command.target, "superseded", "a newer command came", self._time.at_ms(instant)
            )
        question = Asked(asked, command.digest, acted=True)
        self._state = verdict.state
        self._pending[asked] = Pending(asked, command.digest, command.target)
        minutes = command.params.get(DURATION_PARAM, 0)
        post.awaited = Awaited(question, minutes=minutes if isinstance(minutes, int) else 0)
        post.until_ms = 0  # of the command before
        if post.fall_again_mono_ms is not None:
            post.falling, post.fall_again_mono_ms = "", None
        self._persist()
        params = dict(command.params)
        if params and post.wired.code_param:
            params[post.wired.code_param] = code_of(command.digest)
        self._out.append(Act(command.target, command.action, params))

    def _refuse(self, asked: bytes, verdict: Refused, instant: Instant) -> None:
        command = verdict.command
        if command is not None and verdict.reason in (Reason.REPLAYED, Reason.OTHER_START):
            # Only looked for once the signatures hold: its author may hear what became of it.
            kept = self._ledger.effect_of(command.digest)
            if kept is not None:
                self._out.append(Keep(kept, again=True))
                return
        if not self._tap.open(instant.mono_ms):
            return
        detail = verdict.detail
        if verdict.reason is Reason.NO_LEASE and self._time.doubt(instant):
            detail = self._time.doubt(instant)
        if self._tap.untold:
            detail = f"{detail} (and {self._tap.untold} more refusals without a receipt)"
            self._tap.untold = 0
        target, digest = _named(command)
        self._keep(instant, REFUSED, target, Asked(asked, digest), verdict.reason.value, detail)

    def _advance(self, instant: Instant) -> None:
        """Time first: what comes after the end of a lease finds the fallback already begun."""
        doubt = self._time.doubt(instant)
        if doubt:
            self._trouble(instant, "clock", doubt)
        else:
            self._troubles.discard("clock")
        if self._tenure.over(instant):
            self._lease_lost(instant, "no lease for its whole time")

    def _lease_lost(self, instant: Instant, why: str) -> None:
        self._tenure.lost()
        for name in self.posts:
            self._watch.fall(name, "lease_lost", self._time.at_ms(instant), why)

    def _trouble(self, instant: Instant, reason: str, detail: str) -> None:
        """Said once, until it is over."""
        if reason not in self._troubles and self._tap.open(instant.mono_ms):
            self._troubles.add(reason)
            self._keep(instant, REFUSED, reason=reason, detail=detail)

    def _keep(
        self,
        instant: Instant,
        outcome: str,
        target: str = "",
        asked: Asked = NOBODY,
        reason: str = "",
        detail: str = "",
    ) -> None:
        kept = self._ledger.write(
            self._time.at_ms(instant),
            outcome,
            target=target,
            asked=asked,
            reason=reason,
            detail=detail,
        )
        self._out.append(Keep(kept))

    def _persist(self) -> None:
        self._seen_ms_kept = self._time.seen_ms
        number = self._ledger.number
        self._out.append(
            Persist(
                Record(
                    boots=self._boots,
                    seen_ms=self._time.seen_ms,
                    receipts=number,
                    previous=self._ledger.previous,
                    state=self._state,
                    pending=tuple(self._pending.values()),
                    expected={
                        name: Expected(number, post.expected, post.until_ms)
                        for name, post in self.posts.items()
                    },
                )
            )
        )

    def _done(self, instant: Instant) -> list[Effect]:
        for effect in self._out:
            if isinstance(effect, Keep):
                self._pending.pop(effect.kept.asked, None)
        due = self._speech.due(self.posts, instant)
        if due:
            known = self.situation(instant, due)
            leased = self._tenure.left_ms(instant) > 0
            number = self._ledger.number
            self._speech.speak(due, self.posts, instant, known, number, leased=leased)
        out = list(self._out)
        self._out.clear()
        return out


def _target(wire: bytes) -> str:
    """Whom the bytes speak of, "" if nobody: only to read the equipment, nothing is believed."""
    if len(wire) <= WIRE_BYTES_MAX:
        with suppress(CanonicalError, FieldError):
            return read_command(unpack(wire).payload).target
    return ""


def _named(command: Command | None) -> tuple[str, bytes]:
    return ("", b"") if command is None else (command.target, command.digest)

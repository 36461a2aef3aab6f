"""What is shown against what was asked: done, failed, tampered with, fallen back.

Works on the posts and writes receipts; knows nothing of who may command.
"""

from __future__ import annotations

from beffroi.guard.driver import Shown
from beffroi.guard.effects import Effect, FallBack, Keep, Look
from beffroi.guard.ledger import NOBODY, Asked, Ledger
from beffroi.guard.limits import (
    ODD_READS_MIN,
    RETRY_MS,
    SILENT_READS_MAX,
)
from beffroi.guard.post import Post, differs
from beffroi.kernel.receipt import DONE, FAILED, FALLBACK, TAMPERED


class Watch:
    def __init__(self, posts: dict[str, Post], ledger: Ledger, out: list[Effect]) -> None:
        self._posts, self._ledger, self._out = posts, ledger, out

    # --- what the equipment did -------------------------------------------------------------
    def acted(self, target: str, expects: Shown, error: str, now_ms: int, mono_ms: int) -> None:
        post = self._posts[target]
        if post.awaited is None:
            return
        if error:
            self.fail(target, "not_told", error, now_ms)
            self.fall(target, "failed", now_ms)
            return
        post.awaited.expects = expects
        post.awaited.until_mono_ms = mono_ms + post.wired.readback_ms
        self._out.append(Look(target))

    def shown(self, target: str, shown: Shown, error: str, now_ms: int, mono_ms: int) -> None:
        post = self._posts[target]
        if error:
            self._silent(target, post, error, now_ms)
        else:
            post.told.discard("silent")
            post.read(shown, now_ms)
        if post.starting:
            self._first_look(target, post, error, now_ms)
        elif post.awaited is not None:
            self._await(target, post, error, now_ms, mono_ms)
        elif not error and not post.falling and mono_ms >= post.settled_mono_ms:
            self._compare(target, post, now_ms, mono_ms)
        elif not error and not differs(post.expected, post.shown):
            post.seen = True
        post.schedule(mono_ms)

    def fell_back(
        self, target: str, expects: Shown, shown: Shown, error: str, now_ms: int, mono_ms: int
    ) -> None:
        post = self._posts[target]
        if error:
            self._tell(target, post, "fallback_failed", error, now_ms)
            post.fall_again_mono_ms = mono_ms + RETRY_MS
            return
        reason, post.falling = post.falling, ""
        post.told.discard("fallback_failed")
        post.fall_again_mono_ms = None
        post.read(shown, now_ms)
        post.expect(
            expects,
            mono_ms + post.wired.readback_ms,
            seen=not differs(expects, shown),
            fallen=True,
        )
        post.schedule(mono_ms)
        if reason:
            self._write(target, now_ms, FALLBACK, reason=reason, expects=expects)

    # --- what the guard does about it -------------------------------------------------------
    def fall(self, target: str, reason: str, now_ms: int, why: str = "") -> None:
        """Into the safe state, whatever was awaited."""
        post = self._posts[target]
        if post.awaited is not None:
            self.fail(target, "superseded", why or reason, now_ms)
        post.falling = reason
        self._out.append(FallBack(target))

    def fail(self, target: str, reason: str, detail: str, now_ms: int) -> None:
        """The awaited command did not come to its end."""
        post = self._posts[target]
        if post.awaited is not None:
            asked, post.awaited = post.awaited.asked, None
            self._write(target, now_ms, FAILED, asked=asked, reason=reason, detail=detail)

    def due(self, now_ms: int, mono_ms: int) -> None:
        """Ends, looks and second tries whose time has come."""
        for name, post in self._posts.items():
            if post.until_ms and now_ms >= post.until_ms and not post.starting:
                post.until_ms = 0
                self.fall(name, "ended", now_ms)
            if post.fall_again_mono_ms is not None and mono_ms >= post.fall_again_mono_ms:
                post.fall_again_mono_ms = None
                self._out.append(FallBack(name))
            elif mono_ms >= post.next_look_mono_ms:
                self._out.append(Look(name))

    def _first_look(self, target: str, post: Post, error: str, now_ms: int) -> None:
        """After a start: equipment that stands as last commanded may wait for the hub; any other
        goes to its safe state at once."""
        post.starting = False
        if post.interrupted is not None:
            asked, post.interrupted = post.interrupted, None
            detail = "cut off by a restart: nobody knows if it was done"
            self._write(target, now_ms, FAILED, asked=asked, reason="interrupted", detail=detail)
            self.fall(target, "start", now_ms)
            return
        over = 0 < post.until_ms <= now_ms  # then it may well have ended by itself
        odd = "" if error or over else differs(post.expected, post.shown)
        if odd:
            self._write(target, now_ms, TAMPERED, reason="while_off", detail=odd)
        if error or odd or not post.expected:
            self.fall(target, "start", now_ms)

    def _await(self, target: str, post: Post, error: str, now_ms: int, mono_ms: int) -> None:
        awaited = post.awaited
        if awaited is None or not awaited.until_mono_ms:
            return
        odd = error or differs(awaited.expects, post.shown)
        if not odd:
            post.awaited = None
            post.expect(awaited.expects, 0, seen=True, fallen=False)
            post.until_ms = now_ms + awaited.minutes * 60_000 if awaited.minutes else 0
            self._write(
                target,
                now_ms,
                DONE,
                asked=awaited.asked,
                expects=awaited.expects,
                until_ms=post.until_ms,
            )
        elif mono_ms >= awaited.until_mono_ms:
            self.fail(target, "not_shown", odd, now_ms)
            self.fall(target, "failed", now_ms)

    def _compare(self, target: str, post: Post, now_ms: int, mono_ms: int) -> None:
        odd = differs(post.expected, post.shown)
        if not odd:
            post.odd, post.seen = 0, True
            post.told.discard("fallback_not_shown")
            return
        post.odd += 1
        if post.odd < ODD_READS_MIN:
            return
        post.odd = 0
        if not post.seen:  # the fallback itself never showed
            self._tell(target, post, "fallback_not_shown", odd, now_ms)
            post.fall_again_mono_ms = mono_ms + RETRY_MS
            post.settled_mono_ms = post.fall_again_mono_ms
            return
        last_ms = post.tampered_mono_ms
        if last_ms is not None and mono_ms - last_ms < RETRY_MS:
            self._out.append(FallBack(target))  # at once, but not a receipt for each
            return
        post.tampered_mono_ms = mono_ms
        self._write(target, now_ms, TAMPERED, reason="changed", detail=odd)
        self.fall(target, "tampered", now_ms)

    def _silent(self, target: str, post: Post, error: str, now_ms: int) -> None:
        post.silent += 1
        if post.silent >= SILENT_READS_MAX and post.awaited is None:
            self._tell(target, post, "silent", error, now_ms)

    def _tell(self, target: str, post: Post, reason: str, detail: str, now_ms: int) -> None:
        """Once for each trouble."""
        if reason not in post.told:
            post.told.add(reason)
            self._write(target, now_ms, FAILED, reason=reason, detail=detail)

    def _write(
        self,
        target: str,
        now_ms: int,
        outcome: str,
        *,
        asked: Asked = NOBODY,
        reason: str = "",
        detail: str = "",
        expects: Shown | None = None,
        until_ms: int = 0,
    ) -> None:
        post = self._posts[target]
        kept = self._ledger.write(
            now_ms,
            outcome,
            target=target,
            asked=asked,
            reason=reason,
            detail=detail,
            readback=post.shown,
            expects=expects,
            until_ms=until_ms,
        )
        self._out.append(Keep(kept))
        post.changed = True

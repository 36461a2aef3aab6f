"""The trust repository as the dispatcher uses it: `hub.dispatch.trust.TrustSource` on a home."""

from __future__ import annotations

import threading
from pathlib import Path

from beffroi.adapters.trust import online
from beffroi.adapters.trust.shelf import ROOT, TARGETS, ShelfError
from beffroi.guard.trust_bundle import BundleError, pack_bundle
from beffroi.hub.dispatch.trust import Trusted, TrustError


class TrustFolder:
    """Reads again when something was published. Safe to call from threads."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._lock = threading.Lock()
        self._seen: tuple[int, ...] = ()
        self._current: Trusted | None = None

    def current(self) -> Trusted:
        """TrustError when nothing complete has been published."""
        with self._lock:
            shelf = online.shelf_of(self._home)
            newest = (*shelf.versions(ROOT)[-1:], *shelf.versions(TARGETS)[-1:])
            if self._current is None or newest != self._seen:
                try:
                    self._current = Trusted(*online.current(self._home))
                except ShelfError as error:
                    raise TrustError(f"{error}; run `beffroi trust publish`") from error
                self._seen = newest
            return self._current

    def bundle(self, guard: str) -> bytes:
        """Ready for `d/<guard>/trust`. TrustError when it cannot be made."""
        try:
            return pack_bundle(online.bundle(self._home, guard))
        except (ShelfError, BundleError) as error:
            raise TrustError(str(error)) from error

    def refresh(self, now_ms: int) -> bool:
        """At every start and every hour; True when there is something new to send."""
        try:
            return online.refresh(self._home, now_ms)
        except ShelfError as error:
            raise TrustError(str(error)) from error

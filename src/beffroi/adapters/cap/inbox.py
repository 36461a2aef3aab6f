"""A folder into which whoever fetches alerts (a feed reader, a mail robot, a person) puts them.

    in/                     signed CAP 1.2 files; each is looked at once
    kept/, refused/         where they go, with a .txt that says why for the refused
    authorities/<any>/      `sender` (one line) and the certificates (*.pem, *.der) listed for it

A file is verified at the time when it is found. Fetches nothing itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import structlog

from beffroi.adapters.cap.signature import Authority, certificate, verified
from beffroi.adapters.cap.xml import read
from beffroi.model.cap import Alert, CapError
from beffroi.model.limits import (
    CAP_BYTES_MAX,
    CAP_KEPT_MAX,
    CAP_PER_TURN_MAX,
    CAP_REFUSED_SHOWN_MAX,
)
from beffroi.ports.bulletins import Refused

log = structlog.get_logger("alerts")
SENDER_CHARS_MAX = 300


class Inbox:
    """See `ports.bulletins.Bulletins`."""

    def __init__(self, folder: Path) -> None:
        self._in, self._kept, self._refused = (folder / n for n in ("in", "kept", "refused"))
        self._authorities = folder / "authorities"
        for place in (self._in, self._kept, self._refused, self._authorities):
            place.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._known = dict(self._before())

    def _before(self) -> Iterator[tuple[str, Alert]]:
        """They were verified when they came; their certificate may have expired since."""
        for path in sorted(self._kept.glob("*.xml")):
            try:
                yield path.name, read(_bytes(path))
            except (CapError, OSError) as error:
                log.warning("kept_alert_unreadable", file=path.name, why=str(error))

    def alerts(self, now_ms: int) -> Sequence[Alert]:
        fresh = [one for one in sorted(self._in.iterdir()) if not one.name.startswith(".")]
        listed = list(self._listed()) if fresh else []
        for path in fresh[:CAP_PER_TURN_MAX]:
            self._look(path, listed, now_ms)
        self._forget()
        return list(self._known.values())

    def refused(self) -> Sequence[Refused]:
        """Whoever may write into this folder may also take it away: that is no error here."""
        found = []
        for path in self._refused.glob("*.txt"):
            try:
                at_ms, why = int(path.stat().st_mtime * 1000), path.read_text(errors="replace")
            except OSError:
                continue
            found.append(Refused(path.name.removesuffix(".txt")[:80], why.strip()[:300], at_ms))
        return sorted(found, key=lambda one: (-one.at_ms, one.name))[:CAP_REFUSED_SHOWN_MAX]

    def _look(self, path: Path, listed: Sequence[Authority], now_ms: int) -> None:
        try:
            raw = _bytes(path)
            alert = verified(raw, listed, now_ms)
        except (CapError, OSError) as error:
            self._refuse(path, str(error))
            return
        name = f"{hashlib.sha256(raw).hexdigest()}.xml"
        path.replace(self._kept / name)
        self._known[name] = alert
        log.info("alert_received", sender=alert.sender, id=alert.identifier, kind=alert.msg_type)

    def _refuse(self, path: Path, why: str) -> None:
        log.warning("alert_refused", file=path.name, why=why)
        try:
            path.replace(self._refused / path.name)
            (self._refused / f"{path.name}.txt").write_text(why + "\n")
        except OSError as error:
            log.error("alert_not_moved", file=path.name, why=str(error))

    def _listed(self) -> Iterator[Authority]:
        """OSError is the hub's own trouble: no alert is refused for it. A certificate that is none
        costs its authority that certificate, and nobody else anything."""
        for folder in sorted(self._authorities.iterdir()):
            sender = folder / "sender"
            if not sender.is_file():
                continue
            files = (*folder.glob("*.pem"), *folder.glob("*.der"))
            name = sender.read_text(errors="replace").strip()[:SENDER_CHARS_MAX]
            yield Authority(name, tuple(self._certificates(sorted(files))))

    def _certificates(self, files: Sequence[Path]) -> Iterator[bytes]:
        for path in files:
            try:
                data = _bytes(path)
                certificate(data)
            except CapError as error:
                log.warning("authority_unreadable", file=path.name, why=str(error))
            else:
                yield data

    def _forget(self) -> None:
        """The oldest by when they were sent, once there are too many."""
        by_age = sorted(self._known, key=lambda name: self._known[name].sent_ms)
        for name in by_age[: max(0, len(by_age) - CAP_KEPT_MAX)]:
            (self._kept / name).unlink(missing_ok=True)
            del self._known[name]


def _bytes(path: Path) -> bytes:
    """At most one byte more than is permitted: then the parser refuses it. Never a link."""
    if path.is_symlink() or not path.is_file():
        raise CapError("not a plain file")
    with path.open("rb") as file:
        return file.read(CAP_BYTES_MAX + 1)

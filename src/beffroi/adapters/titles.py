"""Titles as files: `<home>/titles/2026-11-24.txt`, a word a line; `public`, a key (hex) a line.

Copies of titles may hold hashes of plates: they are removed once no night needs them any more.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

from beffroi.domains.nightly import Sold
from beffroi.model.limits import TITLE_DAYS, TITLES_BYTES_MAX
from beffroi.ports.titles import TitlesError

PUBLIC = "public"


class TitleFolder:
    """See `ports.titles.TitleShelf`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def sold(self, day: date) -> Sold | None:
        today = self._lines(f"{day}.txt")
        if today is None:
            return None
        before = [self._lines(f"{day - timedelta(days=n)}.txt") or () for n in range(1, TITLE_DAYS)]
        try:
            publics = [bytes.fromhex(line) for line in self._lines(PUBLIC) or ()]
        except ValueError as error:
            raise TitlesError(f"{self._folder / PUBLIC}: one public key (hex) a line") from error
        return Sold([*(word for lines in before for word in lines), *today], publics)

    def forget(self, before: date) -> int:
        count = 0
        for path in self._folder.glob("*.txt"):
            try:
                if date.fromisoformat(path.stem) >= before:
                    continue
                path.unlink()
            except (ValueError, OSError):  # not a day of ours; or tried again next time
                continue
            count += 1
        return count

    def _lines(self, name: str) -> list[str] | None:
        path = self._folder / name
        try:
            with path.open("rb") as file:
                raw = file.read(TITLES_BYTES_MAX + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise TitlesError(f"{path} cannot be read: {error}") from error
        if len(raw) > TITLES_BYTES_MAX:
            raise TitlesError(f"{path} is larger than {TITLES_BYTES_MAX} bytes: part it by day")
        return raw.decode("ascii", "replace").split()

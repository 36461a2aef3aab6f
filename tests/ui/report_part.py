"""The desk of reports of a served town, over its real store, vault and photo process.

Only the letters are caught before the mail server: they are kept in a list.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from beffroi.adapters.personal import open_vault
from beffroi.adapters.photos.cleaner import Cleaner
from beffroi.hub.dispatch.alarming import ToDesk
from beffroi.hub.reports.desk import ReportDesk
from beffroi.ports.notify import Notice


def report_desk(
    home: Path,
    store: Any,
    desk: Any,
    domains: Any,
    clock: Any,
    letters: list[Notice],
    personal: Any = None,
) -> ReportDesk:
    """`personal`: the vault of this town when it is open already."""
    return ReportDesk(
        store.reports,
        store.assets,
        personal or open_vault(home),
        Cleaner(),
        domains,
        clock,
        alarms=ToDesk(desk, store, clock),
        post=letters.append,
        link=lambda secret: f"https://signaler.example/suivi/{secret}",
    )

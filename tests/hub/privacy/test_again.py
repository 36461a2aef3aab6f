"""Erasing again what an older copy brought back, when it is cut off half-way."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from beffroi.adapters.personal import open_vault
from beffroi.adapters.sql import open_store
from beffroi.hub.privacy.again import SETTINGS, digest, erase_again
from beffroi.ports.store import StoreError, User


def test_what_was_cut_off_is_finished_the_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name was gone first, and with it the account was taken for done."""
    store = open_store(f"sqlite:///{tmp_path / 'hub.sqlite'}")
    with closing(open_vault(tmp_path)) as vault, closing(store):
        people = store.people
        people.put_user(User("u-1", "Marie Dupont", "reader"))
        for name in SETTINGS:
            people.put_setting(f"{name}u-1", "x")
        hands: Any = {digest("u-1")}, vault, people, store.reports, 1

        def failing(key: str, value: str) -> None:
            raise StoreError(f"not now: {key} {value}")

        with monkeypatch.context() as patch:
            patch.setattr(people, "put_setting", failing)
            with pytest.raises(StoreError):
                erase_again(*hands)
        assert erase_again(*hands) == 1
        assert people.user("u-1") == User("u-1", "(u-1)", "reader", active=False)
        assert [people.setting(f"{name}u-1") for name in SETTINGS] == ["", "", ""]
        assert people.subjects_of("erase_account") == ["u-1"]
        assert erase_again(*hands) == 0

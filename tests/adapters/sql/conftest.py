"""The store of both engines: see `new_url` in tests/conftest.py."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from beffroi.adapters.sql import SqlStore, open_store


@pytest.fixture
def store(url: str) -> Iterator[SqlStore]:
    opened = open_store(url)
    yield opened
    opened.close()

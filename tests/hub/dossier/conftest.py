"""One commune for each test, copied from one that was made once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.hub.dossier.kit import Town
from tests.hub.dossier.kit import town as made


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    opened = made(tmp_path)
    yield opened
    opened.close()

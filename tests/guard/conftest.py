"""A guard that has started, has a lease and has nothing to say."""

from __future__ import annotations

import pytest
from tests.guard.kit import Rig


@pytest.fixture
def rig(tmp_path):
    one = Rig(tmp_path)
    one.lease()
    one.hub.take()
    yield one
    one.store.close()

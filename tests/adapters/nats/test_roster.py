"""The gate's copy of the inventory when the store fails at the wrong moment."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from beffroi.adapters.nats.config import Endpoint, Tls, text
from beffroi.adapters.nats.roster import Roster
from beffroi.adapters.nats.server import Broker
from beffroi.adapters.sql import SqlStore, open_store
from beffroi.model.asset import Device
from beffroi.ports.store import StoreError


class Failing:
    """People of a store that cannot be read once."""

    def __init__(self, store: SqlStore) -> None:
        self._store, self.fails = store, False

    def setting(self, key: str) -> str | None:
        if self.fails:
            raise StoreError("not now")
        return self._store.people.setting(key)


def test_who_must_be_cut_is_not_forgotten_when_the_store_fails(tmp_path: Any) -> None:
    """It ended the gate, and the copy was the new one already: after a restart nobody knew."""
    store = open_store(f"sqlite:///{tmp_path / 'hub.sqlite'}")
    device = Device("dev-1", "", status="enrolled", cert_serial="aa")
    store.assets.put_devices([device])
    people: Any = Failing(store)
    roster = Roster(store.assets, people)
    assert roster.refresh() == []
    store.assets.put_devices([replace(device, cert_serial="bb")])
    people.fails = True
    assert roster.refresh() == []
    people.fails = False
    assert roster.refresh() == ["dev-1"]
    assert roster.refresh() == []
    store.close()


def test_a_certificate_that_cannot_be_renewed_leaves_the_broker_watched(tmp_path: Any) -> None:
    """A full disk ended the task that starts the broker again."""

    def full() -> Any:
        raise OSError(28, "no space")

    assert Broker(tmp_path, full)._renewed() is False


def test_a_home_with_a_space_in_its_name(tmp_path: Any) -> None:
    folder = tmp_path / "ma commune"
    folder.mkdir()
    tls = Tls(*(folder / name for name in ("c", "k", "a")))
    public = dict.fromkeys(("gate", "sys", "hub", "issuer"), "U")
    told = text(folder, Endpoint(1, "127.0.0.1", 2), tls, public)
    assert f'store_dir: "{folder}/jetstream"' in told
    assert f'pid_file: "{folder}/nats-server.pid"' in told

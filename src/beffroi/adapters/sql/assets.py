"""The town's inventory: the port `AssetStore`. Every change moves the inventory's version in the
same transaction, so a cache that compares versions is never wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection, Table, case, delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from beffroi.adapters.sql import documents, schema
from beffroi.adapters.sql.database import Database
from beffroi.adapters.sql.engines import Engine
from beffroi.model.asset import Asset, Commune, Device
from beffroi.ports.codec import Codec
from beffroi.ports.store import StoreError

T = TypeVar("T")
_ASSET = msgspec.json.Decoder(Asset)
_DEVICE = msgspec.json.Decoder(Device)
_COMMUNE = msgspec.json.Decoder(Commune)
_CODEC = msgspec.json.Decoder(Codec)
_asset, _device, _meter = schema.asset.c, schema.device.c, schema.meter.c


class SqlAssets:
    """See `ports.store.AssetStore`."""

    def __init__(self, database: Database, engine: Engine) -> None:
        self._db = database
        self._engine = engine

    def put_commune(self, commune: Commune) -> None:
        doc, chk = documents.pack(commune.id, commune)
        with self._db.write() as conn:
            conn.execute(delete(schema.commune))
            _upsert(conn, schema.commune, [{"id": commune.id, "doc": doc, "chk": chk}])
            _changed(conn)

    def commune(self) -> Commune | None:
        with self._db.read() as conn:
            row = conn.execute(select(*schema.commune.c)).first()
        return documents.unpack(_COMMUNE, row.id, row.doc, row.chk) if row else None

    def put_assets(self, assets: Sequence[Asset]) -> None:
        rows = []
        for asset in assets:
            doc, chk = documents.pack(asset.id, asset)
            row = {"id": asset.id, "domain": asset.domain, "kind": asset.kind}
            rows.append({**row, "lon": asset.lon, "lat": asset.lat, "doc": doc, "chk": chk})
        with self._db.write() as conn:
            _upsert(conn, schema.asset, rows)
            _changed(conn)

    def asset(self, asset_id: str) -> Asset | None:
        query = select(_asset.id, _asset.doc, _asset.chk).where(_asset.id == asset_id)
        with self._db.read() as conn:
            row = conn.execute(query).first()
        return documents.unpack(_ASSET, *row) if row else None

    def assets(self, domain: str = "", limit: int = 0, after: str = "") -> list[Asset]:
        query = select(_asset.id, _asset.doc, _asset.chk).where(_asset.id > after)
        if domain:
            query = query.where(_asset.domain == domain)
        with self._db.read() as conn:
            rows = conn.execute(query.order_by(_asset.id).limit(limit or None)).all()
        return [documents.unpack(_ASSET, *row) for row in rows]

    def assets_in(
        self,
        west: float,
        south: float,
        east: float,
        north: float,
        domains: Sequence[str],
        limit: int,
    ) -> list[Asset]:
        with self._db.read() as conn:
            rows = self._engine.in_box(conn, (west, south, east, north), domains, limit)
        return [documents.unpack(_ASSET, *row) for row in rows]

    def delete_asset(self, asset_id: str) -> None:
        with self._db.write() as conn:
            # `points` of a device may name the asset too; the text search finds candidates only.
            named = _device.doc.contains(f'"{asset_id}"', autoescape=True)
            query = select(_device.id, _device.doc, _device.chk)
            rows = conn.execute(query.where(or_(_device.asset == asset_id, named))).all()
            for device in (documents.unpack(_DEVICE, *row) for row in rows):
                if asset_id in (device.asset, *(asset for asset, _ in device.points.values())):
                    raise StoreError(
                        f"device {device.id} still measures {asset_id}: move or delete it first"
                    )
            conn.execute(delete(schema.asset).where(_asset.id == asset_id))
            conn.execute(delete(schema.watch_state).where(schema.watch_state.c.asset == asset_id))
            _changed(conn)

    def put_devices(self, devices: Sequence[Device]) -> None:
        rows = []
        for device in devices:
            doc, chk = documents.pack(device.id, replace(device, last_seen_ms=0))
            eui = device.dev_eui.upper()
            row = {"id": device.id, "asset": device.asset, "dev_eui": eui}
            rows.append({**row, "last_seen_ms": device.last_seen_ms, "doc": doc, "chk": chk})
        with self._db.write() as conn:
            _upsert(conn, schema.device, rows)
            _changed(conn)

    def device(self, device_id: str) -> Device | None:
        found = self._devices(select(*schema.device.c).where(_device.id == device_id))
        return found[0] if found else None

    def device_by_eui(self, dev_eui: str) -> Device | None:
        if not dev_eui:
            return None
        query = select(*schema.device.c).where(_device.dev_eui == dev_eui.upper())
        found = self._devices(query.order_by(_device.id).limit(1))
        return found[0] if found else None

    def devices(self, limit: int = 0, after: str = "") -> list[Device]:
        query = select(*schema.device.c).where(_device.id > after)
        return self._devices(query.order_by(_device.id).limit(limit or None))

    def put_codec(self, codec: Codec) -> None:
        doc, chk = documents.pack(codec.sha256, codec)
        with self._db.write() as conn:
            _upsert(conn, schema.codec, [{"sha256": codec.sha256, "doc": doc, "chk": chk}])
            _changed(conn)

    def codecs(self) -> list[Codec]:
        with self._db.read() as conn:
            rows = conn.execute(select(*schema.codec.c).order_by(schema.codec.c.sha256)).all()
        return [documents.unpack(_CODEC, *row) for row in rows]

    def inventory_version(self) -> int:
        query = select(_meter.value).where(_meter.name == "inventory")
        with self._db.read() as conn:
            return int(conn.execute(query).scalar_one())

    def _devices(self, query: Any) -> list[Device]:
        with self._db.read() as conn:
            rows = conn.execute(query).all()
        return [
            replace(
                documents.unpack(_DEVICE, row.id, row.doc, row.chk), last_seen_ms=row.last_seen_ms
            )
            for row in rows
        ]


def _changed(conn: Connection) -> None:
    conn.execute(
        update(schema.meter).where(_meter.name == "inventory").values(value=_meter.value + 1)
    )


def _upsert(conn: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    """Insert or replace by the natural key; `last_seen_ms` never goes back."""
    if not rows:
        return
    key = "sha256" if "sha256" in rows[0] else "id"
    insert = sqlite.insert if conn.dialect.name == "sqlite" else postgresql.insert
    statement = insert(table)
    new: dict[str, Any] = {name: statement.excluded[name] for name in rows[0] if name != key}
    if "last_seen_ms" in new:
        old, seen = table.c.last_seen_ms, new["last_seen_ms"]
        new["last_seen_ms"] = case((old > seen, old), else_=seen)
    conn.execute(statement.on_conflict_do_update(index_elements=[key], set_=new), rows)

"""The first schema."""

from alembic import op

from beffroi.adapters.sql import schema

revision = "0001"
down_revision = None

_SQLITE_BOX = """
CREATE VIRTUAL TABLE asset_box USING rtree(num, west, east, south, north);
CREATE TRIGGER asset_box_in AFTER INSERT ON asset BEGIN
  INSERT INTO asset_box VALUES (new.num, new.lon, new.lon, new.lat, new.lat); END;
CREATE TRIGGER asset_box_move AFTER UPDATE OF lon, lat ON asset BEGIN
  UPDATE asset_box SET west = new.lon, east = new.lon, south = new.lat, north = new.lat
  WHERE num = new.num; END;
CREATE TRIGGER asset_box_out AFTER DELETE ON asset BEGIN
  DELETE FROM asset_box WHERE num = old.num; END;
"""
_SQLITE_APPEND_ONLY = """
CREATE TRIGGER {table}_{verb} BEFORE {verb} ON {table} BEGIN
  SELECT raise(ABORT, '{table} is append-only'); END;
"""
_POSTGRES = """
CREATE FUNCTION beffroi_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$;
CREATE INDEX ix_asset_place ON asset USING gist (point(lon, lat));
"""
_POSTGRES_APPEND_ONLY = """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
  FOR EACH STATEMENT EXECUTE FUNCTION beffroi_append_only();
"""


def upgrade() -> None:
    bind = op.get_bind()
    schema.metadata.create_all(bind)
    if bind.dialect.name == "sqlite":
        for statement in _statements(_SQLITE_BOX):
            op.execute(statement)
        for table in schema.APPEND_ONLY:
            for verb in ("UPDATE", "DELETE"):
                op.execute(_SQLITE_APPEND_ONLY.format(table=table, verb=verb))
    else:
        op.execute(_POSTGRES)
        for table in schema.APPEND_ONLY:
            op.execute(_POSTGRES_APPEND_ONLY.format(table=table))
    op.bulk_insert(
        schema.meter,
        [{"name": "inventory", "value": 1}, {"name": "sealed_until_ms", "value": 0}],
    )


def _statements(script: str) -> list[str]:
    return [part for part in script.split("\nCREATE ") if part.strip()] and [
        f"CREATE {part}" for part in script.replace("\n\n", "\n").split("CREATE ")[1:]
    ]

"""Lines of sign-ins, which hold network addresses, may end; the rest of the access log stays."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"

_OLD_MS = 183 * 86_400_000
_SQLITE = f"""
CREATE TRIGGER access_log_DELETE BEFORE DELETE ON access_log
WHEN OLD.action NOT IN ('sign_in', 'sign_in_failed')
  OR OLD.at_ms > (SELECT at_ms FROM access_log ORDER BY id DESC LIMIT 1) - {_OLD_MS}
BEGIN SELECT raise(ABORT, 'access_log is append-only'); END;
"""  # noqa: S608 - constants only
_POSTGRES = f"""
DROP TRIGGER append_only ON access_log;
CREATE TRIGGER append_only BEFORE UPDATE OR TRUNCATE ON access_log
  FOR EACH STATEMENT EXECUTE FUNCTION beffroi_append_only();
CREATE FUNCTION beffroi_access_log() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.action NOT IN ('sign_in', 'sign_in_failed')
    OR OLD.at_ms > (SELECT at_ms FROM access_log ORDER BY id DESC LIMIT 1) - {_OLD_MS}
  THEN RAISE EXCEPTION 'access_log is append-only'; END IF;
  RETURN OLD;
END $$;
CREATE TRIGGER sign_ins_end BEFORE DELETE ON access_log
  FOR EACH ROW EXECUTE FUNCTION beffroi_access_log();
"""  # noqa: S608 - constants only


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER access_log_DELETE")
        op.execute(_SQLITE)
    else:
        op.execute(_POSTGRES)

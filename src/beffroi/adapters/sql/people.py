"""Accounts, sessions, one-time links, settings: the port `PeopleStore`. Sees hashes only."""

from __future__ import annotations

import msgspec
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from beffroi.adapters.sql import documents, schema
from beffroi.adapters.sql.database import Database
from beffroi.model.limits import ONE_TIME_LINK_S_MAX, SESSION_S_MAX
from beffroi.ports.store import User

_USER = msgspec.json.Decoder(User)
_person, _session, _link, _setting = (
    schema.person.c,
    schema.session.c,
    schema.link.c,
    schema.setting.c,
)


class SqlPeople:
    """See `ports.store.PeopleStore`."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._insert = sqlite.insert if database.sqlite else postgresql.insert

    def put_user(self, user: User) -> None:
        doc, chk = documents.pack(user.id, user)
        new = self._insert(schema.person).values(id=user.id, doc=doc, chk=chk)
        with self._db.erase() as conn:
            conn.execute(
                new.on_conflict_do_update(
                    index_elements=["id"], set_={"doc": new.excluded.doc, "chk": new.excluded.chk}
                )
            )

    def user(self, user_id: str) -> User | None:
        with self._db.read() as conn:
            row = conn.execute(select(*schema.person.c).where(_person.id == user_id)).first()
        return documents.unpack(_USER, *row) if row else None

    def users(self) -> list[User]:
        with self._db.read() as conn:
            rows = conn.execute(select(*schema.person.c).order_by(_person.id)).all()
        return [documents.unpack(_USER, *row) for row in rows]

    def put_session(self, token_hash: str, user_id: str, expires_ms: int) -> None:
        # A session lasts at most SESSION_S_MAX, so whatever ended before then has expired by now.
        past = expires_ms - SESSION_S_MAX * 1_000
        with self._db.write() as conn:
            conn.execute(delete(schema.session).where(_session.expires_ms < past))
            conn.execute(
                insert(schema.session).values(
                    token_hash=token_hash, person=user_id, expires_ms=expires_ms
                )
            )

    def session(self, token_hash: str, now_ms: int) -> User | None:
        query = (
            select(*schema.person.c)
            .join_from(schema.session, schema.person)
            .where(_session.token_hash == token_hash, _session.expires_ms > now_ms)
        )
        with self._db.read() as conn:
            row = conn.execute(query).first()
        user = documents.unpack(_USER, *row) if row else None
        return user if user is not None and user.active else None

    def drop_session(self, token_hash: str) -> None:
        with self._db.write() as conn:
            conn.execute(delete(schema.session).where(_session.token_hash == token_hash))

    def put_link(self, token_hash: str, purpose: str, subject: str, expires_ms: int) -> None:
        row = {"purpose": purpose, "subject": subject, "expires_ms": expires_ms, "used_ms": 0}
        with self._db.write() as conn:
            conn.execute(insert(schema.link).values(token_hash=token_hash, **row))

    def take_link(self, token_hash: str, purpose: str, now_ms: int) -> str | None:
        take = (
            update(schema.link)
            .where(_link.token_hash == token_hash, _link.purpose == purpose)
            .where(_link.used_ms == 0, _link.expires_ms > now_ms)
            .values(used_ms=max(now_ms, 1))
            .returning(_link.subject)
        )
        past = now_ms - ONE_TIME_LINK_S_MAX * 1_000
        with self._db.write() as conn:
            conn.execute(delete(schema.link).where(_link.expires_ms < past))
            return conn.execute(take).scalar()

    def setting(self, key: str) -> str | None:
        with self._db.read() as conn:
            row = conn.execute(select(*schema.setting.c).where(_setting.key == key)).first()
        if row is None:
            return None
        documents.verify_words(row.chk, row.key, row.value)
        return str(row.value)

    def put_setting(self, key: str, value: str) -> None:
        key, value = documents.storable(key), documents.storable(value)
        chk = documents.seal_of(key, value)
        new = self._insert(schema.setting).values(key=key, value=value, chk=chk)
        with self._db.write() as conn:
            conn.execute(
                new.on_conflict_do_update(
                    index_elements=["key"],
                    set_={"value": new.excluded.value, "chk": new.excluded.chk},
                )
            )

    def settle(self) -> None:
        self._db.settle()

    def log_access(self, at_ms: int, actor: str, action: str, subject: str) -> None:
        words = {"actor": actor, "action": action, "subject": subject}
        row = {"at_ms": at_ms, **{name: documents.storable(word) for name, word in words.items()}}
        with self._db.write() as conn:
            conn.execute(insert(schema.access_log).values(row))

    def subjects_of(self, action: str) -> list[str]:
        row = schema.access_log.c
        query = select(row.subject).where(row.action == action).distinct().order_by(row.subject)
        with self._db.read() as conn:
            return [str(one) for one in conn.execute(query).scalars()]

    def purge_sign_ins(self, before_ms: int) -> int:
        row = schema.access_log.c
        old = row.action.in_(schema.SIGN_INS) & (row.at_ms < before_ms)
        with self._db.erase() as conn:
            return conn.execute(delete(schema.access_log).where(old)).rowcount

    def failed_sign_ins(self, since_ms: int) -> int:
        row = schema.access_log.c
        failed = select(func.count()).where(row.action == "sign_in_failed", row.at_ms > since_ms)
        with self._db.read() as conn:
            return int(conn.execute(failed).scalar() or 0)

"""Consultations, hashed codes, ballots: the port `ConsultationStore`. Writes no time and no order:
both tables are trees of their random keys."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from beffroi.adapters.sql import documents, schema
from beffroi.adapters.sql.database import Database
from beffroi.model.consultation import Ballot, Consultation
from beffroi.ports.consultations import Cast, Codes

_CONSULTATION = msgspec.json.Decoder(Consultation)
_c, _code, _ballot = schema.consultation.c, schema.voting_code.c, schema.ballot.c


class SqlConsultations:
    """See `ports.consultations.ConsultationStore`."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._insert = sqlite.insert if database.sqlite else postgresql.insert

    def put(self, consultation: Consultation) -> None:
        doc, chk = documents.pack(consultation.id, consultation)
        new = self._insert(schema.consultation).values(id=consultation.id, doc=doc, chk=chk)
        kept = {"doc": new.excluded.doc, "chk": new.excluded.chk}
        with self._db.write() as conn:
            conn.execute(new.on_conflict_do_update(index_elements=["id"], set_=kept))

    def consultation(self, consultation_id: str) -> Consultation | None:
        with self._db.read() as conn:
            query = select(*schema.consultation.c).where(_c.id == consultation_id)
            row = conn.execute(query).first()
        return documents.unpack(_CONSULTATION, *row) if row else None

    def consultations(self) -> list[Consultation]:
        with self._db.read() as conn:
            rows = conn.execute(select(*schema.consultation.c).order_by(_c.id)).all()
        return [documents.unpack(_CONSULTATION, *row) for row in rows]

    def add_codes(self, consultation_id: str, hashes: Sequence[str]) -> None:
        rows = [{"hash": one, "consultation": consultation_id, "used": 0} for one in sorted(hashes)]
        with self._db.write() as conn:
            conn.execute(insert(schema.voting_code), rows)

    def cast(self, consultation_id: str, code_hash: str, ballot: Ballot) -> Cast:
        mine = (_code.hash == code_hash) & (_code.consultation == consultation_id)
        burn = update(schema.voting_code).where(mine, _code.used == 0).values(used=1)
        row = {"receipt": ballot.receipt, "consultation": consultation_id, "choice": ballot.choice}
        with self._db.write() as conn:
            if conn.execute(burn).rowcount == 1:
                conn.execute(insert(schema.ballot).values(row))
                return "cast"
            known = conn.execute(select(_code.used).where(mine)).first()
        return "used" if known else "unknown"

    def codes(self, consultation_id: str) -> Codes:
        query = select(_code.hash, _code.used).where(_code.consultation == consultation_id)
        with self._db.read() as conn:
            rows = conn.execute(query.order_by(_code.hash)).all()
        return Codes([row.hash for row in rows], [row.hash for row in rows if row.used])

    def ballots(self, consultation_id: str) -> list[Ballot]:
        query = select(_ballot.receipt, _ballot.choice)
        query = query.where(_ballot.consultation == consultation_id).order_by(_ballot.receipt)
        with self._db.read() as conn:
            return [Ballot(*row) for row in conn.execute(query).all()]

    def shuffle(self, consultation_id: str) -> None:
        codes = update(schema.voting_code).where(_code.consultation == consultation_id)
        ballots = update(schema.ballot).where(_ballot.consultation == consultation_id)
        with self._db.write() as conn:
            conn.execute(codes.values(used=_code.used))
            conn.execute(ballots.values(choice=_ballot.choice))

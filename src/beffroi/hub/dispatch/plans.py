"""Keeps plans and carries them out: what is due becomes requests, once, and nothing is chosen.

The clock is the book's; the zone and the sun are those of the commune. Knows no HTTP.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from functools import lru_cache
from zoneinfo import ZoneInfo

import structlog

from beffroi.hub.dispatch import check, evidence
from beffroi.hub.dispatch import plan as pure
from beffroi.hub.dispatch.book import Book
from beffroi.hub.dispatch.check import Interlocks
from beffroi.hub.dispatch.denied import Denied, DeniedError, deny
from beffroi.hub.dispatch.office import PLAN, Office
from beffroi.hub.dispatch.plan import Almanac, Due, Plan, Step
from beffroi.kernel.document import FieldError, is_id
from beffroi.model.finding import Finding
from beffroi.model.limits import PLANS_MAX
from beffroi.model.measure import DAY_MS
from beffroi.ports.commands import CommandRow, PlanRow, State

INTERLOCKS = "~interlocks"  # kept like a plan; no plan can be called so

MISSED_MS = DAY_MS

# The same bytes are the same plan, and they are looked at each turn.
read_known = lru_cache(PLANS_MAX)(pure.read_plan)

log = structlog.get_logger("dispatch")


class Plans:
    """`turn` each turn; the rest is for whoever makes plans."""

    def __init__(self, book: Book, office: Office, zone: ZoneInfo, sun: Almanac) -> None:
        self._book, self._office = book, office
        self._zone, self._sun = zone, sun
        office.interlocks = self.interlocks
        self._done: set[str] = set()  # idents that need no further look
        self._late: set[str] = set()  # idents that an alarm tells of
        self._looked_ms = 0

    def put(self, plan_id: str, kind: str, name: str, steps: Sequence[Step], by: str) -> Plan:
        """A new plan, or the next generation of one: the older one stops. DeniedError with the
        first thing that is wrong."""
        with self._book.lock:
            if not is_id(plan_id) or len(plan_id) > pure.NAME_MAX:
                raise DeniedError(
                    deny("plan_id", "A plan's name has letters, digits and hyphens, 40 at most.")
                )
            before = self._book.store.plans(newest=True)
            older = [row for row in before if row.id == plan_id]
            if not older and len(before) >= PLANS_MAX:
                raise DeniedError(deny("too_many", "There are too many plans already."))
            generation = max((row.generation for row in older), default=0) + 1
            plan = self._made(plan_id, generation, kind, name, steps)
            found = self.problems(plan)
            if found:
                raise DeniedError(found[0])
            now = self._book.clock.now_ms()
            row = PlanRow(plan_id, generation, plan.encoded(), by, now)
            self._book.record([evidence.plan(evidence.PLAN_SIGNED, row, now)])
            self._book.store.put_plan(row)
            self._book.wake()
            return plan

    def draft(self, plan_id: str, kind: str, name: str, steps: Sequence[Step]) -> Plan:
        """A plan that is only looked at."""
        return self._made(plan_id, 1, kind, name, steps)

    def _made(
        self, plan_id: str, generation: int, kind: str, name: str, steps: Sequence[Step]
    ) -> Plan:
        try:
            return pure.read_plan(Plan(plan_id, generation, kind, name, tuple(steps)).encoded())
        except (FieldError, ValueError) as error:
            raise DeniedError(
                deny("invalid", "This cannot be written as a plan: {why}.", why=str(error))
            ) from error

    def problems(self, plan: Plan) -> list[Denied]:
        """See `check.problems`."""
        trusted = self._book.trusted
        situations = {guard: self._book.situation(guard) for guard in trusted.guards}
        return check.problems(plan, trusted.envelopes, situations, self._office.interlocks())

    def stop(self, plan_id: str) -> PlanRow:
        """It does nothing more; the sender cancels what of it was not sent."""
        with self._book.lock:
            row = self.newest(plan_id)
            now = self._book.clock.now_ms()
            stopped = PlanRow(
                row.id, row.generation, row.payload, row.by, row.created_ms, active=False
            )
            self._book.record([evidence.plan(evidence.PLAN_STOPPED, row, now)])
            self._book.store.put_plan(stopped)
            self._book.wake()
            return stopped

    def run(self, plan_id: str, by: str) -> list[CommandRow]:
        """A scene, now. All of its steps or, when one is refused, none of them."""
        row = self.newest(plan_id)
        plan = pure.read_plan(row.payload)
        if plan.kind != pure.SCENE or not row.active:
            raise DeniedError(deny("not_a_scene", "This plan cannot be run: it is not a scene."))
        found = self.problems(plan)
        if found:
            raise DeniedError(found[0])
        made: list[CommandRow] = []
        with self._book.lock:
            try:
                for due in pure.now(plan, self._book.clock.now_ms(), secrets.token_hex(4)):
                    made.append(self._office.request(due.wish, by, due.ident))
            except DeniedError:
                for one in made:
                    self._office.cancel(one.id, by)
                raise
        return made

    def newest(self, plan_id: str) -> PlanRow:
        rows = self._book.store.plans(plan_id, newest=True)
        if not rows:
            raise DeniedError(deny("unknown_plan", "There is no plan {id}.", id=plan_id))
        return rows[0]

    # --- carrying out ------------------------------------------------------------------------
    def turn(self) -> list[CommandRow]:
        """What is due and was not asked for yet. A step whose time is over is not made up for."""
        now, made, seen = self._book.clock.now_ms(), [], set()
        for row in self.newest_of_each():
            if not row.active:
                continue
            plan = read_known(row.payload)
            life_ms = max((step.lifetime_s for step in plan.steps), default=0) * 1000
            after = max(now - life_ms, row.created_ms)
            for due in pure.at(plan, after, now, self._zone, self._sun):
                seen.add(due.ident)
                if due.ident not in self._done and now < due.at_ms + due.wish.lifetime_ms:
                    made += self._ask(due)
            self._tell_missed(row, plan, life_ms, now)
        self._done &= seen
        self._looked_ms = now
        return made

    def _tell_missed(self, row: PlanRow, plan: Plan, life_ms: int, now: int) -> None:
        """Steps whose time began and ended while nobody looked: the hub was down. After a longer
        absence than MISSED_MS only the last day is told of."""
        after = max(now - MISSED_MS, row.created_ms, self._looked_ms - life_ms)
        for due in pure.at(plan, after, now, self._zone, self._sun):
            over = now >= due.at_ms + due.wish.lifetime_ms
            if not over or due.ident in self._late or self._book.store.command(due.ident):
                continue
            self._late.add(due.ident)
            facts = {"plan": plan.label, "target": due.wish.target, "why": "hub_down"}
            self._book.alarms([Finding("commands.plan_missed", due.wish.target, True, now, facts)])

    def interlocks(self) -> Interlocks:
        """Those in force."""
        rows = self._book.store.plans(INTERLOCKS, newest=True)
        return check.read_interlocks(rows[0].payload) if rows else Interlocks()

    def put_interlocks(self, locks: Interlocks, by: str) -> None:
        """All of them at once, in the log."""
        with self._book.lock:
            now = self._book.clock.now_ms()
            try:
                check.read_interlocks(locks.encoded())
            except ValueError as error:
                raise DeniedError(
                    deny("invalid", "This cannot be written as a plan: {why}.", why=str(error))
                ) from error
            older = self._book.store.plans(INTERLOCKS, newest=True)
            generation = older[0].generation + 1 if older else 1
            row = PlanRow(INTERLOCKS, generation, locks.encoded(), by, now)
            self._book.record([evidence.interlocks(row, now)])
            self._book.store.put_plan(row)

    def newest_of_each(self) -> list[PlanRow]:
        return [row for row in self._book.store.plans(newest=True) if row.id != INTERLOCKS]

    def _ask(self, due: Due) -> list[CommandRow]:
        now = self._book.clock.now_ms()
        if self._book.store.command(due.ident) is not None:
            self._done.add(due.ident)
            return []
        target = due.wish.target
        try:
            row = self._office.request(due.wish, PLAN, due.ident)
        except DeniedError as error:
            log.warning("plan_step_held", step=due.ident, why=str(error))
            if due.ident not in self._late:
                self._late.add(due.ident)
                facts = {"plan": due.wish.plan, "target": target, "why": error.denied.code}
                self._book.alarms([Finding("commands.plan_missed", target, True, now, facts)])
            return []
        self._done.add(due.ident)
        self._late.discard(due.ident)
        # Whatever was missed before, and by whichever process: the plan commands it again.
        self._book.alarms([Finding("commands.plan_missed", target, False, now)])
        return [row]

    def unsent(self, label: str) -> list[CommandRow]:
        """Commands of one generation that have not left yet."""
        early = (State.REQUESTED, State.AWAITING, State.READY)
        return self._book.store.commands(early, plan=label)

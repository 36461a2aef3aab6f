"""Commands as a state machine: people, a guard, a bad link, restarts and time, in any order.

Held to: at most one effect a command, never after its end, the book agrees with the equipment, and
in the end every command is in a truthful final state.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from tests.hub.dispatch.kit import P1, P2, P3, TARGETS, Town

from beffroi.hub.dispatch import lifecycle
from beffroi.hub.dispatch.denied import DeniedError
from beffroi.ports.commands import FINAL, CommandRow, State

COMMANDS_MAX = 12


@contextmanager
def denied(*codes: str) -> Iterator[None]:
    """It succeeds, or is refused for one of these reasons."""
    try:
        yield
    except DeniedError as error:
        if error.denied.code not in codes:
            raise


class Commands(RuleBasedStateMachine):
    """The real dispatcher on a bench."""

    def __init__(self) -> None:
        super().__init__()
        self._home = tempfile.TemporaryDirectory()
        self.town = Town(Path(self._home.name))
        self.rows: list[CommandRow] = []
        self.moved = 0

    @rule(name=st.sampled_from(TARGETS[:3]), level=st.sampled_from([0, 30, 80, 90]),
          life=st.sampled_from([5_000, 60_000, 600_000]))  # fmt: skip
    def ask(self, name: str, level: int, life: int) -> None:
        if len(self.rows) < COMMANDS_MAX:
            with denied("guard_silent", "expired"):
                self.rows.append(self.town.ask(name, level, lifetime_ms=life))

    @rule(at=st.integers(0, COMMANDS_MAX), seed=st.sampled_from([P1, P2, P3]))
    def sign(self, at: int, seed: bytes) -> None:
        if self.rows:
            with denied("not_awaiting", "expired", "other_start", "same_person_twice"):
                self.town.sign(self.rows[at % len(self.rows)], seed)

    @rule(at=st.integers(0, COMMANDS_MAX))
    def cancel(self, at: int) -> None:
        if self.rows:
            with denied("too_late"):
                self.town.dispatch.office.cancel(self.rows[at % len(self.rows)].id, "u1")

    @rule(lost=st.booleans())
    def turn(self, lost: bool) -> None:
        self.town.wire.lose = lambda topic: lost
        self.town.turn()

    @rule()
    def hear(self) -> None:
        self.town.hear()

    @rule(ms=st.sampled_from([100, 2_000, 30_000, 100_000]))
    def wait(self, ms: int) -> None:
        self.town.clock.ms += ms

    @rule()
    def tell(self) -> None:
        self.town.cabinet.tell()

    @rule()
    def guard_restarts(self) -> None:
        self.town.cabinet.start_again()

    @rule()
    def hub_restarts(self) -> None:
        self.town.restart()

    @rule(copies=st.integers(1, 3))
    def the_link_repeats(self, copies: int) -> None:
        for wire in self.town.wire.commands()[-copies:]:
            self.town.cabinet.hear(wire)

    @invariant()
    def what_is_done_was_done_once(self) -> None:
        done = [row for row in self._now() if row.state is State.DONE]
        assert len(done) <= len(self.town.cabinet.moved)
        assert len({row.digest for row in done}) == len(done)
        never = [row for row in self._now() if row.state is State.CANCELLED]
        assert all(not row.sent_ms for row in never)

    @invariant()
    def steps_are_those_of_the_table(self) -> None:
        for row in self.rows[-2:]:
            events = self.town.store.commands.events(row.id)
            assert [event.version for event in events] == list(range(1, len(events) + 1))
            state = State.REQUESTED
            for event in events[1:]:
                assert lifecycle.after(state, event.kind) is event.state
                state = event.state

    def _now(self) -> list[CommandRow]:
        return [self.town.row(row) for row in self.rows]

    def teardown(self) -> None:
        self.town.wire.lose = lambda topic: False
        for _ in range(3):
            self.town.cabinet.tell()
            self.town.settle(2, 300_000)
        self.town.clock.ms += 20_000_000
        self.town.settle(2)
        rows = self._now()
        assert {row.state for row in rows} <= FINAL
        # Everything was heard in the end: the book and the equipment say the same.
        assert sum(row.state is State.DONE for row in rows) == len(self.town.cabinet.moved)
        assert "receipt_odd" not in self.town.rules()
        assert "forged" not in self.town.rules()
        self.town.stop()
        self._home.cleanup()


Commands.TestCase.settings = settings(
    max_examples=12,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestCommands = Commands.TestCase

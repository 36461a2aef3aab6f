"""A guard's life, played at random: restarts, memory cards put back, clocks that jump, every old
wire again. T3: at most once, never after expiry, never after a newer one. And no limit exceeded.

The model beside the judge is written anew from the rules, in the dullest way.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    precondition,
    rule,
)
from tests.kernel.world import (
    ACTIONS,
    DAY,
    ENVELOPE,
    HOUR,
    NOW,
    PLAIN,
    SITUATION,
    TARGET,
    Trial,
    seed,
)

from beffroi.kernel.decide import decide
from beffroi.kernel.envelope import Case, Envelope
from beffroi.kernel.situation import Fact, Situation
from beffroi.kernel.state import State, TargetState, read_state
from beffroi.kernel.verdict import Accepted, Reason, Refused, Verdict

SET = replace(ACTIONS["set"], per_hour_max=3, per_day_max=8)
REST = replace(ACTIONS["rest"], cases=(Case("A", safe=True), Case("B")), spacing_ms_min=0)
RULES = replace(
    ENVELOPE,
    actions={"set": SET, "rest": REST, "drain": replace(ACTIONS["drain"], witnesses_min=0)},
    expires_ms=NOW + 1_000 * DAY,
)
PEOPLE = ("clerk", "clerk-2", "engineer", "prefect", "water", "mayor", "sealed", "sealed-2")
SIGNERS = st.sets(st.sampled_from(PEOPLE), max_size=3).map(lambda who: ("hub", *sorted(who)))


@dataclass(frozen=True)
class Done:
    """One effect as the street saw it."""

    at_ms: int
    action: str
    safe: bool
    travel: int
    epoch: int
    counter: int
    digest: bytes


class GuardLife(RuleBasedStateMachine):
    wires = Bundle("wires")

    def __init__(self) -> None:
        super().__init__()
        self.now_ms, self.starts, self.pressure = NOW, 0, 3_500
        self.rules: Envelope = RULES
        self.state = State()
        self.cards: list[tuple[State, list[Done]]] = [(State(), [])]
        self.remembered: list[Done] = []  # what this memory card knows
        self.since_start: list[Done] = []
        self.ever: set[bytes] = set()

    # --- the world around the judge ---

    def known(self) -> Situation:
        facts = {
            "pressure_mbar": Fact(self.pressure, self.now_ms),
            "tank_pct": Fact(50, self.now_ms),
        }
        return replace(
            SITUATION,
            nonce=seed(f"start {self.starts}")[:16],
            envelopes={TARGET: self.rules},
            roster=replace(SITUATION.roster, expires_ms=NOW + 1_000 * DAY),
            state=self.state,
            now_ms=self.now_ms,
            lease_until_ms=self.now_ms + 30_000,
            facts={TARGET: facts},
        )

    @rule(target=wires, who=SIGNERS, data=st.data(), jump=st.integers(-2, 3))
    def issue(self, who: tuple[str, ...], data: st.DataObject, jump: int) -> Any:
        """The hub writes a command for the guard as it is now, and sends it at once."""
        action = data.draw(st.sampled_from(("set", "set", "set", "rest", "drain")))
        begins = self.now_ms + data.draw(st.sampled_from((-1_000, 0, 1, 60_000)))
        ends = begins + data.draw(st.sampled_from((1, 1_000, 60_000, HOUR, HOUR + 1)))
        params = {}
        if action == "set":
            step = data.draw(st.integers(-210, 210) | st.sampled_from((0, 100, 200)))
            params = {"pressure_mbar": self.pressure + step}
        command = replace(
            PLAIN,
            klass=data.draw(st.sampled_from("ABC")),
            action=action,
            params=params,
            nonce=self.known().nonce,
            epoch=self.rules.epoch,
            counter=max(1, self.state.of(TARGET).counter + 1 + jump),
            not_before_ms=begins,
            expires_ms=ends,
            envelope=self.rules.digest,
        )
        trial = Trial(command, who, log=False)
        wire = trial.wire()
        self.come(trial, wire)
        return multiple((trial, wire))

    @rule(one=wires)
    def again(self, one: tuple[Trial, bytes]) -> None:
        self.come(*one)

    @rule(one=consumes(wires))
    def again_twice(self, one: tuple[Trial, bytes]) -> None:
        self.come(*one)
        self.come(*one)

    @rule(
        ms=st.sampled_from((1, 999, 9_999, 10_000, 60_000, HOUR - 1, HOUR, DAY))
        | st.integers(0, DAY)
    )
    def later(self, ms: int) -> None:
        self.now_ms += ms

    @rule(ms=st.sampled_from((1, 10_000, HOUR, DAY, 30 * DAY)))
    def clock_set_back(self, ms: int) -> None:
        self.now_ms = max(0, self.now_ms - ms)

    @rule()
    def restart(self) -> None:
        self.state = read_state(self.state.encoded())
        self.starts += 1
        self.since_start = []

    @rule()
    def copy_the_card(self) -> None:
        self.cards.append((self.state, list(self.remembered)))

    @rule(at=st.integers(0, 100))
    def put_back_an_old_card(self, at: int) -> None:
        """A thief's way to make the guard forget. Only a start reads the card."""
        self.state, remembered = self.cards[at % len(self.cards)]
        self.remembered = list(remembered)
        self.restart()

    @precondition(lambda self: self.rules.epoch < 5)
    @rule()
    def new_epoch(self) -> None:
        self.rules = replace(self.rules, epoch=self.rules.epoch + 1, version=self.rules.version + 1)

    @rule()
    def old_envelope(self) -> None:
        self.rules = RULES

    # --- what must hold of every effect ---

    def come(self, trial: Trial, wire: bytes) -> None:
        verdict = decide(wire, self.known())
        if isinstance(verdict, Accepted):
            self.effect(trial, verdict)
            assert self.again_now(wire).reason == Reason.REPLAYED

    def again_now(self, wire: bytes) -> Refused:
        verdict: Verdict = decide(wire, self.known())
        assert isinstance(verdict, Refused)
        return verdict

    def effect(self, trial: Trial, said: Accepted) -> None:
        command = trial.command
        assert command.digest not in self.ever, "at most once, whatever was restored"
        assert command.nonce == self.known().nonce, "of this start"
        assert command.not_before_ms <= self.now_ms < command.expires_ms
        most = self.rules.actions[command.action].lifetime_ms_max
        assert command.expires_ms - command.not_before_ms <= most
        for old in self.since_start:
            assert (command.epoch, command.counter) > (old.epoch, old.counter), "not the newest"
        self.enough_people(trial, said)
        wanted = command.params.get("pressure_mbar", self.pressure)
        assert isinstance(wanted, int)
        travel = abs(wanted - self.pressure)
        done = Done(
            self.now_ms,
            command.action,
            said.safe,
            travel,
            command.epoch,
            command.counter,
            command.digest,
        )
        if not said.safe:
            self.within_limits(done)
        self.pressure = wanted
        self.ever.add(command.digest)
        self.since_start.append(done)
        self.remembered.append(done)
        self.state = said.state

    def enough_people(self, trial: Trial, said: Accepted) -> None:
        persons = {"clerk" if n == "clerk-2" else n for n in trial.by if n != "hub"}
        sealed = {n for n in persons if n.startswith("sealed")}
        people = len(persons - sealed) + bool(sealed)
        klass = {"set": self.class_of_set(trial), "rest": "A", "drain": "C"}[trial.command.action]
        assert people >= {"A": 0, "B": 1, "C": 2}[klass]
        if klass == "C":
            assert persons & {"engineer", "prefect", "sealed", "sealed-2"}
        if klass != "A":
            assert persons & {"clerk", "engineer", "mayor", "sealed"}
        assert said.klass == klass

    def class_of_set(self, trial: Trial) -> str:
        mbar = trial.command.params.get("pressure_mbar", 0)
        assert isinstance(mbar, int)
        return "A" if 3_000 <= mbar <= 3_500 else "B" if 2_500 <= mbar <= 4_000 else "C"

    def within_limits(self, done: Done) -> None:
        same = [d for d in self.remembered if d.action == done.action]
        moves = [d for d in same if not d.safe]
        if done.action == "set":
            assert done.travel <= 200
            hour = [d for d in moves if d.at_ms > done.at_ms - HOUR]
            assert sum(d.travel for d in hour) + done.travel <= 500
            assert len(hour) < 3
            assert len([d for d in moves if d.at_ms > done.at_ms - DAY]) < 8
            assert all(d.at_ms <= done.at_ms - 10_000 for d in same)

    @invariant()
    def memory_is_bounded_and_readable(self) -> None:
        assert read_state(self.state.encoded()) == self.state


TestGuardLife = GuardLife.TestCase
TestGuardLife.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


# --- a fleet: one guard, many targets, two kinds of limits ---

NAMES = tuple(f"lamp:{n}" for n in range(5))
WINDOW = 600_000


def lamp(name: str) -> Envelope:
    """The last lamp's envelope allows three to change, the others' two."""
    actions = {
        "dim": replace(ACTIONS["vent"], cases=(Case("A"),)),
        "light": replace(ACTIONS["vent"], cases=(Case("A", safe=True),)),
    }
    most = 3 if name == NAMES[-1] else 2
    return replace(
        ENVELOPE,
        target=name,
        actions=actions,
        fleet_targets_max=most,
        fleet_window_ms=WINDOW,
        expires_ms=NOW + 1_000 * DAY,
    )


LAMPS = {name: lamp(name) for name in NAMES}


class FleetLife(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now_ms = NOW
        self.state = State({name: TargetState(2, 0) for name in NAMES[:2]})
        self.dimmed: list[tuple[int, str]] = []
        self.accepted = 0

    @rule(
        name=st.sampled_from(NAMES), action=st.sampled_from(("dim", "light")), leased=st.booleans()
    )
    def command(self, name: str, action: str, leased: bool) -> None:
        known = replace(
            SITUATION,
            envelopes=LAMPS,
            state=self.state,
            now_ms=self.now_ms,
            lease_until_ms=self.now_ms + leased,
            roster=replace(SITUATION.roster, expires_ms=NOW + 1_000 * DAY),
        )
        command = replace(
            PLAIN,
            target=name,
            klass="A",
            action=action,
            params={},
            epoch=2,
            counter=self.state.of(name).counter + 1,
            not_before_ms=self.now_ms,
            expires_ms=self.now_ms + 1,
            envelope=LAMPS[name].digest,
        )
        verdict = decide(Trial(command, ("hub",), log=False).wire(), known)
        recent = {n for at, n in self.dimmed if at > self.now_ms - WINDOW} | {name}
        fits = len(recent) <= LAMPS[name].fleet_targets_max
        if action == "light":
            assert isinstance(verdict, Accepted), "the safe direction stays possible"
        else:
            assert isinstance(verdict, Accepted) == (leased and fits)
        if isinstance(verdict, Accepted):
            assert verdict.safe == (action == "light")
            self.state = verdict.state
            if action == "dim":
                self.dimmed.append((self.now_ms, name))

    @rule(ms=st.sampled_from((1, WINDOW // 2, WINDOW - 1, WINDOW)))
    def later(self, ms: int) -> None:
        self.now_ms += ms

    @rule()
    def restart(self) -> None:
        self.state = read_state(self.state.encoded())

    @invariant()
    def never_too_many(self) -> None:
        for at, _ in self.dimmed:
            window = {n for when, n in self.dimmed if at - WINDOW < when <= at}
            assert len(window) <= 3


TestFleetLife = FleetLife.TestCase
TestFleetLife.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)

"""A second prover, by other means: z3 on formulas written from the rules, not from the explorer.

Two questions. Safety: may lamps that obey the interlock ever break a rule, whatever is wanted of
them? By induction over one second, for every state and every wish, so for plans not yet written
too. Waiting: may any sequence of catalogued plans make somebody wait too long? In times of events
instead of seconds, over `CYCLES` cycles. Needs the extra `formal`; nothing else depends on it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from beffroi.domains import signal_law as law
from beffroi.domains.signal_junction import Junction

CYCLES = 3
TIMEOUT_MS = 60_000
_RED, _AMBER, _GREEN = 0, 1, 2


class FormalError(Exception):
    """z3 is not installed or gave no answer; the text says what to do."""


class Opinion(NamedTuple):
    """`why` names the question that failed, "" when it holds."""

    holds: bool
    why: str = ""


def opinion(junction: Junction) -> Opinion:
    """FormalError when there is none."""
    z3 = _z3()
    for number, plan in junction.plans.items():
        for stage in plan.stages:
            if any((a, b) in junction.conflicts for a in stage.green for b in stage.green):
                return Opinion(False, f"plan {number}: a stage opens two groups that conflict")
        if set(range(len(junction.groups))) - set().union(*(s.green for s in plan.stages)):
            return Opinion(False, f"plan {number}: a group is never green")
    if _satisfiable(z3, _unsafe(z3, junction)):
        return Opinion(False, "induction: a rule of lamps can be broken")
    if _satisfiable(z3, _waits(z3, junction)):
        return Opinion(False, "a wait is too long")
    return Opinion(True)


def _z3() -> Any:
    try:
        import z3
    except ImportError as error:
        raise FormalError("z3 is missing: `make setup` in Beffroi's folder installs it") from error
    return z3


def _satisfiable(z3: Any, formulas: list[Any]) -> bool:
    solver = z3.Solver()
    solver.set("timeout", TIMEOUT_MS)
    solver.add(*formulas)
    answer = solver.check()
    if answer == z3.unknown:
        raise FormalError(f"z3 gave no answer within {TIMEOUT_MS} ms: {solver.reason_unknown()}")
    return bool(answer == z3.sat)


# --- safety, by induction ------------------------------------------------------------------------
def _unsafe(z3: Any, junction: Junction) -> list[Any]:
    """A state within the invariant, one second of the interlock with any wish, and then a rule
    broken or the invariant left. `age` is what the controller counts, `shown` what is true."""
    n = range(len(junction.groups))
    lamp, age, shown = ([z3.Int(f"{what}{g}") for g in n] for what in ("lamp", "age", "shown"))
    wanted = [z3.Bool(f"wanted{g}") for g in n]
    amber = [group.amber_s for group in junction.groups]
    after = [
        z3.If(lamp[g] == _AMBER, z3.If(age[g] >= amber[g], _RED, _AMBER),
              z3.If(z3.And(lamp[g] == _GREEN, z3.Not(wanted[g]), age[g] >= law.GREEN_S_MIN),
                    _AMBER if amber[g] else _RED, lamp[g]))
        for g in n
    ]  # fmt: skip
    passed = [z3.If(after[g] == lamp[g], age[g], 0) for g in n]
    for g in n:  # in this order, each seeing those before
        free = [
            z3.And(after[c] == _RED, passed[c] >= junction.clear_s(c, g))
            for c in n
            if (c, g) in junction.conflicts
        ]
        enters = z3.And(lamp[g] == _RED, wanted[g], *free)
        after[g], passed[g] = z3.If(enters, _GREEN, after[g]), z3.If(enters, 0, passed[g])
    cap = max((junction.clear_s(*pair) for pair in junction.conflicts), default=0) + 9
    older = [z3.If(passed[g] < cap, passed[g] + 1, cap) for g in n]
    longer = [z3.If(after[g] == lamp[g], shown[g] + 1, 1) for g in n]
    broken = [_broken(z3, junction, g, lamp, shown, after) for g in n]
    return [
        _invariant(z3, junction, lamp, age, shown),
        z3.Or(*broken, z3.Not(_invariant(z3, junction, after, older, longer))),
    ]


def _invariant(z3: Any, junction: Junction, lamp: Any, age: Any, shown: Any) -> Any:
    pairs = [
        z3.Or(lamp[a] == _RED, lamp[b] == _RED) for a, b in junction.conflicts if a < b
    ]  # fmt: skip
    each = [
        z3.And(lamp[g] >= _RED, lamp[g] <= _GREEN, age[g] >= 0, age[g] <= shown[g], shown[g] >= 1,
               z3.Implies(lamp[g] == _AMBER, z3.And(age[g] == shown[g], age[g] <= group.amber_s)))
        for g, group in enumerate(junction.groups)
    ]  # fmt: skip
    return z3.And(*pairs, *each)


def _broken(z3: Any, junction: Junction, g: int, lamp: Any, shown: Any, after: Any) -> Any:
    amber_s = junction.groups[g].amber_s
    clear = [
        z3.Or(lamp[c] != _RED, shown[c] < junction.clear_s(c, g))
        for c in range(len(junction.groups))
        if (c, g) in junction.conflicts
    ]
    left = z3.And(lamp[g] == _GREEN, after[g] != _GREEN)
    return z3.Or(
        z3.And(left, shown[g] < law.GREEN_S_MIN),
        z3.And(left, after[g] == _RED, amber_s > 0),
        z3.And(lamp[g] == _AMBER, after[g] == _RED, shown[g] != amber_s),
        z3.And(lamp[g] == _AMBER, after[g] == _GREEN),
        z3.And(lamp[g] == _RED, after[g] == _AMBER),
        z3.And(lamp[g] == _RED, after[g] == _GREEN, z3.Or(*clear)),
    )


# --- waiting, in times of events -----------------------------------------------------------------
@dataclass
class _Run:
    """Of a sequence of cycles: when the stage at hand was wanted, since when each group has been
    green or red, whether it is green. All of them z3's terms; `facts` define them."""

    z3: Any
    at: Any
    green: list[Any]
    since: list[Any]
    facts: list[Any] = field(default_factory=list)
    bad: list[Any] = field(default_factory=list)
    names: int = 0

    def let(self, term: Any) -> Any:
        """A name for a term, so that formulas stay small."""
        self.names += 1
        sort = self.z3.Bool if self.z3.is_bool(term) else self.z3.Int
        name = sort(f"t{self.names}")
        self.facts.append(name == term)
        return name

    def most(self, *terms: Any) -> Any:
        best = terms[0]
        for term in terms[1:]:
            best = self.let(self.z3.If(term > best, term, best))
        return best


def _waits(z3: Any, junction: Junction) -> list[Any]:
    """From all red on, any plan in each cycle. A stage without inner conflict is always reached."""
    n = range(len(junction.groups))
    run = _Run(z3, z3.IntVal(junction.start_s + 1), [z3.BoolVal(False)] * len(n),
               [z3.IntVal(0)] * len(n))  # fmt: skip
    for cycle in range(CYCLES):
        plan = z3.Int(f"plan{cycle}")
        run.facts.append(z3.Or(*(plan == number for number in junction.plans)))
        before, ends = (run.at, run.green, run.since), []
        for number in junction.plans:
            run.at, run.green, run.since = before[0], list(before[1]), list(before[2])
            for stage in junction.plans[number].stages:
                _stage(run, junction, stage.green, stage.green_s, plan == number)
            ends.append((plan == number, run.at, run.green, run.since))
        _, run.at, run.green, run.since = ends[0]
        for here, at, green, since in ends[1:]:
            run.at = run.let(z3.If(here, at, run.at))
            run.green = [run.let(z3.If(here, green[g], run.green[g])) for g in n]
            run.since = [run.let(z3.If(here, since[g], run.since[g])) for g in n]
    return [*run.facts, z3.Or(*run.bad)]


def _stage(run: _Run, junction: Junction, wanted: frozenset[int], green_s: int, here: Any) -> None:
    """Who leaves, then who enters and when; the next stage is wanted `green_s` after the last."""
    z3, start = run.z3, run.at
    red = list(run.since)
    for g, group in enumerate(junction.groups):
        if g not in wanted:
            leaves = run.most(start, run.since[g] + law.GREEN_S_MIN)
            red[g] = run.let(z3.If(run.green[g], leaves + group.amber_s, run.since[g]))
    begun = []
    for g in sorted(wanted):
        gates = [start, red[g] + 1]
        gates += [red[c] + junction.clear_s(c, g) for c in range(len(junction.groups))
                  if (c, g) in junction.conflicts]  # fmt: skip
        opens = run.most(*gates)
        most_s = law.WAIT_S_MAX - junction.groups[g].amber_s
        run.bad.append(z3.And(here, z3.Not(run.green[g]), opens - red[g] > most_s))
        begun.append(run.let(z3.If(run.green[g], run.since[g], opens)))
    for g in range(len(junction.groups)):
        if g not in wanted:
            run.green[g], run.since[g] = z3.BoolVal(False), red[g]
    for g, opened in zip(sorted(wanted), begun, strict=True):
        run.green[g], run.since[g] = z3.BoolVal(True), opened
    run.at = run.let(run.most(start, *begun) + green_s)

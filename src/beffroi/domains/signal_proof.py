"""Proves a junction by looking at every state that any sequence of inputs can reach.

Breadth first, so that a counterexample is a shortest one. It knows a machine only by its inputs,
its steps and its lamps; the judge is the observer, whose counters are part of the state.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

from beffroi.domains import signal_law as law
from beffroi.domains.signal_controller import Controller, Given
from beffroi.domains.signal_junction import Junction
from beffroi.domains.signal_observer import Observer, Seen, Wrong
from beffroi.model.asset import Label

LAMPS = (Label("rouge", "red"), Label("jaune", "amber"), Label("vert", "green"),
         Label("clignote", "flashes"))  # fmt: skip


class Machine(Protocol):
    """What can be explored. States must be hashable and have `lamps`."""

    def first(self) -> Any: ...
    def inputs(self) -> Sequence[Any]: ...
    def step(self, state: Any, given: Any) -> Any: ...


class Moment(NamedTuple):
    """One second of a counterexample: what came in, what is shown."""

    given: Any
    lamps: tuple[int, ...]


class Proof(NamedTuple):
    """`wrong` None and `whole`: every reachable state was looked at and none breaks a rule.
    `also`: other rules that are broken, if it was asked to go on."""

    states: int
    transitions: int
    wrong: Wrong | None = None
    trace: tuple[Moment, ...] = ()
    whole: bool = True
    also: tuple[Wrong, ...] = ()

    @property
    def holds(self) -> bool:
        return self.whole and self.wrong is None


Node = tuple[Any, Seen]


def explore(
    machine: Machine,
    junction: Junction,
    *,
    states_max: int = law.STATES_MAX,
    warm_s: int = 0,
    to_the_end: bool = False,
) -> Proof:
    """Every state from `first` on, by every input. Stops at the first rule broken, unless asked to
    go on `to_the_end`. A machine without a start of its own first runs for `warm_s` unjudged."""
    observer, root = Observer(junction), _root(machine, junction, warm_s)
    came: dict[Node, tuple[Node, Any] | None] = {root: None}
    queue, inputs, done = [root], machine.inputs(), 0
    broken: dict[Wrong, tuple[Moment, ...]] = {}
    wrong = observer.judge(root[1])
    if wrong:
        broken[wrong] = (Moment(None, root[1].lamps),)
    for node in queue:  # grows while it is read
        if len(came) > states_max or (broken and not to_the_end):
            break
        state, seen = node
        looked = set()
        for given in inputs:
            done += 1
            after = machine.step(state, given)
            if after in looked:  # another input, the same step
                continue
            looked.add(after)
            now, wrong = observer.look(seen, after.lamps)
            if wrong and wrong not in broken:
                broken[wrong] = (*_trace(came, node), Moment(given, now.lamps))
            if (after, now) not in came:
                came[after, now] = (node, given)
                queue.append((after, now))
    first, *also = broken or (None,)
    trace = broken[first] if first else ()
    return Proof(len(came), done, first, trace, len(came) <= states_max, tuple(also))


def _root(machine: Machine, junction: Junction, warm_s: int) -> Node:
    observer, state, quiet = Observer(junction), machine.first(), machine.inputs()[0]
    seen = observer.first(state.lamps)
    for _ in range(warm_s):
        state = machine.step(state, quiet)
        seen = observer.look(seen, state.lamps)[0]
    return state, seen


def _trace(came: dict[Node, tuple[Node, Any] | None], node: Node) -> list[Moment]:
    back = []
    while True:
        before = came[node]
        back.append(Moment(before and before[1], node[1].lamps))
        if before is None:
            return back[::-1]
        node = before[0]


@lru_cache(maxsize=1_024)
def _proof(digest: str, holder: _Held) -> Proof:
    del digest
    return explore(Controller(holder.junction), holder.junction)


class _Held:
    """Carries a junction past the cache, where its digest alone counts."""

    def __init__(self, junction: Junction) -> None:
        self.junction = junction

    def __hash__(self) -> int:
        return 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Held)


def prove(junction: Junction) -> Proof:
    """The junction under its controller and any hub. Remembered by the junction's digest."""
    return _proof(junction.digest, _Held(junction))


def story(junction: Junction, proof: Proof, last: int = 12) -> list[Label]:
    """The counterexample in words: the last seconds at which something came in or changed."""
    lines: list[Label] = []
    shown: tuple[int, ...] = ()
    for second, moment in enumerate(proof.trace):
        order = _order(moment.given)
        if moment.lamps != shown or order.fr:
            parts = [
                Label(f"{group.name} {LAMPS[lamp].fr}", f"{group.name} {LAMPS[lamp].en}")
                for i, (group, lamp) in enumerate(zip(junction.groups, moment.lamps, strict=True))
                if i >= len(shown) or shown[i] != lamp
            ]
            fr, en = (", ".join(getattr(part, lang) for part in parts) for lang in ("fr", "en"))
            lines.append(Label(f"{second} s : {order.fr}{fr}", f"{second} s: {order.en}{en}"))
        shown = moment.lamps
    if proof.wrong:
        lines.append(Label(f"=> {proof.wrong.label.fr}", f"=> {proof.wrong.label.en}"))
    return lines[-last:]


def _order(given: Any) -> Label:
    if not isinstance(given, Given) or given == Given():
        return Label("", "")
    fr = {"plan": f"ordre plan {given.plan}", "flash": "ordre clignotant", "local": "ordre local"}
    en = {"plan": f"order plan {given.plan}", "flash": "order flash", "local": "order local"}
    site = {"fault": ("défaut du moniteur", "monitor’s fault"), "reset": ("réarmement", "reset")}
    told = [(fr[given.hub], en[given.hub])] if given.hub else []
    told += [site[given.site]] if given.site else []
    return Label(*(" + ".join(texts) + " ; " for texts in zip(*told, strict=True)))

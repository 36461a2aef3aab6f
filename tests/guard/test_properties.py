"""Whatever comes from the network: the guard does not raise, and does not act unless the judge
accepted. A machine that mixes good, bad, old and hostile bytes with time, faults and restarts."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.guard.kit import HUB_KEY, P1_KEY, P2_KEY, Clock, Rig

from beffroi.guard import core as core_module
from beffroi.kernel.decide import decide
from beffroi.kernel.verdict import Accepted

# Thousands of fsyncs prove nothing here; the disk has its own tests.
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None

noise = st.one_of(
    st.binary(max_size=200),
    st.tuples(st.integers(0, 700), st.integers(0, 255)),  # a byte of a good command changed
    st.integers(0, 700),  # a good command cut
)


@settings(max_examples=60)
@given(parts=st.lists(st.tuples(st.sampled_from(["command", "lease", "trust"]), noise), max_size=8))
def test_hostile_bytes_never_raise_and_never_act(parts):
    with tempfile.TemporaryDirectory(dir=MEMORY) as name:
        rig = Rig(Path(name))
        rig.lease()
        good = rig.wire()
        before = [list(d.effects) for d in rig.drivers.values()]
        for kind, how in parts:
            wire = how
            if isinstance(how, tuple):
                at = how[0] % len(good)
                wire = good[:at] + bytes([how[1]]) + good[at + 1 :]
            elif isinstance(how, int):
                wire = good[: how % len(good)]
            if wire != good:
                getattr(rig.worker, kind)(wire)
        assert [d.effects for d in rig.drivers.values()] == before
        rig.store.close()


class Street(RuleBasedStateMachine):
    """Every act in the street has its own accepted command, each at most once, in the order of
    their counters; receipts are numbered without gap."""

    def __init__(self):
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(dir=MEMORY))
        self.accepted: list[tuple[bytes, int]] = []
        self.asked: set[bytes] = set()
        real = decide

        def spy(wire, known):
            verdict = real(wire, known)
            if isinstance(verdict, Accepted):
                self.accepted.append((verdict.command.digest, verdict.command.counter))
            return verdict

        core_module.decide = spy
        self.real = real
        self.rig = Rig(self.folder, Clock())
        self.receipts = []
        self.sent: list[bytes] = []
        self.starts = {self.rig.nonce}

    def teardown(self):
        core_module.decide = self.real
        self.rig.store.close()
        shutil.rmtree(self.folder)

    def _acts(self):
        return sum(
            action != "fall_back" for d in self.rig.drivers.values() for action, _ in d.effects
        )

    @rule()
    def lease(self):
        self.rig.lease()

    @rule(
        where=st.sampled_from(["lamp-1", "lamp-2"]),
        level=st.integers(-5, 105),
        klass=st.sampled_from("ABC"),
        keys=st.sets(st.sampled_from([HUB_KEY, P1_KEY, P2_KEY]), min_size=1),
    )
    def command(self, where, level, klass, keys):
        keys = sorted(keys)
        self.sent.append(
            self.rig.send(target=where, klass=klass, params={"level_pct": level}, keys=keys)
        )

    @rule(klass=st.sampled_from("ABC"))
    def safe(self, klass):
        keys = {"A": (HUB_KEY,), "B": (HUB_KEY, P1_KEY), "C": (HUB_KEY, P1_KEY, P2_KEY)}[klass]
        self.sent.append(self.rig.send(klass=klass, action="on", params={}, keys=keys))

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def again(self, data):
        self.rig.worker.command(data.draw(st.sampled_from(self.sent)))

    @precondition(lambda self: self.sent)
    @rule(data=st.data(), at=st.integers(0, 2_000), value=st.integers(0, 255))
    def spoilt(self, data, at, value):
        wire = data.draw(st.sampled_from(self.sent))
        at %= len(wire)
        self.rig.worker.command(wire[:at] + bytes([value]) + wire[at + 1 :])

    @rule(wire=st.binary(max_size=60))
    def rubbish(self, wire):
        self.rig.worker.command(wire)
        self.rig.worker.lease(wire)
        self.rig.worker.trust(wire)

    @rule(ms=st.sampled_from([50, 1_000, 6_000, 31_000]))
    def wait(self, ms):
        self.rig.wait(ms, step_ms=500)

    @rule(ms=st.sampled_from([-(10**12), -3_600_000, 3_600_000, 10**12]))
    def jump(self, ms):
        self.rig.clock.wall_ms += ms

    @rule(
        where=st.sampled_from(["lamp-1", "lamp-2"]),
        fault=st.sampled_from([{}, {"deaf": True}, {"mute": True}, {"late": 3}]),
    )
    def fault(self, where, fault):
        self.rig.drivers[where].fault(**fault)

    @rule(where=st.sampled_from(["lamp-1", "lamp-2"]), level=st.integers(0, 100))
    def foreign_hand(self, where, level):
        self.rig.drivers[where].write({"level_pct": level})

    @rule()
    def restart(self):
        counter = self.rig.counter
        self.receipts += self.rig.hub.all
        self.rig = self.rig.again()
        self.rig.counter = counter
        assert self.rig.nonce not in self.starts
        self.starts.add(self.rig.nonce)

    @invariant()
    def each_act_was_accepted_and_each_accepted_once(self):
        assert self._acts() <= len(self.accepted)
        digests = [digest for digest, _ in self.accepted]
        assert len(digests) == len(set(digests))

    @invariant()
    def receipts_have_no_gap(self):
        numbers = sorted({one.number for one in (*self.receipts, *self.rig.hub.all)})
        assert numbers == list(range(1, len(numbers) + 1))


Street.TestCase.settings = settings(max_examples=25, stateful_step_count=25)
test_street = Street.TestCase

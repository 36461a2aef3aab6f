"""The vault against a dictionary, any order of calls, with restarts; and killed at any write."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from beffroi.adapters.personal import open_vault
from beffroi.model.purposes import PURPOSES
from beffroi.ports.personal import PersonalError

NOW, DAY = 1_800_000_000_000, 86_400_000
NAMES = st.sampled_from(["email", "phone", "words"])
MARKER = b"@exemple.fr"


class Machine(RuleBasedStateMachine):
    """`known` is what must be readable: subject -> name -> (value, until)."""

    people = Bundle("people")

    @initialize()
    def begin(self) -> None:
        self.home = Path(tempfile.mkdtemp())
        self.vault = open_vault(self.home)
        self.now = NOW
        self.known: dict[str, dict[str, tuple[bytes, int]]] = {}
        self.reads = 0

    def teardown(self) -> None:
        if hasattr(self, "vault"):
            self.vault.close()

    @rule(target=people, purpose=st.sampled_from(sorted(PURPOSES)))
    def somebody(self, purpose: str) -> tuple[str, str]:
        made = self.vault.subject(purpose, self.now)
        assert made not in self.known
        self.known[made] = {}
        return made, purpose

    @rule(who=people, name=NAMES, value=st.binary(max_size=40), days=st.integers(1, 2_000))
    def put(self, who: tuple[str, str], name: str, value: bytes, days: int) -> None:
        subject, purpose = who
        value, until = value + MARKER, self.now + days * DAY
        try:
            self.vault.put(subject, purpose, name, value, self.now, until)
        except PersonalError:
            assert subject not in self.known
        else:
            capped = min(until, self.now + PURPOSES[purpose].days * DAY)
            self.known[subject][name] = (value, capped)

    def live(self, subject: str) -> dict[str, bytes]:
        fields = self.known.get(subject, {})
        return {name: value for name, (value, until) in fields.items() if until > self.now}

    @rule(who=people, name=NAMES)
    def get(self, who: tuple[str, str], name: str) -> None:
        found = self.vault.get(who[0], name, "u-1", self.now)
        assert found == self.live(who[0]).get(name)
        self.reads += found is not None

    @rule(who=people)
    def export(self, who: tuple[str, str]) -> None:
        assert self.vault.export(who[0], "u-1", self.now) == self.live(who[0])

    @rule(who=people)
    def erase(self, who: tuple[str, str]) -> None:
        assert self.vault.erase(who[0], "u-1", self.now) == len(self.known.pop(who[0], {}))

    @rule(days=st.integers(0, 400))
    def purge_later(self, days: int) -> None:
        self.now += days * DAY
        ended: dict[str, int] = {}
        for subject, fields in list(self.known.items()):
            had = bool(fields)
            for name, (_, until) in list(fields.items()):
                if until <= self.now:
                    del fields[name]
                    ended["all"] = ended.get("all", 0) + 1
            if not fields and (had or days):
                del self.known[subject]
        purged = self.vault.purge(self.now)
        assert sum(one.fields for one in purged) == ended.get("all", 0)

    @rule()
    def restart(self) -> None:
        self.vault.close()
        self.vault = open_vault(self.home)

    @invariant()
    def nothing_in_clear_and_sound(self) -> None:
        if not hasattr(self, "vault"):
            return
        assert self.vault.check() == []
        assert all(MARKER not in path.read_bytes() for path in self.home.iterdir())


TestMachine = Machine.TestCase
TestMachine.settings = settings(
    max_examples=25,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)

CHILD = """
import sys
from pathlib import Path
from beffroi.adapters.personal import open_vault
vault = open_vault(Path(sys.argv[1]))
now, day = 1_800_000_000_000, 86_400_000
people = []
def say(*words):
    sys.stdout.write(" ".join(map(str, words)) + "\\n")
    sys.stdout.flush()
for n in range(100_000):
    made = vault.subject("reports", now)
    vault.put(made, "reports", "email", b"person %d" % n, now, now + day)
    say("kept", made, n)
    people.append(made)
    if n % 3 == 2:
        gone = people.pop(0)
        say("erasing", gone, 0)
        vault.erase(gone, "u-1", now)
        say("erased", gone, 0)
    if n % 7 == 6:
        vault.purge(now)
"""


@pytest.mark.parametrize("after", [1, 4, 9, 17, 30, 44, 61, 83])
def test_killed_at_any_moment(tmp_path: Path, after: int) -> None:
    """What was said to be kept is there, what was said to be erased is not, and it is sound."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    lines = [child.stdout.readline() for _ in range(after)]
    os.kill(child.pid, signal.SIGKILL)
    lines += child.stdout.readlines()
    child.wait()
    kept, maybe = {}, set()
    for what, subject, n in (line.split() for line in lines if line.endswith("\n")):
        if what == "kept":
            kept[subject] = b"person %d" % int(n)
        elif what == "erasing":
            maybe.add(subject)
        else:
            kept.pop(subject)
    vault = open_vault(tmp_path)
    assert vault.check() == []
    for subject, value in kept.items():
        found = vault.get(subject, "email", "u-2", NOW)
        assert found == value or (subject in maybe and found is None)
    gone = {line.split()[1] for line in lines if line.startswith("erased")}
    assert all(vault.export(subject, "u-2", NOW) == {} for subject in gone)
    vault.close()

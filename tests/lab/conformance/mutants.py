"""Guards that are broken on purpose: `python mutants.py NAME --config guard.toml`.

Each takes one thing away from the real guard; the kit must find the rule that it breaks.
"""

from __future__ import annotations

import os
import sys
import time

from beffroi.guard import ledger, main, mqtt, tenure, timekeeping, trust, watch, worker
from beffroi.guard.effects import Persist
from beffroi.kernel import bounds, cases, decide, signers
from beffroi.kernel.envelope import read_envelope
from beffroi.kernel.roster import read_roster
from beffroi.kernel.verdict import Reason


def _without(module, name, *reasons) -> None:
    """A check that never refuses for these reasons."""
    real = getattr(module, name)

    def check(holds, reason, detail) -> None:
        if reason not in reasons:
            real(holds, reason, detail)

    setattr(module, name, check)


def amnesiac() -> None:
    """Answers the same bytes anew."""
    ledger.Ledger.answer = lambda *_: None
    ledger.Ledger.effect_of = lambda *_: None


def hasty() -> None:
    """Acts first, remembers later: the record is never written in time."""
    real = worker.Worker._do

    def do(self, effect):
        return [] if isinstance(effect, Persist) and effect.record.pending else real(self, effect)

    worker.Worker._do = do


def trusting_nonce() -> None:
    """Takes commands of any start."""
    _without(decide, "must", Reason.OTHER_START)


def constant_nonce() -> None:
    """Has the same nonce at each start."""
    real = os.urandom
    os.urandom = lambda n: b"0123456789abcdef" if n == 16 else real(n)


def eternal() -> None:
    """Obeys after the end."""
    _without(decide, "must", Reason.EXPIRED)


def lonely() -> None:
    """Lets one person count twice."""
    _without(signers, "must", Reason.SAME_PERSON_TWICE)


def blind() -> None:
    """Says done without looking."""
    watch.differs = lambda expected, shown: ""


def careless() -> None:
    """Never looks at the equipment by itself."""
    watch.Watch._compare = lambda *_: None


def stubborn() -> None:
    """Does not mind silence."""
    tenure.Tenure.over = lambda *_: False
    tenure.Tenure.left_ms = lambda *_: 30_000


def parrot() -> None:
    """Takes leases played again, and is so slow that one sent on the heels of another is lost."""
    real_hear, real_get = tenure.Tenure.hear, mqtt.Link.get

    def hear(self, *args):
        self._number = 0
        return real_hear(self, *args)

    def get(self, wait_s):
        time.sleep(0.2)
        return real_get(self, wait_s)

    tenure.Tenure.hear, mqtt.Link.get = hear, get


def gullible() -> None:
    """Lets the hub say what time it is."""
    timekeeping.OwnTime.agree = lambda *_: True


def forgetful() -> None:
    """Skips a receipt number now and then."""
    real = ledger.Ledger.write

    def write(self, *args, **fields):
        self.number += self.number % 3 == 0
        return real(self, *args, **fields)

    ledger.Ledger.write = write


def rootless() -> None:
    """Takes documents without asking the root."""

    def take(self, files, now_ms):
        files = dict(files)
        return trust.Trusted(
            read_roster(files["targets/roster.cbor"]),
            {
                one.target: one
                for name, data in files.items()
                if name.startswith("targets/envelopes/")
                for one in [read_envelope(data)]
            },
        )

    trust.Trust.take = take


def unbounded() -> None:
    """Takes any step."""
    _without(bounds, "must", Reason.TOO_FAST)


def dark() -> None:
    """Does not mind facts."""
    cases.holds = lambda *_: True


def sloppy() -> None:
    """Reads what is not canonical."""
    real = decide.read_command

    def read(payload):
        try:
            return real(payload)
        except ValueError:
            return real(payload[:-1])

    decide.read_command = read


MUTANTS = {
    name: one
    for name, one in globals().items()
    if callable(one) and getattr(one, "__module__", "") == __name__ and not name.startswith("_")
}

if __name__ == "__main__":
    MUTANTS[sys.argv[1]]()
    sys.exit(main.main(sys.argv[2:]))

"""Has our checkpoints cosigned by the neighbours: on demand before a class C command, and steadily.

Honest about failure: says who did not cosign and why. A witness that knows more of our log than we
do means that our log was put back to an earlier state; that is an error of its own.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace

from beffroi.adapters.log.peers import Peer
from beffroi.adapters.log.reading import Reading
from beffroi.adapters.log.witness import Answer
from beffroi.evidence.limits import COSIGNATURE_AHEAD_S_MAX
from beffroi.evidence.witness import AddCheckpoint
from beffroi.kernel.note import Checkpoint, NoteError, NoteSignature, read_note
from beffroi.ports.log_store import LogError, WitnessError

FEEDER_STOP_S_MAX = 1.0
ASKED_MAX = 3  # a witness that learnt of our log meanwhile is asked again


class RolledBackError(WitnessError):
    """A witness has seen more of this log, or another tree of the same size."""


class Cosigners:
    """Implements ports.log_store.Witnesses. Callable from several threads."""

    def __init__(
        self, log: Reading, peers: Sequence[Peer], now_s: Callable[[], float] = time.time
    ) -> None:
        self._log, self._peers, self._now_s = log, tuple(peers), now_s
        self._sizes: dict[str, int] = {}  # what each witness saw last, as far as we know
        self._turn = threading.Lock()
        # A thread for each: a witness that hangs must not keep the others waiting.
        self._pools = [ThreadPoolExecutor(1, f"witness-{peer.name}") for peer in self._peers]

    def __len__(self) -> int:
        return len(self._peers)

    def cosign(self, checkpoint: Checkpoint, need: int, timeout_s: float) -> Checkpoint:
        """See ports.log_store.Witnesses. What comes back may be a later checkpoint of the log."""
        until = time.monotonic() + timeout_s
        if need > len(self._peers):
            raise WitnessError(f"{need} witnesses are needed, {len(self._peers)} are known")
        if not self._turn.acquire(timeout=timeout_s):
            raise WitnessError("the witnesses are still busy with an earlier checkpoint")
        try:
            known = self._log.witnessed()
            if known and known.size >= checkpoint.size and self.count(known) >= need:
                return known
            return self._gather(self._log.checkpoint(), need, until)
        finally:
            self._turn.release()

    def count(self, checkpoint: Checkpoint) -> int:
        """How many of our witnesses have cosigned it."""
        keys = [peer.key for peer in self._peers]
        return sum(checkpoint.cosigned_by(key.name, key.public) is not None for key in keys)

    def _gather(self, checkpoint: Checkpoint, need: int, until: float) -> Checkpoint:
        try:
            asked: dict[Future[NoteSignature], Peer] = {
                pool.submit(self._ask, peer, checkpoint, until): peer
                for pool, peer in zip(self._pools, self._peers, strict=True)
            }
        except RuntimeError as error:  # of a pool that was shut down
            raise WitnessError("no witness is asked any more: the hub stops") from error
        left, got, missing = set(asked), list[NoteSignature](), list[WitnessError]()
        while left and len(got) < need:
            done, left = wait(left, max(0.0, until - time.monotonic()), FIRST_COMPLETED)
            if not done:
                break
            for one in done:
                self._collect(one, asked[one], got, missing)
        for one in left:
            one.cancel()
        missing += [WitnessError(f"{asked[one].name}: no answer in time") for one in left]
        cosigned = replace(checkpoint, signatures=(*checkpoint.signatures, *got))
        if got:
            self._log.keep_witnessed(cosigned)
        if len(got) < need:
            raise _failure(f"{len(got)} of {need} witnesses cosigned", missing)
        return cosigned

    def _collect(
        self,
        one: Future[NoteSignature],
        peer: Peer,
        got: list[NoteSignature],
        missing: list[WitnessError],
    ) -> None:
        """One witness that cries wolf does not stop what the others allow; the feeder, which asks
        them all, still tells."""
        try:
            got.append(one.result())
        except RolledBackError as error:
            missing.append(RolledBackError(f"{peer.name}: {error}"))
        except LogError as error:
            missing.append(WitnessError(f"{peer.name}: {error}"))

    def _ask(self, peer: Peer, checkpoint: Checkpoint, until: float) -> NoteSignature:
        old = min(self._sizes.get(peer.name, 0), checkpoint.size)
        for _ in range(ASKED_MAX):
            proof = self._log.consistency(old, checkpoint.size)
            request = AddCheckpoint(old, proof, _bare(checkpoint)).encoded()
            answer = peer.way.ask(request, max(0.05, 0.9 * (until - time.monotonic())))
            if answer.status == 200:
                self._sizes[peer.name] = checkpoint.size
                return _cosignature(answer, peer, checkpoint, self._now_s())
            if answer.status != 409:
                text = answer.body[:200].decode(errors="replace").strip()
                raise WitnessError(f"refused ({answer.status}): {text}")
            old = self._size(answer, old, checkpoint)
        raise WitnessError("its view of our log changes too fast")

    def _size(self, answer: Answer, old: int, checkpoint: Checkpoint) -> int:
        """Where the witness is; RolledBackError when that is a place where we never were."""
        text = answer.body.strip()
        if not text.isdigit() or len(text) > 16:
            raise WitnessError("it answers 409 without a size")
        size = int(text)
        if size > checkpoint.size:
            latest = self._log.refresh().size
            if size <= latest:
                raise WitnessError("it has seen a later checkpoint of ours: ask again")
            raise RolledBackError(
                f"it has seen {size} entries of {checkpoint.origin}, which now has only {latest}: "
                "this log was put back to an earlier state"
            )
        if size == old:
            raise RolledBackError(
                f"it has seen another tree of {size} entries of {checkpoint.origin}: this log was "
                "rewritten"
            )
        return size

    def close(self) -> None:
        for pool in self._pools:
            pool.shutdown(wait=False, cancel_futures=True)


def _bare(checkpoint: Checkpoint) -> Checkpoint:
    """With the log's own signature only: a note has room for few lines."""
    return replace(checkpoint, signatures=checkpoint.signatures[:1])


def _failure(text: str, missing: list[WitnessError]) -> WitnessError:
    """The gravest kind among them."""
    told = "; ".join(str(one) for one in missing)
    grave = any(isinstance(one, RolledBackError) for one in missing)
    return (RolledBackError if grave else WitnessError)(f"{text}; {told}")


def _cosignature(answer: Answer, peer: Peer, checkpoint: Checkpoint, now_s: float) -> NoteSignature:
    """Its own, over this checkpoint, and not of a time to come: that would vouch for what is not
    yet written."""
    try:
        note = read_note(checkpoint.body + b"\n" + answer.body)
    except NoteError as error:
        raise WitnessError(f"its answer is not a cosignature: {error}") from error
    seconds = note.cosigned_by(peer.name, peer.key.public)
    if seconds is None:
        raise WitnessError("its cosignature does not hold")
    if seconds > now_s + COSIGNATURE_AHEAD_S_MAX:
        raise WitnessError(
            f"its cosignature is {seconds - now_s:.0f} s in the future: compare both clocks"
        )
    return next(
        one for one in note.signatures
        if replace(note, signatures=(one,)).cosigned_by(peer.name, peer.key.public) is not None
    )  # fmt: skip


class Feeder:
    """Asks all witnesses every `period_s`, on a thread. `report` gets one line when the state
    changes: "" when all is well again, else what is wrong. `rolled_back` gets the line too when
    a witness has seen a log of ours that is not this one."""

    def __init__(
        self,
        log: Reading,
        cosigners: Cosigners,
        period_s: float,
        report: Callable[[str], None],
        timeout_s: float = 10.0,
        rolled_back: Callable[[str], None] | None = None,
    ) -> None:
        self._log, self._cosigners, self._report = log, cosigners, report
        self._rolled_back = rolled_back
        self._period_s, self._timeout_s = period_s, timeout_s
        self._stop = threading.Event()
        self._said = ""
        self._thread = threading.Thread(target=self._run, name="witness-feeder", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.is_set():
            self.once()
            self._stop.wait(self._period_s)

    def once(self) -> str:
        """Ask now; what is wrong, "" for nothing."""
        grave = False
        try:
            need = len(self._cosigners)
            if need:
                self._cosigners.cosign(self._log.checkpoint(), need, self._timeout_s)
            wrong = ""
        except LogError as error:
            wrong, grave = str(error), isinstance(error, RolledBackError)
        if wrong != self._said:
            self._said = wrong
            self._report(wrong)
            if grave and self._rolled_back is not None:
                self._rolled_back(wrong)
        return wrong

    def close(self) -> None:
        """A witness that hangs does not hold up the end of the hub."""
        self._stop.set()
        self._thread.join(FEEDER_STOP_S_MAX)


def mutual(
    one: Reading, of_one: Cosigners, other: Reading, of_other: Cosigners, timeout_s: float
) -> None:
    """Two communes witness each other, once: each log's checkpoint is cosigned by the other's
    witness. WitnessError when one refuses."""
    of_one.cosign(one.checkpoint(), len(of_one), timeout_s)
    of_other.cosign(other.checkpoint(), len(of_other), timeout_s)

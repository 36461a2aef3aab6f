"""The judge. One function, asked twice: by the hub before it sends, by the guard before it acts.

`decide` looks for these, in this order, and answers with the first that fails:

 1. size: at most WIRE_BYTES_MAX
 2. form: a DSSE container in its one canonical form, holding exactly one command in its own
 3. address: my commune, my guard, a target that I hold an envelope for, written for it and for me
 4. documents: roster and envelope not expired; the command was written for this very envelope
 5. signatures: every one holds, each by a key of the roster, no person twice
 6. origin: the hub signed it, so that it is in its log; others are operators (or the sealed key)
    who may command this service
 7. start, epoch, counter: of this start of the guard; the envelope's epoch; greater than the last
    one, not by more than COUNTER_JUMP_MAX
 8. time: begun, not expired, a lifetime within the action's
 9. case: the envelope has a case for this action with these parameters, whose conditions hold by
    fresh facts, of a class not above the command's
10. persons: class A none, B one, C two (all sealed keys together are one); one of them of the
    authority in charge; operators of as many organisations as the action asks; for C one signer
    that the hub does not serve
11. unless the case is the safe direction: a live lease; logged and cosigned as the action asks;
    step and hourly travel, from a fact read after the last effect; spacing, hourly and daily
    count; how many targets of this guard changed

The persons follow the case because the case says how many are needed. Nothing is remembered of a
refused command. The state of an accepted one must be durable before anything moves.
"""

from __future__ import annotations

from beffroi.kernel import keys
from beffroi.kernel.bounds import bounded
from beffroi.kernel.canonical import CanonicalError
from beffroi.kernel.cases import case_of
from beffroi.kernel.command import Command, read_command
from beffroi.kernel.document import FieldError
from beffroi.kernel.dsse import COMMAND, Signed, unpack
from beffroi.kernel.envelope import Action, Envelope
from beffroi.kernel.limits import COUNTER_JUMP_MAX, TARGETS_MAX, WIRE_BYTES_MAX
from beffroi.kernel.roster import BREAK_GLASS
from beffroi.kernel.signers import approvers_of, enough, signers
from beffroi.kernel.situation import Situation
from beffroi.kernel.state import Effect
from beffroi.kernel.verdict import Accepted, No, Reason, Refused, Verdict, must


def decide(wire: bytes, known: Situation) -> Verdict:
    """The verdict on one command as it came. Never raises, whatever the bytes."""
    command: Command | None = None
    try:
        signed, command = _command(wire)
        envelope = _addressed(command, known)
        _documents(command, envelope, known)
        members = signers(signed, known.roster)
        approvers = approvers_of(members, envelope)
        _fresh(command, envelope, known)
        action = _timely(command, envelope, known.now_ms)
        case = case_of(command, action, known)
        enough(case, action, envelope, approvers)
        travel = {} if case.safe else bounded(command, action, signed, envelope, known)
    except No as no:
        return Refused(no.reason, no.detail, command)
    effect = Effect(known.now_ms, command.action, case.safe, travel)
    new = known.state.of(command.target).after(command.epoch, command.counter, effect)
    state = known.state.having(command.target, new)
    sealed = any(member.role == BREAK_GLASS for member in approvers)
    return Accepted(command, approvers, case.klass, case.safe, sealed, state)


def _command(wire: bytes) -> tuple[Signed, Command]:
    must(len(wire) <= WIRE_BYTES_MAX, Reason.TOO_LARGE, f"{len(wire)} bytes")
    try:
        signed = unpack(wire)
        must(signed.kind == COMMAND, Reason.NOT_A_COMMAND, f"it is signed as {signed.kind}")
        return signed, read_command(signed.payload)
    except (CanonicalError, FieldError) as error:
        raise No(Reason.UNREADABLE, str(error)) from error


def _addressed(command: Command, known: Situation) -> Envelope:
    to = (command.commune, command.guard)
    mine = to == (known.commune, known.guard)
    must(mine, Reason.NOT_FOR_ME, f"it is for {command.guard} of {command.commune}")
    envelope = known.envelopes.get(command.target)
    wanted = (*to, command.target)
    if envelope is None or (envelope.commune, envelope.guard, envelope.target) != wanted:
        raise No(Reason.UNKNOWN_TARGET, f"this guard has no envelope for {command.target}")
    targets = known.state.targets
    room = command.target in targets or len(targets) < TARGETS_MAX
    must(room, Reason.UNKNOWN_TARGET, f"{len(targets)} targets are remembered: no room for more")
    return envelope


def _documents(command: Command, envelope: Envelope, known: Situation) -> None:
    roster, now_ms = known.roster, known.now_ms
    ours = roster.commune == known.commune and now_ms < roster.expires_ms
    text = f"roster {roster.version} of {roster.commune} ended at {roster.expires_ms}"
    must(ours, Reason.ROSTER_EXPIRED, text)
    text = f"envelope {envelope.version} ended at {envelope.expires_ms}"
    must(now_ms < envelope.expires_ms, Reason.ENVELOPE_EXPIRED, text)
    same = keys.same(command.envelope, envelope.digest)
    must(same, Reason.OTHER_ENVELOPE, f"not written for envelope {envelope.version}")


def _fresh(command: Command, envelope: Envelope, known: Situation) -> None:
    ours = keys.same(command.nonce, known.nonce)
    must(ours, Reason.OTHER_START, "made before the last start of this guard; ask again")
    text = f"epoch {command.epoch}, the envelope has {envelope.epoch}"
    must(command.epoch == envelope.epoch, Reason.OTHER_EPOCH, text)
    last = known.state.of(command.target)
    must(last.epoch <= command.epoch, Reason.OTHER_EPOCH, f"epoch {last.epoch} has already begun")
    counter = last.counter if last.epoch == command.epoch else 0
    text = f"{command.counter} after {counter}"
    must(command.counter > counter, Reason.REPLAYED, text)
    must(command.counter <= counter + COUNTER_JUMP_MAX, Reason.COUNTER_JUMP, text)


def _timely(command: Command, envelope: Envelope, now_ms: int) -> Action:
    must(now_ms >= command.not_before_ms, Reason.NOT_YET, f"begins at {command.not_before_ms}")
    must(now_ms < command.expires_ms, Reason.EXPIRED, f"expired at {command.expires_ms}")
    action = envelope.actions.get(command.action)
    if action is None:
        raise No(Reason.UNKNOWN_ACTION, f"{command.action} is not an action of this target")
    lifetime_ms, most_ms = command.expires_ms - command.not_before_ms, action.lifetime_ms_max
    text = f"{lifetime_ms} ms, more than {most_ms}"
    must(lifetime_ms <= most_ms, Reason.LIVES_TOO_LONG, text)
    return action

"""From a wish to the exact bytes of one command. Pure: statuses, ids and `now` are arguments.

The class is not chosen: it is the lowest with which the envelope has a case that holds. Refuses to
know who asks and who will approve.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from beffroi.hub.dispatch.denied import Denied, deny
from beffroi.kernel.canonical import CanonicalError
from beffroi.kernel.cases import case_of
from beffroi.kernel.command import CLASSES, Command, read_command
from beffroi.kernel.document import FieldError
from beffroi.kernel.envelope import Action, Case, Envelope
from beffroi.kernel.lease import Status
from beffroi.kernel.limits import COUNTER_JUMP_MAX
from beffroi.kernel.situation import Situation
from beffroi.kernel.verdict import No, Reason
from beffroi.model.limits import COMMAND_LIFE_MS, COMMAND_SKEW_MS

Params = Mapping[str, int | str]


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants done. Zero times mean: now, and for as long as is usual."""

    target: str
    action: str
    params: Params = field(default_factory=dict)
    not_before_ms: int = 0
    lifetime_ms: int = 0
    plan: str = ""


@dataclass(frozen=True, slots=True)
class Need:
    """What the envelope asks for this wish: its class and the case that allows it."""

    klass: str
    case: Case
    action: Action


def needed(wish: Wish, envelope: Envelope, known: Situation) -> Need | Denied:
    """Try A, B, C: the first that the envelope allows now. The most telling refusal otherwise."""
    action = envelope.actions.get(wish.action)
    if action is None:
        return deny(
            "unknown_action",
            "{action} is not something that can be done to {target}.",
            action=wish.action,
            target=wish.target,
        )
    refusal: No | None = None
    for klass in CLASSES:
        try:
            case = case_of(_draft(wish, envelope, klass), action, known)
        except No as no:
            if refusal is None or no.reason is Reason.NOT_PERMITTED_NOW:
                refusal = no
        else:
            return Need(case.klass, case, action)
    return _outside(wish, refusal)


def need_of(command: Command, envelope: Envelope, known: Situation) -> Need | Denied:
    """What the envelope asks of finished bytes. When its conditions do not hold at the moment, what
    their class asks: people may approve before the tank is full; the judge looks when it is sent.
    """
    action = envelope.actions.get(command.action)
    if action is None:
        return _outdated()
    try:
        case = case_of(command, action, known)
    except No as no:
        if no.reason is not Reason.NOT_PERMITTED_NOW:
            return _outdated()
        later = tuple(
            replace(case, conditions=()) for case in action.cases if case.klass == command.klass
        )
        try:
            case = case_of(command, replace(action, cases=later), known)
        except No:
            return _outdated()
    return Need(case.klass, case, action)


def _outdated() -> Denied:
    return deny(str(Reason.OTHER_ENVELOPE), "The rules have changed since. Make a new request.")


def _outside(wish: Wish, refusal: No | None) -> Denied:
    if refusal is not None and refusal.reason is Reason.NOT_PERMITTED_NOW:
        return deny(
            str(refusal.reason),
            "Not now: what the equipment shows does not permit it ({detail}).",
            detail=refusal.detail,
        )
    return deny(
        str(Reason.OUTSIDE_ENVELOPE),
        "Nobody may do this to {target}: it is outside what the commune has allowed.",
        target=wish.target,
    )


def build(
    wish: Wish,
    envelope: Envelope,
    status: Status,
    known: Situation,
    *,
    ident: str,
    counter: int,
) -> tuple[Command, Need] | Denied:
    """The command and what it needs. `counter` is the next free one of the target; `status` gives
    the guard's start; times come from `known.now_ms`."""
    need = needed(wish, envelope, known)
    if isinstance(need, Denied):
        return need
    if status.envelope != envelope.digest:
        return deny(
            "guard_behind",
            "The guard {guard} has not taken over the newest rules yet. Try again in a minute.",
            guard=envelope.guard,
        )
    if counter > status.counter + COUNTER_JUMP_MAX and status.epoch == envelope.epoch:
        return deny(
            str(Reason.COUNTER_JUMP),
            "Too many commands wait for {target}. Cancel those that are no longer wanted.",
            target=wish.target,
        )
    begin = wish.not_before_ms or known.now_ms - COMMAND_SKEW_MS
    life = min(wish.lifetime_ms or COMMAND_LIFE_MS, need.action.lifetime_ms_max)
    command = replace(
        _draft(wish, envelope, need.klass),
        id=ident,
        nonce=status.nonce,
        counter=counter,
        not_before_ms=begin,
        expires_ms=begin + life,
    )
    if command.expires_ms <= known.now_ms:
        return deny("expired", "Its time is over before it begins. Choose a later end.")
    try:
        return read_command(command.encoded()), need
    except (CanonicalError, FieldError) as error:
        return deny("invalid", "This cannot be written as a command: {why}.", why=str(error))


def _draft(wish: Wish, envelope: Envelope, klass: str) -> Command:
    return Command(
        id="draft",
        commune=envelope.commune,
        guard=envelope.guard,
        target=wish.target,
        klass=klass,
        action=wish.action,
        nonce=bytes(16),
        epoch=envelope.epoch,
        counter=1,
        not_before_ms=0,
        expires_ms=0,
        envelope=envelope.digest,
        params=dict(wish.params),
        plan=wish.plan,
    )


def say(action: Action, params: Params, lang: str) -> str:
    """The sentence that the commune's root has signed for this action, with the parameters in."""
    text = action.say_en if lang == "en" else action.say_fr
    for name, value in params.items():
        text = text.replace("{" + name + "}", str(value))
    return text

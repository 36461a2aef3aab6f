"""How far, how often, how many: rule 11 of `decide`, of which the safe direction is free."""

from __future__ import annotations

from beffroi.kernel.command import Command
from beffroi.kernel.dsse import Signed
from beffroi.kernel.envelope import Action, Envelope, Slew
from beffroi.kernel.limits import DAY_MS, HOUR_MS
from beffroi.kernel.logged import LoggedError, witnesses
from beffroi.kernel.situation import Situation
from beffroi.kernel.verdict import No, Reason, must


def bounded(
    command: Command,
    action: Action,
    signed: Signed,
    envelope: Envelope,
    known: Situation,
) -> dict[str, int]:
    """What it will move by: {parameter: travel}."""
    must(known.now_ms < known.lease_until_ms, Reason.NO_LEASE, "no live lease: local control")
    _seen(command, action, signed, known)
    travel = {slew.param: _step(command, slew, known) for slew in action.slew}
    _often(command, action, known)
    _fleet(command, envelope, known)
    return travel


def _seen(command: Command, action: Action, signed: Signed, known: Situation) -> None:
    if action.witnesses_min == 0:
        return
    if signed.logged is None:
        raise No(Reason.NOT_LOGGED, "no proof that it is in the log")
    try:
        seen = witnesses(signed.logged, command.digest, known.origin, known.roster)
    except LoggedError as error:
        raise No(Reason.NOT_LOGGED, str(error)) from error
    must(
        seen >= action.witnesses_min,
        Reason.TOO_FEW_WITNESSES,
        f"{seen} witnesses cosigned, {action.witnesses_min} are needed",
    )


def _step(command: Command, slew: Slew, known: Situation) -> int:
    fact = known.facts.get(command.target, {}).get(slew.fact)
    wanted = command.params.get(slew.param)
    if fact is None or not 0 <= known.now_ms - fact.at_ms <= slew.age_ms_max:
        raise No(Reason.NOT_PERMITTED_NOW, f"{slew.fact} is unknown: no step can be measured")
    if not isinstance(wanted, int):
        return 0
    step = abs(wanted - fact.value)
    must(step <= slew.step_max, Reason.TOO_FAST, f"a step of {step}, at most {slew.step_max}")
    since = known.now_ms - HOUR_MS
    effects = known.state.of(command.target).effects
    moved = step + sum(e.travel.get(slew.param, 0) for e in effects if e.at_ms > since)
    must(
        moved <= slew.travel_hour_max,
        Reason.TOO_FAST,
        f"{moved} within an hour, at most {slew.travel_hour_max}",
    )
    return step


def _often(command: Command, action: Action, known: Situation) -> None:
    """The safe direction counts too, or a lamp could be switched without end."""
    effects = known.state.of(command.target).effects
    times = [e.at_ms for e in effects if e.action == command.action]
    for window_ms, most in (
        (HOUR_MS, action.per_hour_max),
        (DAY_MS, action.per_day_max),
        (action.spacing_ms_min, 1),
    ):
        count = 1 + sum(at > known.now_ms - window_ms for at in times)
        must(count <= most, Reason.TOO_OFTEN, f"{count} within {window_ms} ms, at most {most}")


def _fleet(command: Command, envelope: Envelope, known: Situation) -> None:
    since = known.now_ms - envelope.fleet_window_ms
    moved = {name for name, one in known.state.targets.items() if one.changed_since(since)}
    count = len(moved | {command.target})
    must(
        count <= envelope.fleet_targets_max,
        Reason.FLEET_LIMIT,
        f"{count} targets of this guard within {envelope.fleet_window_ms} ms",
    )

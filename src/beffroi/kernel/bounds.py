"""How far, how often, how many: rule 11 of `decide`, of which the safe direction is free."""

from __future__ import annotations

from beffroi.kernel.command import Command
from beffroi.kernel.dsse import Signed
from beffroi.kernel.envelope import Action, Envelope, Slew
from beffroi.kernel.limits import DAY_MS, EFFECTS_MAX, HOUR_MS
from beffroi.kernel.logged import LoggedError, witnesses
from beffroi.kernel.situation import Situation, fresh
from beffroi.kernel.verdict import No, Reason, must


def bounded(
    command: Command, action: Action, signed: Signed, envelope: Envelope, known: Situation
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
    text = f"{seen} witnesses cosigned, {action.witnesses_min} are needed"
    must(seen >= action.witnesses_min, Reason.TOO_FEW_WITNESSES, text)


def _step(command: Command, slew: Slew, known: Situation) -> int:
    effects = known.state.of(command.target).effects
    facts = known.facts.get(command.target, {})
    now = fresh(facts, slew.fact, slew.age_ms_max, known.now_ms)
    wanted = command.params[slew.param]
    if now is None or not isinstance(wanted, int):
        raise No(Reason.NOT_PERMITTED_NOW, f"{slew.fact} is unknown: no step can be measured")
    # What was read before the last effect does not show it: two steps would be measured from there.
    late = all(effect.at_ms <= facts[slew.fact].at_ms for effect in effects)
    must(late, Reason.NOT_PERMITTED_NOW, f"{slew.fact} was read before the last effect")
    step = abs(wanted - now)
    must(step <= slew.step_max, Reason.TOO_FAST, f"a step of {step}, at most {slew.step_max}")
    since = known.now_ms - HOUR_MS
    moved = step + sum(e.travel.get(slew.param, 0) for e in effects if e.at_ms > since)
    most = slew.travel_hour_max
    must(moved <= most, Reason.TOO_FAST, f"{moved} within an hour, at most {most}")
    return step


def _often(command: Command, action: Action, known: Situation) -> None:
    """The safe direction uses up no count, or the hub could forbid the way back; but it delays
    what follows, or a lamp could be switched without a pause."""
    target = known.state.of(command.target)
    spacing = action.spacing_ms_min
    after = max((e.at_ms for e in target.effects if e.action == command.action), default=None)
    rested = not spacing or after is None or after <= known.now_ms - spacing
    must(rested, Reason.TOO_OFTEN, f"less than {spacing} ms after the last one")
    moves = [e for e in target.effects if not e.safe and e.at_ms > known.now_ms - DAY_MS]
    mine = [e.at_ms for e in moves if e.action == command.action]
    hour = 1 + sum(at > known.now_ms - HOUR_MS for at in mine)
    must(hour <= action.per_hour_max, Reason.TOO_OFTEN, f"{hour} within an hour")
    must(len(mine) < action.per_day_max, Reason.TOO_OFTEN, f"{len(mine)} within a day")
    must(len(moves) < EFFECTS_MAX, Reason.TOO_OFTEN, f"{len(moves)} moves of any kind within a day")


def _fleet(command: Command, envelope: Envelope, known: Situation) -> None:
    since = known.now_ms - envelope.fleet_window_ms
    moved = {name for name, one in known.state.targets.items() if one.changed_since(since)}
    count, most = len(moved | {command.target}), envelope.fleet_targets_max
    must(count <= most, Reason.FLEET_LIMIT, f"{count} targets of this guard, at most {most}")

"""Rosters and envelopes in plain words, and what changes between two of them.

Every field that gives somebody a power is in a line, so that no change is silent; a test changes
each field and looks for the line. Text comes from elsewhere: it goes through `plain`.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping

from beffroi.cli.plain import plain
from beffroi.kernel.envelope import Action, Allowed, Case, Condition, Envelope
from beffroi.kernel.roster import EVERY, Member, Roster

_ROLES = {
    "hub": ("le serveur", "the hub"),
    "operator": ("agent qui approuve", "operator who approves"),
    "break-glass": ("clé scellée de secours", "sealed emergency key"),
    "guard": ("gardien d'équipement", "guard of equipment"),
    "witness": ("témoin extérieur", "outside witness"),
    "log": ("journal des preuves", "evidence log"),
}
_CLASSES = {
    "A": ("automatique", "automatic"),
    "B": ("une personne", "one person"),
    "C": ("deux personnes", "two persons"),
}


def say(lang: str, fr: str, en: str) -> str:
    return fr if lang == "fr" else en


def day(ms: int) -> str:
    """Local date and time."""
    return dt.datetime.fromtimestamp(ms / 1000).astimezone().strftime("%d/%m/%Y %H:%M %Z")


def member_line(member: Member, lang: str) -> str:
    role = say(lang, *_ROLES[member.role])
    services = (
        say(lang, "tous les services", "every service")
        if EVERY in member.services
        else ", ".join(member.services) or say(lang, "aucun service", "no service")
    )
    alone = say(lang, "; signe hors du serveur", "; signs outside the hub")
    name = f" ({plain(member.name)})" if member.name else ""
    return (
        f"{member.person}{name} — {member.org} — {role} — {services}"
        f"{alone if member.independent else ''} — {member.kind} {member.key[:12]}"
    )


def roster_lines(roster: Roster, lang: str) -> list[str]:
    site = f"{plain(roster.rp_id)} {' '.join(plain(origin) for origin in roster.origins)}"
    lines = [member_line(member, lang) for member in roster.members]
    return [*lines, say(lang, "Page de connexion : ", "Sign-in page: ") + site.strip()]


def envelope_lines(envelope: Envelope, lang: str) -> list[str]:
    """All that can be done to one target."""
    minutes = envelope.fleet_window_ms / 60_000
    lines = [
        f"{envelope.target} — {plain(envelope.name)} — {envelope.service} — "
        + say(lang, "compétence : ", "in charge: ")
        + f"{envelope.authority} — "
        + say(lang, "gardien : ", "guard: ")
        + f"{envelope.guard} ({envelope.commune}) — {say(lang, 'époque', 'epoch')} "
        + str(envelope.epoch),
        say(lang, "  parc : au plus ", "  fleet: at most ")
        + f"{envelope.fleet_targets_max} / {minutes:g} min",
    ]
    for name, action in envelope.actions.items():
        lines += _action_lines(name, action, lang)
    return lines


def _action_lines(name: str, action: Action, lang: str) -> Iterator[str]:
    for case in action.cases:
        klass = say(lang, *_CLASSES[case.klass])
        sentence = plain(action.say_fr if lang == "fr" else action.say_en)
        line = f"  {name}, {case.klass} ({klass}) : {_ranged(sentence, case)}"
        if case.conditions:
            held = "; ".join(condition(one) for one in case.conditions)
            line += say(lang, f" si {held}", f" if {held}")
        yield line + (say(lang, " [sens sûr]", " [safe direction]") if case.safe else "")
    yield f"  {name} : {plain(action.say_en if lang == 'fr' else action.say_fr)}"
    parts = [
        say(lang, f"au plus {action.per_hour_max}/h", f"at most {action.per_hour_max}/h"),
        say(lang, f"{action.per_day_max}/jour", f"{action.per_day_max}/day"),
        say(lang, "écart ", "spacing ") + f"{action.spacing_ms_min / 1000:g} s",
        say(lang, "durée ", "lifetime ") + f"{action.lifetime_ms_max / 60_000:g} min",
        say(lang, "organisations ", "organisations ") + str(action.orgs_min),
        say(lang, "témoins ", "witnesses ") + str(action.witnesses_min),
    ]
    parts += [
        say(lang, "pas de ", "step of ")
        + f"{one.param} <= {one.step_max}, {one.travel_hour_max}/h "
        + f"({one.fact}, {one.age_ms_max / 1000:g} s)"
        for one in action.slew
    ]
    yield f"  {name} : " + ", ".join(parts)


def _ranged(sentence: str, case: Case) -> str:
    """The sentence with what each place may hold; parameters that have no place come after."""
    left = dict(case.params)

    def what(match: re.Match[str]) -> str:
        allowed = left.pop(match.group(1), None)
        return f"[{_allowed(allowed)}]" if allowed else match.group(0)

    filled = re.sub(r"\{([A-Za-z0-9._:-]+)\}", what, sentence)
    rest = "; ".join(f"{name} = [{_allowed(one)}]" for name, one in left.items())
    return f"{filled} ({rest})" if rest else filled


def _allowed(allowed: Allowed) -> str:
    parts = [str(low) if low == high else f"{low}..{high}" for low, high in allowed.ranges]
    parts += [f"« {plain(one)} »" for one in allowed.choices]
    if allowed.chars_max or allowed.charset:
        parts.append(f"{allowed.chars_max} × « {plain(allowed.charset)} »")
    return " | ".join(parts) or "-"


def condition(one: Condition) -> str:
    """`level_pct = 20..100 (30 s)`: the fact, its ranges, how old it may be."""
    ranges = " | ".join(f"{low}..{high}" for low, high in one.ranges)
    return f"{one.fact} = {ranges} ({one.age_ms_max / 1000:g} s)"


def differences(
    before: Roster | None,
    after: Roster,
    old: Mapping[str, Envelope],
    new: Mapping[str, Envelope],
    lang: str,
) -> list[str]:
    """Lines that begin with `-` are no longer true, those with `+` are new. Versions and ends are
    not differences."""
    lines = _changed(roster_lines(before, lang) if before else [], roster_lines(after, lang))
    for target in sorted(old.keys() | new.keys()):
        was = envelope_lines(old[target], lang) if target in old else []
        now = envelope_lines(new[target], lang) if target in new else []
        changed = _changed(was, now)
        if changed and was and now:
            lines.append(f"  {target} :")
        lines += changed
    return lines


def _changed(was: Iterable[str], now: Iterable[str]) -> list[str]:
    was, now = list(was), list(now)
    gone = [f"- {line}" for line in was if line not in now]
    return gone + [f"+ {line}" for line in now if line not in was]

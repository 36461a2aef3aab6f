"""Parameters of commands and the rules around them in real units and plain words.

Reads acts of the domains and signed envelopes; decides nothing. The guard obeys whole numbers: a
page shows `3,2 bar` where 3200 is sent, and this module is the only place that converts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from beffroi.api.problems import Refusal
from beffroi.api.words import said
from beffroi.domains.base import Act, Choice
from beffroi.kernel.envelope import Action, Allowed, Case, Condition
from beffroi.model.asset import Label

DAYS = (
    Label("lundi", "Monday"),
    Label("mardi", "Tuesday"),
    Label("mercredi", "Wednesday"),
    Label("jeudi", "Thursday"),
    Label("vendredi", "Friday"),
    Label("samedi", "Saturday"),
    Label("dimanche", "Sunday"),
)
FACTS: Mapping[str, Label] = {
    "local_minute": Label("l’heure", "the time of day"),
    "weekday": Label("le jour", "the day"),
    "sun_mdeg": Label("hauteur du soleil (millièmes de degré)", "height of the sun (mdeg)"),
    "night": Label("la nuit (1) ou le jour (0)", "night (1) or day (0)"),
    "adjacent_dark": Label("lampes voisines éteintes", "neighbouring lamps that are dark"),
}
WHOLE_DIGITS = 15
FEW = 6
CLOCK_FACTS = frozenset({"local_minute", "weekday", "sun_mdeg", "night", "adjacent_dark"})


class Shown(NamedTuple):
    """One parameter as people read it. `value` is a number (then `digits`, `unit`) or a text."""

    name: str
    label: str
    value: float | str
    digits: int
    unit: str
    sent: int | str  # what the bytes hold


def shown(act: Act | None, params: Mapping[str, int | str], lang: str) -> list[Shown]:
    """In the order of the act's own parameters, then any that it does not know."""
    known = act.params if act else {}
    names = [name for name in known if name in params]
    names += [name for name in params if name not in known]
    return [one(known.get(name), name, params[name], lang) for name in names]


def one(choice: Choice | None, name: str, value: int | str, lang: str) -> Shown:
    label = said(choice.label, lang) if choice else name
    word = choice.words.get(str(value)) if choice else None
    if word is not None:
        return Shown(name, label, said(word, lang), 0, "", value)
    if isinstance(value, str) or choice is None:
        return Shown(name, label, value, 0, "", value)
    number = value / choice.scale
    text = f"{number:.{digits_of(choice.scale)}f}".rstrip("0") if choice.scale > 1 else ""
    return Shown(name, label, number, len(text.partition(".")[2]), choice.unit, value)


def digits_of(scale: int) -> int:
    """Decimals that a value of this scale can have: 3 for thousandths, 2 where it does not fit."""
    digits = len(str(scale)) - 1
    return digits if scale == 10**digits else 2


def parsed(params: Mapping[str, Mapping[str, Any]], given: Mapping[str, str]) -> dict[str, Any]:
    """What somebody typed into a form as parameters. `params`: as `View.target` describes them.
    Refusal (422) with the field's label when it is no such value; empty fields are left out."""
    found: dict[str, int | str] = {}
    for name, spec in params.items():
        text = given.get(name, "").strip()
        if not text:
            if spec["required"]:
                raise Refusal(422, "value_missing", "Fill in “{label}”.", label=spec["label"])
            continue
        found[name] = text if _is_text(spec) else _whole(text, spec)
    return found


def _is_text(spec: Mapping[str, Any]) -> bool:
    return bool(spec["choices"] or spec["chars_max"])


def _whole(text: str, spec: Mapping[str, Any]) -> int:
    try:
        number = Decimal(text.replace(" ", "").replace("\u202f", "").replace(",", "."))
    except InvalidOperation:
        raise Refusal(422, "value", "“{label}” must be a number.", label=spec["label"]) from None
    if not number.is_finite() or number.adjusted() > WHOLE_DIGITS:
        raise Refusal(422, "value", "“{label}” must be a number.", label=spec["label"])
    sent = number * spec["scale"]
    digits = digits_of(spec["scale"])
    exact = spec["scale"] == 10**digits
    if exact and sent != sent.to_integral_value():
        raise Refusal(
            422,
            "value_digits",
            "“{label}” has at most {digits} decimals.",
            label=spec["label"],
            digits=digits,
        )
    return int(sent.to_integral_value())


# --- what an envelope allows ---------------------------------------------------------------------
class Held(NamedTuple):
    """One case in words: with these parameters, while these conditions hold."""

    klass: str
    safe: bool
    params: tuple[tuple[str, str], ...]  # (label, what it may be)
    conditions: tuple[str, ...]


def cases(action: Action, act: Act | None, lang: str) -> list[Held]:
    """The mildest class first."""
    found = [_case(case, act, lang) for case in action.cases]
    return sorted(found, key=lambda held: held.klass)


def _case(case: Case, act: Act | None, lang: str) -> Held:
    known = act.params if act else {}
    order = [*(n for n in known if n in case.params), *(n for n in case.params if n not in known)]
    params = tuple(_allowed(known.get(name), name, case.params[name], lang) for name in order)
    return Held(case.klass, case.safe, params, tuple(condition(c, lang) for c in case.conditions))


def _allowed(choice: Choice | None, name: str, allowed: Allowed, lang: str) -> tuple[str, str]:
    words = choice.words if choice else {}
    parts = [said(words[text], lang) if text in words else text for text in allowed.choices]
    parts += [_range(choice, low, high, lang) for low, high in allowed.ranges]
    if allowed.chars_max:
        many = Label("{} signes au plus", "{} characters at most")
        parts.append(said(many, lang).format(allowed.chars_max))
    return (said(choice.label, lang) if choice else name), ", ".join(parts)


def _range(choice: Choice | None, low: int, high: int, lang: str) -> str:
    if choice is not None and choice.words:
        names = [choice.words.get(str(n)) for n in range(low, min(high, low + 50) + 1)]
        return ", ".join(said(name, lang) for name in names if name is not None)
    scale, unit = (choice.scale, choice.unit) if choice else (1, "")
    ends = [_number(end / scale, digits_of(scale), lang) for end in (low, high)]
    between = ends[0] if low == high else said(Label("{} à {}", "{} to {}"), lang).format(*ends)
    return f"{between}\u202f{unit}" if unit else between


def _number(value: float, digits: int, lang: str) -> str:
    text = f"{value:.{digits}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return text if lang == "en" else text.replace(".", ",")


def condition(one: Condition, lang: str) -> str:
    """`l’heure entre 22:00 et 05:59`: what the guard must have read itself."""
    name = FACTS.get(one.fact)
    label = said(name, lang) if name else one.fact
    parts = [_span(one.fact, low, high, lang) for low, high in one.ranges]
    return f"{label}\u00a0: {_or(parts, lang)}" if lang == "fr" else f"{label}: {_or(parts, lang)}"


def _or(parts: Sequence[str], lang: str) -> str:
    return said(Label(" ou ", " or "), lang).join(parts)


def _span(fact: str, low: int, high: int, lang: str) -> str:
    if fact == "local_minute":
        ends = [f"{end // 60 % 24:02d}:{end % 60:02d}" for end in (low, high)]
    elif fact == "weekday":
        ends = [said(DAYS[end % 7], lang) for end in (low, high)]
    else:
        ends = [str(low), str(high)]
    if low == high:
        return ends[0]
    return said(Label("{} à {}", "{} to {}"), lang).format(*ends)


def range_text(choice: Choice | None, allowed: Sequence[Allowed], lang: str) -> str:
    """What a number may be over all cases together: its few values, or its ends."""
    spans = sorted({pair for one in allowed for pair in one.ranges})
    if not spans:
        return ""
    if all(low == high for low, high in spans) and len(spans) <= FEW:
        return ", ".join(_range(choice, low, high, lang) for low, high in spans)
    return _range(choice, spans[0][0], max(high for _, high in spans), lang)


def must(actions: Sequence[Case], name: str) -> bool:
    """Whether every case of an action has this parameter."""
    return all(name in case.params for case in actions)

"""What can be asked of a board: a template with its fields for some minutes, or to be blank.

The safe direction is blank. Ordinary messages are one person's; an alert needs two persons of two
organisations, a witness who has seen it in the log, and ends within half an hour. A message on the
signed schedule needs nobody.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from beffroi.domains.base import Act, Choice, Terms
from beffroi.domains.boards.catalogue import (
    ALERT,
    FIELD_LABELS,
    TEMPLATES,
    Template,
    allowed,
    places,
    text_number,
    text_of,
)
from beffroi.domains.envelopes import (
    among,
    by_clock,
    day_spans,
    envelope,
    minute_of,
    on_days,
    safe_case,
    whole,
)
from beffroi.kernel.code import code_of, number_of
from beffroi.kernel.envelope import Action, Case, Envelope
from beffroi.model.asset import Asset, Label

MINUTE_MS = 60_000
ALERT_MINUTES_MAX = 30
MESSAGE_MINUTES_MAX = 12 * 60
SCHEDULED_MINUTES_MAX = 60  # renewed while the schedule holds
ALERT_SPACING_MS = 10 * MINUTE_MS
SCHEDULE_MAX = 8

_MINUTES = Choice(Label("Durée", "Duration"), "min")


def _choices(templates: Sequence[Template]) -> dict[str, Choice]:
    words = {one.id: one.label for one in templates}
    names = dict.fromkeys(name for one in templates for name in one.fields)
    fields = {name: Choice(FIELD_LABELS[name]) for name in names}
    return {"template": Choice(Label("Message", "Message"), words=words), **fields}


_ALERTS = [one for one in TEMPLATES.values() if one.category == ALERT]
_ORDINARY = [one for one in TEMPLATES.values() if one.category != ALERT]
ACTS = {
    "board": {
        "show": Act(
            Label("Afficher un message", "Show a message"),
            {**_choices(_ORDINARY), "minutes": _MINUTES},
            "state",
            public=True,
        ),
        "alert": Act(
            Label("Afficher une alerte", "Show an alert"),
            {**_choices(_ALERTS), "minutes": _MINUTES},
            "state",
            public=True,
        ),
        "blank": Act(Label("Éteindre", "Blank"), shows="state"),
    }
}


def board_envelope(asset: Asset, terms: Terms) -> Envelope:
    """`places`: names that fields may take; `schedule`: [{"template", "days" (0 Monday), "from",
    "to", and the fields}]: shown without anybody's approval."""
    known = places(asset.attrs.get("places"))
    show = Action(
        (*_cases("B", _ORDINARY, known, MESSAGE_MINUTES_MAX), *_scheduled(asset, known)),
        "Afficher {template} pendant {minutes} min",
        "Show {template} for {minutes} min",
        per_hour_max=20,
        per_day_max=200,
    )
    alert = Action(
        tuple(_cases("C", _ALERTS, known, ALERT_MINUTES_MAX)),
        "ALERTE PUBLIQUE : afficher {template} pendant {minutes} min",
        "PUBLIC ALERT: show {template} for {minutes} min",
        spacing_ms_min=ALERT_SPACING_MS,
        per_hour_max=4,
        per_day_max=24,
        lifetime_ms_max=ALERT_MINUTES_MAX * MINUTE_MS,
        orgs_min=2,
        witnesses_min=1,
    )
    blank = Action((safe_case(),), "Éteindre le panneau", "Blank the board")
    made = envelope(asset, terms, {"show": show, "alert": alert, "blank": blank})
    assert made is not None  # noqa: S101 - there are three actions
    return made


def _cases(
    klass: str, templates: Sequence[Template], known: Sequence[str], minutes_max: int
) -> Iterator[Case]:
    """Templates without fields share one case: an envelope holds few."""
    minutes = whole((1, minutes_max))
    bare = [one.id for one in templates if not one.fields]
    yield Case(klass, {"template": among(bare), "minutes": minutes})
    for one in templates:
        params = allowed(one, known) if one.fields else None
        if params is not None:
            yield Case(klass, {**params, "minutes": minutes})


def _scheduled(asset: Asset, known: Sequence[str]) -> Iterator[Case]:
    given = asset.attrs.get("schedule")
    for item in given[:SCHEDULE_MAX] if isinstance(given, list) else ():
        one = TEMPLATES.get(str(item.get("template"))) if isinstance(item, Mapping) else None
        if one is None or one.category == ALERT:
            continue
        params = allowed(one, known)
        start, end = minute_of(item.get("from")), minute_of(item.get("to"))
        days = item.get("days") or range(7)
        if params is None or start is None or end is None or not set(days) <= set(range(7)):
            continue
        spans = day_spans(start, end, SCHEDULED_MINUTES_MAX)
        if spans and len(spans) == 1:  # a day's schedule does not pass midnight
            params["minutes"] = whole((1, SCHEDULED_MINUTES_MAX))
            yield Case("A", params, (on_days(days), by_clock(spans)))


def ordered(
    asset: Asset, action: str, params: Mapping[str, int | str], digest: bytes, at_ms: int
) -> Mapping[str, float]:
    """See `domains.base.Domain.ordered`."""
    del asset
    if action == "blank":
        return {"ordered_text": 0.0, "ordered_code": 0.0, "ordered_until_min": at_ms / MINUTE_MS}
    minutes = params.get("minutes", 0)
    return {
        "ordered_text": float(text_number(text_of(params))),
        "ordered_code": float(number_of(code_of(digest)) or 0),
        "ordered_until_min": at_ms / MINUTE_MS + float(minutes),
    }

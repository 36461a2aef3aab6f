"""Turns a template and its facts into a page: one Jinja environment per language.

Templates see `_`, the filters below, the person, the commune and the CSRF token; nothing else of
the hub unless a page hands it over. Everything is escaped.
"""

from __future__ import annotations

from functools import cache, partial
from pathlib import Path
from typing import Any

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from beffroi.api import scope
from beffroi.api.catalogue import marks
from beffroi.api.policies import What
from beffroi.api.problems import Refusal
from beffroi.api.sessions import Person
from beffroi.api.sight import alarms_seen
from beffroi.api.words import lang_of, said
from beffroi.hub.alarms.text import REFUSALS
from beffroi.hub.services import Services
from beffroi.model.asset import Commune, Label
from beffroi.ports.followed import Followed
from beffroi.ui import bundle, i18n, tones
from beffroi.ui.script_words import SCRIPT_WORDS

TEMPLATES = Path(__file__).parent / "templates"
NOWHERE = Commune("commune", "", 0, 0.0, 0.0)


@cache
def environment(lang: str) -> Environment:
    env = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    words = i18n.words(lang)
    env.install_gettext_callables(  # type: ignore[attr-defined]
        words.gettext, words.ngettext, newstyle=True
    )
    env.filters.update(
        num=lambda value, digits=0: i18n.number(value, digits, lang),
        said=partial(_said, lang),
        cap=_cap,
        span=lambda ms: i18n.span(ms, lang),
    )
    env.globals.update(
        lang=lang,
        script=bundle.script,
        styles=bundle.styles,
        sheet=bundle.sheet,
        script_words=words.table(SCRIPT_WORDS),
        ink_on=tones.ink_on,
        refused_text=partial(refused_text, lang),
    )
    return env


def page(request: Request, template: str, http: int = 200, /, **facts: Any) -> Response:
    """Render `template` with `facts` for whoever asks."""
    services: Services = request.app.state.services
    lang = lang_of(request)
    commune = services.store.assets.commune() or NOWHERE
    now = services.clock.now_ms()
    person = getattr(request.state, "person", None)
    domains = services.domains
    facts |= {
        "request": request,
        "path": request.url.path,
        "person": person,
        "may": partial(_may, person),
        "csrf_token": person.csrf if person else "",
        "commune": commune,
        "now_ms": now,
        "domains": domains,
        "letters": marks({name: said(domain.label, lang) for name, domain in domains.items()}),
        "ago": lambda ms: i18n.ago(ms, now, lang),
        "when": partial(_when, lang, commune.timezone),
        "follows": _follows(request),
        "grave_open": _grave_open(services, person) if person else 0,
    }
    body = environment(lang).get_template(template).render(facts)
    return HTMLResponse(body, http, headers={"content-language": lang, "vary": "accept-language"})


def _follows(request: Request) -> bool:
    """Whether other communes have delegated something to whoever runs this hub."""
    followed: Followed | None = getattr(request.app.state, "followed", None)
    return followed is not None and followed.any()


def _may(person: Person | None, action: str, kind: str = "Town") -> bool:
    """Whether a link or a button leads anywhere for whoever asks: the policies say."""
    return person is not None and scope.may(person.user, action, What(kind))


def _grave_open(services: Services, person: Person) -> int:
    """The figure that follows people on every page."""
    seen = alarms_seen(services, person.user, services.desk.open())
    return sum(1 for alarm in seen if tones.awaits_decision(alarm))


def _cap(text: str) -> str:
    """A label in the middle of a sentence has no capital; alone on a button it has."""
    return text[:1].upper() + text[1:]


def _said(lang: str, label: Label) -> str:
    return said(label, lang)


def refused_text(lang: str, refusal: Refusal) -> str:
    """Why not, in the reader's language; the alarm desk has its own words, and a text of the hub
    ("{text}") is a key as well: it is never formatted."""
    known, words = REFUSALS.get(refusal.code), i18n.words(lang)
    if known is not None:
        return said(known, lang)
    if refusal.text == "{text}":
        return words.gettext(str(refusal.facts["text"]))
    return words.gettext(refusal.text).format(**refusal.facts)


def _when(lang: str, zone: str, ms: int, length: str = "medium") -> str:
    return i18n.moment(ms, lang, zone, length)

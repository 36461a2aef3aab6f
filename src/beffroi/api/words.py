"""Which language a request gets, and what the domains call things in it. French first."""

from __future__ import annotations

from fastapi import Request

from beffroi.model.asset import Label

LANGS = ("fr", "en")
LANG_COOKIE = "beffroi_lang"


def lang_of(request: Request) -> str:
    """Asked in the address, else chosen before, else the browser's first that we have."""
    for chosen in (request.query_params.get("lang"), request.cookies.get(LANG_COOKIE)):
        if chosen in LANGS:
            return chosen
    for wish in request.headers.get("accept-language", "").split(",")[:10]:
        code = wish.split(";")[0].strip().lower()[:2]
        if code in LANGS:
            return code
    return LANGS[0]


def said(label: Label, lang: str) -> str:
    return label.en if lang == "en" else label.fr

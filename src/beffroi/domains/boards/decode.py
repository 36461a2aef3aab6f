"""What a board says of itself to the names of `entities`: its text and code become numbers.

Model "" sends {"text": str, "code": str} or the numbers themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from beffroi.domains.base import DecodeError
from beffroi.domains.boards.catalogue import text_number
from beffroi.domains.boards.entities import BLANK, MESSAGE
from beffroi.kernel.code import number_of
from beffroi.model.asset import Label

MODELS = {"": Label("Texte et code affichés", "Text and code shown")}
TEXT_CHARS_MAX = 500


def decode(model: str, raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """{property: value}. DecodeError for an unknown model, a text that is none or too long."""
    if model not in MODELS:
        raise DecodeError(f"unknown board model {model!r}; use ''")
    out = {name: value for name, value in raw.items() if name not in ("text", "code")}
    if "text" in raw:
        text = raw["text"]
        if not isinstance(text, str) or len(text) > TEXT_CHARS_MAX:
            raise DecodeError(f"'text' must be a text of at most {TEXT_CHARS_MAX} characters")
        out["shown_text"] = float(text_number(text))
        out.setdefault("state", float(MESSAGE if out["shown_text"] else BLANK))
    if "code" in raw:
        code = raw["code"]
        # What is no code is still something that is shown where the code belongs.
        out["shown_code"] = float((number_of(code) if isinstance(code, str) else None) or 0)
    return out

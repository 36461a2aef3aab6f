"""Text in tables that people open in a spreadsheet. Knows no format."""

from __future__ import annotations

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")  # how begins what a spreadsheet runs


def inert(text: str) -> str:
    """The same to read, but never a formula: what begins like one is marked as a text."""
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA) else text

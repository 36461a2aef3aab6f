"""Counters speak the glossary's names; a maker's decoder would be added here."""

from __future__ import annotations

from beffroi.domains.base import plain
from beffroi.model.asset import Label

MODELS = {"": Label("noms du glossaire", "glossary names")}
decode = plain

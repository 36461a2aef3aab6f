"""Finds the domains: every folder here whose package has a `DOMAIN`. The only place that does."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache

import beffroi.domains as home
from beffroi.domains.base import Domain


@cache
def domains() -> Mapping[str, Domain]:
    """All domains by name."""
    found = {}
    for info in pkgutil.iter_modules(home.__path__):
        if info.ispkg:
            module = importlib.import_module(f"{home.__name__}.{info.name}")
            domain: Domain = module.DOMAIN
            if domain.name != info.name:
                raise ImportError(f"domain folder {info.name} declares the name {domain.name}")
            found[domain.name] = domain
    return found

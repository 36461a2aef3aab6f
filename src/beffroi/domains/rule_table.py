"""Reads the rules of a domain from a table of text, so that they can be read and translated as
text. Knows no domain; a malformed table stops the import with the name of the rule.

    tank_low | WARNING | local          name, severity, source of the threshold
    - Niveau bas : {level_m:.2f} m      what is wrong, French then English
    - Low level: {level_m:.2f} m
    - Vérifier le pompage.              what to do first, French then English; an indented line
    - Check the pumping.                goes on with the one before
"""

from __future__ import annotations

from beffroi.model.asset import Label
from beffroi.model.finding import Rule, Severity


class RuleTableError(Exception):
    """The table of a domain is malformed; the text names the rule."""


def parse(domain: str, table: str) -> dict[str, Rule]:
    """{rule id: Rule}."""
    blocks: list[tuple[str, list[str]]] = []
    for line in table.strip().splitlines():
        if line.startswith("- "):
            blocks[-1][1].append(line[2:])
        elif line.startswith("  "):
            blocks[-1][1][-1] += " " + line.strip()
        else:
            blocks.append((line, []))
    rules = [_rule(domain, head, texts) for head, texts in blocks]
    if len({rule.id for rule in rules}) < len(rules):
        raise RuleTableError(f"the rules of {domain} repeat a name")
    return {rule.id: rule for rule in rules}


def _rule(domain: str, head: str, texts: list[str]) -> Rule:
    try:
        name, severity, source = (part.strip() for part in head.split("|"))
        text_fr, text_en, advice_fr, advice_en = texts
        return Rule(
            f"{domain}.{name}",
            Severity[severity],
            Label(text_fr, text_en),
            Label(advice_fr, advice_en),
            source=source,
        )
    except (ValueError, KeyError) as bad:
        raise RuleTableError(f"rule {head!r} of {domain}: 3 fields and 4 texts needed") from bad

"""The one printed page of the ceremony, with the commune's own names and fingerprints.

The text is `trust_page.fr.txt`, which docs/trust.md repeats (a test compares them).
"""

from __future__ import annotations

from importlib.resources import files
from string import Template

from beffroi.adapters.trust.ceremony import holders
from beffroi.adapters.trust.chain import Chain
from beffroi.adapters.trust.shelf import ROOT
from beffroi.adapters.trust.tufkeys import fingerprint, holder_of, public_of
from beffroi.cli.plain import plain
from beffroi.cli.trust_words import day, say


def text() -> str:
    return files("beffroi.cli").joinpath("trust_page.fr.txt").read_text(encoding="utf-8")


def page(chain: Chain) -> str:
    """In French, at most 62 lines of 80 characters."""
    root = chain.root.signed
    held = [
        f"  {plain(holder_of(key))[:24]:<24}  {fingerprint(bytes.fromhex(public_of(key)))}"
        for key in holders(root).values()
    ]
    return Template(text()).substitute(
        commune=chain.roster.commune,
        seuil=root.roles[ROOT].threshold,
        total=len(held),
        racine=root.version,
        empreinte=fingerprint(chain.root.signed_bytes),
        detenteurs="\n".join(held),
        fin=day(chain.roster.expires_ms),
        fin_racine=day(int(root.expires.timestamp() * 1000)),
    )


def root_lines(chain: Chain, lang: str) -> list[str]:
    root = chain.root.signed
    many, end = root.roles[ROOT].threshold, day(int(root.expires.timestamp() * 1000))
    lines = [
        f"{chain.roster.commune} — "
        + say(lang, "racine n° ", "root ")
        + f"{root.version}, {fingerprint(chain.root.signed_bytes)}, "
        + say(lang, f"valable jusqu'au {end}", f"valid until {end}"),
        say(lang, f"{many} signatures parmi :", f"{many} signatures among:"),
    ]
    for key in holders(root).values():
        mark = fingerprint(bytes.fromhex(public_of(key)))
        lines.append(f"  {plain(holder_of(key))}  {mark}")
    end = day(chain.roster.expires_ms)
    lines.append(
        say(lang, "Liste n° ", "Roster ")
        + f"{chain.roster.version}, "
        + say(lang, f"valable jusqu'au {end}", f"valid until {end}")
    )
    return lines

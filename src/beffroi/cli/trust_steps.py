"""The steps that every command of `beffroi trust` shares: show in plain words, ask, sign, say."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import typer

from beffroi.adapters.clock import SystemClock
from beffroi.adapters.trust import ceremony
from beffroi.adapters.trust import chain as chains
from beffroi.adapters.trust.ceremony import Ceremony
from beffroi.adapters.trust.chain import Chain
from beffroi.adapters.trust.shelf import ROOT, Shelf, ShelfError
from beffroi.adapters.trust.tufkeys import public_of
from beffroi.cli import holders as table
from beffroi.cli.cards import CardError
from beffroi.cli.proposals import ProposalError
from beffroi.cli.trust_words import day, differences, say
from beffroi.kernel.roster import Roster
from beffroi.ports.signer import SignerError

ERRORS = (ShelfError, SignerError, CardError, ProposalError, ValueError, OSError)

YES = ("o", "oui", "y", "yes")


def change(
    folder: Path, what: ceremony.Change, keys: list[str] | None, yes: bool, lang: str
) -> None:
    """Show what `what` changes, ask, open the keys of those present, sign, say what is next."""
    shelf = Shelf(folder)
    before = chains.draft(shelf)
    roster, new = what(before.roster, dict(before.envelopes))
    tell(before, roster, replace(before, envelopes=new), lang)
    agreed(yes, lang)
    root = before.root.signed
    known = {public_of(one) for one in ceremony.holders(root).values()}
    many = root.roles[ROOT].threshold
    signers = table.present(
        folder, keys or [], lambda some: len({s.public.hex() for s in some} & known) >= many
    )
    done(Ceremony(shelf, signers, now_ms()).change(what), lang)


def tell(before: Chain | None, roster: Roster, after: Chain, lang: str) -> None:
    old = dict(before.envelopes) if before else {}
    lines = differences(before.roster if before else None, roster, old, after.envelopes, lang)
    for line in lines:
        typer.echo(line)
    if not lines:
        typer.echo(say(lang, "Aucun changement, une date plus tardive.", "No change, a later end."))


def agreed(yes: bool, lang: str) -> None:
    if yes:
        return
    asked = say(lang, "Est-ce bien cela ? (oui/non)", "Is this right? (yes/no)")
    if str(typer.prompt(asked, default="non" if lang == "fr" else "no")).lower() not in YES:
        fail(say(lang, "rien n'est signé", "nothing is signed"))


def done(chain: Chain, lang: str) -> None:
    if chain.missing:
        most = max(chain.missing.values())
        typer.echo(
            say(
                lang,
                f"Il manque encore {most} signature(s) : `beffroi trust sign`, autre détenteur.",
                f"{most} more signature(s) needed: `beffroi trust sign`, another holder.",
            )
        )
        return
    typer.echo(
        say(lang, "Signé. Valable jusqu'au ", "Signed. Valid until ")
        + day(chain.roster.expires_ms)
        + say(lang, ". Publiez : ", ". Publish: ")
        + "beffroi trust publish"
    )


def complete_or_none(shelf: Shelf) -> Chain | None:
    try:
        return chains.complete(shelf)
    except ShelfError:
        return None


def home_of(home: Path | None) -> Path:
    from beffroi.cli.settings import default_home

    return home or default_home()


def now_ms() -> int:
    return SystemClock().now_ms()


@contextmanager
def clean_errors() -> Iterator[None]:
    try:
        yield
    except ERRORS as error:
        fail(str(error))


def fail(text: str) -> NoReturn:
    typer.echo(f"beffroi: {text}", err=True)
    raise typer.Exit(1)

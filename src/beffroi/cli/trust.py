"""`beffroi trust ...`: the ceremony, on a folder that stays in a safe. One printed page tells how.

Every command shows in plain words what will be signed, and asks. Nothing here needs a network.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from beffroi.adapters.trust import ceremony, online
from beffroi.adapters.trust import chain as chains
from beffroi.adapters.trust.ceremony import Ceremony
from beffroi.adapters.trust.chain import Chain
from beffroi.adapters.trust.shelf import ROOT, Shelf
from beffroi.adapters.trust.tufkeys import holder_of, public_of
from beffroi.cli import holders as table
from beffroi.cli import trust_steps as steps
from beffroi.cli.cards import HubFile, hub_file, read_card, read_hub_file
from beffroi.cli.proposals import proposals_of, read_proposals, write_proposals
from beffroi.cli.trust_page import page, root_lines
from beffroi.cli.trust_words import envelope_lines, roster_lines, say
from beffroi.kernel.roster import Member, Roster
from beffroi.ports.signer import Signer

app = typer.Typer(
    no_args_is_help=True, help="Confiance : qui peut signer quoi / who may sign what."
)
Folder = Annotated[Path, typer.Argument(help="Dossier de la clé USB / folder on the USB stick.")]
HomeOpt = Annotated[
    Path | None, typer.Option("--home", envvar="BEFFROI_HOME", help="Dossier du serveur / hub.")
]
Keys = Annotated[
    list[str] | None,
    typer.Option("--key", help="Clé d'un détenteur / a holder's key: file:..., pkcs11:..."),
]
Yes = Annotated[bool, typer.Option("--yes", help="Ne pas demander / do not ask.")]
Lang = Annotated[str, typer.Option("--lang", help="fr ou / or en.")]
LANG = "en" if os.environ.get("LANG", "").startswith("en") else "fr"


@app.command()
def init(
    folder: Folder,
    commune: Annotated[str, typer.Option(help="Identifiant / id: a-z, 0-9, -.")],
    holder: Annotated[list[str], typer.Option(help="NOM ou / or NOM=file:/clef.pem, trois fois.")],
    home: HomeOpt = None,
    hub: Annotated[Path | None, typer.Option(help="Fichier de / made by `trust hub`.")] = None,
    threshold: Annotated[int, typer.Option(help="Combien doivent signer / must sign.")] = 2,
    site: Annotated[str, typer.Option(help="Adresse des pages / https://...")] = "",
    lang: Lang = LANG,
) -> None:
    """Première cérémonie : les clés des détenteurs et la racine / the first ceremony."""
    with steps.clean_errors():
        if len(holder) < 2 and threshold != 1:
            steps.fail(
                "trois détenteurs, deux signatures ; pour une démonstration : --threshold 1 / "
                "three holders, two signatures; for a demonstration: --threshold 1"
            )
        service, members = _hub_of(commune, home, hub)
        named = dict(one.partition("=")[::2] for one in holder)
        if len(named) != len(holder):
            steps.fail("deux détenteurs du même nom / two holders of one name")
        signers = {name: table.new_or_open(folder, name, uri) for name, uri in named.items()}
        rp_id = site.removeprefix("https://").split("/")[0].split(":")[0] or "localhost"
        roster = Roster(commune, 1, 0, members, rp_id, (site.rstrip("/"),) if site else ())
        public = {name: (one.kind, one.public) for name, one in signers.items()}
        work = Ceremony(Shelf(folder), list(signers.values()), steps.now_ms())
        steps.done(work.begin(roster, public, threshold, service), lang)


@app.command()
def hub(
    out: Annotated[Path, typer.Argument(help="Fichier à écrire / file to write.")],
    home: HomeOpt = None,
    commune: Annotated[str, typer.Option(help="Identifiant / id.")] = "commune",
) -> None:
    """Les clés publiques du serveur, à porter à la cérémonie / the hub's public keys."""
    with steps.clean_errors():
        where = steps.home_of(home)
        members = online.hub_members(where, commune)
        out.write_text(hub_file(HubFile(online.public(where, online.ONLINE), members)))
        typer.echo(f"{out}")


@app.command()
def show(folder: Folder, lang: Lang = LANG) -> None:
    """Qui signe, qui peut quoi, jusqu'à quand / who signs, who may do what, until when."""
    with steps.clean_errors():
        chain = chains.draft(Shelf(folder))
        for line in _shown(chain, lang):
            typer.echo(line)


@app.command("print")
def print_page(folder: Folder) -> None:
    """La page à imprimer et à garder avec les clés / the page to print and keep with the keys."""
    with steps.clean_errors():
        typer.echo(page(chains.complete(Shelf(folder))), nl=False)


@app.command()
def add(
    folder: Folder,
    card: Annotated[Path, typer.Argument(help="Carte de la personne / the member's card.")],
    service: Annotated[list[str] | None, typer.Option(help="Service permis / allowed.")] = None,
    role: Annotated[str, typer.Option(help="operator, break-glass, guard, witness...")] = "",
    org: Annotated[str, typer.Option(help="Organisation.")] = "",
    key: Keys = None,
    yes: Yes = False,
    lang: Lang = LANG,
) -> None:
    """Ajouter une personne, un gardien ou un témoin / add a person, a guard or a witness."""
    with steps.clean_errors():
        member = read_card(card)
        member = replace(
            member,
            services=tuple(service) if service else member.services,
            role=role or member.role,
            org=org or member.org,
        )
        steps.change(folder, ceremony.add_member(member), key, yes, lang)


@app.command()
def revoke(
    folder: Folder,
    person: Annotated[str, typer.Argument(help="Identifiant / id, voir / see `trust show`.")],
    member: Annotated[str, typer.Option(help="Cette clé seulement / only this key id.")] = "",
    key: Keys = None,
    yes: Yes = False,
    lang: Lang = LANG,
) -> None:
    """Retirer une personne ou l'une de ses clés / take a person or one key away."""
    with steps.clean_errors():
        steps.change(folder, ceremony.revoke(person, member), key, yes, lang)
        typer.echo(
            say(
                lang,
                "Publiez maintenant. Un gardien hors ligne refuse tout au plus tard dans 24 h.",
                "Publish now. A guard that is offline refuses everything within 24 h.",
            )
        )


@app.command()
def envelopes(
    folder: Folder,
    home: HomeOpt = None,
    file: Annotated[Path | None, typer.Option("--from", help="De / from `trust propose`.")] = None,
    guard: Annotated[str, typer.Option(help="Gardien des / guard of --asset.")] = "",
    asset: Annotated[list[str] | None, typer.Option(help="Équipement / asset.")] = None,
    remove: Annotated[list[str] | None, typer.Option(help="Plus commandé / no more.")] = None,
    epoch: Annotated[list[str] | None, typer.Option(help="Nouvelle époque / new epoch.")] = None,
    key: Keys = None,
    yes: Yes = False,
    lang: Lang = LANG,
) -> None:
    """Ce qui est permis à chaque équipement / what is allowed to each asset."""
    with steps.clean_errors():
        commune = chains.draft(Shelf(folder)).roster.commune
        proposed = []
        if file:
            proposed = read_proposals(file.read_bytes())
        elif not (remove or epoch):
            proposed = proposals_of(steps.home_of(home), commune, guard, asset or [])
        changes = [ceremony.put_envelopes(proposed, remove or [])]
        changes += [ceremony.next_epoch(target) for target in epoch or []]
        steps.change(folder, ceremony.all_of(changes), key, yes, lang)


@app.command()
def propose(
    out: Annotated[Path, typer.Argument(help="Fichier à écrire / file to write.")],
    commune: Annotated[str, typer.Option(help="Identifiant / id.")],
    home: HomeOpt = None,
    guard: Annotated[str, typer.Option(help="Gardien des / guard of --asset.")] = "",
    asset: Annotated[list[str] | None, typer.Option(help="Équipement / asset.")] = None,
) -> None:
    """Sur le serveur : des propositions à porter à la cérémonie / proposals, made on the hub."""
    with steps.clean_errors():
        proposed = proposals_of(steps.home_of(home), commune, guard, asset or [])
        out.write_bytes(write_proposals(proposed))
        typer.echo(f"{out}: {len(proposed)}")


@app.command()
def renew(folder: Folder, key: Keys = None, yes: Yes = False, lang: Lang = LANG) -> None:
    """Prolonger sans rien changer, chaque trimestre / the same for longer, every quarter."""
    with steps.clean_errors():
        steps.change(folder, lambda roster, envelopes: (roster, envelopes), key, yes, lang)


@app.command()
def rotate(
    folder: Folder,
    enter: Annotated[list[str] | None, typer.Option("--in", help="NOM ou NOM=URI.")] = None,
    leave: Annotated[list[str] | None, typer.Option("--out", help="NOM / NAME.")] = None,
    threshold: Annotated[int, typer.Option(help="0 : inchangé / unchanged.")] = 0,
    hub: Annotated[bool, typer.Option("--hub", help="Nouvelles clés du serveur.")] = False,
    home: HomeOpt = None,
    key: Keys = None,
    yes: Yes = False,
    lang: Lang = LANG,
) -> None:
    """Changer de détenteurs, ou les clés du serveur après une attaque / other holders or hub keys.

    Le serveur attaqué : `--hub` crée de nouvelles clés dans --home ; ce qu'il avait signé trop
    loin dans l'avenir est oublié des gardiens (fast-forward).
    """
    with steps.clean_errors():
        shelf = Shelf(folder)
        chain = chains.draft(shelf)
        root = chain.root.signed
        held = {
            holder_of(one): ("ed25519", bytes.fromhex(public_of(one)))
            for one in ceremony.holders(root).values()
        }
        gone = set(leave or [])
        if gone - set(held):
            steps.fail(f"{', '.join(sorted(gone - set(held)))} : pas détenteur / not a holder")
        joined = dict(one.partition("=")[::2] for one in enter or [])
        new = {name: table.new_or_open(folder, name, uri) for name, uri in joined.items()}
        kept = {name: one for name, one in held.items() if name not in gone}
        kept |= {name: (one.kind, one.public) for name, one in new.items()}
        many = threshold or root.roles[ROOT].threshold
        members: Sequence[Member] = ()
        service = bytes.fromhex(public_of(root.keys[root.roles["timestamp"].keyids[0]]))
        if hub:
            service, members = online.renewed(steps.home_of(home), chain.roster.commune)
        old = {public.hex() for _, public in held.values()}
        next_ = {public.hex() for _, public in kept.values()}
        old_many = root.roles[ROOT].threshold
        here = [one.public.hex() for one in new.values()]

        def enough(signers: Sequence[Signer]) -> bool:
            publics = {*here, *(one.public.hex() for one in signers)}
            return len(publics & old) >= old_many and len(publics & next_) >= many

        signers = [*new.values(), *table.present(folder, key or [], enough, list(new))]
        typer.echo(", ".join(sorted(kept)) + f" : {many}")
        steps.agreed(yes, lang)
        steps.done(
            Ceremony(shelf, signers, steps.now_ms()).rotate(kept, many, service, members), lang
        )


@app.command()
def sign(folder: Folder, key: Keys = None, yes: Yes = False, lang: Lang = LANG) -> None:
    """Ajouter sa signature à ce qui en attend / add a signature to what waits for one."""
    with steps.clean_errors():
        shelf = Shelf(folder)
        pending = chains.draft(shelf)
        if not pending.missing:
            steps.fail("rien n'attend de signature / nothing waits for a signature")
        before = steps.complete_or_none(shelf)
        steps.tell(before, pending.roster, pending, lang)
        steps.agreed(yes, lang)
        signers = table.present(folder, key or [], lambda some: len(some) >= 1)
        steps.done(Ceremony(shelf, signers, steps.now_ms()).cosign(), lang)


@app.command()
def discard(folder: Folder, yes: Yes = False, lang: Lang = LANG) -> None:
    """Jeter un projet qui manque de signatures / throw away a draft that lacks signatures."""
    with steps.clean_errors():
        steps.agreed(yes, lang)
        ceremony.discard(Shelf(folder))
        typer.echo("ok")


@app.command()
def publish(
    folder: Folder,
    to: Annotated[Path, typer.Option("--to", help="Dossier du serveur / the hub's home.")],
    lang: Lang = LANG,
) -> None:
    """Donner au serveur ce qui est signé, jamais une clé / give the hub what is signed, no key."""
    with steps.clean_errors():
        chain = online.publish(folder, to, steps.now_ms())
        text = say(lang, "publié : liste n°", "published: roster ") + str(chain.roster.version)
        typer.echo(f"{text}, {len(chain.envelopes)} enveloppes / envelopes")


# ---------------------------------------------------------------------------------------------
def _shown(chain: Chain, lang: str) -> Iterator[str]:
    yield from root_lines(chain, lang)
    yield ""
    yield from roster_lines(chain.roster, lang)
    for target in sorted(chain.envelopes):
        yield ""
        yield from envelope_lines(chain.envelopes[target], lang)
    if chain.missing:
        yield ""
        names = ", ".join(f"{name} ({count})" for name, count in chain.missing.items())
        yield say(lang, "Signatures manquantes : ", "Signatures missing: ") + names


def _hub_of(commune: str, home: Path | None, file: Path | None) -> HubFile:
    if file is not None:
        return _of_this(commune, file, read_hub_file(file))
    where = steps.home_of(home)
    return HubFile(online.public(where, online.ONLINE), online.hub_members(where, commune))


def _of_this(commune: str, file: Path, found: HubFile) -> HubFile:
    """Keys of another commune in the roster would be refused by every guard, later."""
    others = sorted({one.org for one in found.members} - {commune})
    if others:
        steps.fail(
            f"{file} est de / is of {', '.join(others)} : "
            f"`beffroi trust hub {file.name} --commune {commune}` sur le serveur / on the hub"
        )
    return found

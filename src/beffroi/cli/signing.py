"""What a request would do, said by us and not by the hub: the heart of `beffroi sign`.

Decodes the bytes itself and looks them up in the signer's own copy of roster and envelope. Pure:
no file, no clock, no key. Every text from elsewhere goes through `plain`, so that a terminal shows
what will be signed and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from beffroi.cli.plain import filled, foreign, plain, quoted
from beffroi.cli.trust_words import condition, day, say
from beffroi.kernel.cases import permits
from beffroi.kernel.command import CLASSES, Command, read_command
from beffroi.kernel.dsse import COMMAND, Signed
from beffroi.kernel.envelope import Action, Case, Envelope
from beffroi.kernel.keys import same
from beffroi.kernel.limits import HOUR_MS
from beffroi.kernel.roster import BREAK_GLASS, EVERY, HUB, OPERATOR, Member, Roster
from beffroi.kernel.signers import signers
from beffroi.kernel.verdict import No

LATE_MS = HOUR_MS  # beginning later than this is unusual
_CLASS = {
    "A": ("automatique", "automatic"),
    "B": ("une personne suffit", "one person suffices"),
    "C": ("deux personnes : le geste peut mettre en danger", "two persons: it can do harm"),
}


@dataclass(frozen=True, slots=True)
class Seen:
    """`lines` to show; `unusual` to think about; `refusals`: it must not be signed. `word` is what
    the person types to agree."""

    lines: tuple[str, ...]
    unusual: tuple[str, ...]
    refusals: tuple[str, ...]
    word: str


def examine(
    signed: Signed,
    roster: Roster,
    envelopes: Mapping[str, Envelope],
    me: str,
    now_ms: int,
    lang: str,
) -> Seen:
    """`me` is the id of the key that would sign."""
    if signed.kind != COMMAND:
        return _refused(say(lang, "ce n'est pas une commande", "this is not a command"))
    try:
        command = read_command(signed.payload)
    except ValueError as error:
        return _refused(say(lang, "illisible : ", "unreadable: ") + plain(str(error)))
    envelope = envelopes.get(command.target)
    if envelope is None or (command.commune, command.guard) != (envelope.commune, envelope.guard):
        text = say(lang, "aucune règle signée pour ", "no signed rules for ")
        return _refused(f"{text}{command.target} ({command.guard}, {command.commune})")
    return _Reader(signed, command, roster, envelope, me, now_ms, lang).seen()


def _refused(text: str) -> Seen:
    return Seen((), (), (text,), "")


@dataclass(frozen=True, slots=True)
class _Reader:
    signed: Signed
    command: Command
    roster: Roster
    envelope: Envelope
    me: str
    now_ms: int
    lang: str

    def seen(self) -> Seen:
        others, bad = self._others()
        action = self.envelope.actions.get(self.command.action)
        refusals = [*bad, *self._stale(), *self._mine(others), *self._outside(action)]
        lines = [*self._what(action), *self._who(others)]
        unusual = tuple(self._unusual(action, others))
        return Seen(tuple(lines), unusual, tuple(refusals), self.command.target)

    def _say(self, fr: str, en: str) -> str:
        return say(self.lang, fr, en)

    def _what(self, action: Action | None) -> Iterator[str]:
        command, envelope = self.command, self.envelope
        if action is not None:
            sentence = action.say_fr if self.lang == "fr" else action.say_en
            yield self._say("CE QUE VOUS SIGNEZ : ", "WHAT YOU SIGN: ") + filled(
                sentence, command.params
            )
        yield self._say("Où : ", "Where: ") + f"{plain(envelope.name)} ({command.target})"
        yield (
            self._say("Service : ", "Service: ")
            + f"{envelope.service}, "
            + self._say(f"compétence de {envelope.authority}", f"in charge: {envelope.authority}")
        )
        yield self._say("Action : ", "Action: ") + command.action
        for name, value in command.params.items():
            yield f"  {name} = {quoted(value)}"
        yield self._say("Classe : ", "Class: ") + (
            f"{command.klass} ({self._say(*_CLASS[command.klass])})"
        )
        yield (
            self._say("Du ", "From ")
            + day(command.not_before_ms)
            + self._say(" au ", " to ")
            + day(command.expires_ms)
        )
        if command.plan:
            yield self._say("Plan : ", "Plan: ") + command.plan
        yield self._say("Commande : ", "Command: ") + (
            f"{command.id}, {command.digest.hex()[:16]}, {command.epoch}/{command.counter}"
        )

    def _who(self, others: tuple[Member, ...]) -> Iterator[str]:
        people = [one for one in others if one.role != HUB]
        if not people:
            yield self._say("Personne d'autre n'a encore signé.", "Nobody else has signed yet.")
        for one in people:
            name = plain(one.name) or one.person
            yield self._say("A déjà signé : ", "Has signed: ") + f"{name} ({one.person}, {one.org})"

    def _others(self) -> tuple[tuple[Member, ...], list[str]]:
        try:
            return signers(self.signed, self.roster), []
        except No as no:
            text = self._say(
                "une signature déjà présente ne tient pas : ",
                "a signature on it does not hold: ",
            )
            return (), [text + plain(no.detail)]

    def _stale(self) -> Iterator[str]:
        """Against our own copy, with our own clock."""
        command = self.command
        if self.now_ms >= min(self.roster.expires_ms, self.envelope.expires_ms):
            yield self._say(
                "la liste ou les règles ont expiré : redemandez le fichier au serveur",
                "the roster or the rules have expired: ask the hub for the file again",
            )
        if not same(command.envelope, self.envelope.digest):
            yield self._say(
                "écrite pour d'autres règles que celles que la commune a signées",
                "written for other rules than those that the commune has signed",
            )
        if command.epoch != self.envelope.epoch:
            yield self._say("une autre époque", "another epoch")
        if self.now_ms >= command.expires_ms:
            yield self._say("déjà expirée", "expired already")

    def _mine(self, others: tuple[Member, ...]) -> Iterator[str]:
        member = self.roster.member(self.me)
        if member is None:
            yield self._say(
                "votre clé n'est pas dans la liste de la commune",
                "your key is not in the commune's roster",
            )
            return
        serves = EVERY in member.services or self.envelope.service in member.services
        if member.role not in (OPERATOR, BREAK_GLASS) or not serves:
            yield self._say(
                f"votre clé ({member.role}) ne commande pas ce service",
                f"your key ({member.role}) does not command this service",
            )
        if any(one.person == member.person for one in others):
            yield self._say("vous avez déjà signé", "you have signed already")

    def _outside(self, action: Action | None) -> Iterator[str]:
        command = self.command
        if action is None:
            yield self._say("action inconnue des règles", "an action that the rules do not know")
            return
        if command.expires_ms - command.not_before_ms > action.lifetime_ms_max:
            yield self._say("vaut trop longtemps", "it lives too long")
        fitting = self._fitting(action)
        if not fitting:
            yield self._say(
                "hors de ce que la commune a permis : le gardien refusera",
                "outside what the commune has allowed: the guard will refuse",
            )
        elif not any(CLASSES.index(case.klass) <= CLASSES.index(command.klass) for case in fitting):
            yield self._say("la classe est trop basse", "the class is too low")

    def _fitting(self, action: Action) -> list[Case]:
        params = self.command.params
        return [
            case
            for case in action.cases
            if params.keys() == case.params.keys()
            and all(permits(case.params[name], value) for name, value in params.items())
        ]

    def _unusual(self, action: Action | None, others: tuple[Member, ...]) -> Iterator[str]:
        command = self.command
        if command.klass == "C" and any(
            case.klass < "C" for case in (self._fitting(action) if action else [])
        ):
            yield self._say(
                "demandée en classe C alors qu'une classe moindre suffit",
                "asked as class C although a lower class suffices",
            )
        if action and not any(case.safe for case in self._fitting(action)):
            held = {condition(c) for case in self._fitting(action) for c in case.conditions}
            if held:
                text = self._say(
                    "n'agira que si, mesuré sur place : ", "acts only if, as measured on the spot: "
                )
                yield text + "; ".join(sorted(held))
        if command.not_before_ms - self.now_ms > LATE_MS:
            yield self._say("ne commence que le ", "begins only at ") + day(command.not_before_ms)
        if command.expires_ms - self.now_ms > 4 * HOUR_MS:
            yield self._say("vaut encore jusqu'au ", "is good until ") + day(command.expires_ms)
        if any(one.role == BREAK_GLASS for one in others):
            yield self._say("la clé scellée a servi", "the sealed key was used")
        if action and action.orgs_min > 1:
            yield self._say(
                f"demande {action.orgs_min} organisations différentes",
                f"needs {action.orgs_min} different organisations",
            )
        for name, value in command.params.items():
            if isinstance(value, str) and foreign(value):
                yield self._say(
                    f"{name} contient des lettres d'un autre alphabet",
                    f"{name} holds letters of another alphabet",
                )

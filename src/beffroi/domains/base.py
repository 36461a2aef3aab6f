"""The plug that every domain has. See docs/domains.md for the common shape of a folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from beffroi.domains.nightly import Nightly
from beffroi.kernel.envelope import Envelope
from beffroi.model.asset import Asset, Kind, Label
from beffroi.model.cap import Alert, Ref
from beffroi.model.finding import Finding, Rule, Step
from beffroi.model.measure import Entry, Measure
from beffroi.model.reading import Obs
from beffroi.model.report import Report, Topic
from beffroi.model.sharing import Sharing


class DecodeError(Exception):
    """A raw value cannot be understood; the text says what was expected. Goes to quarantine."""


class Watch(Protocol):
    """The memory of one asset: folds observations into findings. No I/O, no clock, no randomness.

    For each series it sees observations in increasing device time, each once. It must survive
    `dump` -> JSON -> `Domain.watch(asset, saved)` and a fresh start (`saved` is None).
    """

    def step(self, obs: Sequence[Obs]) -> Step:
        """Fold new observations, in device-time order, into the state."""

    def tick(self, now_ms: int) -> Step:
        """Let time pass (called about every 10 s): overstays, silence, schedules."""

    def dump(self) -> dict[str, Any]:
        """The state as JSON values."""


@dataclass(frozen=True, slots=True)
class Choice:
    """How a parameter of an action is asked for. The whole number sent is the value times `scale`;
    `words` name the choices of a text (or of a coded number, as text)."""

    label: Label
    unit: str = ""
    scale: int = 1
    words: Mapping[str, Label] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Act:
    """An action on a kind of asset as a page offers it. What is allowed is in the envelope alone.

    `shows` names the property of the asset that tells of its effect ("" if none does). `public`:
    passers-by see it with its short code, and may look that code up.
    """

    label: Label
    params: Mapping[str, Choice] = field(default_factory=dict)
    shows: str = ""
    public: bool = False


@dataclass(frozen=True, slots=True)
class Proposal:
    """A command that somebody may ask for; never one by itself. `params` are filled in as far as
    they are known, `missing` must be chosen by a person. `why` is for people to read, `of` the
    alert that it follows from."""

    asset: str
    action: str
    params: Mapping[str, int | str]
    why: Label
    missing: tuple[str, ...] = ()
    of: Ref | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """A command that was read back as done; `at_ms` is when it was sent."""

    action: str
    params: Mapping[str, int | str]
    digest: bytes
    at_ms: int


@dataclass(frozen=True, slots=True)
class Advice:
    """What a domain makes of authorities' alerts: how its findings stand now, what may be done."""

    findings: Sequence[Finding] = ()
    proposals: Sequence[Proposal] = ()


@dataclass(frozen=True, slots=True)
class Terms:
    """What an envelope needs that the asset does not know."""

    commune: str
    guard: str
    version: int
    epoch: int
    expires_ms: int


def no_envelope(asset: Asset, terms: Terms) -> Envelope | None:
    """Nothing can be done to it from afar."""
    del asset, terms
    return None


def nothing_ordered(
    asset: Asset, action: str, params: Mapping[str, int | str], digest: bytes, at_ms: int
) -> Mapping[str, float]:
    """Its watch has no use for what was ordered."""
    del asset, action, params, digest, at_ms
    return {}


def no_advice(alerts: Sequence[Alert], assets: Sequence[Asset], now_ms: int) -> Advice:
    """Alerts of authorities are nothing to it."""
    del alerts, assets, now_ms
    return Advice()


def no_announcement(
    asset: Asset, done: Sequence[Shown], sender: str, sender_name: str
) -> Sequence[Alert]:
    """What was done to it is nothing to tell the public."""
    del asset, done, sender, sender_name
    return ()


def no_findings(reports: Sequence[Report], now_ms: int) -> Sequence[Finding]:
    """What inhabitants report raises no alarm of it."""
    del reports, now_ms
    return ()


def no_group(asset: Asset) -> str:
    """Most assets are watched alone."""
    del asset
    return ""


@dataclass(frozen=True, slots=True)
class Domain:
    """A service of the town, as the hub sees it.

    `decode(model, raw)` turns what a device model sends into {property: float}; plain names are
    model "". It raises DecodeError. `watch(asset, saved)` makes the watch of one asset.

    `group(asset)` names another asset of the domain ("" for none) whose watch also sees this
    asset's observations, as one more `step` after the members' own, in device-time order, with
    `prop` written "<asset id>/<property>": a water network sees its tanks, a lighting cabinet its
    lamps. `suspects` of such a step are ignored; findings and derived values count as usual.

    `acts[kind][action]` is what can be asked of an asset; `envelope(asset, terms)` proposes what
    the commune's root then signs as allowed (or changes first), None when nothing is.
    `ordered(asset, action, params, digest, at_ms)`: {property: value} that the hub notes as
    observations of the asset (device "") when a guard says that it has done the command with this
    digest. By it the watch tells an order from a surprise.

    `advise(alerts, assets, now_ms)`: what follows for the assets of this domain from the verified
    alerts of authorities that were received, in any order, updates and cancellations among them.

    `announce(asset, done, sender, sender_name)`: the public alerts that follow from what was done
    to the asset, oldest first, with the updates and cancellations that end them. The same commands
    give the same messages.

    `topics`: categories under which inhabitants report something to this service.
    `reported(reports, now_ms)`: how its findings stand, given all reports that are open (and some
    that are not), about the asset of a report or, without one, about the report's own id.

    `measures[id]`: how the indicator of this id (`law.indicators`) is computed from what is stored;
    `entries`: the yearly figures that these need from people. `sharing[kind]`: what may become
    open data if the commune decides so; kinds it leaves out stay closed.

    `nightly`: what it balances once a night (`domains.nightly`).
    """

    name: str
    label: Label
    kinds: Mapping[str, Kind]
    rules: Mapping[str, Rule]
    decode: Callable[[str, Mapping[str, Any]], Mapping[str, Any]]
    watch: Callable[[Asset, Mapping[str, Any] | None], Watch]
    models: Mapping[str, Label]  # device models `decode` knows, "" included
    colour: str = "#4a6fa5"  # of the layer on the map
    group: Callable[[Asset], str] = no_group
    acts: Mapping[str, Mapping[str, Act]] = field(default_factory=dict)
    envelope: Callable[[Asset, Terms], Envelope | None] = no_envelope
    ordered: Callable[[Asset, str, Mapping[str, int | str], bytes, int], Mapping[str, float]] = (
        nothing_ordered
    )
    advise: Callable[[Sequence[Alert], Sequence[Asset], int], Advice] = no_advice
    announce: Callable[[Asset, Sequence[Shown], str, str], Sequence[Alert]] = no_announcement
    topics: Mapping[str, Topic] = field(default_factory=dict)
    reported: Callable[[Sequence[Report], int], Sequence[Finding]] = no_findings
    measures: Mapping[str, Measure] = field(default_factory=dict)
    entries: Mapping[str, Entry] = field(default_factory=dict)
    sharing: Mapping[str, Sharing] = field(default_factory=dict)
    nightly: Nightly | None = None


def plain(model: str, raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """The decoder of devices that already use the names of the glossary."""
    if model:
        raise DecodeError(f"unknown device model {model!r}; use '' for plain names")
    return raw

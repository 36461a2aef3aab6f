"""The desk of reports: takes them in, does what people decide, keeps alarms, evidence and authors
in step. The one place that puts together what is public and what is personal.

Order of writing: personal data first, then the report, then what follows from it. A crash between
leaves words that nobody points to, which retention takes; never a report whose words are lost. What
is erased goes in the same order: while the report points to somebody, it can be tried again.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import structlog

from beffroi.domains.base import Domain
from beffroi.evidence.entry import Draft, EntryError
from beffroi.hub.reports import book, danger, lifecycle, nearby
from beffroi.hub.reports.alarming import Standing
from beffroi.hub.reports.letters import letter
from beffroi.hub.reports.lifecycle import Refused, ReportAct
from beffroi.hub.reports.sent import Sent, checked, visible
from beffroi.model.limits import (
    REPORT_ADDITIONS_MAX,
    REPORT_DAYS,
    REPORT_NEAR_DAYS,
    REPORTS_OPEN_MAX,
)
from beffroi.model.measure import DAY_MS
from beffroi.model.report import Report, ReportChange, ReportEvent, ReportState, Topic
from beffroi.ports.clock import Clock
from beffroi.ports.log_store import LogError
from beffroi.ports.notify import Notice
from beffroi.ports.personal import PersonalError, PersonalStore
from beffroi.ports.photos import PhotoError, Photos
from beffroi.ports.reports import ReportStore, Wanted
from beffroi.ports.store import AssetStore, StaleVersionError, StoreError

log = structlog.get_logger("reports")
PURPOSE = "reports"
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # without i, l, o, u: read aloud over the telephone
ID_CHARS = 8
HUB, AUTHOR = "hub", "author"
TRIES = 3
ADDED = "added-"


class ReportRefusedError(Exception):
    """Not done; `code` for programs, the text is an English message id."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.text)
        self.code, self.text = refused.code, refused.text


class Received(NamedTuple):
    """`secret` opens the status page; it is nowhere else."""

    report: Report
    secret: str


class Words(NamedTuple):
    """What the author sent, as received. Personal data."""

    text: str
    place: str
    media_url: str
    added: Sequence[str]


def hashed(secret: str) -> str:
    """What the store keeps of a status link's 256 random bits."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _unrecorded(drafts: Sequence[Draft]) -> None:
    """No evidence log is open."""


class ReportDesk:
    """Safe from several threads. `record` appends to the evidence log; `post` sends a letter;
    `link` makes the address of a status page from its secret."""

    def __init__(
        self,
        store: ReportStore,
        assets: AssetStore,
        personal: PersonalStore,
        photos: Photos,
        domains: Mapping[str, Domain],
        clock: Clock,
        *,
        alarms: Callable[..., None],
        post: Callable[[Notice], None],
        link: Callable[[str], str],
        record: Callable[[Sequence[Draft]], object] = _unrecorded,
    ) -> None:
        self.store = store
        self.topics: dict[str, Topic] = {
            name: topic for domain in domains.values() for name, topic in domain.topics.items()
        }
        self._assets, self._personal, self._photos = assets, personal, photos
        self._clock, self._post, self._link, self._record = clock, post, link, record
        self._standing = Standing(store, domains, alarms)

    # --- from outside --------------------------------------------------------------------------
    def receive(self, sent: Sent) -> Received:
        """Kept when it returns. ReportRefusedError says what to correct."""
        clean = checked(sent, self.topics, self._assets.commune())
        if isinstance(clean, Refused):
            raise ReportRefusedError(clean)
        asset = self._assets.asset(clean.asset) if clean.asset else None
        if clean.asset and asset is None:
            raise ReportRefusedError(Refused("asset", "There is no such object of the town."))
        photo = self._photo(clean.photo)
        now_ms, secret = self._clock.now_ms(), secrets.token_urlsafe(32)
        judged = danger.judge(self.topics[clean.topic], clean.text, now_ms)
        subject = self._keep(clean, photo, secret, now_ms)
        report = Report(
            id="r" + "".join(secrets.choice(ALPHABET) for _ in range(ID_CHARS)),
            topic=clean.topic,
            state=ReportState.RECEIVED,
            received_ms=now_ms,
            changed_ms=now_ms,
            lon=clean.lon if asset is None else asset.lon,
            lat=clean.lat if asset is None else asset.lat,
            asset=clean.asset,
            danger=judged.danger,
            danger_why=judged.why,
            deadline_ms=judged.deadline_ms,
            source=clean.source,
            lang=clean.lang,
            sent_photo=bool(photo),
            mail=bool(clean.email),
            subject=subject,
        )
        event = ReportEvent(report.id, 1, now_ms, AUTHOR, "received", told=True)
        try:
            self.store.add(ReportChange(report, event), hashed(secret))
        except StoreError:
            self._personal.erase(subject, HUB, now_ms)
            raise
        self._follow(ReportChange(report, event))
        return Received(report, secret)

    def near(self, topic: str, place: tuple[float, float] | None, asset: str) -> list[nearby.Near]:
        """Reports that may be about the same thing."""
        now_ms = self._clock.now_ms()
        since = now_ms - REPORT_NEAR_DAYS * DAY_MS
        found: dict[str, Report] = {}
        if place is not None:
            box = nearby.box_around(*place)
            wanted = Wanted(topic=topic, box=box, since_ms=since, limit=REPORTS_OPEN_MAX)
            found |= {one.id: one for one in self.store.reports(wanted)}
        if asset:
            wanted = Wanted(topic=topic, asset=asset, since_ms=since)
            found |= {one.id: one for one in self.store.reports(wanted)}
        return nearby.likely(found.values(), topic, place, asset, now_ms)

    def by_secret(self, secret: str) -> Report | None:
        return self.store.by_link(hashed(secret))

    # --- what people do ------------------------------------------------------------------------
    def act(self, report_id: str, act: ReportAct) -> Report:
        """Do it durably, or raise ReportRefusedError."""
        for attempt in range(TRIES):
            changes = self._decided(report_id, act)
            self._before(changes[0], act)
            try:
                self.store.apply(changes)
            except StaleVersionError:
                if attempt == TRIES - 1:
                    raise
                continue
            break
        self._after(changes[0], act)
        for change in changes:
            self._follow(change)
        return changes[0].report

    def add(self, report: Report, text: str) -> Report:
        """Further words of the author; words of danger make it one."""
        text, now_ms = visible(text), self._clock.now_ms()
        if not text:
            raise ReportRefusedError(Refused("text_missing", "Say in a few words what is new."))
        many = sum(event.kind == "add" for event in self.store.events(report.id))
        if many >= REPORT_ADDITIONS_MAX or not report.subject:
            raise ReportRefusedError(
                Refused("too_many", "Nothing more can be added. Send a new report.")
            )
        act = ReportAct("add", AUTHOR, now_ms, text)
        refused = lifecycle.decide(report, act)
        if isinstance(refused, Refused):
            raise ReportRefusedError(refused)
        self._put(report.subject, f"{ADDED}{many}", text.encode(), now_ms)
        after = self.act(report.id, act)
        judged = danger.judge(None, text, now_ms)
        if judged.danger and not after.danger:
            words = {"why": "words"}
            found = ReportAct("danger", HUB, now_ms, deadline_ms=judged.deadline_ms, data=words)
            after = self.act(report.id, found)
        return after

    def support(self, report: Report) -> Report:
        """Somebody else confirms it. Nothing is kept of who."""
        return self.act(report.id, ReportAct("support", AUTHOR, self._clock.now_ms()))

    def words(self, report: Report, actor: str) -> Words:
        """What was sent, for whoever moderates; each reading is noted in the access log."""
        texts = {name: self._read(report, name, actor) for name in ("text", "place", "media_url")}
        count = sum(event.kind == "add" for event in self.store.events(report.id))
        added = [self._read(report, f"{ADDED}{n}", actor) for n in range(count)]
        return Words(**texts, added=[text for text in added if text])

    def sent_photo(self, report: Report, actor: str) -> bytes | None:
        """The photo as received (cleaned, not moderated)."""
        if not report.subject or not report.sent_photo:
            return None
        return self._personal.get(report.subject, "photo", actor, self._clock.now_ms())

    def turn(self) -> None:
        """Once a minute: deadlines that have passed."""
        self._standing.turn(self._clock.now_ms())

    # --- inside --------------------------------------------------------------------------------
    def _decided(self, report_id: str, act: ReportAct) -> list[ReportChange]:
        report = self._known(report_id)
        if act.action == "attach" and act.target and self._assets.asset(act.target) is None:
            raise ReportRefusedError(Refused("asset", "There is no such object of the town."))
        change = lifecycle.decide(report, act)
        if isinstance(change, Refused):
            raise ReportRefusedError(change)
        if act.action != "merge":
            return [change]
        master = self._known(act.target)
        if master.state in (ReportState.DUPLICATE, ReportState.WITHDRAWN, ReportState.REJECTED):
            text = "The other report does not go on: choose one that does."
            raise ReportRefusedError(Refused("merge_target", text))
        gained = lifecycle.absorbed(master, report, act)
        return [change, gained]

    def _known(self, report_id: str) -> Report:
        report = self.store.report(report_id)
        if report is None:
            raise ReportRefusedError(Refused("unknown_report", "There is no such report."))
        return report

    def _before(self, change: ReportChange, act: ReportAct) -> None:
        """A public photo exists before a report says so."""
        if act.action == "publish" and act.photo:
            jpeg = self.sent_photo(change.report, act.actor)
            if jpeg is None:
                raise ReportRefusedError(Refused("no_photo", "There is no photo to show any more."))
            self.store.put_photo(change.report.id, jpeg)

    def _after(self, change: ReportChange, act: ReportAct) -> None:
        report = change.report
        if not report.photo and act.action in ("publish", "hide", "withdraw"):
            self.store.drop_photo(report.id)
        if act.action == "erase":
            self.store.unlink(report.id)
            self.store.blank(report.id)

    def withdraw(self, report: Report) -> Report:
        """By its author. A danger stays known until somebody has looked."""
        return self._gone(report, "withdraw", AUTHOR)

    def erase(self, report: Report, actor: str) -> Report:
        """Nothing of the author, of their words or of what was published stays."""
        return self._gone(report, "erase", actor)

    def _gone(self, report: Report, action: str, actor: str) -> Report:
        act = ReportAct(action, actor, self._clock.now_ms())
        refused = lifecycle.decide(report, act)
        if isinstance(refused, Refused):
            raise ReportRefusedError(refused)
        if report.subject:  # the key is destroyed, and with it everything they sent
            self._personal.erase(report.subject, actor, act.now_ms)
        return self.act(report.id, act)

    def _follow(self, change: ReportChange) -> None:
        """What a stored change asks for. None of it may undo the change."""
        try:
            self._record(book.drafts(change))
        except (LogError, EntryError) as error:
            log.error("report_not_recorded", report=change.report.id, error=str(error))
        try:
            self._standing.turn(self._clock.now_ms(), [change.report])
        except StoreError as error:  # the hourly turn looks again
            log.error("report_not_watched", report=change.report.id, error=str(error))
        if change.event.told:
            try:
                self._write(change.report, change.event)
                if change.event.kind in ("answer", "close", "safe"):
                    self._write_doubles(change)
            except (PersonalError, StoreError) as error:
                log.error("letter_not_written", report=change.report.id, error=str(error))

    def _write_doubles(self, change: ReportChange) -> None:
        """Authors of reports that joined this one hear of it too."""
        for event in self.store.events(change.report.id):
            if event.kind == "absorbed":
                double = self.store.report(event.data.get("report", ""))
                if double is not None and double.duplicate_of == change.report.id:
                    self._write(double, change.event)

    def _write(self, report: Report, event: ReportEvent) -> None:
        if not report.mail or not report.subject:
            return
        now_ms = self._clock.now_ms()
        address = self._personal.get(report.subject, "email", HUB, now_ms)
        if not address:
            return
        secret = (self._personal.get(report.subject, "link", HUB, now_ms) or b"").decode()
        commune = self._assets.commune()
        link = self._link(secret) if secret else ""
        said = letter(report, event, commune.name if commune else "", link)
        kind = f"report.{event.kind}"
        self._post(Notice("", address.decode(), *said, report.id, kind, event.at_ms))

    def _keep(self, sent: Sent, photo: bytes, secret: str, now_ms: int) -> str:
        subject = self._personal.subject(PURPOSE, now_ms)
        fields = {
            "text": sent.text.encode(),
            "place": sent.place.encode(),
            "email": sent.email.encode(),
            "name": sent.name.encode(),
            "phone": sent.phone.encode(),
            "media_url": sent.media_url.encode(),
            "photo": photo,
            "link": secret.encode() if sent.email else b"",
        }
        for name, value in fields.items():
            if value:
                self._put(subject, name, value, now_ms)
        return subject

    def _put(self, subject: str, name: str, value: bytes, now_ms: int) -> None:
        until_ms = now_ms + REPORT_DAYS * DAY_MS
        self._personal.put(subject, PURPOSE, name, value, now_ms, until_ms)

    def _read(self, report: Report, name: str, actor: str) -> str:
        if not report.subject:
            return ""
        found = self._personal.get(report.subject, name, actor, self._clock.now_ms())
        return (found or b"").decode()

    def _photo(self, data: bytes) -> bytes:
        if not data:
            return b""
        try:
            return self._photos.clean(data)
        except PhotoError as error:
            raise ReportRefusedError(Refused(error.code, str(error))) from error

"""The figures that are not of one service: answers to inhabitants, vigilance, the log, the hub.

Reads the hub's own books. What is not there is not proven; nothing here guesses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from beffroi.evidence.witness import vouched
from beffroi.hub.indicators import uptime
from beffroi.hub.indicators.entries import OWN
from beffroi.hub.reports.figures import Figures, figures
from beffroi.kernel.roster import Roster
from beffroi.model.alarm import Alarm
from beffroi.model.asset import Label
from beffroi.model.finding import Severity
from beffroi.model.limits import PAGE_ROWS_MAX
from beffroi.model.measure import DAY_MS, HOUR_MS, Measured, Span, missing, share, unproven
from beffroi.model.report import Report, ReportState
from beffroi.ports.commands import CommandStore, State
from beffroi.ports.log_store import LogError, LogStore
from beffroi.ports.registers import RegisterStore
from beffroi.ports.reports import ReportStore, Wanted
from beffroi.ports.store import Store

GRAVE_MS, OTHER_MS = DAY_MS, 7 * DAY_MS
REVIEW_DAYS = 180
PRIVILEGED = ("admin", "operator")
NO_COMMANDS = Label("la commune ne commande rien par le hub", "nothing is ordered through the hub")
NO_LOG = Label("aucun journal de preuves n’est ouvert", "no evidence log is open")
NO_WITNESS = Label("aucun témoin n’a cosigné le journal", "no witness has cosigned the log")
NO_REPORTS = Label("aucun signalement sur la période", "no report in the period")
NO_DANGER = Label("aucun signalement de danger sur la période", "no report of danger in the period")
NO_DEVICES = Label("aucun équipement vérifié", "no device was checked")
NO_FACTOR = Label("second facteur non relevé ici", "second factors are not known here")
NO_REVIEW = Label(
    "aucune revue des comptes depuis 180 jours", "no review of the accounts within 180 days"
)
NO_PEOPLE = Label("population de la commune inconnue", "population of the municipality unknown")
ONLY_NOW = Label("connu seulement au jour du calcul", "known on the day of the calculation only")
TOO_FEW = Label("moins de 10 contributions", "fewer than 10 contributions")
K_MIN = 10


@dataclass(frozen=True, slots=True)
class Books:
    """What the hub keeps, as far as it exists here. `second` tells whether an account signs in
    with a second factor; `sets` how many datasets are published, and fresh as announced, now;
    `roster` is what the root has signed, None while there is nothing valid."""

    store: Store
    registers: RegisterStore
    commands: CommandStore | None = None
    log: LogStore | None = None
    reports: ReportStore | None = None
    second: Callable[[str], bool] | None = None
    sets: Callable[[], tuple[int, int]] | None = None
    roster: Callable[[], Roster | None] | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """One calculation. `now_ms` is when it is made, `given` the figures people entered."""

    books: Books
    span: Span
    now_ms: int
    given: Callable[[str], float | None]

    @property
    def present(self) -> bool:
        """Whether the period reaches to the day of the calculation."""
        return self.span.end_ms > self.now_ms - DAY_MS


def answer_days(ask: Ask) -> Measured:
    """G1."""
    found, count = _figures(ask)
    if found is None or found.answer_days_mean is None:
        return unproven(NO_REPORTS)
    return Measured(found.answer_days_mean, found.answered / count, count)


def made_safe(ask: Ask) -> Measured:
    """G2. A danger that is not safe yet counts the time so far."""
    found, _ = _figures(ask)
    if found is None or found.safe_h_p90 is None:
        return unproven(NO_DANGER)
    return Measured(found.safe_h_p90, 1.0, found.dangers, parts={"unsafe": found.unsafe})


def fresh_sets(ask: Ask) -> Measured:
    """G3. Counted from what is published; what people entered is for periods that are over."""
    if ask.books.sets is not None and ask.present:
        opened, as_announced = ask.books.sets()
        if opened:
            return share(as_announced, opened, 1.0, opened)
    sets, fresh = ask.given("sets_open"), ask.given("sets_fresh")
    if not sets or fresh is None:
        return missing(OWN["sets_open"])
    return Measured(min(100 * fresh / sets, 100.0), 1.0, int(sets), declared=True)


def participation(ask: Ask) -> Measured:
    """G4. Reports; under K_MIN nothing is told."""
    commune = ask.books.store.assets.commune()
    if commune is None or not commune.inhabitants:
        return unproven(NO_PEOPLE)
    count = _figures(ask)[1]
    if count < K_MIN:
        return unproven(TOO_FEW if count else NO_REPORTS)
    return Measured(100 * count / commune.inhabitants / ask.span.years, 1.0, count)


def stops(ask: Ask) -> Measured:
    """G5."""
    return uptime.out_of_service(uptime.read(ask.books.store.people), ask.span)


def refused(ask: Ask) -> Measured:
    """S1."""
    commands = ask.books.commands
    if commands is None:
        return unproven(NO_COMMANDS)
    rows = [
        row
        for row in commands.commands((State.REFUSED,), before_ms=ask.span.end_ms)
        if row.created_ms >= ask.span.start_ms
    ]
    reasons: dict[str, float] = {}
    for row in rows:
        reasons[row.reason or "?"] = reasons.get(row.reason or "?", 0.0) + 1
    return Measured(float(len(rows)), 1.0, len(rows), parts=reasons)


def undecided(ask: Ask) -> Measured:
    """S2."""
    if not ask.present:
        return unproven(ONLY_NOW)
    waiting = [a for a in ask.books.store.alarms.open_alarms() if _late(a, ask.now_ms)]
    grave = sum(alarm.severity >= Severity.GRAVE for alarm in waiting)
    return Measured(float(len(waiting)), 1.0, len(waiting), parts={"grave": grave})


def factory_secrets(ask: Ask) -> Measured:
    """S3."""
    if not ask.present:
        return unproven(ONLY_NOW)
    devices = [d for d in ask.books.store.assets.devices() if d.status != "revoked"]
    checked = [d for d in devices if d.default_secret is not None]
    if not checked:
        return unproven(NO_DEVICES)
    left = sum(bool(d.default_secret) for d in checked)
    return Measured(100 * left / len(checked), len(checked) / len(devices), len(checked))


def updates(ask: Ask) -> Measured:
    """S4."""
    published, applied = ask.given("updates_published"), ask.given("updates_in_time")
    if not published or applied is None:
        return missing(OWN["updates_published"])
    found = share(min(applied, published), published, 1.0, int(published))
    return Measured(found.value, 1.0, int(published), declared=True)


def restore_age(ask: Ask) -> Measured:
    """S5. From the register of tests, or from the day that was entered."""
    today = datetime.fromtimestamp(min(ask.span.end_ms, ask.now_ms) / 1000, UTC).date().toordinal()
    days = [given] if (given := ask.given("restore_tested")) else []
    for record in ask.books.registers.records("test"):
        passed = record.facts.get("type") == "restore" and record.facts.get("result") == "good"
        if passed:
            day = datetime.fromisoformat(str(record.facts["day"])).date()
            days.append(float(day.toordinal()))
    days = [day for day in days if day <= today]
    if not days:
        return missing(OWN["restore_tested"])
    return Measured(today - max(days), 1.0, len(days), declared=True)


def accounts(ask: Ask) -> Measured:
    """S6."""
    second = ask.books.second
    if second is None or not ask.present:
        return unproven(ONLY_NOW if second else NO_FACTOR)
    users = [u for u in ask.books.store.people.users() if u.active and u.role in PRIVILEGED]
    today = datetime.fromtimestamp(ask.now_ms / 1000, UTC).date().toordinal()
    reviewed = ask.given("accounts_reviewed")
    if reviewed is None or not 0 <= today - reviewed <= REVIEW_DAYS:
        return unproven(NO_REVIEW)
    strong = sum(second(user.id) for user in users)
    found = share(strong, len(users), 1.0, len(users))
    return Measured(found.value, 1.0, len(users), found.why, declared=True)


def log_age(ask: Ask) -> Measured:
    """S7. Hours since a witness last saw the log."""
    log = ask.books.log
    if log is None or not ask.present:
        return unproven(ONLY_NOW if log else NO_LOG)
    try:
        seen = log.witnessed()
    except LogError:
        return unproven(NO_WITNESS)
    roster = ask.books.roster() if ask.books.roster else None
    times = vouched(seen, roster).values() if seen and roster else ()
    if not times or seen is None:
        return unproven(NO_WITNESS)
    return Measured(max(0, ask.now_ms - max(times) * 1_000) / HOUR_MS, 1.0, seen.size)


def exposed(ask: Ask) -> Measured:
    """S8."""
    count = ask.given("exposed_devices")
    if count is None:
        return missing(OWN["exposed_devices"])
    return Measured(count, 1.0, declared=True)


def _late(alarm: Alarm, now_ms: int) -> bool:
    if alarm.decision is not None or alarm.group:
        return False
    grave = alarm.severity >= Severity.GRAVE
    return now_ms - alarm.seen_ms > (GRAVE_MS if grave else OTHER_MS)


def _figures(ask: Ask) -> tuple[Figures | None, int]:
    """(figures, reports that count); None when there is no report."""
    store = ask.books.reports
    if store is None:
        return None, 0
    found: list[Report] = []
    before = ""
    while True:
        wanted = Wanted(
            since_ms=ask.span.start_ms, until_ms=ask.span.end_ms, before=before,
            limit=PAGE_ROWS_MAX,
        )  # fmt: skip
        page = store.reports(wanted)
        found += page
        if len(page) < PAGE_ROWS_MAX:
            break
        before = page[-1].id
    uncounted = (ReportState.DUPLICATE, ReportState.WITHDRAWN, ReportState.REJECTED)
    counted = [one for one in found if one.state not in uncounted]
    return (figures(counted, ask.now_ms), len(counted)) if counted else (None, 0)


OWN_MEASURES: Mapping[str, Callable[[Ask], Measured]] = {
    "G1": answer_days,
    "G2": made_safe,
    "G3": fresh_sets,
    "G4": participation,
    "G5": stops,
    "S1": refused,
    "S2": undecided,
    "S3": factory_secrets,
    "S4": updates,
    "S5": restore_age,
    "S6": accounts,
    "S7": log_age,
    "S8": exposed,
}

"""What pages, commands and tests use: registers, incidents, and the making of papers.

Making a paper takes seconds and runs in one thread of its own; the setter is a child process. What
was made is noted in the register "edition" with its digest, never the paper itself.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import structlog

from beffroi.domains.base import Domain
from beffroi.hub.dossier import extract, paper
from beffroi.hub.dossier.applicability import Situation, situation_of
from beffroi.hub.dossier.facts import Facts, Period
from beffroi.hub.dossier.gather import Figures, Stores, gather, no_figures
from beffroi.hub.dossier.lines import Edition, Section, cited
from beffroi.hub.dossier.proofs import NAME, WORDS, attached
from beffroi.hub.dossier.registers import RegisterError, Registers
from beffroi.hub.dossier.sections import build
from beffroi.hub.incidents.desk import IncidentDesk
from beffroi.model.asset import Asset
from beffroi.model.finding import Rule
from beffroi.model.limits import PAPER_DAYS_MAX, PAPERS_KEPT_MAX
from beffroi.model.measure import DAY_MS
from beffroi.ports.clock import Clock
from beffroi.ports.commands import CommandStore
from beffroi.ports.log_store import LogError, LogStore
from beffroi.ports.papers import Attachment, PaperError, PaperMaker
from beffroi.ports.registers import Fact, RegisterStore
from beffroi.ports.reports import ReportStore
from beffroi.ports.store import Store, StoreError

log = structlog.get_logger("dossier")


@dataclass(frozen=True, slots=True)
class Job:
    """`step`: "waiting", "reading", "setting", "ready" or "failed". `why` of a failure."""

    id: str
    edition: Edition
    period: Period
    by: str
    step: str = "waiting"
    why: str = ""
    pdf: bytes = field(default=b"", repr=False)
    digest: str = ""
    lines: int = 0


class Office:
    """One per hub. `close` waits for what is being made."""

    def __init__(
        self,
        store: Store,
        registers: RegisterStore,
        commands: CommandStore,
        reports: ReportStore | None,
        journal: LogStore | None,
        clock: Clock,
        domains: Mapping[str, Domain],
        rules: Mapping[str, Rule],
        papers: PaperMaker,
        figures: Figures = no_figures,
        roster: Callable[[], bytes] = bytes,
        maturity: Figures = no_figures,
    ) -> None:
        """`roster`: the commune's keys as they go with proofs; empty for none."""
        self.stores = Stores(
            store,
            registers,
            commands,
            reports,
            journal,
            clock,
            domains,
            rules,
            figures,
            maturity,
            roster,
        )
        self.registers = Registers(registers, journal, clock)
        self.incidents = IncidentDesk(self.registers, clock)
        self._papers, self._clock, self._roster = papers, clock, roster
        self._lock = threading.Lock()
        self._jobs: dict[str, Job] = {}
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="dossier")

    # --- what is known -----------------------------------------------------------------------

    def situation(self) -> Situation:
        commune = self.stores.main.assets.commune()
        told = self.stores.registers.records("situation", limit=1)
        return situation_of(commune.inhabitants if commune else None, told[-1] if told else None)

    def sections(self, period: Period) -> tuple[Facts, list[Section]]:
        """Everything, as lines. Blocks."""
        facts = gather(self.stores, checked(period))
        return facts, build(facts)

    # --- papers ------------------------------------------------------------------------------

    def make(
        self,
        edition: Edition,
        period: Period,
        by: str,
        step: Callable[[str], None] = lambda _: None,
        *,
        note: bool = True,
    ) -> tuple[bytes, int]:
        """(PDF, lines). PaperError, RegisterError, StoreError. Blocks for seconds. `note` False:
        beside a hub, whose log has one writer."""
        step("reading")
        facts, sections = self.sections(period)
        proofs = self._proofs(sections) if edition is Edition.SEALED else None
        step("setting")
        sheet = paper.dossier_paper(facts, sections, edition, proofs)
        pdf = self._papers.make(sheet)
        if note:
            self._note(edition.value, pdf, by, period)
        return pdf, sum(len(s.lines) for s in sheet.sections)

    def extract(self, asset: Asset, at_ms: int) -> tuple[Facts, list[Section]]:
        """One asset at one moment, with every line. Blocks."""
        facts, seen = extract.look(self.stores, asset, at_ms)
        return facts, extract.sections(facts, seen)

    def extract_pdf(self, asset: Asset, at_ms: int, by: str, *, note: bool = True) -> bytes:
        """Sealed: with the entries that its lines cite."""
        facts, sections = self.extract(asset, at_ms)
        proofs = self._proofs(sections)
        when = facts.calendar.when(at_ms)
        pdf = self._papers.make(paper.extract_paper(facts, asset.name, when, sections, proofs))
        if note:
            self._note("extract", pdf, by, Period(at_ms, at_ms + 1))
        return pdf

    def _proofs(self, sections: Sequence[Section]) -> Attachment | None:
        entries = cited(sections)
        journal = self.stores.journal
        if journal is None or not entries:
            return None
        try:
            return Attachment(NAME, attached(journal, entries, self._roster()), WORDS)
        except (LogError, OSError) as error:
            raise PaperError(f"the proofs could not be read: {error}") from error

    def _note(self, edition: str, pdf: bytes, by: str, period: Period) -> None:
        facts: dict[str, Fact] = {
            "sha256": hashlib.sha256(pdf).hexdigest(),
            "start_ms": period.start_ms,
            "end_ms": period.end_ms,
        }
        self.registers.write("edition", edition, "made", facts, by, entry_kind="dossier.made")

    # --- made from the page --------------------------------------------------------------------

    def begin(self, edition: Edition, period: Period, by: str) -> Job:
        """Starts it; ask `job` how far it is. RegisterError when too many wait."""
        job = Job(secrets.token_hex(8), edition, checked(period), by)
        with self._lock:
            busy = [one for one in self._jobs.values() if one.step not in ("ready", "failed")]
            if len(busy) >= PAPERS_KEPT_MAX:
                raise RegisterError("busy", "Other papers are being made: wait a minute.")
            while len(self._jobs) >= PAPERS_KEPT_MAX:
                done = next(k for k, one in self._jobs.items() if one not in busy)
                del self._jobs[done]
            self._jobs[job.id] = job
        self._worker.submit(self._work, job)
        return job

    def job(self, job_id: str) -> Job | None:
        with self._lock:
            return self._jobs.get(job_id)

    def jobs(self) -> list[Job]:
        """The newest first."""
        with self._lock:
            return list(self._jobs.values())[::-1]

    def close(self) -> None:
        self._worker.shutdown(wait=True, cancel_futures=True)

    def _work(self, job: Job) -> None:
        def step(name: str) -> None:
            self._change(job.id, step=name)

        try:
            pdf, lines = self.make(job.edition, job.period, job.by, step)
        except (PaperError, RegisterError, StoreError, LogError, OSError) as error:
            log.warning("paper_not_made", error=str(error))
            self._change(job.id, step="failed", why=str(error)[:300])
        except Exception as error:
            log.exception("paper_not_made")
            self._change(job.id, step="failed", why=type(error).__name__)
        else:
            digest = hashlib.sha256(pdf).hexdigest()
            self._change(job.id, step="ready", pdf=pdf, digest=digest, lines=lines)

    def _change(self, job_id: str, **fields: object) -> None:
        with self._lock:
            if job_id in self._jobs:
                self._jobs[job_id] = replace(self._jobs[job_id], **fields)  # type: ignore[arg-type]


def checked(period: Period) -> Period:
    """RegisterError unless it ends after it begins and is not longer than ten years."""
    if not 0 < period.start_ms < period.end_ms:
        raise RegisterError("period", "The period must end after it begins.")
    if period.end_ms - period.start_ms > PAPER_DAYS_MAX * DAY_MS:
        raise RegisterError("period_long", "The period is too long: ten years at most.")
    return period

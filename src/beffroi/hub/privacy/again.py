"""What was erased stays erased when an older copy is taken back: erased again, by a list.

The list holds digests of pseudonyms of persons and of accounts; whoever has it and no backup learns
nothing. Knows no file and no page.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable

from beffroi.hub.reports.lifecycle import ReportAct, decide
from beffroi.model.limits import PERSONAL_SUBJECTS_MAX, REPORTS_OPEN_MAX
from beffroi.model.purposes import PURPOSES
from beffroi.model.report import Report, ReportChange
from beffroi.ports.personal import PersonalVault
from beffroi.ports.reports import ReportStore, Wanted
from beffroi.ports.store import PeopleStore, User

ACCOUNT_ERASED = "erase_account"  # the line of the main access log
ACTOR = "hub.restore"
SETTINGS = ("personal:", "person:", "second:")  # per account


def digest(ident: str) -> str:
    """Of a pseudonym: `s-…` (a person in the vault) or `u-…` (an account)."""
    return hashlib.sha256(b"beffroi erased " + ident.encode()).hexdigest()


def digests(subjects: Iterable[str], people: PeopleStore) -> set[str]:
    """Of everybody who was erased: persons of the vault, and accounts."""
    return {digest(one) for one in [*subjects, *people.subjects_of(ACCOUNT_ERASED)]}


def erase_again(
    erased: Collection[str],
    vault: PersonalVault,
    people: PeopleStore,
    reports: ReportStore,
    now_ms: int,
) -> int:
    """How many persons came back with the copy and are gone again. Safe to repeat."""
    accounts = [_account(people, one, now_ms) for one in people.users() if _of(people, one, erased)]
    count = sum(accounts)
    for report in _all(reports):
        if report.subject and digest(report.subject) in erased:
            _report(reports, report, now_ms)
    for purpose in PURPOSES:
        for subject in vault.subjects(purpose, PERSONAL_SUBJECTS_MAX, ACTOR, now_ms):
            if digest(subject) in erased:
                vault.erase(subject, ACTOR, now_ms)
                count += 1
    people.settle()
    return count


def _of(people: PeopleStore, user: User, erased: Collection[str]) -> bool:
    subject = people.setting(SETTINGS[0] + user.id) or ""
    return digest(user.id) in erased or bool(subject and digest(subject) in erased)


def _account(people: PeopleStore, user: User, now_ms: int) -> bool:
    """Whether there was a name to take away. The name goes last: while it is there, what an attempt
    that was cut off has left is found again."""
    left = User(user.id, f"({user.id})", "reader", active=False)
    if user == left:
        return False
    people.log_access(now_ms, ACTOR, ACCOUNT_ERASED, user.id)
    for name in SETTINGS:
        people.put_setting(name + user.id, "")
    people.put_user(left)
    return True


def _all(reports: ReportStore) -> Iterable[Report]:
    before = ""
    while page := reports.reports(Wanted(before=before, limit=REPORTS_OPEN_MAX)):
        yield from page
        before = page[-1].id


def _report(reports: ReportStore, report: Report, now_ms: int) -> None:
    """Like `hub.reports.desk`, but nobody is written to: a copy is being taken back."""
    decided = decide(report, ReportAct("erase", ACTOR, now_ms))
    if isinstance(decided, ReportChange):
        reports.apply([decided])
    reports.unlink(report.id)
    reports.blank(report.id)

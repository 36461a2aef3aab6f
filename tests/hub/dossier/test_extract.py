"""One asset at one moment: what was known then, told apart from what was learned later."""

from __future__ import annotations

import io

import pypdf
from tests.hub.dossier.kit import DAY_MS, Town

from beffroi.evidence.verify import verify
from beffroi.hub.dossier.proofs import NAME

HOUR_MS = 3_600_000


def part(town: Town, alarm_asset: str, at_ms: int, number: int) -> str:
    asset = town.store.assets.asset(alarm_asset)
    assert asset is not None
    lines = town.office.extract(asset, at_ms)[1][number].lines
    return " | ".join(f"{line.text}{'' if line.cites else ' [non prouvé]'}" for line in lines)


def test_what_was_learned_later_is_not_told_as_known(town: Town) -> None:
    alarm = town.alarm()
    asset = town.store.assets.asset(alarm.asset)
    assert asset is not None
    at = town.clock.ms
    town.measure(asset, 1.0, at - HOUR_MS, at - HOUR_MS)
    town.measure(asset, 1.0, at - 60_000, at + 5 * HOUR_MS)  # measured before, heard after
    assert "ne l’a su que" in part(town, asset.id, at, 0)
    assert "ne l’a su que" not in part(town, asset.id, at - 30 * 60_000, 0)
    assert part(town, asset.id, at - 9 * DAY_MS, 0).endswith("[non prouvé]")


def test_an_alarm_is_open_between_its_two_ends(town: Town) -> None:
    alarm = town.alarm()
    assert "connue" in part(town, alarm.asset, town.clock.ms + HOUR_MS, 3)
    assert "connue" not in part(town, alarm.asset, alarm.seen_ms - 1, 3)
    followed = part(town, alarm.asset, alarm.seen_ms - 1, 5)
    assert "Alarme levée" in followed


def test_no_report_is_no_proof_and_a_late_check_says_so(town: Town) -> None:
    alarm = town.alarm()
    asset = town.store.assets.asset(alarm.asset)
    assert asset is not None
    at = town.clock.ms
    assert "ne prouve pas l’entretien" in part(town, asset.id, at, 2)
    assert part(town, asset.id, at, 1).endswith("[non prouvé]")
    day = f"{__import__('datetime').datetime.fromtimestamp(at / 1000):%Y-%m-%d}"
    given = {"day": day, "result": "good", "what": "ronde"}
    town.clock.ms += DAY_MS
    town.office.registers.declare("check", asset.domain, given, "u1")
    assert "Inscrit après les faits" in part(town, asset.id, at, 1)


def test_the_extract_as_a_paper_carries_its_proofs(town: Town) -> None:
    alarm = town.alarm()
    asset = town.store.assets.asset(alarm.asset)
    assert asset is not None
    pdf = town.office.extract_pdf(asset, town.clock.ms + 1, "u1")
    opened = pypdf.PdfReader(io.BytesIO(pdf))
    assert "Ce qui a suivi" in " ".join(page.extract_text() for page in opened.pages)
    assert verify(opened.attachments[NAME][0]).ok

"""A person is erased: no byte of them is left in the home, nor in a backup that is taken back.

Real parts: a served hub, its store, vault, photos, evidence log, `beffroi backup` and `restore`.
"""

from __future__ import annotations

import io
import random
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from PIL import Image
from tests.api.test_access import PASSPHRASE, client, signed_in
from tests.api.test_reports import desk, newest, operator, send
from tests.ui.world import World, world
from typer.testing import CliRunner

from beffroi.adapters.log.fsck import fsck
from beffroi.adapters.personal import copying, open_vault
from beffroi.adapters.sql import open_store
from beffroi.api import accounts, own_data, second_factor
from beffroi.api.report_gate import Gate
from beffroi.cli import settings
from beffroi.cli.main import app
from beffroi.hub.privacy import again
from beffroi.model.limits import BACKUP_DAYS
from beffroi.ports.personal import PersonalError

DAY_MS = 86_400_000
WORDS, MAIL, SHOWN = "Zénobie Quarantequatre, 3 bis", "zenobie.44@exemple.fr", "Vu par Zénobie Q44"
AGENT, AGENT_MAIL = "Théodule Quatrevingt", "theodule.80@exemple.fr"


@pytest.fixture
def town(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path / "town") as made:
        made.app.state.report_gate = Gate(each=99, of_all=99, before_question=99, form_s_min=0)
        yield made


def photo() -> bytes:
    out = io.BytesIO()
    noise = random.Random(7)
    picture = Image.frombytes("RGB", (160, 120), noise.randbytes(160 * 120 * 3))
    picture.save(out, "JPEG", quality=90)
    return out.getvalue()


def found_in(folder: Path, *needles: bytes) -> list[str]:
    """Files of a tree in which one of these stands, as it is on disk now."""
    seen = []
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            data = path.read_bytes()
            seen += [f"{path.name}: {one!r}" for one in needles if one in data]
    return seen


def backup(home: Path, to: Path, *more: str) -> str:
    done = CliRunner().invoke(app, ["backup", "--home", str(home), "--to", str(to), *more])
    assert done.exit_code == 0, done.output
    return done.output


def restore(copy: Path, home: Path, *more: str) -> str:
    done = CliRunner().invoke(app, ["data", "restore", str(copy), "--home", str(home), *more])
    assert done.exit_code == 0, done.output
    return done.output


def a_person(town: World) -> tuple[str, bytes]:
    """Sends a report with photo and address, which is published: its id and a piece of photo."""
    with client(town) as stranger, closing(operator(town)) as agent:
        send(town, stranger, photo(), text=WORDS, email=MAIL)
        report = newest(town)
        here = f"/reports/{report.id}"
        assert agent.post(f"{here}/accept", data={}).status_code == 303
        shown = {"text": SHOWN, "photo": "yes"}
        assert agent.post(f"{here}/publish", data=shown).status_code == 303
    jpeg = town.services.store.reports.photo(report.id)
    return report.id, jpeg[2000:2064] if jpeg else b""


def an_agent(town: World) -> str:
    """An account with address and second factor."""
    admin = accounts.by_name(town.services.store.people, "Chef")
    path = accounts.invite(town.services, "operator", admin)
    token = path.rpartition("/")[2]
    user = accounts.accept(town.services, accounts.INVITE, token, AGENT, PASSPHRASE)
    second_factor.begin(town.services, user)
    return user.id


def test_nothing_of_a_person_is_left_here_or_in_a_backup(town: World, tmp_path: Path) -> None:
    services, home = town.services, settings.Settings(tmp_path / "town").home
    with closing(signed_in(town, "admin")):
        pass
    services.privacy.evidence = services.office.stores.journal
    report_id, piece = a_person(town)
    user_id = an_agent(town)
    needles = [text.encode() for text in (WORDS, MAIL, SHOWN, AGENT)]
    assert found_in(home, SHOWN.encode(), AGENT.encode()), "the search finds what is there"
    old, new = tmp_path / "disk-a", tmp_path / "disk-b"
    backup(home, old)

    desk(town).erase(services.store.reports.report(report_id), "u-test")
    chief = accounts.by_name(services.store.people, "Chef")
    own_data.erase_account(services, user_id, chief)
    services.privacy.once()
    services.store.people.settle()
    assert found_in(home, *needles, *([piece] if piece else [])) == []
    assert not fsck(home / "evidence").findings
    backup(home, new)
    assert found_in(new, *needles) == []

    (copy,) = old.glob("*.backup")
    fresh = tmp_path / "fresh"
    said = restore(copy, fresh, "--erased", str(new / copying.ERASED))
    assert "effacements" in said
    assert found_in(fresh, *needles, *([piece] if piece else [])) == []
    assert not fsck(fresh / "evidence").findings
    store = open_store(settings.load(fresh).store_url)
    assert store.reports.report(report_id).text == ""
    assert store.people.user(user_id).name == f"({user_id})"
    store.close()

    stale = tmp_path / "stale"  # the same without the list: what the list is for
    restore(copy, stale)
    assert found_in(stale, SHOWN.encode(), AGENT.encode())


def test_fields_and_keys_travel_apart(tmp_path: Path) -> None:
    home, out = tmp_path / "home", tmp_path / "out"
    open_store(settings.load(home).store_url).close()
    vault = open_vault(home)
    now = 1_800_000_000_000
    kept = vault.subject("reports", now)
    vault.put(kept, "reports", "email", MAIL.encode(), now, now + 99 * DAY_MS)
    assert "à garder ailleurs" in backup(home, out)
    (copy,) = out.glob("*.backup")
    keys = copy.with_suffix(".keys")
    assert keys.stat().st_mode & 0o777 == 0o600
    restore(copy, tmp_path / "again")
    with closing(open_vault(tmp_path / "again")) as again_vault:
        assert again_vault.get(kept, "email", "u-1", now) == MAIL.encode()
        assert again_vault.check() == []
    keys.unlink()
    refused = CliRunner().invoke(app, ["data", "restore", str(copy), "--home", str(tmp_path / "x")])
    assert refused.exit_code == 1
    assert "without-persons" in refused.output
    assert not (tmp_path / "x" / "personal.keys").exists()
    restore(copy, tmp_path / "x", "--without-persons")
    vault.close()


def test_a_list_only_grows_and_a_spoilt_one_is_refused(tmp_path: Path) -> None:
    path = tmp_path / copying.ERASED
    one, two = again.digest("s-1"), again.digest("u-2")
    assert copying.add_erased(path, [one]) == 1
    assert copying.add_erased(path, [two]) == 2
    assert copying.read_erased(path) == {one, two}
    assert b"s-1" not in path.read_bytes()
    path.write_text(path.read_text()[:-9])
    with pytest.raises(PersonalError, match="no digest"):
        copying.read_erased(path)


def test_copies_past_their_life_go_and_nothing_else(tmp_path: Path) -> None:
    now = 1_800_000_000_000  # 2027-01-15
    old = ["beffroi-20261201T000000Z." + end for end in ("backup", "home.tar.gz", "keys")]
    stay = ["beffroi-20270110T000000Z.keys", "notes.keys", copying.ERASED, "beffroi-2026.backup"]
    for name in [*old, *stay]:
        (tmp_path / name).touch()
    assert copying.prune(tmp_path, now, BACKUP_DAYS) == sorted(old)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(stay)

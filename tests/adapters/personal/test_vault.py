"""The vault of personal data on a real disk: the port's promises, one by one."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from beffroi.adapters.personal import Vault, open_vault
from beffroi.adapters.personal.copying import erased_in
from beffroi.adapters.personal.keyfile import SLOT_BYTES, KeyFile
from beffroi.model.limits import ACCESS_LOG_DAYS, PERSONAL_EMPTY_S, PERSONAL_FIELDS_MAX
from beffroi.model.purposes import PURPOSES
from beffroi.ports.personal import PersonalError, Purged

NOW, DAY = 1_800_000_000_000, 86_400_000
LATER = NOW + 30 * DAY
MAIL = b"jeanne.durand@exemple.fr"


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    made = open_vault(tmp_path)
    yield made
    made.close()


def somebody(vault: Vault, **fields: bytes) -> str:
    subject = vault.subject("reports", NOW)
    for name, value in (fields or {"email": MAIL}).items():
        vault.put(subject, "reports", name, value, NOW, LATER)
    return subject


def on_disk(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.iterdir()))


def key_of(folder: Path) -> bytes:
    return (folder / "personal.keys").read_bytes()[SLOT_BYTES + 20 : SLOT_BYTES + 52]


def test_a_field_comes_back_and_its_reading_is_noted(vault: Vault) -> None:
    subject = somebody(vault)
    assert vault.get(subject, "email", "u-1", NOW + 1) == MAIL
    (line,) = vault.accesses(10)
    assert line[1:] == (NOW + 1, "u-1", "read", subject, "email", 1)
    assert vault.get(subject, "phone", "u-1", NOW) is None
    assert len(vault.accesses(10)) == 1


def test_it_survives_being_closed(tmp_path: Path) -> None:
    with_it = open_vault(tmp_path)
    subject = somebody(with_it)
    with_it.close()
    again = open_vault(tmp_path)
    assert again.get(subject, "email", "u-1", NOW) == MAIL
    again.close()


def test_a_replaced_field_has_its_new_value_only(vault: Vault, tmp_path: Path) -> None:
    subject = somebody(vault)
    vault.put(subject, "reports", "email", b"other", NOW, LATER)
    assert vault.export(subject, "u-1", NOW) == {"email": b"other"}


def test_the_disk_holds_no_datum(vault: Vault, tmp_path: Path) -> None:
    somebody(vault)
    assert MAIL not in on_disk(tmp_path)
    for path in tmp_path.iterdir():
        assert path.stat().st_mode & 0o077 == 0


def test_erasing_leaves_no_byte_of_the_key(vault: Vault, tmp_path: Path) -> None:
    """On all files: database, write-ahead log, keys."""
    subject = somebody(vault, email=MAIL, words=b"un nid-de-poule")
    key = key_of(tmp_path)
    sealed = bytes(vault._conn.execute("SELECT sealed FROM field").fetchone()[0])
    assert key in on_disk(tmp_path)
    assert sealed in on_disk(tmp_path)
    assert vault.erase(subject, "u-1", NOW) == 2
    assert key not in on_disk(tmp_path)
    assert key[:8] not in on_disk(tmp_path)
    assert sealed not in on_disk(tmp_path)
    assert vault.export(subject, "u-1", NOW) == {}
    assert vault.erase(subject, "u-1", NOW) == 0
    with pytest.raises(PersonalError, match="nobody"):
        vault.put(subject, "reports", "email", MAIL, NOW, LATER)
    assert [line.action for line in vault.accesses(10)] == ["erase"]


def test_an_old_copy_of_the_database_tells_nothing_after_erasure(
    vault: Vault, tmp_path: Path
) -> None:
    """A backup holds sealed fields only; the key is not in it."""
    subject = somebody(vault)
    copy = sqlite3.connect(tmp_path / "copy")
    vault._conn.backup(copy)
    copy.close()
    vault.erase(subject, "u-1", NOW)
    vault.close()
    (tmp_path / "copy").replace(tmp_path / "personal.sqlite")
    back = open_vault(tmp_path)
    assert back.get(subject, "email", "u-1", NOW) is None
    assert back.held() == []  # and what cannot be read is swept
    back.close()


def test_time_is_capped_and_ends(vault: Vault) -> None:
    subject = somebody(vault)
    vault.put(subject, "reports", "phone", b"06", NOW, NOW + 99 * 366 * DAY)
    end = NOW + PURPOSES["reports"].days * DAY
    assert vault.get(subject, "phone", "u-1", end - 1) == b"06"
    assert vault.get(subject, "phone", "u-1", end) is None
    assert vault.get(subject, "email", "u-1", LATER) is None  # also before any purge
    assert vault.export(subject, "u-1", LATER) == {"phone": b"06"}
    with pytest.raises(PersonalError, match="end before"):
        vault.put(subject, "reports", "email", MAIL, NOW, NOW)


def test_purge_proves_itself_and_forgets_the_key_with_the_last_field(
    vault: Vault, tmp_path: Path
) -> None:
    subject, key = somebody(vault, a=b"1", b=b"2"), key_of(tmp_path)
    account = vault.subject("account", NOW)
    vault.put(account, "account", "totp", b"x", NOW, LATER + DAY)
    assert vault.purge(LATER - 1) == []
    assert vault.purge(LATER) == [Purged("reports", 2, LATER)]
    assert key not in on_disk(tmp_path)
    assert vault.purge(LATER) == []
    assert [one.purpose for one in vault.held()] == ["account"]
    with pytest.raises(PersonalError, match="nobody"):
        vault.put(subject, "reports", "a", b"1", LATER, LATER + 1)


def test_somebody_just_made_has_an_hour(vault: Vault) -> None:
    subject = vault.subject("reports", NOW)
    vault.purge(NOW + PERSONAL_EMPTY_S * 1000 - 1)
    vault.put(subject, "reports", "email", MAIL, NOW, LATER)
    forgotten = vault.subject("reports", NOW)
    vault.purge(NOW + PERSONAL_EMPTY_S * 1000)
    with pytest.raises(PersonalError):
        vault.put(forgotten, "reports", "email", MAIL, NOW, LATER)
    assert vault.get(subject, "email", "u-1", NOW) == MAIL


def test_a_sealed_field_cannot_be_moved(vault: Vault) -> None:
    """Insider with the database: another person, another name, another purpose."""
    one, other = somebody(vault), somebody(vault)
    moves = (
        ("subject = ?1", other, "email"),
        ("name = ?1", "phone", "phone"),
        ("purpose = ?1", "account", "email"),
    )
    for change, value, name in moves:
        vault._conn.execute("BEGIN")
        vault._conn.execute("DELETE FROM field WHERE subject = ?", (other,))
        vault._conn.execute(f"UPDATE field SET {change} WHERE subject = ?2", (value, one))  # noqa: S608
        vault._conn.execute("COMMIT")
        asked = other if change.startswith("subject") else one
        with pytest.raises(PersonalError, match="damaged or was moved"):
            vault.get(asked, name, "u-1", NOW)
        vault._conn.execute("DELETE FROM field")
        for subject in (one, other):
            vault.put(subject, "reports", "email", MAIL, NOW, LATER)


def test_the_access_log_only_grows(vault: Vault) -> None:
    subject = somebody(vault)
    for n in range(3):
        vault.get(subject, "email", f"u-{n}", NOW + n)
    for statement in ("DELETE FROM access", "UPDATE access SET actor = 'u-9'"):
        with pytest.raises(sqlite3.Error, match="only grows"):
            vault._conn.execute(statement)
    assert vault.check() == []
    vault._conn.execute("DROP TRIGGER access_stays")
    vault._conn.execute("UPDATE access SET actor = 'u-9' WHERE id = 2")
    assert vault.check() == ["access log: line 2 or the one before it was changed"]
    vault._conn.execute("DROP TRIGGER access_kept")
    vault._conn.execute("DELETE FROM access WHERE id = 2")
    assert vault.check() == ["access log: lines are missing before 3"]


def test_old_lines_of_the_access_log_end_and_the_rest_still_verifies(vault: Vault) -> None:
    subject = somebody(vault)
    for n in range(3):
        vault.get(subject, "email", f"u-{n}", NOW + n * DAY)
    vault.purge(NOW + ACCESS_LOG_DAYS * DAY)
    lines = vault.accesses(10)
    assert [(line.action, line.name, line.fields) for line in lines[:2]] == [
        ("purge", "access_log", 1),
        ("purge", "reports", 1),
    ]
    assert len(lines) == 4
    assert vault.check() == []
    vault._conn.execute("DROP TRIGGER access_stays")
    vault._conn.execute("UPDATE access SET actor = 'u-9' WHERE id = 3")
    assert vault.check() != []


def test_limits(vault: Vault) -> None:
    subject = vault.subject("reports", NOW)
    for n in range(PERSONAL_FIELDS_MAX):
        vault.put(subject, "reports", f"f{n}", b"x", NOW, LATER)
    vault.put(subject, "reports", "f0", b"y", NOW, LATER)
    with pytest.raises(PersonalError, match="at most"):
        vault.put(subject, "reports", "one_more", b"x", NOW, LATER)
    for name in ("", "É", "a b", "../x", "A", "x" * 65):
        with pytest.raises(PersonalError, match="name"):
            vault.put(subject, "reports", name, b"x", NOW, LATER)
    with pytest.raises(PersonalError, match="bytes"):
        vault.put(subject, "reports", "big", bytes(16 * 1024 * 1024 + 1), NOW, LATER)
    for purpose in ("", "marketing"):
        with pytest.raises(PersonalError, match="declare"):
            vault.subject(purpose, NOW)
        with pytest.raises(PersonalError, match="declare"):
            vault.put(subject, purpose, "f0", b"x", NOW, LATER)


def test_an_error_never_holds_the_datum(vault: Vault) -> None:
    subject = somebody(vault)
    vault._conn.execute("DROP TABLE access")
    with pytest.raises(PersonalError) as caught:
        vault.get(subject, "email", "u-1", NOW)
    assert MAIL.decode() not in repr(caught.value)
    assert caught.value.__suppress_context__


def test_no_reading_without_its_line(vault: Vault) -> None:
    """The line first: what cannot be noted is not handed out."""
    subject = somebody(vault)
    vault._conn.execute(
        "CREATE TRIGGER full BEFORE INSERT ON access BEGIN SELECT RAISE(ABORT, 'full'); END"
    )
    with pytest.raises(PersonalError):
        vault.get(subject, "email", "u-1", NOW)
    with pytest.raises(PersonalError):
        vault.export(subject, "u-1", NOW)


def test_two_processes_do_not_share_it(vault: Vault, tmp_path: Path) -> None:
    with pytest.raises(PersonalError, match="in use"):
        open_vault(tmp_path)


def test_canaries_stay_and_are_not_counted(vault: Vault) -> None:
    canary = vault.plant("reports", {"email": b"c@exemple.fr"}, NOW)
    vault.purge(NOW + 3_000 * DAY)
    assert vault.canaries() == {canary}
    assert vault.held() == []
    assert canary in vault.subjects("reports", 10, "u-1", NOW)


class TestDamage:
    def test_a_damaged_key_costs_one_person(self, tmp_path: Path) -> None:
        vault = open_vault(tmp_path)
        one, other = somebody(vault), somebody(vault)
        vault.close()
        path = tmp_path / "personal.keys"
        raw = bytearray(path.read_bytes())
        raw[SLOT_BYTES + 30] ^= 1
        path.write_bytes(raw)
        back = open_vault(tmp_path)
        assert back.check() == ["personal.keys: slot 0 is damaged"]
        assert {back.get(s, "email", "u-1", NOW) for s in (one, other)} == {None, MAIL}
        back.close()

    def test_a_torn_end_is_cut_off(self, tmp_path: Path) -> None:
        vault = open_vault(tmp_path)
        somebody(vault)
        vault.close()
        with (tmp_path / "personal.keys").open("ab") as file:
            file.write(b"key1 and so on")
        open_vault(tmp_path).close()
        assert (tmp_path / "personal.keys").stat().st_size == 2 * SLOT_BYTES

    @pytest.mark.parametrize("size", [0, 1, 63])
    def test_a_birth_that_was_cut_off(self, tmp_path: Path, size: int) -> None:
        open_vault(tmp_path).close()
        os.truncate(tmp_path / "personal.keys", size)
        open_vault(tmp_path).close()

    def test_another_file_is_not_overwritten(self, tmp_path: Path) -> None:
        (tmp_path / "personal.keys").write_bytes(b"something else entirely".ljust(200))
        with pytest.raises(PersonalError, match="not a key file"):
            open_vault(tmp_path)

    def test_a_foreign_slot_opens_nothing(self, tmp_path: Path) -> None:
        """A slot that was given to somebody else never serves an old row."""
        vault = open_vault(tmp_path)
        one = somebody(vault)
        vault._keys.erase(0)  # a crash behind the erasure of the key
        vault._keys.take(b"somebody else...", bytes(32))
        assert vault.get(one, "email", "u-1", NOW) is None
        vault.close()

    def test_a_lost_file_destroys_nothing(self, tmp_path: Path) -> None:
        """Somebody moves the database away, starts the hub, and puts it back."""
        vault = open_vault(tmp_path)
        people = [somebody(vault) for _ in range(3)]
        vault.close()
        for name in ("personal.sqlite", "personal.keys"):
            away = tmp_path / "away"
            (tmp_path / name).rename(away)
            without = open_vault(tmp_path)
            assert len(without.check()) == 1
            assert "3" in without.check()[0]
            assert without.get(people[0], "email", "u-1", NOW) is None
            without.close()
            away.replace(tmp_path / name)
            back = open_vault(tmp_path)
            assert [back.get(one, "email", "u-1", NOW) for one in people] == [MAIL] * 3
            assert back.check() == []
            back.close()


def test_an_erasure_that_was_cut_off_is_on_the_list_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the lines of the access log an older copy learns whom to erase again. The key was gone
    and no line told of it: with that copy the person would have come back."""
    vault = open_vault(tmp_path)
    subject = somebody(vault)
    real = KeyFile.erase

    def power_cut(keys: KeyFile, slot: int) -> None:
        real(keys, slot)
        raise RuntimeError("power")

    with monkeypatch.context() as patch:
        patch.setattr(KeyFile, "erase", power_cut)
        with pytest.raises(RuntimeError):
            vault.erase(subject, "u-1", NOW + 1)
    vault.close()
    again = open_vault(tmp_path)
    assert again.erased() == [subject]
    assert again.check() == []
    again.close()
    assert erased_in(tmp_path) == [subject]

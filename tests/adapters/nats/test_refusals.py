"""The broker's log is read once, over rotation, and cannot be forged by a client id."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from beffroi.adapters.nats.refusals import LogReader, Refusal, parse

HEAD = "[1] 2026/11/24 08:06:13.538588 [ERR] 127.0.0.1:46536 - mid:16 - "


def line(device="dev-1", subject="d.dev-2.tele", what="Publish"):
    return f'{HEAD}"{device}" - {what} Violation - Subject "{subject}"'


def test_violations_are_understood():
    assert parse(line()) == Refusal("dev-1", "publish", "d.dev-2.tele")
    found = parse(line(what="Subscription", subject=">") + ", SID >")
    assert found == Refusal("dev-1", "subscription", ">")


TWIN = (
    '[1] 2026/11/24 13:08:10.323504 [WRN] 127.0.0.1:36666 - mid:39 - "dev-1" - Replacing old '
    'client "127.0.0.1:36658 - mid:23 - \\"dev-1\\"" since both have the same client ID "dev-1"'
)


def test_a_session_taken_over_is_understood():
    assert parse(TWIN) == Refusal("dev-1", "session", "127.0.0.1:36666")
    forged = f'{HEAD}"x - Replacing old client \\"" - authentication error'
    assert parse(forged) is None


def test_a_client_id_cannot_write_a_violation_of_somebody_else():
    forged = f'{HEAD}"x\\" - Publish Violation - Subject \\"d.dev-2" - authentication error'
    inside = f'{HEAD}"{line()}" - authentication error'
    assert parse(forged) is None
    assert parse(inside) is None


@given(st.text(max_size=200))
def test_any_line_is_survived(text):
    assert parse(text) is None or text.startswith("[")


def test_each_refusal_is_told_once_over_restart_and_rotation(tmp_path):
    log = tmp_path / "server.log"
    log.write_text(line() + "\n" + line() + "\nhalf a li")
    reader = LogReader(tmp_path)
    assert sum(reader.news().values()) == 2
    assert not reader.news()
    with log.open("a") as file:
        file.write("ne\n" + line("dev-3") + "\n")
    log.rename(tmp_path / "server.log.2026")
    log.write_text(line("dev-4") + "\n")
    again = LogReader(tmp_path)
    assert {refusal.device for refusal in again.news()} == {"dev-3", "dev-4"}
    assert not LogReader(tmp_path).news()


def test_a_flood_of_subjects_is_one_entry(tmp_path):
    text = "\n".join(line(subject=f"x.{i}") for i in range(1_000)) + "\n"
    (tmp_path / "server.log").write_text(text)
    news = LogReader(tmp_path).news()
    assert list(news.values()) == [1_000]

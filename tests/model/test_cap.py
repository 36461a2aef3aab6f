"""Which alerts are in force: ends, updates, cancellations, in any order of arrival."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from beffroi.model.cap import Alert, Info, Ref, in_force

NOW = 1_780_000_000_000
HOUR = 3_600_000
INFO = Info(("Met",), "Orage", "Immediate", "Severe", "Observed", expires_ms=NOW + 2 * HOUR)
FIRST = Alert("a-1", "meteo", NOW, "Actual", "Alert", "Public", infos=(INFO,))


def after(alert: Alert, kind: str, minutes: int = 1, **changes: object) -> Alert:
    later = replace(alert, identifier=f"{alert.identifier}+{kind}", msg_type=kind,
                    sent_ms=alert.sent_ms + minutes * 60_000, references=(alert.ref,))  # fmt: skip
    return replace(later, **changes)  # type: ignore[arg-type]


def held(*alerts: Alert, at: int = NOW + HOUR) -> list[str]:
    return [alert.identifier for alert in in_force(alerts, at)]


def test_an_alert_ends() -> None:
    assert held(FIRST) == ["a-1"]
    assert held(FIRST, at=NOW + 2 * HOUR) == []


def test_an_update_replaces_and_a_cancellation_ends_in_any_order() -> None:
    update = after(FIRST, "Update")
    assert held(FIRST, update) == held(update, FIRST) == ["a-1+Update"]
    cancel = after(update, "Cancel")
    for order in ((FIRST, update, cancel), (cancel, update, FIRST), (update, cancel, FIRST)):
        assert held(*order) == []


def test_nobody_cancels_anothers_alert() -> None:
    assert held(FIRST, after(FIRST, "Cancel", sender="stranger")) == ["a-1"]


def test_an_exercise_never_ends_an_actual_alert() -> None:
    assert held(FIRST, after(FIRST, "Cancel", status="Exercise")) == ["a-1"]
    assert held(FIRST, after(FIRST, "Cancel", status="Test")) == ["a-1"]


def test_what_was_sent_before_it_cannot_cancel_it() -> None:
    assert held(FIRST, after(FIRST, "Cancel", minutes=-5)) == ["a-1"]


def test_receipts_and_errors_are_no_alerts() -> None:
    assert held(after(FIRST, "Ack"), after(replace(FIRST, note="?"), "Error")) == []


def test_an_alert_that_names_itself_is_still_there() -> None:
    odd = replace(FIRST, msg_type="Update", references=(Ref("meteo", "a-1", NOW),))
    assert held(odd) == ["a-1"]


@given(st.permutations(range(5)))
def test_the_order_of_arrival_makes_no_difference(order: list[int]) -> None:
    chain = [FIRST]
    for kind in ("Update", "Update", "Cancel"):
        chain.append(after(chain[-1], kind))
    other = replace(FIRST, identifier="b", sent_ms=NOW + 5)
    alerts = [*chain, other]
    assert held(*(alerts[i] for i in order)) == ["b"]

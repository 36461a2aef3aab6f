"""NTCIP 1203: show a message of the wiring's catalogue for some minutes, or nothing. Reads it back.

The order of the standard: open a changeable slot, write it, have the sign validate it, compare its
CRC with ours, activate with that CRC, ask whether it was. Nobody can show free text by this driver:
it holds templates, and what people choose is escaped so that it can be no tag.

Silence is safe: every activation ends by itself (never 65,535 minutes, which is for ever), and a
sign that would show something else than nothing afterwards is not told anything.
"""

from __future__ import annotations

import string
import time
from collections.abc import Mapping
from dataclasses import dataclass

from beffroi.guard.driver import FALL_BACK, DriverError, Shown
from beffroi.guard.drivers import ntcip_code as code
from beffroi.guard.drivers import ntcip_oids as oids
from beffroi.guard.drivers.limits import (
    ACTIONS_MAX,
    DISPLAY_MIN_MAX,
    DISPLAY_MS,
    MULTI_BYTES_MAX,
    SLOT_MAX,
    TEXT_CHARS_MAX,
    VALIDATE_MS,
    WORDS_MAX,
)
from beffroi.guard.drivers.ntcip_code import MessageId
from beffroi.guard.drivers.ntcip_oids import Oid
from beffroi.guard.drivers.ntcip_snmp import SetRefusedError, SnmpLink
from beffroi.guard.drivers.wiring import Fields, WiringError

POLL_S = 0.05
PRIORITY_BLANK = 255  # whatever stands there, nothing may stand there
BLANK_NUMBER = 1  # a blank of run-time priority 1: any message may follow it
OWNER = b"beffroi"

ENDED_MODES = (12, 14)  # dmsMsgSourceMode: commLoss, endDuration

ACTIVATE_ERRORS = {
    1: "other",
    3: "its priority is below what is shown",
    4: "the message is not validated",
    5: "no such memory",
    6: "no such message",
    7: "another text stands in the slot (CRC)",
    8: "its MULTI text is wrong",
    9: "somebody works at the sign (local mode)",
}
NUMBERS: Mapping[str, Oid] = {
    "control_mode": oids.CONTROL_MODE,
    "minutes_left": oids.MESSAGE_TIME_REMAINING,
    "source_mode": oids.MSG_SOURCE_MODE,
    "errors": oids.SHORT_ERROR_STATUS,
    "comm_loss_min": oids.TIME_COMM_LOSS,
}
BUFFER = {column: oids.message(column, oids.CURRENT_BUFFER, 1) for column in (3, 6, 7)}


@dataclass(frozen=True, slots=True)
class Showing:
    """An action: which parameters name the message and its minutes; "" for both is a blank."""

    message: str
    minutes: str


@dataclass(frozen=True, slots=True)
class SignWiring:
    messages: Mapping[str, str]
    actions: Mapping[str, Showing]
    slot: int
    priority: int


def read_sign(fields: Fields) -> SignWiring:
    messages = fields.texts("messages", WORDS_MAX, MULTI_BYTES_MAX)
    for name, multi in messages.items():
        if not multi or any(not _plain(field) for field in _fields(multi)):
            raise WiringError(f"{fields.where}.messages.{name}: fields are written {{name}}")
        code.encoded(multi)
    actions = {name: _showing(each) for name, each in fields.tables("actions", ACTIONS_MAX).items()}
    if FALL_BACK in actions:
        raise WiringError(f"{fields.where}.actions: {FALL_BACK} is not wired, it blanks")
    return SignWiring(
        messages,
        actions,
        fields.whole("slot", 1, SLOT_MAX, 1),
        fields.whole("priority", 1, 254, 128),
    )


def _plain(field: tuple[str, str | None, str | None, str | None]) -> bool:
    _, name, spec, conversion = field
    return name is None or (name.isidentifier() and not spec and conversion is None)


def _fields(multi: str) -> list[tuple[str, str | None, str | None, str | None]]:
    try:
        return list(string.Formatter().parse(multi))
    except ValueError:
        return [("", "", None, None)]


def _showing(fields: Fields) -> Showing:
    if fields.has("blank"):
        if not fields.flag("blank"):
            raise WiringError(f"{fields.where}: blank can only be true")
        showing = Showing("", "")
    else:
        showing = Showing(fields.text("message"), fields.text("minutes"))
    fields.done()
    return showing


def settable(wiring: SignWiring) -> frozenset[Oid]:
    columns = (oids.MULTI_STRING, oids.OWNER, oids.RUN_TIME_PRIORITY, oids.STATUS)
    slot = {oids.message(column, oids.CHANGEABLE, wiring.slot) for column in columns}
    return frozenset(slot | {oids.ACTIVATE_MESSAGE})


class SignDriver:
    """One message sign. Implements guard.driver.Driver."""

    def __init__(self, wiring: SignWiring, link: SnmpLink) -> None:
        self._wiring, self._link = wiring, link

    def read(self) -> Shown:
        """`text` is what stands there, lines apart by " / "; `shown_crc` is computed here from it,
        `source_crc` is what the sign says. `ours`: it shows the message of our slot, or nothing
        since that one ended by itself: a message that ends in time is no foreign hand."""
        self._link.begin()
        return self._facts()

    def act(self, action: str, params: Mapping[str, int | str]) -> None:
        showing = self._showing(action)
        if not showing.message:
            _only(params, set())
            self.fall_back()
            return
        multi, minutes = self._message(showing, params)
        self._link.begin()
        self._ready()
        self._store(multi)
        message = MessageId(oids.CHANGEABLE, self._wiring.slot, code.message_crc(multi))
        self._activate(code.activation(message, minutes, self._wiring.priority))
        self._stands(message.crc)

    def expects(self, action: str, params: Mapping[str, int | str]) -> Shown:
        showing = Showing("", "") if action == FALL_BACK else self._showing(action)
        if not showing.message:
            _only(params, set())
            return {"blank": 1}
        multi, _ = self._message(showing, params)
        return {"ours": 1, "slot_crc": code.message_crc(multi)}

    def fall_back(self) -> None:
        """Nothing on the sign, whatever stands there."""
        self._link.begin()
        blank = MessageId(oids.BLANK, BLANK_NUMBER, 0)
        self._activate(code.activation(blank, 0xFFFF, PRIORITY_BLANK))

    def close(self) -> None:
        self._link.close()

    def _facts(self) -> dict[str, int | str]:
        single = (oids.MSG_TABLE_SOURCE, oids.END_DURATION_MESSAGE, oids.COMM_LOSS_MESSAGE)
        slot = self._cell(oids.CRC)
        values = self._link.get([*NUMBERS.values(), *single, *BUFFER.values(), slot])
        numbers = {
            name: value for name, oid in NUMBERS.items() if isinstance(value := values[oid], int)
        }
        source, slot_crc = values[oids.MSG_TABLE_SOURCE], values[slot]
        if not isinstance(source, bytes) or "control_mode" not in numbers:
            raise DriverError(f"{self._link.name}: no dmsMsgTableSource: not a message sign?")
        if not isinstance(slot_crc, int):
            raise DriverError(f"{self._link.name}: no changeable message {self._wiring.slot}")
        shown = self._source(code.read_id(source), values)
        ended = shown["blank"] and numbers.get("source_mode") in ENDED_MODES
        standing = slot_crc and shown["shown_crc"] == shown["source_crc"] == slot_crc
        shown |= {"slot_crc": slot_crc, "ours": int(bool(ended or standing)), **numbers}
        for name, oid in (("end_blank", single[1]), ("comm_loss_blank", single[2])):
            if isinstance(value := values[oid], bytes):
                shown[name] = int(code.read_id(value).memory == oids.BLANK)
        return shown

    def _source(
        self, source: MessageId, values: Mapping[Oid, int | bytes | None]
    ) -> dict[str, int | str]:
        multi, beacon, pixels = (values[oid] for oid in BUFFER.values())
        multi = multi if isinstance(multi, bytes) else b""
        lit = [flag if isinstance(flag, int) else 0 for flag in (beacon, pixels)]
        blank = not code.lines(multi) and not lit[0]
        return {
            "text": _text(multi),
            "blank": int(blank),
            "shown_crc": 0 if source.memory == oids.BLANK else code.message_crc(multi, *lit),
            "source_crc": source.crc,
            "memory": source.memory,
            "number": source.number,
        }

    def _ready(self) -> None:
        facts = self._facts()
        if facts["control_mode"] not in (oids.CENTRAL, oids.CENTRAL_OVERRIDE):
            raise DriverError(
                f"{self._link.name}: control mode {facts['control_mode']}: somebody else commands"
            )
        if facts.get("end_blank", 1) != 1:
            raise DriverError(
                f"{self._link.name}: the sign would show something at the end of the message; set "
                "its dmsEndDurationMessage to a blank"
            )

    def _store(self, multi: bytes) -> None:
        slot = self._wiring.slot
        status = self._cell(oids.STATUS)
        self._set({status: oids.MODIFY_REQ})
        self._wait(oids.MODIFYING)
        self._set(
            {
                self._cell(oids.MULTI_STRING): multi,
                self._cell(oids.OWNER): OWNER,
                self._cell(oids.RUN_TIME_PRIORITY): self._wiring.priority,
            }
        )
        self._set({status: oids.VALIDATE_REQ})
        self._wait(oids.VALID)
        crc = self._link.get([self._cell(oids.CRC)])[self._cell(oids.CRC)]
        if crc != code.message_crc(multi):
            raise DriverError(f"{self._link.name}: slot {slot} holds another message (CRC {crc!r})")

    def _wait(self, wanted: int) -> None:
        until_s = time.monotonic() + VALIDATE_MS / 1000
        status = self._cell(oids.STATUS)
        while (now := self._link.get([status])[status]) != wanted:
            if now == oids.ERROR or time.monotonic() >= until_s:
                raise DriverError(
                    f"{self._link.name}: message status {now!r} instead of {wanted}{self._why()}"
                )
            time.sleep(POLL_S)

    def _stands(self, crc: int) -> None:
        """The sign said yes: is it there?"""
        until_s = time.monotonic() + DISPLAY_MS / 1000
        while True:
            facts = self._facts()
            if facts["shown_crc"] == facts["source_crc"] == crc:
                return
            if time.monotonic() >= until_s:
                raise DriverError(
                    f"{self._link.name}: it said that it shows the message, and shows "
                    f"{facts['text']!r}"
                )
            time.sleep(POLL_S)

    def _why(self) -> str:
        names = {
            oids.VALIDATE_MESSAGE_ERROR: "error",
            oids.MULTI_SYNTAX_ERROR: "syntax error",
            oids.MULTI_SYNTAX_ERROR_POSITION: "at",
        }
        values = self._link.get(list(names))
        return ", " + ", ".join(f"{name} {values[oid]!r}" for oid, name in names.items())

    def _activate(self, activation: bytes) -> None:
        try:
            self._link.set({oids.ACTIVATE_MESSAGE: activation})
        except SetRefusedError:
            # The standard has the sign say why in an object of its own.
            error = self._activate_error()
            raise DriverError(f"{self._link.name}: not shown: {error}") from None
        error = self._activate_error()
        if error:
            raise DriverError(f"{self._link.name}: not shown: {error}")

    def _activate_error(self) -> str:
        value = self._link.get([oids.ACTIVATE_MSG_ERROR])[oids.ACTIVATE_MSG_ERROR]
        if value == oids.NO_ERROR:
            return ""
        return ACTIVATE_ERRORS.get(value if isinstance(value, int) else 0, f"error {value!r}")

    def _set(self, pairs: Mapping[Oid, int | bytes]) -> None:
        self._link.set(pairs)

    def _cell(self, column: int) -> Oid:
        return oids.message(column, oids.CHANGEABLE, self._wiring.slot)

    def _showing(self, action: str) -> Showing:
        if action not in self._wiring.actions:
            raise DriverError(f"{self._link.name}: no action {action} is wired")
        return self._wiring.actions[action]

    def _message(self, showing: Showing, params: Mapping[str, int | str]) -> tuple[bytes, int]:
        """The MULTI bytes and the minutes. DriverError unless exactly what the template needs."""
        name, minutes = params.get(showing.message), params.get(showing.minutes)
        if not isinstance(name, str) or name not in self._wiring.messages:
            raise DriverError(f"{name!r} is no message of the wiring")
        if not isinstance(minutes, int) or not 1 <= minutes <= DISPLAY_MIN_MAX:
            raise DriverError(f"{minutes!r} minutes: 1 to {DISPLAY_MIN_MAX}, never for ever")
        template = self._wiring.messages[name]
        wanted = {field for _, field, _, _ in _fields(template) if field is not None}
        _only(params, wanted | {showing.message, showing.minutes})
        chosen = {field: code.escaped(str(params[field])) for field in wanted}
        return code.encoded(template.format_map(chosen)), minutes


def _only(params: Mapping[str, int | str], wanted: set[str]) -> None:
    if set(params) != wanted:
        raise DriverError(
            f"parameters {', '.join(sorted(params)) or 'none'} given, "
            f"{', '.join(sorted(wanted)) or 'none'} wired"
        )


def _text(multi: bytes) -> str:
    return " / ".join(code.lines(multi))[:TEXT_CHARS_MAX]

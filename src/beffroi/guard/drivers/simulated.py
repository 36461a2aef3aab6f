"""Equipment that exists only in memory: for the lab, tests and training, with faults to inject.

The wiring says what it is:

    shows   = {level_pct = 100, power_w = 90}      what it shows at first
    safe    = {level_pct = 100}                    what the safe local state sets
    actions = {dim = {level_pct = "$level_pct"}}   what an action sets: "$x" is the parameter x
    address = "127.0.0.1:7001"                     the equipment is a process (see `equipment`)

Without `address` the equipment lives and dies with the guard. With it, others can write to it too,
as they can to a real one that has no lock.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from beffroi.guard.driver import FALL_BACK, Driver, DriverError, Shown

ANSWER_S_MAX = 2.0
LINE_BYTES_MAX = 65_536
_NO_FAULTS: Mapping[str, Any] = {}


class Plan:
    """What actions set, without any equipment."""

    def __init__(self, wiring: Mapping[str, Any]) -> None:
        self.safe = _values(wiring.get("safe", {}), "safe")
        actions = wiring.get("actions", {})
        if not isinstance(actions, Mapping):
            raise ValueError("actions is a table of tables")
        self._actions = {name: _values(sets, f"actions.{name}") for name, sets in actions.items()}

    def sets(self, action: str, params: Shown) -> Shown:
        if action == FALL_BACK:
            return self.safe
        if action not in self._actions:
            raise DriverError(f"the wiring has no action {action}")
        sets: dict[str, int | str] = {}
        for name, value in self._actions[action].items():
            if isinstance(value, str) and value.startswith("$"):
                if value[1:] not in params:
                    raise DriverError(f"{action} needs {value[1:]}")
                sets[name] = params[value[1:]]
            else:
                sets[name] = value
        return sets


class Simulated:
    """A driver with its equipment inside. Faults: see `fault`."""

    def __init__(self, wiring: Mapping[str, Any]) -> None:
        self._plan = Plan(wiring)
        self._values = dict(_values(wiring.get("shows", {}), "shows"))
        self._late: list[tuple[int, Shown]] = []
        self._faults = _NO_FAULTS
        self.effects: list[tuple[str, Shown]] = []

    def fault(self, **faults: Any) -> None:
        """`deaf`: obeys nothing. `late`: obeys after so many reads. `mute`: does not answer.
        `shows`: values that it shows instead of its own. Replaces the faults before."""
        self._faults = faults

    def write(self, values: Shown) -> None:
        """A foreign hand: past the guard."""
        self._values.update(values)

    def read(self) -> Shown:
        self._heard()
        self._late = [(reads - 1, sets) for reads, sets in self._late]
        for reads, sets in self._late:
            if reads <= 0:
                self._values.update(sets)
        self._late = [one for one in self._late if one[0] > 0]
        return {**self._values, **self._faults.get("shows", {})}

    def act(self, action: str, params: Shown) -> None:
        self._set(action, self._plan.sets(action, params))

    def expects(self, action: str, params: Shown) -> Shown:
        return self._plan.sets(action, params)

    def fall_back(self) -> None:
        self._set(FALL_BACK, self._plan.safe)

    def close(self) -> None:
        """Nothing to let go."""

    def _set(self, action: str, sets: Shown) -> None:
        self._heard()
        self.effects.append((action, dict(sets)))
        if self._faults.get("late"):
            self._late.append((self._faults["late"], sets))
        elif not self._faults.get("deaf"):
            self._values.update(sets)

    def _heard(self) -> None:
        if self._faults.get("mute"):
            raise DriverError("the equipment does not answer")


class Remote:
    """The same wiring, the equipment in a process of its own: a line of JSON each way."""

    def __init__(self, wiring: Mapping[str, Any], address: str) -> None:
        host, _, port = address.rpartition(":")
        if not host or not port.isdigit():
            raise ValueError(f"address is host:port, not {address!r}")
        self._plan = Plan(wiring)
        self._at = (host, int(port))
        self._link: socket.socket | None = None

    def read(self) -> Shown:
        return _values(self._ask({"do": "read"}).get("shown"), "shown")

    def act(self, action: str, params: Shown) -> None:
        sets = self._plan.sets(action, params)
        self._ask({"do": "act", "action": action, "params": dict(params), "sets": dict(sets)})

    def expects(self, action: str, params: Shown) -> Shown:
        return self._plan.sets(action, params)

    def fall_back(self) -> None:
        self._ask({"do": FALL_BACK, "sets": dict(self._plan.safe)})

    def close(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None

    def _ask(self, question: Mapping[str, Any]) -> Mapping[str, Any]:
        for fresh in (False, True):  # a link that broke since the last question is made anew once
            try:
                return self._once(question)
            except (OSError, ValueError) as error:
                self.close()
                if fresh or isinstance(error, TimeoutError):
                    raise DriverError(
                        f"equipment at {self._at[0]}:{self._at[1]}: {error}"
                    ) from error
        raise DriverError("the equipment does not answer")

    def _once(self, question: Mapping[str, Any]) -> Mapping[str, Any]:
        if self._link is None:
            self._link = socket.create_connection(self._at, ANSWER_S_MAX)
            self._link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._link.settimeout(ANSWER_S_MAX)
        self._link.sendall(json.dumps(question).encode() + b"\n")
        data = b""
        while not data.endswith(b"\n"):
            got = self._link.recv(LINE_BYTES_MAX)
            if not got or len(data) > LINE_BYTES_MAX:
                raise ConnectionError("it hung up")
            data += got
        answer = json.loads(data)
        if not isinstance(answer, dict) or answer.get("error"):
            raise DriverError(str(answer.get("error") if isinstance(answer, dict) else answer))
        return answer


def open(wiring: Mapping[str, Any]) -> Driver:  # noqa: A001 - the name that every driver has
    """ValueError when the wiring is wrong."""
    with suppress(KeyError):
        return Remote(wiring, str(wiring["address"]))
    return Simulated(wiring)


def _values(raw: Any, where: str) -> Shown:
    if not isinstance(raw, Mapping) or not all(
        isinstance(name, str) and isinstance(value, int | str) for name, value in raw.items()
    ):
        raise ValueError(f"{where} is a table of whole numbers and texts")
    return {name: int(value) if isinstance(value, bool) else value for name, value in raw.items()}

"""What stands in a cabinet of the lab, by kind of asset: how it shows itself and what moves it.

The driver is the simulated one; the equipment behind it is a server that keeps a ledger of its own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from beffroi.model.asset import Asset

FLASHING = 0  # a junction's plan number that is none: its lamps flash amber
Values = Mapping[str, int | str]


@dataclass(frozen=True, slots=True)
class Wiring:
    """`shows` at first, `safe`: what the safe local state sets, `actions`: what each one sets ("$x"
    is the parameter x), `code_param`: see `guard.toml`."""

    shows: Values
    safe: Values
    actions: Mapping[str, Values] = field(default_factory=dict)
    code_param: str = ""

    def toml(self, target: str, address: str, neighbours: tuple[str, ...] = ()) -> str:
        """The tables of `guard.toml`; `address` is where the equipment listens."""
        lines = [f"[targets.{target}]", 'driver = "simulated"']
        if neighbours:
            lines.append(f"neighbours = {json.dumps(list(neighbours))}")
        if self.code_param:
            lines.append(f"code_param = {json.dumps(self.code_param)}")
        lines += [
            f"[targets.{target}.wiring]",
            f"address = {json.dumps(address)}",
            f"safe = {_inline(self.safe)}",
            f"actions = {_inline(self.actions)}",
        ]
        return "\n".join(lines) + "\n"


def wiring(asset: Asset) -> Wiring | None:
    """None for what nothing of the lab drives."""
    if asset.kind == "junction":
        local = int(asset.attrs["junction"]["local"])
        return Wiring(
            {"plan": local},
            {"plan": local},
            {
                "select_plan": {"plan": "$plan"},
                "local": {"plan": local},
                "flash": {"plan": FLASHING},
            },
        )
    return _KINDS.get(asset.kind)


_LAMP = Wiring(
    {"level_pct": 100}, {"level_pct": 100},
    {"dim": {"level_pct": "$level_pct"}, "on": {"level_pct": 100}},
)  # fmt: skip
_MESSAGE: Values = {"template": "$template", "code": "$code"}
_BLANK: Values = {"template": "", "code": ""}
_KINDS = {
    "luminaire": _LAMP,
    "cabinet": _LAMP,
    "valve": Wiring(
        {"pressure_mbar": 2_600}, {"pressure_mbar": 2_600},
        {"set": {"pressure_mbar": "$pressure_mbar"}, "local": {"pressure_mbar": 2_600}},
    ),
    "doser": Wiring(
        {"dose_ugl": 350, "flow_lph": 5_200, "chlorine_ugl": 320}, {"dose_ugl": 350},
        {"set": {"dose_ugl": "$dose_ugl"}, "local": {"dose_ugl": 350}},
    ),
    "board": Wiring(
        _BLANK, _BLANK, {"show": _MESSAGE, "alert": _MESSAGE, "blank": _BLANK}, code_param="code"
    ),
}  # fmt: skip


def _inline(value: Any) -> str:
    """TOML: inline tables, whole numbers and texts."""
    if isinstance(value, Mapping):
        inside = ", ".join(f"{json.dumps(name)} = {_inline(one)}" for name, one in value.items())
        return f"{{ {inside} }}"
    return json.dumps(value)

"""Raw values of water devices to the names and units of `entities`. Knows no vendor's bytes.

Model "" uses our names. "metric" is telemetry in metres of water and cubic metres per hour.
"ctown" is a SCADA export with tags of the C-Town kind: `L_*` in m, `F_*` in L/s, `S_*` 0 or 1 and
`P_*` in metres of water, made bar here; the device's `points` say which asset each tag is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from beffroi.domains.base import plain
from beffroi.domains.units import Scale, scaled
from beffroi.model.asset import Label

BAR_PER_MH2O = 0.0980665
MODELS = {
    "": Label("Noms simples (L/s, bar, m)", "Plain names (L/s, bar, m)"),
    "metric": Label("Télégestion en m³/h et mCE", "Telemetry in m³/h and mH2O"),
    "ctown": Label("SCADA à balises L_, F_, S_, P_ (mCE)", "SCADA with tags L_, F_, S_, P_ (mH2O)"),
}
_METRIC: Scale = {
    "pressure_mH2O": ("pressure_bar", BAR_PER_MH2O),
    "suction_mH2O": ("suction_bar", BAR_PER_MH2O),
    "upstream_mH2O": ("upstream_bar", BAR_PER_MH2O),
    "setting_mH2O": ("setting_bar", BAR_PER_MH2O),
    "flow_m3_h": ("flow_l_s", 1 / 3.6),
    "level_cm": ("level_m", 0.01),
}


def decode(model: str, raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """{property: value} in our units. DecodeError for an unknown model or a text for a number."""
    if model == "metric":
        return scaled(raw, _METRIC)
    if model == "ctown":
        return scaled(raw, {name: (name, BAR_PER_MH2O) for name in raw if name.startswith("P_")})
    return plain(model, raw)

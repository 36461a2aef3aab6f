"""Display boards and what is read back from them. A text is a number here (`catalogue.text_number`)
because readings are numbers; the text itself is in the command and on the board."""

from __future__ import annotations

from beffroi.domains.kind_table import properties
from beffroi.model.asset import Kind, Label

BLANK, MESSAGE, FAULT = 0, 1, 2
_TABLE = """
state | État | State | | 0 | 2 | 0 | 1 | 0 éteint/blank, 1 message/message, 2 en défaut/fault
shown_text | Empreinte du texte affiché | Fingerprint of the text shown | | 0 | 281474976710655 | 0 | 1
shown_code | Code affiché (nombre) | Code shown (number) | | 0 | 1073741823 | 0 | 1
brightness_pct | Luminosité | Brightness | % | 0 | 100 | 0 | 1
pixels_failed_pct | Points en panne | Failed pixels | % | 0 | 100 | 1 | 24
fault | Défaut signalé | Reported fault | | 0 | 1 | 0 | 24 | 0 non/no, 1 oui/yes
door_open | Porte | Door | | 0 | 1 | 0 | 24 | 0 fermée/closed, 1 ouverte/open
temperature_C | Température | Temperature | °C | -60 | 120 | 1
power_W | Puissance | Power | W | 0 | 20000 | 0
ordered_text | Empreinte du texte commandé | Fingerprint of the text ordered | | 0 | 281474976710655 | 0 | 24
ordered_code | Code commandé (nombre) | Code ordered (number) | | 0 | 1073741823 | 0 | 24
ordered_until_min | Ordre valable jusqu’à | Order holds until | min | 0 | 1e9 | 0 | 24
"""  # noqa: E501

BOARD = Kind(
    name="board",
    label=Label("Panneau à messages", "Message board"),
    properties=properties(_TABLE),
    headline="state",
    icon="board",
    derived=("ordered_text", "ordered_code", "ordered_until_min"),
)

"""The words of short-stay parking: bays and what their sensors measure.

Knows no plate, no driver, no tag: a bay is taken or free, and since when. Refuses to know fines.
"""

from __future__ import annotations

from beffroi.domains.bay import HEARD_MS
from beffroi.domains.kind_table import properties
from beffroi.model.asset import Kind, Label

RAW_SILENT_S = 900
STATEMENT_SILENT_S = HEARD_MS // 1_000  # of devices that tell changes alone

_TABLE = """
state | État | State | | 0 | 3 | 0 | 26 | 0 libre/free, 1 occupée/occupied, 2 durée dépassée/over the time limit, 3 inconnu/unknown
occupied | Occupation | Occupancy | | 0 | 1 | 0 | 26 | 0 libre/free, 1 occupée/occupied
confidence | Confiance | Confidence | | 0 | 1 | 3 | 26
stay_min | Durée d’occupation | Length of stay | min | 0 | 1e7 | 0 | 24
rotation_per_day | Rotation | Turnover | véh./j | 0 | 10000 | 0 | 48
mag_x_uT | Champ magnétique x | Magnetic field x | µT | -2000 | 2000 | 1 | 0.25
mag_y_uT | Champ magnétique y | Magnetic field y | µT | -2000 | 2000 | 1 | 0.25
mag_z_uT | Champ magnétique z | Magnetic field z | µT | -2000 | 2000 | 1 | 0.25
mag_dev_uT | Écart magnétique | Magnetic deviation | µT | 0 | 4000 | 1 | 0.25
radar_m | Distance radar | Radar distance | m | 0 | 20 | 2 | 0.25
radar_echo_db | Écho radar | Radar echo | dB | -60 | 120 | 1 | 0.25
ir_reflect | Réflexion infrarouge | Infrared reflection | | 0 | 1 | 2 | 0.25
occupied_mag | Occupation selon le magnétomètre | Occupancy by the magnetometer | | 0 | 1 | 0 | 26 | 0 libre/free, 1 occupée/occupied
occupied_radar | Occupation selon le radar | Occupancy by the radar | | 0 | 1 | 0 | 26 | 0 libre/free, 1 occupée/occupied
occupied_ir | Occupation selon l’infrarouge | Occupancy by the infrared sensor | | 0 | 1 | 0 | 26 | 0 libre/free, 1 occupée/occupied
occupied_device | Occupation selon le capteur | Occupancy by the sensor | | 0 | 1 | 0 | 26 | 0 libre/free, 1 occupée/occupied
battery_V | Pile | Battery | V | 0 | 60 | 2 | 72
temperature_C | Température | Temperature | °C | -60 | 100 | 1 | 48
"""  # noqa: E501

BAY = Kind(
    name="bay",
    label=Label("Place arrêt minute", "Short-stay bay"),
    properties=properties(_TABLE),
    headline="state",
    icon="bay",
    derived=("state", "occupied", "confidence", "stay_min", "rotation_per_day"),
)

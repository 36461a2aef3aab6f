"""Numbers of French practice that a junction is held to, each with where it comes from.

They are the "signal" rows of the project's table of limits (law/data/limits.yaml; key and mark in
the comment; V = read at the source named, M = from memory). Nothing here is a setting: amber and
clearance come from speeds and distances, never from a network, a page or a file of plans. The one
row marked M (`fault_time_ms_eu`) is not used at all. Knows no junction.
"""

from __future__ import annotations

# key: green_min_s (V; DDT25 sheet 20 quoting IISR part 6). Vehicles and pedestrians; 10 is better.
GREEN_S_MIN = 6
# key: amber_s (V; a trade source, IISR art. 110 itself was not read: to be confirmed). Fixed.
AMBER_S = 3  # up to AMBER_KMH
AMBER_FAST_S = 5
AMBER_KMH = 50
# key: clearance (V; DDT25 sheet 20): conflict distance over these speeds, per pair of streams.
CLEAR_VEHICLE_M_S = 10
CLEAR_PEDESTRIAN_M_S = 1
# key: max_wait_s (V; DDT25 sheet 20). The 240 s for public transport are not used.
WAIT_S_MAX = 120

# Bounds of Beffroi itself, not of any text: they keep the exploration finite and files readable.
GROUPS_MAX = 32
PLANS_MAX = 16
STAGES_MAX = 12
STAGE_S_MAX = 110
DISTANCE_M_MAX = 100
STATES_MAX = 300_000  # beyond it a junction is not proven, and that is said
NAME_CHARS_MAX = 80

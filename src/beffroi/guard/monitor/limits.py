"""Times of the conflict monitor, in milliseconds unless said otherwise.

CONFIRM and REACTION: a fault longer than 450 ms must trip, one shorter than 200 ms never does
(NEMA TS1/TS2 kind, as an NSM-E specification quotes it). Amber and clearance come with the card.
Those marked M are from memory or our own choice, not from a text that was read.
"""

PERIOD = 10  # between two looks at the lamps
CONFIRM = 200
REACTION_MAX = 450
# While the permit is given, two looks are at most this far apart: a fault is then seen, confirmed
# and answered within CONFIRM + 2 * GAP_MAX < REACTION_MAX, whatever the machine does besides.
GAP_MAX = 100
PERMIT_AGE_MAX = 150  # the output stage flashes when the permit has not moved for so long (M)
SILENCE = 200  # the controller writes its lamps more often than this, or it hangs (M)
TOLERANCE = 100  # of a measured amber or clearance: looks are not continuous (M)
START_RED = 1_000  # every group red for so long before the junction is handed over (M)
AMBER_EXTRA = 2_000  # an amber longer than its time by this is stuck (M)
STUCK = 300_000  # nothing changed at all; the longest wait allowed is 240 s
FLICKER = 450  # of faults too short to count alone that come back again and again (M)
FLICKER_LEAK = 4  # each is forgotten in four times its own length (M)

GROUPS_MAX = 32
CONFLICTS_MAX = GROUPS_MAX * (GROUPS_MAX - 1) // 2
CARD_BYTES_MAX = 65_536
EVENTS_BYTES_MAX = 1_048_576
AMBER_MIN, AMBER_MAX = 3_000, 5_000  # 3 s up to 50 km/h, 5 s above
CLEARANCE_MAX = 30_000

"""Every bound of the guard. Its own list, because it travels alone in a street cabinet."""

from __future__ import annotations

MESSAGE_BYTES_MAX = 1_048_576  # anything that the broker may send: a trust bundle is the largest
QUEUE_MAX = 64  # commands waiting to be judged; the hub repeats what finds no room
ANSWERS_MAX = 200  # commands whose receipt is given again for the same bytes
OUTBOX_MAX = 5_000  # receipts kept for a hub that is away; an older one lost shows as a gap
IN_FLIGHT_MAX = 20  # receipts sent and not yet acknowledged
RECEIPTS_FILE_BYTES_MAX = 1_048_576  # then it is written anew with what is still needed
RECORD_BYTES_MAX = 83_886_080  # all states (kernel: 64 MiB), and what is expected of targets

TICK_MS = 50
HANG_MS_MAX = 60_000  # without one step of its thread: the process ends, to be started anew
WATCH_MS = 2_000  # how often the equipment is looked at
SILENT_WATCH_MS = 30_000  # and how seldom at most, while it does not answer
FACTS_FRESH_MS = 1_000  # older facts are read again before a command is judged
READBACK_MS = 5_000  # within which the equipment must show what was asked; wiring may say more
READBACK_MS_MAX = 120_000
POLL_MS_MIN = 50  # between two looks at equipment that has just been told something
POLL_MS_MAX = 500
ODD_READS_MIN = 2  # a single odd reading is a glitch, two in a row are a change
SILENT_READS_MAX = 3  # then equipment that does not answer is reported
DURATION_PARAM = "minutes"  # an action that has it ends by itself: the guard sees to that
RETRY_MS = 10_000  # of a fallback that failed; also the least time between two such receipts
DEAF_MS_MIN = 12_000  # a link that brings nothing for so long is made anew (a lease comes every
DEAF_MS_MAX = 240_000  # 10 s); twice as long after each time in vain, at most so
STATUS_MS = 30_000
START_GRACE_MS = 30_000  # a guard restarted on equipment that stands as commanded waits so long

CLOCK_TOLERANCE_MS = 300_000  # between our time, the wall clock and what a lease says
CLOCK_SLEW_MS = 10  # a lease: how far our time follows the wall clock, 1 part in 1,000
WALL_MS_MAX = 32_503_680_000_000  # the year 3000: a broken clock shall not break the calendar
SEEN_MS_STEP = 3_600_000  # how much of the agreed time a power cut may forget
CLOCK_PROOF_LEASES = 3  # as many leases agree with a wall clock that jumped before we follow it

REFUSALS_BURST_MAX = 30  # refusals with a receipt (each costs a write): so many at once,
REFUSALS_PER_S = 2  # then so many a second; those beyond are counted in the next one
READBACK_ITEMS_MAX = 8

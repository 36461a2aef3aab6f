"""Every bound of the kernel. It has its own list because it travels alone, in a street cabinet."""

WIRE_BYTES_MAX = 16_384  # a command with its signatures and the proof that it is in the log
PAYLOAD_BYTES_MAX = 2_048
DOCUMENT_BYTES_MAX = 1_048_576  # a roster or an envelope
STATE_BYTES_MAX = 67_108_864  # all targets, each with a full day of effects
RECEIPT_BYTES_MAX = 4_096
SIGNED_BYTES_MAX = 4_096  # any payload that is signed: a command, lease, receipt or status
DEPTH_MAX = 12
ITEMS_MAX = 20_000  # in one map or list
SIGNATURES_MAX = 8
WEBAUTHN_BYTES_MAX = 1_024  # clientDataJSON or authenticatorData
MEMBERS_MAX = 1_000
TARGETS_MAX = 1_000  # of one guard
ACTIONS_MAX = 32
CASES_MAX = 32
CONDITIONS_MAX = 16
RANGES_MAX = 16
CHOICES_MAX = 500
PARAMS_MAX = 8
FACTS_MAX = 64
TEXT_CHARS_MAX = 200
ID_CHARS_MAX = 80
SENTENCE_CHARS_MAX = 300
PROOF_HASHES_MAX = 64
NOTE_BYTES_MAX = 4_096
NOTE_LINES_MAX = 16

WHOLE_MAX = 2**53 - 1  # every number is a whole number that any language can hold
COUNTER_JUMP_MAX = 1_000  # a stolen hub key cannot burn the counter: the root alone moves the epoch
LIFETIME_MS_MAX = 24 * 3_600_000
EFFECTS_MAX = 500  # moves of one target within a day; no envelope may allow more
HOUR_MS = 3_600_000
DAY_MS = 86_400_000
LEASE_MS_MAX = 120_000

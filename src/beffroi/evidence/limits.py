"""Every bound of the evidence log. Apart from the model's list, because `beffroi verify` and a
judge's expert need these and nothing of the town."""

from beffroi.kernel.limits import NOTE_BYTES_MAX

SALT_BYTES = 32
REFS_MAX = 8  # what one entry names
ENTRY_BYTES_MAX = 1_024
PAYLOAD_BYTES_MAX = 262_144  # kept beside the log: a signed command, a refused message
TILE_HASHES = 256  # C2SP tlog-tiles
TILE_BITS = 8
WITNESS_PROOF_MAX = 63  # C2SP tlog-witness
WITNESS_REQUEST_BYTES_MAX = 16_384
WITNESS_ANSWER_BYTES_MAX = 4_096
WITNESS_FUTURE_S_MAX = 300  # an entry may be this much younger than the moment a witness saw it
COSIGNATURE_AHEAD_S_MAX = 300  # a witness whose clock is further ahead of ours is not believed
BATCH_ENTRIES_MAX = 5_000  # made durable together
QUEUE_ENTRIES_MAX = 50_000  # waiting for the disk; beyond it `append` is refused
DOSSIER_BYTES_MAX = 64 * 1024 * 1024
DOSSIER_LINES_MAX = 20_000
DOSSIER_LINE_BYTES_MAX = 4 * 1024 * 1024
STAMP_BYTES_MAX = 65_536  # an RFC 3161 answer
VKEY_CHARS_MAX = 400

assert NOTE_BYTES_MAX <= WITNESS_REQUEST_BYTES_MAX  # noqa: S101 - a request holds a whole note

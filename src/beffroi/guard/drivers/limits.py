"""Every bound of the drivers. A driver never waits, sends or believes more than this."""

TIMEOUT_MS_MIN, TIMEOUT_MS_MAX = 50, 5_000  # of one answer
TIMEOUT_MS = 1_000
BUDGET_MS_MIN, BUDGET_MS_MAX = 200, 20_000  # of one call of the driver, all answers together
BUDGET_MS = 4_000
NAME_CHARS_MAX = 80
TEXT_CHARS_MAX = 200  # of a text that is shown (the kernel's bound)
POINTS_MAX = 64
ACTIONS_MAX = 32
WRITES_MAX = 32
WORDS_MAX = 500

MODBUS_REGISTERS_MAX = 120  # in one request; the protocol's own bound is 125
MODBUS_BITS_MAX = 1_000
MODBUS_ADDRESS_MAX = 65_535
RAW_MAX = 2**53 - 1  # every fact is a whole number that any language can hold

SECRET_CHARS_MIN, SECRET_CHARS_MAX = 12, 200  # RFC 3414 asks for 8; dictionaries ask for more
PATTERN_MAX = 253  # NTCIP 1202: 0 standby, 254 free, 255 flash
PHASE_GROUPS_MAX = 2  # of eight phases
BACKUP_S_MAX = 600  # unitBackupTime beyond which silence would not be safe
SLOT_MAX = 65_535
MULTI_BYTES_MAX = 1_500
DISPLAY_MIN_MAX = 1_440  # minutes; 65,535 would be for ever, and is never sent
VALIDATE_MS = 2_000  # a sign may take this long to check a message
DISPLAY_MS = 1_500  # and this long to show it

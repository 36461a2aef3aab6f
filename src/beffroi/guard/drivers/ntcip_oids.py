"""Object identifiers of NTCIP 1202 and 1203, and the only ones that a driver may ever set.

Where each was checked is in docs/drivers.md. Phase controls (omit, hold, force off, calls), ring
controls, preemption, unit control and every timing are absent on purpose: there is no name for
them here, `may_set` refuses their numbers, and a test tries.
"""

from __future__ import annotations

from beffroi.guard.drivers.limits import SLOT_MAX

Oid = tuple[int, ...]

NTCIP: Oid = (1, 3, 6, 1, 4, 1, 1206)
ASC: Oid = (*NTCIP, 4, 2, 1)  # NTCIP 1202, actuated signal controller
DMS: Oid = (*NTCIP, 4, 2, 3)  # NTCIP 1203, dynamic message sign

# NTCIP 1202, read only for us. The last number of a group is the group of eight phases.
PHASE_REDS: Oid = (*ASC, 1, 4, 1, 2)
PHASE_YELLOWS: Oid = (*ASC, 1, 4, 1, 3)
PHASE_GREENS: Oid = (*ASC, 1, 4, 1, 4)
UNIT_BACKUP_TIME: Oid = (*ASC, 3, 3, 0)  # s without a set, then the controller is its own master
UNIT_CONTROL_STATUS: Oid = (*ASC, 3, 5, 0)
UNIT_FLASH_STATUS: Oid = (*ASC, 3, 6, 0)
UNIT_ALARM_STATUS_2: Oid = (*ASC, 3, 7, 0)
UNIT_ALARM_STATUS_1: Oid = (*ASC, 3, 8, 0)
SHORT_ALARM_STATUS: Oid = (*ASC, 3, 9, 0)
COORD_PATTERN_STATUS: Oid = (*ASC, 4, 10, 0)
LOCAL_FREE_STATUS: Oid = (*ASC, 4, 11, 0)
COORD_CYCLE_STATUS: Oid = (*ASC, 4, 12, 0)
# The one thing that is set.
SYSTEM_PATTERN_CONTROL: Oid = (*ASC, 4, 14, 0)

STANDBY, FREE, FLASH = 0, 254, 255
SYSTEM_CONTROL = 2  # unitControlStatus
NOT_FLASH = 2  # unitFlashStatus

# NTCIP 1203. The message table is indexed by memory type and message number.
MESSAGE: Oid = (*DMS, 5, 8, 1)
MULTI_STRING, OWNER, CRC, BEACON, PIXEL_SERVICE, RUN_TIME_PRIORITY, STATUS = 3, 4, 5, 6, 7, 8, 9
VALIDATE_MESSAGE_ERROR: Oid = (*DMS, 5, 9, 0)
CONTROL_MODE: Oid = (*DMS, 6, 1, 0)
ACTIVATE_MESSAGE: Oid = (*DMS, 6, 3, 0)
MESSAGE_TIME_REMAINING: Oid = (*DMS, 6, 4, 0)  # minutes
MSG_TABLE_SOURCE: Oid = (*DMS, 6, 5, 0)
MSG_SOURCE_MODE: Oid = (*DMS, 6, 7, 0)
COMM_LOSS_MESSAGE: Oid = (*DMS, 6, 12, 0)
TIME_COMM_LOSS: Oid = (*DMS, 6, 13, 0)  # minutes
END_DURATION_MESSAGE: Oid = (*DMS, 6, 15, 0)
ACTIVATE_MSG_ERROR: Oid = (*DMS, 6, 17, 0)
MULTI_SYNTAX_ERROR: Oid = (*DMS, 6, 18, 0)
MULTI_SYNTAX_ERROR_POSITION: Oid = (*DMS, 6, 19, 0)
SHORT_ERROR_STATUS: Oid = (*DMS, 9, 7, 1, 0)

PERMANENT, CHANGEABLE, VOLATILE, CURRENT_BUFFER, SCHEDULE, BLANK = 2, 3, 4, 5, 6, 7
NOT_USED, MODIFYING, VALIDATING, VALID, ERROR = 1, 2, 3, 4, 5
MODIFY_REQ, VALIDATE_REQ, NOT_USED_REQ = 6, 7, 8
LOCAL, CENTRAL, CENTRAL_OVERRIDE = 2, 4, 5  # dmsControlMode
NO_ERROR = 2  # dmsActivateMsgError, dmsValidateMessageError

_SCALARS = frozenset({SYSTEM_PATTERN_CONTROL, ACTIVATE_MESSAGE})
_COLUMNS = frozenset({MULTI_STRING, OWNER, RUN_TIME_PRIORITY, STATUS})


def message(column: int, memory: int, number: int) -> Oid:
    """One cell of dmsMessageTable."""
    return (*MESSAGE, column, memory, number)


def may_set(oid: Oid) -> bool:
    """Pattern selection, activation, and the four written columns of a changeable message slot."""
    if oid in _SCALARS:
        return True
    *table, column, memory, number = oid if len(oid) > 3 else (0, 0, 0, 0)
    return (
        tuple(table) == MESSAGE
        and column in _COLUMNS
        and memory == CHANGEABLE
        and 1 <= number <= SLOT_MAX
    )

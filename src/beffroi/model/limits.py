"""Every bound of the system, named in one place. A limit is part of the design, not a detail.

Units end the names. A reading or request beyond a limit is refused with a clear reason, never cut.
"""

# --- frames and payloads -------------------------------------------------------------------------
MESSAGE_BYTES_MAX = 262_144  # one MQTT message or webhook body (a gateway batch fits)
READINGS_PER_MESSAGE_MAX = 1_000
VALUES_PER_READING_MAX = 64
NAME_CHARS_MAX = 80  # identifiers of devices, assets, properties
JSON_DEPTH_MAX = 16
WEBHOOK_SOURCES_MAX = 100
IMPORT_COLUMNS_MAX = 1_000
IMPORT_MESSAGE_READINGS = 100  # readings put into one message of an import
IMPORT_MESSAGE_BYTES = 200_000
UPLOAD_BYTES_MAX = 64 * 1024 * 1024  # CSV import

# --- time ----------------------------------------------------------------------------------------
FUTURE_S_MAX = 300  # a device clock may run this far ahead
PAST_S_MAX = 20 * 366 * 86_400  # older than this is a broken clock (and the year 1970 is)

# --- ingest --------------------------------------------------------------------------------------
BATCH_MESSAGES_MAX = 500
BATCH_READINGS_MAX = 20_000
BATCH_BYTES_MAX = 4 * 1024 * 1024  # payload of one transaction (about BATCH_READINGS_MAX readings)
WATCH_TICK_S = 10  # each watch is told of the time, and its state kept, this often
STORE_RETRY_S_MAX = 15.0  # while the store fails: wait at most this long between tries
STORE_TRIES_BEFORE_SPLIT = 3  # then, if other writes succeed, the transaction itself is at fault
ACK_PENDING_MAX = 20_000  # unacknowledged messages the broker may have in flight towards us
QUOTA_READINGS_PER_S = 50.0  # sustained, per device (a gateway has QUOTA_GATEWAY_FACTOR times it)
QUOTA_BURST_READINGS = 3_000
QUOTA_GATEWAY_FACTOR = 200
QUOTA_BACKLOG_READINGS = 200_000  # measured QUOTA_LATE_S before: a device tells what it kept
QUOTA_BACKLOG_PER_S = 2.0
QUOTA_LATE_S = 600
QUOTA_BYTES_PER_READING = 512  # a larger message costs as many readings as its bytes are worth
QUARANTINE_ROWS_PER_TURN_MAX = 100  # of one sender and reason in one transaction; then counted only
QUARANTINE_ROWS_MAX = 1_000_000  # beyond it the oldest are purged, and an alarm says so

# --- codecs --------------------------------------------------------------------------------------
CODEC_BYTES_MAX = 512 * 1024
CODEC_MEMORY_BYTES_MAX = 64 * 1024 * 1024
CODEC_WALL_MS_MAX = 200
CODEC_OUTPUT_BYTES_MAX = 65_536
CODEC_KEYS_MAX = 1_000  # keys and items in the output of one frame
CODEC_NUMBER_ABS_MAX = 1e21  # beyond it a number is a fault, not a measurement
CODEC_TIME_MS_MAX = 150  # of computing, kept by the engine; the parent's clock is the second wall
CODEC_STARVED_MS_MAX = 2_000  # a codec that got no processor may wait this long for one
CODEC_STACK_BYTES_MAX = 256 * 1024
CODEC_PROCESS_BYTES_MAX = 160 * 1024 * 1024  # address space on top of the interpreter's own
CODEC_PROCESS_CPU_S_MAX = 2  # without a parent that kills it
CODEC_START_MS_MAX = 10_000
CODEC_CALL_MS_MAX = 10_000  # one call with many frames; the rest fails
CODEC_BATCH_FRAMES_MAX = 256  # in one round trip
CODEC_PROCESSES_MAX = 8  # codecs that stay loaded, about 11 MB each
CODEC_STRIKES_MAX = 3  # stopped this often within the window, a codec is suspended
CODEC_STRIKE_WINDOW_S = 60
CODEC_SUSPEND_S = 60  # doubled each time, up to:
CODEC_SUSPEND_S_MAX = 3_600
LORAWAN_PAYLOAD_BYTES_MAX = 255

# --- web -----------------------------------------------------------------------------------------
SSE_CLIENTS_MAX = 500
SSE_QUEUE_EVENTS_MAX = 1_000
MAP_FEATURES_MAX = 5_000  # beyond it the map shows groups
SERIES_POINTS_MAX = 5_000
PAGE_ROWS_MAX = 200
ROW_NUMBER_MAX = 2**53 - 1  # that an address may hold: exact in every browser, known to every store
SESSION_S_MAX = 12 * 3_600
WEB_HEAD_S_MAX = 15.0  # until the head of a request is complete
WEB_HEAD_BYTES_MAX = 64 * 1024
WEB_BODY_S_MAX = 300.0  # a photo over a slow line
WEB_BODY_SILENCE_S_MAX = 20.0
WEB_CONNECTIONS_MAX = 2_000
WEB_BODY_BYTES_MAX = 1024 * 1024  # any other request (a codec and its form fit)
SSE_KEEP_ALIVE_S = 15.0
MAP_GROUPS_ACROSS = 32  # groups along the longer side of the map when there is too much to show
POLICY_ANSWERS_MAX = 4_096  # remembered answers of policies.cedar: one per kind of question
REFUSALS_LOGGED_PER_10_MIN_MAX = 20  # per account: the access log cannot be flooded by asking
SIGN_IN_KEYS_MAX = 10_000  # names and addresses whose failed attempts are remembered
PASSPHRASE_CHARS_MIN = 12
PASSPHRASE_CHARS_MAX = 256
PASSPHRASE_CHECKS_MAX = 2  # at once: each needs 64 MiB
USERS_MAX = 500
SIGN_IN_TRIES_PER_10_MIN_MAX = 10
ONE_TIME_LINK_S_MAX = 24 * 3_600
ENROL_TOKEN_S_MAX = 3_600

# --- certificates and broker ---------------------------------------------------------------------
CA_DAYS = 3_653
DEVICE_CERT_DAYS = 366
DEVICE_CERT_RENEW_DAYS = 45  # a device certificate this near its end is listed for renewal
SERVER_CERT_DAYS = 366
SERVER_CERT_RENEW_DAYS = 60
CSR_BYTES_MAX = 16_384
CERT_NAME_CHARS_MAX = 64  # of X.509: a device that connects itself has at most this long an id
DEVICE_CONNECTIONS_MAX = 65_536
BROKER_STORE_BYTES_MAX = 4 * 1024**3  # the broker's waiting room on disk while the hub is down
BROKER_MEMORY_BYTES_SOFT = 512 * 1024**2  # beyond it the broker collects garbage harder
BROKER_LOG_BYTES_MAX = 16 * 1024**2
GATE_POLL_S = 0.25  # how often the gate looks for a changed inventory: bounds the cut of a device

# --- alarms --------------------------------------------------------------------------------------
FLOOD_ALARMS = 8  # more than this many new alarms of one rule within FLOOD_WINDOW_S become a group
FLOOD_WINDOW_S = 120
COMMENT_CHARS_MAX = 2_000
PERSON_CHARS_MAX = 120  # an assignee or the owner of a decision
DECISION_DAYS_MAX = 732  # a deadline further away than two years is no deadline
FLAP_EVENTS_MAX = 6  # recurred and cleared events that an alarm tells within FLAP_WINDOW_S
FLAP_WINDOW_S = 3_600
AUTO_CLOSE_S = 72 * 3_600  # a resolved alarm that is not grave closes after a long weekend
STANDING_S = 7 * 86_400  # a closed one whose cause still holds comes back after this
ESCALATIONS_MAX = 3
CLOSED_READ_BACK_MAX = 20_000  # closed alarms looked at on start for causes that still hold
NOTICE_QUEUE_MAX = 1_000
NOTICE_TRIES_MAX = 5
NOTICE_TIMEOUT_S = 10.0
OUTBOX_BYTES_MAX = 16 * 1024 * 1024

# --- commands ------------------------------------------------------------------------------------
INCIDENT_SIGNS_MAX = 500  # told of one incident; further ones are counted

# --- retention (days) ----------------------------------------------------------------------------
RAW_DAYS = 400
ROLLUP_DAYS = 3_653
QUARANTINE_DAYS = 90
SEAL_AFTER_H = 26  # a day is sealed once late readings had this long after its end
RETENTION_PERIOD_S = 3_600  # how often sealing and purging are looked at

# --- store ---------------------------------------------------------------------------------------
STORE_BUSY_MS_MAX = 15_000  # how long a writer waits for another process before it gives up
TIME_MS_MAX = 16_725_225_600_000  # the year 2500
VALUE_ABS_MAX = 1e200  # beyond it an hour's total could overflow
SEAL_ROWS_PER_STEP_MAX = 20_000  # rows moved in one transaction, so that writers wait little
PURGE_ROWS_PER_STEP_MAX = 20_000
OPEN_CHECK_BYTES_MAX = 64 * 1024 * 1024  # a smaller file is checked whole each time it is opened

# --- commands (those of the judge itself are in kernel/limits.py) --------------------------------
COMMAND_LIFE_MS = 4 * 3_600_000  # time for people to approve; an action may allow less
COMMAND_SKEW_MS = 5_000  # a guard's clock may be this far behind ours
COMMANDS_OPEN_MAX = 2_000
COMMAND_REPEAT_MS_MIN = 1_000  # the same bytes again, doubled each time up to:
COMMAND_REPEAT_MS_MAX = 15_000
WITNESS_WAIT_S = 3.0  # for cosignatures of one command; then it is tried again
RECEIPT_LATE_MS = 60_000  # a receipt that the guard says it wrote may take this long
RECEIPT_SILENT_MS = 3_600_000  # before the same missing one is told of again
COMMAND_LOST_MS = 60_000  # so long after its end a command without receipt is "unknown"
DISPATCH_TURN_S = 0.5  # how often time alone is looked at; news wake the dispatcher at once
GUARD_SILENT_MS = 95_000  # three statuses missed: not connected
LEASE_TTL_MS = 30_000
LEASE_PERIOD_S = 10.0
TRUST_POLL_S = 5.0
TRUST_PUSH_MS_MIN = 20_000  # between two pushes of the same files to the same guard
STATUSES_KEPT_S = 5.0  # a status reaches the disk at most this often per target
FLEET_WINDOW_MS = 600_000
FLEET_SHARE_PCT_MAX = 34  # of a service's targets changed within the window by classes A and B
FLEET_FREE_TARGETS = 3  # small fleets: so many may always change
INTERLOCKS_MAX = 200
PLAN_STEPS_MAX = 1_000
PLANS_MAX = 200
PLAN_STEP_LIFE_S = 900
SIGNED_FILE_BYTES_MAX = 65_536
PASSKEYS_PER_USER_MAX = 8
PASSKEY_TIMEOUT_MS = 120_000
CODE_COMMANDS_MAX = 2_000  # the newest, among which the short code of a board is looked up
CODE_TRIES_PER_10_MIN_MAX = 30  # of one address: enough to read boards, too few to guess
EVIDENCE_SCAN_MAX = 4_000  # entries looked at for the story of one command
EVIDENCE_SHOWN = 50
EXPIRY_WARNING_DAYS = 21  # before signed rules end, the pages say so

# --- alerts of authorities (CAP) -----------------------------------------------------------------
CAP_BYTES_MAX = 2 * 1024 * 1024  # national alerts draw long borders: 0.9 MB was seen
CAP_ELEMENTS_MAX = 5_000
CAP_POINTS_MAX = 100_000
CAP_INFOS_MAX = 20
CAP_POLL_S = 10.0
CAP_PER_TURN_MAX = 20
CAP_KEPT_MAX = 200
CAP_REFUSED_SHOWN_MAX = 50
ALERT_REASON_CHARS_MAX = 300  # why an alert was turned down
CAP_OUT_KEPT_MAX = 500  # of our own; a feed shows the newest CAP_FEED_MAX
CAP_FEED_MAX = 50
CAP_OUT_BACK_MS = 12 * 3_600_000  # what was done longer ago is not announced any more
CAP_OUT_POLL_S = 2.0
CAP_CERTIFICATE_DAYS = 5 * 365
CAP_FRESH_S = 15  # how long a reader may keep the feed
ALERTS_PER_10_MIN_MAX = 300  # requests of one address for feed and alerts

# --- parking entitlements ------------------------------------------------------------------------
USED_CLAIMS_MAX = 1_000_000  # titles that one verifier remembers, about 60 bytes each
TITLES_BYTES_MAX = 32 * 1024 * 1024  # of one day as it is handed to the hub, about 80,000 titles
TITLE_DAYS = 8  # a title runs for seven days at most: so many files may hold one of today
NIGHT_SETTLE_H = 4  # after midnight: late readings and the day's titles have so long
NIGHTS_LATE_MAX = 7  # that a hub which was off balances afterwards
TITLES_KEPT_DAYS = TITLE_DAYS + NIGHTS_LATE_MAX + 1  # then no night can need them any more
NIGHTS_JUDGED_MAX = 400  # newest nights of a zone from which its usual share is learnt
NIGHTS_SHOWN = 14
NIGHT_LOOK_S = 600.0
NIGHT_REACH_DAYS = 8  # how far back a bay's last word is looked for

# --- reports of inhabitants ----------------------------------------------------------------------
REPORT_TEXT_CHARS_MAX = 2_000  # Open311 asks for 4,000 at most; longer is a letter
REPORT_PLACE_CHARS_MAX = 200
REPORT_ANSWER_CHARS_MAX = 2_000
REPORT_ADDITIONS_MAX = 10  # further words of its author
EMAIL_CHARS_MAX = 254
PHOTO_BYTES_MAX = 12 * 1024 * 1024  # as a telephone sends it
PHOTO_PIXELS_MAX = 50_000_000
PHOTO_SIDE_PX = 1_600  # of what is kept, the longer side
PHOTO_KEPT_BYTES_MAX = 1024 * 1024
PHOTO_WORK_S_MAX = 15.0  # of decoding, in a process of its own
PHOTO_WORKERS_MAX = 2  # at once
PHOTO_MEMORY_BYTES_MAX = 640 * 1024 * 1024  # address space of that process
REPORT_BODY_BYTES_MAX = PHOTO_BYTES_MAX + 64 * 1024  # a form with its photo
REPORTS_PER_10_MIN_MAX = 6  # of one address
REPORTS_OF_ALL_PER_10_MIN_MAX = 120  # beyond it the public form is closed for some minutes
REPORTS_BEFORE_QUESTION = 30  # of everybody in ten minutes; then the form asks a sum
SUPPORTS_PER_10_MIN_MAX = 20  # "me too" of one address
FORM_S_MIN = 3  # a form that comes back faster was not filled in by a person
FORM_S_MAX = 4 * 3_600
FORM_TOKENS_MAX = 20_000  # used tokens that are remembered
REPORT_DAYS = 366  # how long what was sent is kept: the most that `model.purposes` allows
REPORT_NEAR_M = 60.0  # duplicates are looked for within
REPORT_FAR_M = 40_000.0  # from the middle of the commune: not ours
REPORT_NEAR_DAYS = 45
REPORTS_NEAR_MAX = 5  # proposed at once
REPORTS_PUBLIC_MAX = 1_000  # on the public map
REPORTS_PUBLIC_S = 5.0  # the public list may be so old
GROUND_S = 300.0  # and the town's own map under it
REPORTS_OPEN_MAX = 20_000  # looked at for alarms
REPORT_TICK_S = 60.0
DANGER_WORDS_H = 24  # safety deadline when words tell of a danger

# --- personal data -------------------------------------------------------------------------------
PERSONAL_VALUE_BYTES_MAX = 16 * 1024 * 1024  # a photo as it was received
PERSONAL_FIELDS_MAX = 64  # of one person
PERSONAL_SUBJECTS_MAX = 2_000_000
PERSONAL_EMPTY_S = 3_600  # a person about whom nothing was ever kept is forgotten after this
ACCESS_LOG_DAYS = 365  # who read what: CNIL asks for 6 to 12 months
OUTBOX_DAYS = 30  # notices that were sent; then their copy in the outbox ends
SIGN_IN_LOG_DAYS = 183  # network addresses of sign-ins: CNIL 2021-122 asks for 6 to 12 months
BACKUP_DAYS = 35  # stated life of a backup: `beffroi backup --prune` ends it
EGRESS_ACCOUNT_PER_DAY_MAX = 200  # persons whose data one account may read in a day
EGRESS_SYSTEM_PER_DAY_MAX = 5_000  # the same for a part of the hub, such as the one that writes
EGRESS_ALL_PER_DAY_MAX = 10_000  # by all together: many accounts are no way round
CANARIES_PER_PURPOSE = 3
BULK_FREE_ROWS = 25  # so many persons may be exported without a second person's consent
BULK_ROWS_MAX = 5_000  # of one person's exports in a day
BULK_ASK_S_MAX = 24 * 3_600  # a request for a bulk export that nobody confirmed ends
BULK_TAKE_S_MAX = 3_600  # a confirmed one is fetched within this, once
BULK_OPEN_MAX = 20

# --- signing in ----------------------------------------------------------------------------------
TOTP_STEP_S = 30
TOTP_DIGITS = 6
TOTP_DRIFT_STEPS = 1  # a telephone's clock may be this many steps off
RECOVERY_CODES = 10
SECOND_STEP_S_MAX = 300  # between the passphrase and the second factor
SECOND_STEPS_MAX = 1_000  # people between the two
SIGN_IN_PASSKEYS_MAX = 8
PASSKEY_TRIES_PER_10_MIN_MAX = 100  # of one address: a whole town hall may share one

# --- registers, incidents, diligence file --------------------------------------------------------
REGISTER_TEXT_CHARS_MAX = 240
REGISTER_WHOLE_MAX = 10**12
REGISTER_ROWS_MAX = 500  # lines of one register on a page
INCIDENT_STEPS_MAX = 1_000
PAPER_LINES_MAX = 20_000  # lines of one diligence file; further ones are counted in it
PAPER_ATTACHED_MAX = 15_000  # entries with proofs in a sealed edition
PAPER_BYTES_MAX = 64 * 1024 * 1024
PAPER_PROCESS_BYTES_MAX = 3 * 1024**3  # address space of the process that sets it
PAPER_CPU_S_MAX = 120
PAPER_WALL_S_MAX = 240
PAPERS_KEPT_MAX = 6  # made from the page and not yet fetched
PAPER_DAYS_MAX = 3_660

# --- indicators, maturity, comparison ------------------------------------------------------------
INDICATOR_ALARMS_MAX = 100_000  # of one service, looked at for one figure
INDICATOR_ROWS_KEPT_MAX = 500_000  # hours of one property kept while figures are computed
INDICATOR_MONTHS = 12
INDICATOR_KNOWN_MIN = 0.05  # a figure that rests on less is not told
INDICATOR_FRESH_S = 3_600  # figures of the running period are computed again after this
UPTIME_HOLE_S = 180  # a longer silence of the hub is a stop
UPTIME_HOLES_MAX = 500
INITIATIVES_MAX = 200
PEER_FILE_BYTES_MAX = 65_536  # indicator file of another commune
PEERS_MAX = 2_000
COMPARE_COMMUNES_MIN = 8  # fewer than this in a class: nothing can be concluded
RESULTS_PER_10_MIN_MAX = 600  # requests of one address for the public page of results
RESULTS_FRESH_S = 300

# --- copies of a home -----------------------------------------------------------------------------
COPY_FILES_MAX = 200_000
COPY_FILE_BYTES_MAX = 2 * 1024**3

# The house: what the hub says of itself.
HOUSE_TURN_S = 2.0  # cheap looks: two connections with one certificate are told within seconds
HOUSE_PAPERS_S = 60.0  # looks at files and at the inventory
HOUSE_STANDS_MS = 900_000  # what happens at moments stands so long after the last time
HOUSE_BACKUP_DAYS = 8  # a weekly backup that was missed
BROKER_AWAY_MS = 60_000
DISK_LOW_BYTES, DISK_LOW_SHARE = 2 * 1024**3, 0.10  # whichever is more
DISK_FULL_BYTES, DISK_FULL_SHARE = 256 * 1024**2, 0.02
TWINS_TIMES = 3  # takeovers within TWINS_WINDOW_MS: a line that was lost once makes one
TWINS_WINDOW_MS = 60_000
SERVER_CERT_ALARM_DAYS = 30  # it renews itself at SERVER_CERT_RENEW_DAYS
CLOCK_JUMP_MS = 30_000
CLOCK_OFF_MS = 60_000
CLOCK_OFF_LASTS_MS = 120_000  # what guards said may have waited at the broker

# --- open data -----------------------------------------------------------------------------------
OPEN_K_MIN = 10  # a count of persons under it is hidden (zero too)
OPEN_ROUND = 5  # the others are rounded to multiples of
OPEN_GROUP_MIN = 3  # assets in a group whose mean is published
OPEN_DAYS_MAX = 366  # of one file
OPEN_DAYS = 31  # when nobody asks for a period
OPEN_ROWS_MAX = 500_000  # of one file
OPEN_PAGE_ROWS_MAX = 1_000
OPEN_PER_10_MIN_MAX = 300  # requests of one address
OPEN_BUILDS_MAX = 2  # files made at once
OPEN_BUILD_WAIT_S = 10.0
OPEN_SHELF_BYTES_MAX = 256 * 1024 * 1024  # of files made and kept for the next reader
OPEN_SHELF_FILES_MAX = 500
OPEN_FRESH_S = 900  # a file is made anew after this

# --- consultations -------------------------------------------------------------------------------
QUESTION_CHARS_MAX = 2_000
TITLE_CHARS_MAX = 120
CHOICES_MAX = 10
CONSULTATION_DAYS_MAX = 92
EXPERIMENT_DAYS_MIN = 14  # usable ones before and during: with fewer, nothing is concluded
EXPERIMENT_DAYS_MAX = 366
EXPERIMENT_ASSETS_MAX = 500
EXPERIMENT_BYTES_MAX = 1_000_000  # of a published file
VOTING_CODES_MAX = 20_000
VOTING_CODE_CHARS = 16  # of 32 letters and digits: 80 bits
VOTING_TRIES_PER_10_MIN_MAX = 10  # of one address
VOTING_TRIES_OF_ALL_PER_10_MIN_MAX = 600
TALLY_BYTES_MAX = 16 * 1024 * 1024
TALLIES_KEPT_MAX = 4  # counted files in memory
PAPER_ALARMS_MAX = 50_000
PAPER_ENTRIES_READ_MAX = 300_000  # of the evidence log, from the newest backwards

# --- many communes in one installation -----------------------------------------------------------
COMMUNES_MAX = 100  # homes in one installation
DOOR_REQUESTS_PER_S = 200.0  # of one commune at the front door, sustained
DOOR_BURST = 400.0
DOOR_OPEN_MAX = 700  # requests of one commune that are open at once, live pages among them
DOOR_CONNECT_S_MAX = 5.0
DOOR_ANSWER_S_MAX = 120.0  # silence of a hub: a diligence file takes seconds, live pages less
DOOR_BODY_SILENCE_S_MAX = 20.0  # silence of a client in the middle of what it sends
COMMUNE_STOP_S_MAX = 60.0
DELEGATIONS_MAX = 200  # of one commune, the ended ones among them
DELEGATION_LOOK_S = 30.0  # how late an asset changes hands when a term begins or ends
DELEGATED_PER_10_MIN_MAX = 120  # requests of one address with a token of a delegation
DELEGATED_FRESH_S = 30.0  # how long what a commune told is shown before it is asked again
DELEGATED_WAIT_S = 5.0
DELEGATED_BYTES_MAX = 256 * 1024

# --- signing in at an identity service -----------------------------------------------------------
OIDC_ANSWER_BYTES_MAX = 262_144
OIDC_WAIT_S_MAX = 10.0
OIDC_STEP_MS_MAX = 600_000  # between leaving and coming back
OIDC_PENDING_MAX = 1_000
OIDC_KEEP_MS = 3_600_000  # its description and keys are asked for anew after this
OIDC_SKEW_S_MAX = 60
OIDC_TRIES_PER_10_MIN_MAX = 40  # of one address, going and coming back

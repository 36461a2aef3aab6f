"""The judge: may this command move this actuator? Pure, and small enough to be read in an hour.

Imports no I/O, clock, randomness, logging or threads; `now_ms` and facts are arguments; only `keys`
knows cryptography. A refusal is a value with a reason. Knows nothing of the town's services.
"""

"""The hub looks after itself: what a technician must know of the machine, as ordinary alarms."""

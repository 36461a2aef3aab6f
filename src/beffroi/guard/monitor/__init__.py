"""The conflict monitor: a process beside the signal controller that watches the lamps and can do
one thing, put the junction to flashing amber. It has no network input at all.

`rules` decides and is pure; `card`, `lamps` and `latch` are its ports; `main` is a thin loop.
It imports nothing of the guard, so that a mistake there cannot be one here.
"""

"""The words of the town: assets, devices, readings, findings and alarms, as plain values.

Knows nothing of storage, messaging, clocks or any particular domain.
"""

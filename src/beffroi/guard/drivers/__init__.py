"""Drivers: what is wired to a guard. Each has `open(wiring) -> Driver`; none knows who may act."""

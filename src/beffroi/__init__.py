"""Beffroi: the hub of a connected town."""

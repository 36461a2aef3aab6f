"""Seeded worlds: what a street of the town does, with the truth beside what its sensors say."""

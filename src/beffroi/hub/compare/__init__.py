"""Comparison with communes of the same size, from signed files. See docs/indicators.md."""

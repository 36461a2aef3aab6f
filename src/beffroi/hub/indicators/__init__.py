"""Indicators: computed from what is stored, or "not proven". See docs/indicators.md."""

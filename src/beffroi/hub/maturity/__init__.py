"""Self-assessment of a commune: strict and observed level side by side. See docs/maturity.md."""

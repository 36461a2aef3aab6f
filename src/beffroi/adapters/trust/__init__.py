"""The commune's trust: roster and envelopes as a TUF repository, signed offline by its people.

The hub uses `current`, `bundle`, `refresh` and `seed`; the ceremony is in `ceremony`.
"""

from beffroi.adapters.trust.online import bundle, current, publish, refresh, seed

__all__ = ["bundle", "current", "publish", "refresh", "seed"]

"""Single-use words, remembered on disk by a verifier."""

"""The conformance kit for edge guards: a hub, a commune and equipment that check another's guard.

`beffroi guard-conformance --guard-command "..."`. The rules are in `rules_*`, one function each,
its text as docstring. The contract with the guard is in docs/guard.md.
"""

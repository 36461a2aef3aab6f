"""The evidence log on disk, its witnesses and its independent checker."""

from beffroi.adapters.log.log import Log, origin_of

__all__ = ["Log", "origin_of"]

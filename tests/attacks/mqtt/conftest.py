"""The attacked harbour is the one of the broker's own tests."""

from tests.adapters.nats.conftest import bus, harbour

__all__ = ["bus", "harbour"]

"""The harbour and the bus are those of the broker's own tests."""

from tests.adapters.nats.conftest import bus, harbour

__all__ = ["bus", "harbour"]

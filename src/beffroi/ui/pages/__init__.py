"""One module per part of the interface. Each has a `router`; rules live in `beffroi.api`."""

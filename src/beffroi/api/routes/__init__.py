"""One module per noun of the API. Each has a `router`."""

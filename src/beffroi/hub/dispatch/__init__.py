"""Commands from request to receipt, and the only door to the street."""

"""Guards of the lab: cabinets with the real program, simulated equipment, trustees, a neighbour."""

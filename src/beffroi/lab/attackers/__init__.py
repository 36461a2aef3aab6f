"""Attackers of the lab: programs that try, on real processes, what Beffroi says cannot be done."""

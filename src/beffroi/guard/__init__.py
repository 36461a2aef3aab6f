"""The edge guard beside the actuator: judges again, acts, reads back, signs. Knows only
the kernel."""

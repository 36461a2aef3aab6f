"""What the hub asks of the world, as Protocols of a few lines. No implementation lives here."""

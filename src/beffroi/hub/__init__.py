"""What the hub does, without knowing any domain, database, broker or page."""

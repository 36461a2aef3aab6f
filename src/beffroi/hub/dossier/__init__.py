"""The diligence file: registers, what binds this commune, lines that cite, editions, the mayor."""

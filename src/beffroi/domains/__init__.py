"""One folder per service of the town. A new domain adds a folder and edits no line elsewhere."""

"""Open data (CRPA L312-1-1): what may be published, in which form, and what is never."""

"""Sees one attack where each service sees an incident of its own. Pure; raises nothing itself."""

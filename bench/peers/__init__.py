"""Peers that `bench/ingest.py` runs beside Beffroi in the same run, each as its makers ship it."""

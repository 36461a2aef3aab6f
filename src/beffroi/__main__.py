"""`python -m beffroi`."""

from beffroi.cli.main import app

app()

"""The message ids that the islands use, handed to them in each page. Kept equal to the scripts by
a test (`tests/ui/test_words.py`)."""

from __future__ import annotations


def _(key: str) -> str:
    """Marks a key for the catalogue."""
    return key


SCRIPT_WORDS = (
    _("Live"),
    _("Connection lost. Trying again…"),
    _("In order"),
    _("Warning"),
    _("Grave"),
    _("No news"),
    _("Never seen"),
    _("Nothing to watch: everything is in order."),
    _("No asset has this name."),
    _("The map could not be drawn on this device. The list shows the same assets."),
    _("Map of the commune"),
    _("Zoom in"),
    _("Zoom out"),
    _("No reading in this period."),
    _("Lowest"),
    _("Highest"),
    _("Copied."),
    _("Select the text and copy it yourself."),
    _("This device holds a passkey of yours already."),
    _("Nothing was signed: you stopped, or it took too long."),
    _("The passkey could not be used. Reload the page and try again."),
    _("The map could not be drawn on this device. Type the coordinates."),
)

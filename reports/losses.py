"""What became of acknowledged writes, counted: the same rows for the page and for Allure."""

from typing import Any

from firemarshal.clock import seconds_text
from firemarshal.journal import Line

# Key of the journal's line, a name that stands alone, and a short one below "Lost".
COUNTED = (
    ("acknowledged", "acknowledged writes", "Acknowledged"),
    ("lost", "lost", "Lost"),
    ("lost_before", "lost, acknowledged before the fault", "of these before the fault"),
    ("lost_during", "lost, acknowledged during it", "during it"),
    ("lost_after_heal", "lost, acknowledged after our healing began", "after our healing began"),
    ("in_doubt", "in doubt", "In doubt"),
    ("in_doubt_present", "in doubt and stored", "of these stored"),
    ("duplicated", "stored twice", "Stored twice"),
    ("unexpected", "stored though never sent", "Stored, never sent"),
    ("late", "acknowledged after the client had given up", "Acknowledged too late"),
    ("late_lost", "acknowledged too late, and lost", "of these lost"),
)
Json = dict[str, Any]


def rows(line: Line) -> list[tuple[str, str, Any]]:
    """(name, short name, count) of what the journal counted; an older one counted less."""
    return [(name, short, line[key]) for key, name, short in COUNTED if key in line]


def looked_back(line: Line) -> str:
    """How far back before the fault writes were counted."""
    return seconds_text(line["look_back_us"])

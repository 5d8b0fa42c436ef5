"""How bad the plans call what was drilled: their own words, and the nearest of Allure's five."""

from collections.abc import Iterable
from typing import Any

ALLURE = ("blocker", "critical", "normal", "minor", "trivial")
_NEAREST = {
    "blocker": ("blocker", "p0", "sev0", "level 4", "tier 0"),
    "critical": ("critical", "high", "p1", "sev1", "level 3", "tier 1"),
    "normal": ("normal", "medium", "p2", "sev2", "level 2", "tier 2"),
    "minor": ("minor", "low", "p3", "sev3", "level 1", "tier 3"),
    "trivial": ("trivial", "p4", "sev4"),
}
Json = dict[str, Any]


def words(clauses: Json, ids: Iterable[str]) -> list[str]:
    """The plans' own words for these clauses, each once; clauses without one add nothing."""
    found = (str(clauses.get(one, {}).get("severity") or "") for one in ids)
    return [one for one in dict.fromkeys(found) if one]


def of_allure(said: Iterable[str]) -> str:
    """The worst that the words come to in Allure; "" where none is known, never a guess."""
    known = {nearest: word for word, all_of in _NEAREST.items() for nearest in all_of}
    found = [known[one.lower()] for one in said if one.lower() in known]
    return min(found, key=ALLURE.index, default="")

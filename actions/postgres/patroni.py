"""Patroni's REST interface with a deadline; it answers while PostgreSQL is down."""

import json
import urllib.error
import urllib.request
from typing import Any

from firemarshal.fault import NotDone

TIMEOUT_S = 5.0
Json = dict[str, Any]


def ask(
    url: str, method: str = "GET", body: Json | None = None, timeout_s: float = TIMEOUT_S
) -> str:
    """The answer's text; NotDone with what was tried and seen for anything but success."""
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=timeout_s) as answer:  # noqa: S310
            text: str = answer.read().decode()
            return text
    except urllib.error.HTTPError as problem:
        said = problem.read().decode(errors="replace").strip()
        raise NotDone(f"{method} {url}: {problem.code} {said}") from None
    except OSError as problem:
        raise NotDone(f"{method} {url}: {problem}") from None


def managers(system: Json) -> list[Json]:
    """The members with a manager that answers now; NotDone when there is none."""
    found, seen = [], []
    for member in system["members"]:
        try:
            found.append({**member, "says": json.loads(ask(f"{member['manager_url']}/patroni"))})
        except NotDone as problem:
            seen.append(str(problem))
    if not found:
        raise NotDone(f"no Patroni answers: {'; '.join(seen)}")
    return found


def dynamic_configuration(url: str) -> Json:
    """What the cluster is configured to do, as this member reads it from the DCS."""
    found: Json = json.loads(ask(f"{url}/config"))
    return found

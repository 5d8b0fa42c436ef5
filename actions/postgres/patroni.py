"""Patroni's REST interface with a deadline; it answers while PostgreSQL is down."""

import http.client
import json
import urllib.error
import urllib.request
from typing import Any

from firemarshal.fault import NotDone

TIMEOUT_S = 5.0
RESTART_S = 20.0
JSON = {"Content-Type": "application/json"}
Json = dict[str, Any]


def ask(
    url: str, method: str = "GET", body: Json | None = None, timeout_s: float = TIMEOUT_S
) -> str:
    """The answer's text; NotDone with what was tried and seen for anything but success.

    Never through a proxy of the environment: it could answer for another cluster.
    """
    data = json.dumps(body).encode() if body is not None else None
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        request = urllib.request.Request(url, data, JSON, method=method)  # noqa: S310
        with opener.open(request, timeout=timeout_s) as answer:
            text: str = answer.read().decode(errors="replace")
            return text
    except urllib.error.HTTPError as problem:
        with problem:
            said = problem.read().decode(errors="replace").strip()
        raise NotDone(f"{method} {url}: {problem.code} {said}") from None
    except (OSError, ValueError, http.client.HTTPException) as problem:
        raise NotDone(f"{method} {url}: {problem}") from None


def managers(system: Json) -> list[Json]:
    """The members with a manager that answers now; NotDone when there is none."""
    found, seen = [], []
    for member in managed(system):
        try:
            found.append({**member, "says": _table(f"{member['manager_url']}/patroni")})
        except NotDone as problem:
            seen.append(str(problem))
    if not found:
        raise NotDone(f"no Patroni answers: {'; '.join(seen) or 'the profile has none'}")
    return found


def managed(system: Json) -> list[Json]:
    """The members that have a manager, whether it answers or not."""
    return [one for one in system["members"] if one["manager_url"]]


def dynamic_configuration(url: str) -> Json:
    """What the cluster is configured to do, as this member reads it from the DCS."""
    return _table(f"{url}/config")


def restart(url: str) -> None:
    """Start what a paused Patroni leaves dead; it answers when PostgreSQL runs."""
    ask(f"{url}/restart", "POST", {}, RESTART_S)


def by_hand(url: str, method: str, path: str, body: Json) -> str:
    """The same as a shell line; a refusal is an exit code, so that lines can be chained."""
    return f"curl -fsS -m 20 -X {method} {url}{path} -d '{json.dumps(body)}'"


def _table(url: str) -> Json:
    text = ask(url)
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise NotDone(f"GET {url} answered no JSON object: {text[:80]!r}")
    return found

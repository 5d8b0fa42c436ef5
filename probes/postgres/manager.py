"""What Patroni says, over its REST address; it is a witness, never the proof."""

import http.client
import json
import re
import urllib.error
import urllib.request
from typing import Any

from firemarshal.probes.postgres.connect import Member
from firemarshal.system import CannotTell, Configuration

WITHIN_S = 2.0
SECRET = ("password", "secret", "token", "passfile", "conninfo")
IN_TEXT = re.compile(r"(?i)(\b\w*(?:passw|secret|token|key)\w*\s*=\s*|://[^:/\s]+:)[^\s@]+")


def get(member: Member, path: str) -> Any:
    """JSON from one member's Patroni, whatever its status code. Raises CannotTell."""
    url = member["manager_url"].rstrip("/") + path
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=WITHIN_S) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return _parsed(error.read(), url)
    except (OSError, ValueError, http.client.HTTPException) as error:
        seen = " ".join(str(getattr(error, "reason", error)).split())
        raise CannotTell(f"Patroni of {member['name']} does not answer: {seen}") from error


def first_answer(configuration: Configuration, path: str) -> Any:
    """JSON from the first member whose Patroni answers. Raises CannotTell with all reasons."""
    why = []
    for member in managed(configuration):
        try:
            return get(member, path)
        except CannotTell as error:
            why.append(str(error))
    raise CannotTell("; ".join(why) or "the profile names no manager_url")


def managed(configuration: Configuration) -> list[Member]:
    """The members that a Patroni looks after."""
    system = configuration["system"]
    if system.get("manager", "patroni") != "patroni":
        return []
    return [member for member in system["members"] if member.get("manager_url")]


def unready(configuration: Configuration, primary: str) -> list[str]:
    """Why an automatic failover could not be trusted now, in words."""
    why = []
    for member in managed(configuration):
        try:
            said = get(member, "/patroni")
        except CannotTell as error:
            why.append(str(error))
            continue
        leads = said.get("role") in ("primary", "master", "leader")
        if leads != (member["name"] == primary):
            why.append(
                f"Patroni of {member['name']} says that it is {said.get('role')}, "
                f"while {primary} takes the writes"
            )
    return why


def redacted(value: Any) -> Any:
    """A configuration without secrets, and with floats as text, which journals do not hold."""
    if isinstance(value, dict):
        return {
            key: "(not shown)" if any(word in key.lower() for word in SECRET) else redacted(part)
            for key, part in value.items()
        }
    if isinstance(value, list):
        return [redacted(part) for part in value]
    if isinstance(value, str):
        return IN_TEXT.sub(r"\1(not shown)", value)
    return str(value) if isinstance(value, float) else value


def _parsed(text: bytes, url: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise CannotTell(f"{url} answered no JSON: {text[:80]!r}") from error

"""Whether the members belong together, and every one follows the one primary."""

from typing import Any

from firemarshal.probes.postgres.canary import unseen
from firemarshal.probes.postgres.connect import Session
from firemarshal.probes.postgres.members import ANSWER_WITHIN_S, table_of
from firemarshal.system import Configuration


def unfollowed(
    configuration: Configuration, found: list[dict[str, Any]], timeout_s: float
) -> list[str]:
    """What is against every member following one primary, in words; empty when all do."""
    primaries = [one["name"] for one in found if one["role"] == "primary"]
    why = [one["why"] for one in found if one["role"] == "unreachable"]
    if len(primaries) != 1:
        return [*why, f"{len(primaries)} of {len(found)} members say that they are primary"]
    primary = table_of(configuration, primaries[0])
    if configuration["system"].get("synchronous"):
        query = "SELECT 1 FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum')"
        with Session(configuration, primary, ANSWER_WITHIN_S) as session:
            if not session.rows(query):
                why.append(f"{primary['name']} has no synchronous standby, though it must")
    return list(dict.fromkeys(why + unseen(configuration, primary, timeout_s)))


def mixed_up(configuration: Configuration, found: list[dict[str, Any]]) -> list[str]:
    """Members of another system than the pinned one, or than the first: never to be drilled."""
    pinned = configuration["system"].get("identity", {}).get("system_identifier")
    answered = [one for one in found if one["role"] != "unreachable"]
    wanted = pinned or (answered[0]["system_identifier"] if answered else "")
    return [
        f"{one['name']} is of system {one['system_identifier']}, not of {wanted}"
        for one in answered
        if one["system_identifier"] != wanted
    ]

"""Whether the addresses of a system's table answer at all: one TCP connection each, no word."""

import socket
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import SplitResult, urlsplit

from firemarshal.clock import now_us

Json = dict[str, Any]
Address = tuple[str, str, int]


def addresses(system: Json) -> Iterator[Address]:
    """What is named, its address and port: ssh hosts, members, and every `*_url` of a member."""
    for host in system["hosts"]:
        if host["via"] == "ssh":
            yield f"host {host['name']}", host["address"], host["port"]
    for member in system.get("members", ()):
        yield f"member {member['name']}", member["address"], member["port"]
        for key in sorted(member):
            if key.endswith("_url") and (parts := urlsplit(member[key])).hostname:
                yield f"{key} of {member['name']}", parts.hostname, _port(parts)


def _port(parts: SplitResult) -> int:
    """The port of a URL; 0, which nobody can reach, when it is not a number."""
    try:
        return parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return 0


def unreached(asked: list[Address], within_s: float) -> list[str]:
    """Why each could not be reached, "" for those that answered; all asked at the same time.

    In threads that may be left behind, because looking up a name heeds no timeout.
    """
    why = [f"no answer within {within_s:g} s" for _ in asked]

    def ask(number: int, address: str, port: int) -> None:
        try:
            socket.create_connection((address, port), within_s).close()
            why[number] = ""
        except OSError as problem:
            why[number] = str(problem)

    threads = [
        threading.Thread(target=ask, args=(number, address, port), daemon=True)
        for number, (_, address, port) in enumerate(asked)
    ]
    for one in threads:
        one.start()
    until_us = now_us() + round(within_s * 1e6)
    for one in threads:
        one.join(max(0, until_us - now_us()) / 1e6)
    return list(why)

"""The toy is told to answer again, as a person would who found out why it refuses."""

import socket
from typing import Any

from firemarshal.actions.null.files import machine_of, member_of
from firemarshal.fault import NotDone, Recovery

RECOVERY = Recovery(
    kinds=("null",),
    does="what keeps the toy from answering is taken away by hand",
    takes_up_to_s=5,
)
COMMAND_S, ANSWER_S = 5.0, 1.0
Json = dict[str, Any]


def aim(configuration: Json) -> list[Json]:
    """Every toy of the system."""
    return [
        {"id": member["name"], "name": member["name"], "before": {}, "found": {}}
        for member in configuration["system"]["members"]
    ]


def perform(victims: list[Json], configuration: Json) -> None:
    """Remove the file that makes it refuse."""
    for victim in victims:
        member = member_of(victim, configuration["system"])
        machine = machine_of(configuration["system"], member["host"])
        done = machine.run(["rm", "-f", "--", f"{member['folder']}/fault.refuse"], COMMAND_S)
        if done.code:
            raise NotDone(f"rm: exit {done.code}: {done.err.strip()}")


def done(victims: list[Json], configuration: Json) -> Json:
    """Ask it over the network: what a file says is not what a client sees."""
    seen = {}
    for victim in victims:
        member = member_of(victim, configuration["system"])
        seen[member["name"]] = _answer(member["address"], member["port"])
    return {"done": all(one.startswith("i ") for one in seen.values()), "seen": str(seen)}


def remove(victims: list[Json], configuration: Json) -> list[str]:
    """It makes nothing, so nothing can be left."""
    return []


def _answer(address: str, port: int) -> str:
    try:
        with socket.create_connection((address, port), ANSWER_S) as connection:
            connection.sendall(b"I\n")
            return connection.recv(100).decode(errors="replace").strip()
    except OSError as problem:
        return str(problem)

"""The fragment "null": one toy server under a supervisor, up in a moment, for tests."""

import socket
import uuid
from pathlib import Path
from typing import Any

from firemarshal.lab.starter import Starter

KIND = "null"
OPTIONS: dict[str, type] = {}
SETTLE_S = 2.0
ANSWER_WITHIN_S = 2.0
UP_WITHIN_S = 20.0


def bring_up(system: dict[str, Any], starter: Starter) -> dict[str, Any]:
    """Start supervisor and server, and prove that a client is answered; LabProblem if not."""
    port = starter.free_port()
    identity = str(uuid.uuid4())
    starter.write("uuid", identity)
    starter.write("data", "")
    member = {
        "name": f"{system['name']}-1",
        "host": "local",
        "address": "127.0.0.1",
        "port": port,
        "folder": str(starter.folder),
    }
    table = {"members": [member], "identity": {"uuid": identity}}
    module = "firemarshal.lab.null.server"
    starter.start(
        "supervisor", starter.python(module, "--supervise", str(starter.folder), str(port))
    )
    starter.wait(
        "wait for the server's first answer",
        lambda: unready(table, starter.folder),
        "supervisor",
        UP_WITHIN_S,
    )
    return table


def unready(table: dict[str, Any], folder: Path) -> str:
    """Why the server is not itself now, "" when it answers with its uuid."""
    member = table["members"][0]
    try:
        with socket.create_connection((member["address"], member["port"]), ANSWER_WITHIN_S) as one:
            one.sendall(b"I\n")
            answer = one.recv(100)
    except OSError as error:
        return f"{member['name']} does not answer on port {member['port']}: {error}"
    wanted = f"i {table['identity']['uuid']}\n".encode()
    return "" if answer == wanted else f"{member['name']} answered {answer!r}, not {wanted!r}"


def connect(table: dict[str, Any]) -> str:
    """A line to copy that talks to the server; type R, I or W key value."""
    return f"nc {table['members'][0]['address']} {table['members'][0]['port']}"


def before_end(folder: Path) -> None:
    """Nothing: a killed server leaves nothing outside the folder."""


def after_end(folder: Path) -> None:
    """Nothing, see `before_end`."""

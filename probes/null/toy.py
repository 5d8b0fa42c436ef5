"""The toy's two roads: the lines that its process answers, and the file that holds its rows."""

import socket
from pathlib import Path
from typing import Any

from firemarshal.clock import now_us
from firemarshal.system import CannotTell, Configuration


def member_of(configuration: Configuration) -> dict[str, Any]:
    """Its one member's table."""
    found: dict[str, Any] = configuration["system"]["members"][0]
    return found


def folder_of(configuration: Configuration) -> Path:
    """Where its data and its faults lie."""
    return Path(member_of(configuration)["folder"])


def mark_of(configuration: Configuration) -> Path:
    """The file that says where this drill's rows begin."""
    return folder_of(configuration) / f"mark.{configuration['drill']}"


def ask(configuration: Configuration, word: str, wanted: str, timeout_s: float) -> str:
    """The answer to one line without the word it must begin with. Raises CannotTell."""
    member = member_of(configuration)
    end_us = now_us() + round(timeout_s * 1_000_000)
    answer = b""
    try:
        address = (member["address"], member["port"])
        with socket.create_connection(address, timeout_s) as opened:
            opened.sendall(word.encode() + b"\n")
            while not answer.endswith(b"\n"):
                opened.settimeout(max(0.001, (end_us - now_us()) / 1e6))
                received = opened.recv(4096)
                if not received:
                    break
                answer += received
    except OSError as error:
        where = f"{member['name']} at {member['address']}:{member['port']}"
        raise CannotTell(f"{where} does not answer {word!r}: {error}") from error
    begin, _, rest = answer.decode(errors="replace").strip().partition(" ")
    if begin != wanted:
        raise CannotTell(f"{member['name']} answered {answer[:80]!r} to {word!r}")
    return rest


def line_count(configuration: Configuration) -> int:
    """How many rows stand in the file, of all drills."""
    data = folder_of(configuration) / "data"
    return data.read_bytes().count(b"\n") if data.exists() else 0


def rows_of(configuration: Configuration) -> list[tuple[int, int]]:
    """This drill's rows, those behind the mark; none when it was never prepared."""
    mark, data = mark_of(configuration), folder_of(configuration) / "data"
    if not (mark.exists() and data.exists()):
        return []
    with data.open("rb") as opened:
        opened.seek(int(mark.read_text()))
        lines = opened.read().split(b"\n")[:-1]  # what follows the last line end is half a row
    return [(int(key), int(value)) for key, value in (line.split() for line in lines)]

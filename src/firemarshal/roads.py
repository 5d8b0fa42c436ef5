"""The roads to systems that we did not make: reached, logged in over, and looked at, no more."""

import os
import shutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from firemarshal import kinds, target
from firemarshal.hosts import HostFailed, host
from firemarshal.reach import addresses, unreached

ANSWER_S, LOGIN_S = 2.0, 8.0
TOOLS = ("cat", "env", "find", "grep", "kill", "readlink", "setsid", "stat", "timeout")
HAS = 'for tool; do command -v "$tool" >/dev/null || echo "$tool"; done; id -un >&2'
Json = dict[str, Any]
Looked = tuple[str, str, str]


def looked_at(name: str, systems: list[target.System]) -> Iterator[Looked]:
    """What was looked at, what was seen, and the cure, "" where all is well.

    A TCP connection to every address first; where all of a system's answered, its machines are
    logged in to and its kind says whether a drill could begin. Nothing is changed.
    """
    if any(one.via == "ssh" for system in systems for one in system.hosts):
        found = shutil.which("ssh")
        yield "ssh", found or "no ssh on the PATH", "" if found else "install openssh-client"
    for system in systems:
        table = system.model_dump(mode="json")
        closed = False
        for looked in [*_key_files(table), *_reached(table)]:
            closed = closed or bool(looked[2])
            yield _of(system, looked)
        if closed:
            yield f"{system.name}: logins and rights", "not looked at before the rest is well", ""
            continue
        for looked in [*_machines(table), *_kind(name, table)]:
            yield _of(system, looked)


def _of(system: target.System, looked: Looked) -> Looked:
    what, seen, cure = looked
    return f"{system.name}: {what}", seen, cure


def _key_files(table: Json) -> Iterator[Looked]:
    for road in table["hosts"]:
        for key in ("identity_file", "known_hosts_file"):
            path = Path(road[key]).expanduser()
            if road[key] and not os.access(path, os.R_OK):
                seen = f"{path} of host {road['name']} cannot be read"
                yield key, seen, "correct the path, or make it readable"


def _reached(table: Json) -> Iterator[Looked]:
    asked = list(addresses(table))
    cure = "check address, port and firewall; is it up? nothing else was tried"
    for (what, address, port), problem in zip(asked, unreached(asked, ANSWER_S), strict=True):
        where = f"{address}:{port}"
        seen = f"{where} cannot be reached: {problem}" if problem else f"{where} answers"
        yield what, seen, cure if problem else ""


def _machines(table: Json) -> Iterator[Looked]:
    for road in table["hosts"]:
        what = f"login to {road['name']}"
        if road["via"] == "local":
            continue
        try:
            answer = host(road).run(["sh", "-c", HAS, "has", *TOOLS], LOGIN_S)
        except HostFailed as problem:
            told, _, cure = str(problem).rpartition("; cure: ")
            yield what, told or str(problem), cure or "look there by hand"
            continue
        lacks = " ".join(answer.out.split())
        user = answer.err.strip() or "nobody"
        if answer.code != 0 or lacks:
            yield what, f"as {user}, which lacks {lacks or 'a shell'}", "install it there"
        else:
            yield what, f"as {user}, with all that faults use there", ""


def _kind(name: str, table: Json) -> Iterator[Looked]:
    place = kinds.module_of(table, "ready")
    if not target.find_spec_safely(place):
        return
    module = import_module(place)
    yield from module.ready({"target": name, "drill": "doctor", "system": table})

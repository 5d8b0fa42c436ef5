"""The manager's process of a member: found by the port it listens on, and started again as it was.

A name or a file would be a guess, as Patroni is started in many ways; its REST port stands in the
profile, and only the manager itself can hold it.
"""

import re
import shlex
from typing import Any
from urllib.parse import urlsplit

from firemarshal.fault import NotDone
from firemarshal.hosts import Host
from firemarshal.processes import Process

LISTENING = """
port=$(printf ':%04X' "$1")
for inode in $(cat /proc/net/tcp /proc/net/tcp6 2>/dev/null |
  while read -r _ address _ state _ _ _ _ _ inode _; do
    case $state$address in 0A*$port) echo "$inode";; esac
  done); do
  find /proc/[0-9]*/fd -lname "socket:\\[$inode\\]" 2>/dev/null
done; :
"""
# Folder, log, both user namespaces, the first id of each map, whose it is, and who asks.
ABOUT = """
set -e
readlink "$1/cwd"; readlink "$1/fd/1"; readlink "$1/ns/user"; readlink /proc/self/ns/user
read -r user _ <"$1/uid_map"; read -r group _ <"$1/gid_map"; echo "$user $group"
stat -c "%u %g" "$1"; echo "$(id -u) $(id -g)"
"""
LOOK_S = 10.0
SECRET = re.compile(r"password|passwd|secret|token|_key", re.IGNORECASE)
Json = dict[str, Any]


def manager_of(member: Json, machine: Host) -> Process | None:
    """Who listens on the port of `manager_url`, None when nobody does; the eldest of a family."""
    port = urlsplit(member["manager_url"]).port if member["manager_url"] else None
    if port is None:
        return None
    said = machine.run(["sh", "-c", LISTENING, "listening", str(port)], LOOK_S).out
    pids = {int(line.split("/")[2]) for line in said.split()}
    found = [one for one in machine.processes() if one.pid in pids and one.state not in "ZX"]
    return next((one for one in found if one.parent not in pids), None)


def as_it_runs(machine: Host, process: Process) -> Json:
    """What it takes to start that process again: its own words, all words, and where its log is.

    All words hold folder, environment and user. NotDone when the environment holds a secret,
    which the words would show to everybody.
    """
    here = f"/proc/{process.pid}"
    pairs = [one for one in machine.read(f"{here}/environ").split("\0") if "=" in one]
    if secret := [one.partition("=")[0] for one in pairs if SECRET.search(one.partition("=")[0])]:
        raise NotDone(
            f"process {process.pid} on host {machine.name} could not be started again: its "
            f"environment holds {', '.join(secret)}; cure: keep them in its configuration file"
        )
    said = machine.run(["sh", "-c", ABOUT, "about", here], LOOK_S)
    if said.code != 0:
        raise NotDone(f"on host {machine.name}: {here} cannot be looked at: {said.err.strip()}")
    folder, log, *user = said.out.splitlines()
    argv = list(process.arguments)
    return {
        "argv": argv,
        "words": ["env", "-C", folder, "-i", *pairs, *_as_its_user(*user), *argv],
        "log": log if log.startswith("/") else "/dev/null",
    }


def start_again(machine: Host, how: Json) -> None:
    """Start it unless it is being started already: healing is repeated while it comes up."""
    argv = tuple(how["argv"])
    running = [one.arguments for one in machine.processes() if one.state not in "ZX"]
    if not any(words[-len(argv) :] == argv for words in running):
        machine.spawn(how["words"], {}, how["log"])


def by_hand(how: Json) -> str:
    """The same as a shell line."""
    return f"setsid {shlex.join(how['words'])} </dev/null >>{shlex.quote(how['log'])} 2>&1 &"


def _as_its_user(theirs: str, ours: str, mapped: str, owner: str, ourselves: str) -> list[str]:
    """A user namespace ends with its last process, so it is made anew as it was mapped."""
    if theirs != ours:
        user, group = mapped.split()
        return ["unshare", "-U", f"--map-user={user}", f"--map-group={group}", "--"]
    if owner == ourselves:
        return []
    user, group = owner.split()
    return ["setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups", "--"]

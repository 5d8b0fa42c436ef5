"""One look at a member's data folder over any road: who runs there, and whether he leads.

One command, because each further one over ssh costs as much as the whole look.
"""

from typing import Any

from firemarshal.fault import NotDone, VictimChanged
from firemarshal.hosts import Host
from firemarshal.processes import Process, process

Json = dict[str, Any]
COMMAND_S = 10.0
CLOSED = 13
# The stat is read twice, because a pid may be given out again between it and the arguments.
LOOK = f"""
[ ! -d "$1" ] || [ -x "$1" ] || exit {CLOSED}
[ -e "$1/standby.signal" ] && echo standby || echo leads
[ -e "$1/postmaster.pid" ] || exit 0
pid=$(sed -n 1p "$1/postmaster.pid") || exit {CLOSED}
port=$(sed -n 4p "$1/postmaster.pid")
[ -n "$pid" ] && [ -d "/proc/$pid" ] && [ "/proc/$pid/cwd" -ef "$1" ] || exit 0
echo "$port"
cat "/proc/$pid/stat" 2>/dev/null; printf '\\0'
cat "/proc/$pid/cmdline" 2>/dev/null; printf '\\0'
cat "/proc/$pid/stat" 2>/dev/null; :
"""


def look(member: Json, machine: Host) -> tuple[Process | None, bool]:
    """The live postmaster of a member's data folder, if any, and whether the folder leads.

    `postmaster.pid` stays behind after a crash and its pid may be given out again, even to another
    server: the process must be there, be a postgres, no zombie, and live in that folder. NotDone
    where the folder cannot be looked into, VictimChanged where another server runs in it.
    """
    folder = member["data_directory"]
    answer = machine.run(["sh", "-c", LOOK, "look", folder], COMMAND_S)
    if answer.code != 0:
        raise NotDone(
            f"on host {machine.name}: {folder} of {member['name']} cannot be looked into: "
            f"{' '.join(answer.err.split()) or 'not allowed'}; cure: connect as the user who runs "
            "PostgreSQL, or as root"
        )
    role, _, rest = answer.out.partition("\n")
    port, _, told = rest.partition("\n")
    found = _process(told)
    if found and port != str(member["port"]):
        raise VictimChanged(
            f"the server in {folder} listens on port {port}, the profile says {member['port']} "
            f"for {member['name']}: it is another one, so it is left alone"
        )
    return found, role == "leads"


def _process(told: str) -> Process | None:
    """What the look printed of the process; None when it ended meanwhile, or is no postgres."""
    before, _, others = told.partition("\0")
    words, _, after = others.rpartition("\0")
    if not before.strip() or not after.strip():
        return None
    arguments = tuple(words.removesuffix("\0").split("\0")) if words else ()
    found = process(after.strip(), arguments)
    same = process(before.strip()).start == found.start
    return found if same and found.state not in "ZX" and "postgres" in found.name else None

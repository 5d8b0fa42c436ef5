"""Two members that were promoted without having seen each other choose the same timeline number.

Patroni takes them for leader and follower, and its standby for "streaming", because it compares
numbers; what follows one history there belongs to two. Only the WAL itself tells them apart: it
begins a timeline with the moment of its promotion.
"""

from typing import Any

from firemarshal.actions.postgres import patroni
from firemarshal.actions.postgres.members import host_of, leads, lone_primary, postmaster
from firemarshal.hosts import Host

NEWEST = """
cd "$1/pg_wal" && ls | grep -x '[0-9A-F]\\{8\\}\\.history' | sort | tail -1 | xargs -r cat
"""
# What stands in the WAL of timeline $2 where it left the one before, at byte $3; nothing if gone.
BEGINNING = """
cd "$1/pg_wal" && size=$(stat -c %s "$(ls | grep -x '[0-9A-F]\\{24\\}' | head -1)") || exit 0
file=$(printf '%s%08X%08X' "$2" $(($3 >> 32)) $((($3 & 0xffffffff) / size)))
[ ! -f "$file" ] || tail -c +$(($3 % size + 1)) "$file" | head -c 48 | od -An -v -tx1 | tr -d ' \\n'
"""
LOOK_S = 5.0
Json = dict[str, Any]


def made_anew(system: Json) -> list[str]:
    """Have Patroni copy the leader again over standbys of another history; which, in words.

    [] when there is none. NotDone in a split brain, and when Patroni refuses.
    """
    said = []
    for leader, machine, _ in lone_primary(system):
        for member in _strangers(system, leader, machine):
            why = f"{member['name']} has a history of its own under {leader['name']}'s timeline"
            if not member["manager_url"]:
                said.append(f"{why}; cure: make it anew with pg_basebackup")
                continue
            patroni.ask(f"{member['manager_url']}/reinitialize", "POST", {"force": True})
            said.append(f"{why}, which Patroni does not see: it is made anew")
    return said


def _strangers(system: Json, leader: Json, machine: Host) -> list[Json]:
    """The standbys whose WAL proves that they are on no timeline of the leader's."""
    timeline, switch = _branch(leader, machine)
    ours = _beginning(leader, machine, timeline, switch) if timeline else ""
    found = []
    for member in system["members"] if ours else ():
        other = host_of(system, member["host"])
        if member is leader or leads(member, other) or postmaster(member, other) is None:
            continue
        theirs = _beginning(member, other, timeline, switch)
        if theirs.strip("0") and theirs != ours:  # zeros: it has not got that far yet
            found.append(member)
    return found


def _branch(member: Json, machine: Host) -> tuple[str, int]:
    """The member's timeline as WAL files are named, and where it begins; "" on the first one."""
    said = machine.run(["sh", "-c", NEWEST, "newest", member["data_directory"]], LOOK_S).out
    lines = [line.split() for line in said.splitlines() if line.strip()]
    if not lines:
        return "", 0
    before, place = int(lines[-1][0]), lines[-1][1]
    high, _, low = place.partition("/")
    return f"{before + 1:08X}", (int(high, 16) << 32) + int(low, 16)


def _beginning(member: Json, machine: Host, timeline: str, switch: int) -> str:
    words = ["sh", "-c", BEGINNING, "beginning", member["data_directory"], timeline, str(switch)]
    return machine.run(words, LOOK_S).out.strip()

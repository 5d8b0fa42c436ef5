"""The machines of the members: which road leads there, and where a server keeps its data."""

import ipaddress
from typing import Any

from firemarshal.bad_input import BadInput
from firemarshal.hosts import HostFailed, host
from firemarshal.init import Ask

FIND = r"""
for comm in /proc/[0-9]*/comm; do
  read -r name 2>/dev/null <"$comm" && [ "$name" = postgres ] || continue
  folder=$(readlink "${comm%comm}cwd") || { blind=1; continue; }
  [ "$(sed -n 4p "$folder/postmaster.pid" 2>/dev/null)" = "$1" ] && echo "$folder" && exit 0
done
exit ${blind:-2}
"""
LOOK_S, BLIND = 10.0, 1
VIA = 'How the machines are reached ("ssh", or "local" when it is this one)'
USER = "The user there, who must be the one that runs PostgreSQL, or root"


def roads(ask: Ask, addresses: list[str]) -> list[dict[str, Any]]:
    """A profile's table for each machine; asked once, as they are reached alike."""
    near = all(map(_is_here, addresses))
    via = ask("via", VIA, "local" if near else "ssh")
    if via not in ("local", "ssh"):
        raise BadInput(f"{via!r} is no road", where="--via", cure='say "ssh" or "local"')
    road: dict[str, Any] = {"via": via}
    if via == "ssh":
        road |= {"user": ask("user", USER, "postgres"), "port": ask.number("ssh-port", 22)}
        road |= {key: ask.given(key) for key in ("identity_file", "known_hosts_file")}
    return [
        {"name": one, **({"address": one} if via == "ssh" else {}), **_said(road)}
        for one in addresses
    ]


def _said(road: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in road.items() if value != ""}


def _is_here(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


def data_directory(member: dict[str, Any], road: dict[str, Any]) -> str:
    """The folder whose server listens on the member's port, as that machine's /proc tells it."""
    place = f"{member['name']} on host {road['name']}"
    try:
        answer = host(road).run(["sh", "-c", FIND, "find", str(member["port"])], LOOK_S)
    except HostFailed as problem:
        raise BadInput(str(problem), where=place) from None
    if answer.code == 0:
        return answer.out.rstrip("\n")
    what = f"no PostgreSQL that listens on port {member['port']} was found there"
    cure = "is it the right machine? a server in a container of its own cannot be drilled yet"
    if answer.code == BLIND:
        what = "PostgreSQL runs there, but this user may not look at it"
        cure = "say --user with the user who runs PostgreSQL, or root"
    raise BadInput(what, where=place, cure=cure)

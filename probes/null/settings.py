"""The keys that a system of kind "null" adds: a toy whose faults are files."""

from typing import Literal

from firemarshal.target import System, Table


class Member(Table):
    """The process that answers; `folder` holds its data and the files that are its faults."""

    name: str
    host: str = "local"
    address: str
    port: int
    folder: str


class Settings(System):
    """One process, one folder: `fault.*` files make it refuse, hang or forget."""

    kind: Literal["null"]
    members: tuple[Member, ...]

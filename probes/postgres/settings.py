"""The keys that a system of kind "postgres" adds to the common ones of a target profile."""

from typing import Literal

from firemarshal.target import System, Table


class Member(Table):
    """One PostgreSQL server; `manager_url` is its Patroni REST address, empty without Patroni."""

    name: str
    host: str = "local"
    address: str
    port: int
    data_directory: str
    manager_url: str = ""


class Link(Table):
    """A replication path that an engine can cut: from the upstream member to the downstream."""

    name: str
    upstream: str
    downstream: str
    engine: Literal["proxy"]
    control: str


class Settings(System):
    """`client` is the application's own connection string, `operator` what is common to the
    probes' connections (user, database, password file); each member's address is added to it.
    """

    kind: Literal["postgres"]
    client: str
    operator: str
    members: tuple[Member, ...]
    links: tuple[Link, ...] = ()
    manager: Literal["patroni", "none"] = "patroni"
    synchronous: bool = False

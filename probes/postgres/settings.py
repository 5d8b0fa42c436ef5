"""The keys that a system of kind "postgres" adds to the common ones of a target profile."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from firemarshal.target import System, Table

PASSWORD = re.compile(r"(password|_secret|scram_\w+_key)\s*=|://[^/@]*:[^/@]*@", re.IGNORECASE)


def _without_password(text: str) -> str:
    """Profiles are committed and journalled; a password in one would be in both for ever."""
    if PASSWORD.search(text):
        raise ValueError(
            "a password stands in the connection string; "
            "write it into a password file that only you can read and name that: passfile=PATH"
        )
    return text


Connection = Annotated[str, Field(min_length=1), AfterValidator(_without_password)]


class Member(Table):
    """One PostgreSQL server; `manager_url` is its Patroni REST address, empty without Patroni.

    `clock` is the file from which a preloaded libfaketime reads how far its clock is moved.
    """

    name: str
    host: str = "local"
    address: str
    port: int
    data_directory: str
    manager_url: str = ""
    clock: str = ""


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
    client: Connection
    operator: Connection
    members: tuple[Member, ...]
    links: tuple[Link, ...] = ()
    manager: Literal["patroni", "none"] = "patroni"
    synchronous: bool = False

"""Who writes and who looks in a system's database, as its connection strings say."""

from dataclasses import dataclass
from typing import Any

from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from firemarshal.bad_input import BadInput

Json = dict[str, Any]


@dataclass(frozen=True)
class Names:
    """The database, who writes and who looks, as the profile's connection strings say."""

    database: str
    writes: str
    looks: str

    @property
    def role(self) -> str:
        """The query that finds the role that looks."""
        return f"SELECT 1 FROM pg_roles WHERE rolname = {sql.Literal(self.looks).as_string()}"

    @property
    def quoted(self) -> tuple[str, str, str]:
        """The same as SQL has them."""
        database, writes, looks = (
            sql.Identifier(one).as_string() for one in (self.database, self.writes, self.looks)
        )
        return database, writes, looks


def names(system: Json) -> Names:
    """The users of a system's table; BadInput where a connection string leaves one open."""
    said = {key: conninfo_to_dict(system[key]) for key in ("client", "operator")}
    for key, parts in said.items():
        if missing := [word for word in ("user", "dbname") if not parts.get(word)]:
            where = f"system {system['name']!r}, {key}"
            cure = f"write {missing[0]}=... into it"
            raise BadInput(f"names no {missing[0]}", where=where, cure=cure)
    wanted = (("client", "dbname"), ("client", "user"), ("operator", "user"))
    found = Names(*(str(said[key][word]) for key, word in wanted))
    if found.writes == found.looks:
        cure = "give the operator a user of its own: prepare makes it"
        what = f"client and operator are the same user, {found.looks!r}"
        raise BadInput(what, where=f"system {system['name']!r}", cure=cure)
    return found

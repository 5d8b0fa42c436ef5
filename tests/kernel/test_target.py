"""A profile with a mistake is refused with file, key and cure; nothing in it is contacted."""

from pathlib import Path
from typing import Any

import pytest

from firemarshal import kinds, target
from firemarshal.bad_input import BadInput

HEAD = 'name = "shop"\nenvironment = "lab"\n'
NULL = """
[[systems]]
name = "toy"
kind = "null"
members = [{ name = "a", address = "127.0.0.1", port = 1, folder = "x" }]
"""
POSTGRES = """
[[systems]]
name = "orders"
kind = "postgres"
client = "host=a,b dbname=shop passfile=/etc/drill.pgpass"
operator = "dbname=shop passfile=/etc/drill.pgpass"
members = [{ name = "a", address = "a", port = 5432, data_directory = "/data" }]
"""
PASSWORD = "hunter2"

REFUSED: dict[str, tuple[str, list[str]]] = {
    "not TOML": (
        'name = "shop"\nenvironment = lab\n',
        [":2: is not TOML: Invalid value; see https://toml.io"],
    ),
    "cut short": ('name = "shop', [": is not TOML: Unterminated string; see https://toml.io"]),
    "no systems": (HEAD, [": names no system to drill; add a [[systems]] table"]),
    "systems are no tables": (
        HEAD + 'systems = ["orders"]\n',
        [": systems must be written as [[systems]] tables"],
    ),
    "unknown keys": (
        HEAD + "give_up_aftr_s = 3\nxyz = 1\n" + NULL.replace("kind =", "recordr = {}\nkind ="),
        [
            ": systems[0] 'toy': key 'recordr' is unknown; did you mean 'recorder'?",
            ": key 'give_up_aftr_s' is unknown; did you mean 'give_up_after_s'?",
            ": key 'xyz' is unknown; remove it",
        ],
    ),
    "unknown keys further in": (
        HEAD
        + NULL.replace("port = 1", "prot = 1")
        + "recorder = { baselin_s = 3 }\n"
        + 'hosts = [{ name = "local", via = "local", adress = "x" }]\n',
        [
            ": systems[0] 'toy': key 'hosts.0.adress' is unknown; did you mean 'address'?",
            ": systems[0] 'toy': key 'recorder.baselin_s' is unknown; did you mean 'baseline_s'?",
            ": systems[0] 'toy': key 'members.0.port' is missing; add it",
            ": systems[0] 'toy': key 'members.0.prot' is unknown; did you mean 'port'?",
        ],
    ),
    "unknown kind, no kind, wrong kind": (
        HEAD + "[[systems]]\nname = 'a'\nkind = 'postgre'\n[[systems]]\n[[systems]]\nkind = 5\n",
        [
            ": systems[0] 'a': kind 'postgre' is unknown; did you mean 'postgres'?",
            ": systems[1]: key 'kind' is missing; known kinds: {kinds}",
            ": systems[2]: kind 5 is unknown; known kinds: {kinds}",
        ],
    ),
    "missing members": (
        HEAD + NULL[: NULL.index("members")],
        [": systems[0] 'toy': key 'members' is missing; add it"],
    ),
    "empty members": (
        HEAD + NULL[: NULL.index("members")] + "members = []\n",
        [": systems[0] 'toy': members is empty; a drill needs somebody to harm and to watch"],
    ),
    "duplicate systems, members, hosts": (
        HEAD
        + NULL
        + NULL
        + POSTGRES.replace(
            "[{", "[{ name = 'a', address = 'b', port = 1, data_directory = '/' }, {"
        ),
        [
            ": systems[2] 'orders': member 'a' stands twice; rename one",
            ": system 'toy' stands twice; rename one",
        ],
    ),
    "a host that nobody knows": (
        HEAD
        + NULL.replace('name = "a"', 'name = "a", host = "db-one"')
        + 'hosts = [{ name = "db-1", via = "ssh", address = "10.0.0.1" }]\n',
        [": systems[0] 'toy': member 'a' names no host 'db-one'; did you mean 'db-1'?"],
    ),
    "a host without an address": (
        HEAD + NULL + 'hosts = [{ name = "local", via = "ssh" }]\n',
        [": systems[0] 'toy': key 'hosts.0': a host with via = \"ssh\" needs an address"],
    ),
    "wrong types and values": (
        HEAD.replace("lab", "moon")
        + "max_hold_s = 'long'\ntags = ['xfail']\n"
        + NULL.replace("port = 1", "port = 'one'").replace('"toy"', '"The Toy"'),
        [
            ": systems[0] 'The Toy': key 'name': String should match pattern "
            "'^[a-z][a-z0-9-]{0,40}$' (found 'The Toy')",
            ": systems[0] 'The Toy': key 'members.0.port': Input should be a valid integer, "
            "unable to parse string as an integer (found 'one')",
            ": key 'environment': Input should be 'lab', 'staging' or 'production' (found 'moon')",
            ": key 'max_hold_s': Input should be a valid number, "
            "unable to parse string as a number (found 'long')",
            ": key 'tags.0': 'xfail' cannot be a tag: need a plain word that is no mark of "
            "pytest's (found 'xfail')",
        ],
    ),
    "controls outside of a lab": (
        HEAD.replace("lab", "staging") + "negative_controls = true\n" + NULL,
        [': negative_controls = true is for environment = "lab" only'],
    ),
    "a watch that outlasts every fault": (
        HEAD + "give_up_after_s = 1000\nmax_hold_s = 10\n" + NULL,
        [": give_up_after_s must not be longer than max_hold_s"],
    ),
}


def refused(folder: Path, text: str) -> list[str]:
    path = folder / "shop.toml"
    path.write_text(text)
    with pytest.raises(BadInput) as problem:
        target.load(str(path), folder)
    return [line.removeprefix(str(path)) for line in problem.value.message.split("\n")]


@pytest.mark.parametrize("case", REFUSED)
def test_every_mistake_of_a_profile_is_told_with_its_key_and_cure(
    tmp_path: Path, case: str
) -> None:
    text, said = REFUSED[case]
    known = ", ".join(sorted(kinds.homes()))
    assert refused(tmp_path, text) == [line.replace("{kinds}", known) for line in said]


@pytest.mark.parametrize(
    "connection",
    [
        f"host=a password={PASSWORD}",
        f"host=a PASSWORD = '{PASSWORD}'",
        f"host=a sslpassword={PASSWORD} sslkey=x",
        f"host=a oauth_client_secret={PASSWORD}",
        f"postgresql://drill:{PASSWORD}@a:5432/shop",
        f"postgresql://a/shop?password={PASSWORD}",
    ],
)
def test_a_password_in_a_connection_string_is_refused_and_not_repeated(
    tmp_path: Path, connection: str
) -> None:
    text = HEAD + POSTGRES.replace("dbname=shop passfile=/etc/drill.pgpass", connection)
    assert refused(tmp_path, text) == [
        f": systems[0] 'orders': key '{key}': a password stands in the connection string; "
        "write it into a password file that only you can read and name that: passfile=PATH"
        for key in ("client", "operator")
    ]


def test_a_secret_is_not_repeated_whatever_else_is_wrong_with_it(tmp_path: Path) -> None:
    text = HEAD + POSTGRES.replace('manager = "patroni"', "") + f'manager = "token={PASSWORD}"\n'
    (line,) = refused(tmp_path, text)
    assert line == ": systems[0] 'orders': key 'manager': Input should be 'patroni' or 'none'"


def test_addresses_without_a_password_are_no_secrets(tmp_path: Path) -> None:
    for connection in ("postgresql://drill@a:5432,b:5432/shop?passfile=/x", "host=a passfile=/x"):
        (tmp_path / "shop.toml").write_text(
            HEAD + POSTGRES.replace("dbname=shop passfile=/etc/drill.pgpass", connection)
        )
        found: Any = target.load(str(tmp_path / "shop.toml"), tmp_path).system("orders")
        assert found.client.endswith(connection) and found.operator == connection


def test_a_profile_that_is_not_there_names_those_that_are(tmp_path: Path) -> None:
    (tmp_path / "targets").mkdir()
    path = tmp_path / "targets/lub.toml"
    with pytest.raises(BadInput) as problem:
        target.load("lub", tmp_path)
    assert problem.value.message == f"{path}: there is no such file; profiles here: none"
    (tmp_path / "targets/lab.toml").write_text(HEAD + NULL)
    with pytest.raises(BadInput) as problem:
        target.load("lub", tmp_path)
    assert problem.value.message == f"{path}: there is no such file; did you mean 'lab'?"


def test_a_profile_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "shop.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(BadInput, match=r"shop\.toml: cannot be read: 'utf-8' codec"):
        target.load(str(tmp_path / "shop.toml"), tmp_path)


def test_a_system_of_the_lab_needs_no_members_yet(tmp_path: Path) -> None:
    text = HEAD + '[[systems]]\nname = "toy"\nkind = "null"\nlab = "null"\n'
    (tmp_path / "shop.toml").write_text(text)
    found = target.load(str(tmp_path / "shop.toml"), tmp_path)
    assert found.system("toy") is not None and found.system("other") is None

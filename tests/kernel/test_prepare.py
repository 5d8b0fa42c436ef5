"""What `firemarshal prepare` prints: the least, quoted, and nothing where it would be a guess."""

from pathlib import Path

import pytest

from firemarshal import init_files, project
from firemarshal.bad_input import BadInput
from firemarshal.prepare import prepare

PROFILE = """
name = "own"
environment = "staging"

[[systems]]
name = "orders"
kind = "postgres"
client = {client}
operator = {operator}
identity = {{ system_identifier = "7" }}
members = [
  {{ name = "a", address = "127.0.0.1", port = 9, data_directory = "/nowhere" }},
]

[[systems]]
name = "toy"
kind = "null"
lab = "null"
"""
CLIENT, OPERATOR = "dbname='the \"shop\"' user='주문 app'", "dbname=shop user=o\"'brien"


def _prepared(
    root: Path,
    *,
    client: str = CLIENT,
    operator: str = OPERATOR,
    wanted: str = "",
    apply: bool = False,
    remove: bool = False,
) -> str:
    path = root / "targets/own.toml"
    path.parent.mkdir(exist_ok=True)
    texts = {"client": init_files.toml(client), "operator": init_files.toml(operator)}
    path.write_text(PROFILE.format(**texts))
    own = project.load(root)
    return "\n".join(prepare(own, "own", wanted, apply, remove, "user=postgres connect_timeout=1"))


def test_names_are_quoted_whatever_is_in_them(tmp_path: Path) -> None:
    said = _prepared(tmp_path)
    assert 'CREATE ROLE "o""\'brien" LOGIN CONNECTION LIMIT 10;' in said
    assert 'GRANT CONNECT ON DATABASE "the ""shop""" TO "o""\'brien";' in said
    assert 'GRANT USAGE, CREATE ON SCHEMA firemarshal TO "주문 app";' in said
    assert "Nothing was run" in said


def test_the_least_is_asked_for(tmp_path: Path) -> None:
    """Comments tell of more, for the drills that need it; no statement does."""
    statements = [one for one in _prepared(tmp_path).splitlines() if not one.startswith("--")]
    text = "\n".join(statements)
    for much in ("SUPERUSER", "REPLICATION", "pg_monitor", "pg_read_all_data", "PASSWORD", "ALL"):
        assert much not in text
    assert all(one.endswith(";") for one in statements if one)


def test_all_that_was_given_is_taken_back(tmp_path: Path) -> None:
    said = _prepared(tmp_path, remove=True)
    for one in ("DROP SCHEMA firemarshal;", 'DROP ROLE "o""\'brien";', "REVOKE CONNECT"):
        assert one in said
    assert "CASCADE" not in said
    assert "--remove --apply" in said


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"client": "dbname=shop"}, r"system 'orders', client: names no user; write user="),
        ({"operator": "user=looks"}, "operator: names no dbname"),
        ({"operator": "dbname=shop user='주문 app'"}, "are the same user"),
        ({"wanted": "order"}, "did you mean 'orders'"),
        ({"wanted": "toy"}, "the lab prepares its own"),
        ({"client": "password=hush dbname=a user=b"}, "password stands in the connection string"),
    ],
)
def test_what_cannot_be_prepared_is_told(tmp_path: Path, said: dict[str, str], told: str) -> None:
    with pytest.raises(BadInput, match=told) as problem:
        _prepared(tmp_path, **said)  # type: ignore[arg-type]
    assert "hush" not in problem.value.message


def test_a_server_that_does_not_answer_is_told_with_the_cure(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"no member answers.*--admin"):
        _prepared(tmp_path, apply=True)

"""From an empty folder to a proved drill of a system that our lab did not make, over ssh."""

import os
import re
import signal
from pathlib import Path
from typing import Any

import orjson
import psycopg
import pytest
from own_pair import DATABASE, OWNER

CUT = """\
@postgres
Feature: What only a lab can do
  Scenario: The link is cut
    Given "shop" is healthy
    And clients write steadily
    And the replication link of "shop" is cut
    When the primary of "shop" is killed
    Then writes return within 60 seconds
"""
GRANTED = """
select r.rolsuper or r.rolcreaterole or r.rolcreatedb or r.rolreplication or r.rolbypassrls,
  array(select roleid::regrole::text from pg_auth_members where member = r.oid)
from pg_roles r where rolname = 'firemarshal'
"""


def _files(root: Path) -> list[str]:
    return sorted(str(one.relative_to(root)) for one in root.rglob("*") if one.is_file())


def _asked(road: Any, query: str, database: str = DATABASE) -> Any:
    where = road.pair.admin(road.pair.leader(), database)
    with psycopg.connect(where, autocommit=True) as connection:
        return connection.execute(query).fetchone()


def _do(road: Any, *statements: str) -> None:
    with psycopg.connect(road.pair.admin(road.pair.leader(), DATABASE)) as connection:
        for one in statements:
            connection.execute(one)


def test_from_an_empty_folder_to_a_drill_and_back(road: Any) -> None:
    """One test, as it is one road: each part stands on the one before."""
    said = road.done(*road.init("staging"))
    for name in road.pair.names:
        assert f"found {name} at 127.0.0.1" in said
    assert _files(road.root) == [
        "features/staging/primary_crash.feature",
        "plans/staging.toml",
        "targets/staging.toml",
    ]
    assert "1 test collected" in road.done("check", "features", "--target", "staging")

    # Without its grants the doctor says who has to do what, and a drill harms nobody.
    before = road.run("doctor", "--target", "staging")
    assert before.returncode == 4
    assert "firemarshal prepare --target staging" in before.stdout
    sick = road.run("run", "features/staging", "--target", "staging")
    assert sick.returncode == 10, sick.stdout + sick.stderr
    assert not road.summary()["drills"][0]["injected"]

    shown = road.done("prepare", "--target", "staging")
    assert 'CREATE ROLE "firemarshal" LOGIN' in shown
    assert _asked(road, "select count(*) from pg_roles where rolname = 'firemarshal'") == (0,)
    road.done("prepare", "--target", "staging", "--apply")
    road.done("prepare", "--target", "staging", "--apply")
    assert _asked(road, GRANTED) == (False, ["pg_read_all_stats"])
    assert "MISSING" not in road.done("doctor", "--target", "staging")

    leader = road.pair.leader()
    told = road.done("rehearse", "features", "--target", "staging")
    assert f"{leader} postmaster" in told
    assert road.pair.leader() == leader
    road.root.joinpath("features/cut.feature").write_text(CUT)
    ran = road.run("run", "features", "--target", "staging")
    summary = road.summary()
    cut, drill = sorted(summary["drills"], key=lambda one: one["injected"])
    assert (cut["verdict"], cut["code"]) == ("NOT RUN", "no-engine"), ran.stdout
    assert drill["verdict"] == "PASSED", ran.stdout + ran.stderr
    assert ran.returncode == 12  # something was not run on what is no lab
    assert drill["injected"]
    assert 0 < drill["rto"]["upper"] < 300_000_000
    assert road.pair.leader() != leader
    _evidence(road, drill)
    assert not list((road.root / ".firemarshal/state").rglob("*.undo.json"))

    road.done("prepare", "--target", "staging", "--remove", "--apply")
    assert _asked(road, "select count(*) from pg_roles where rolname = 'firemarshal'") == (0,)
    assert _asked(road, "select count(*) from pg_namespace where nspname = 'firemarshal'") == (0,)


def _evidence(road: Any, drill: Any) -> None:
    """Who was harmed stands in the journal, and no password anywhere."""
    folder = road.root / "runs/latest" / drill["folder"]
    journal = (folder / "journal.jsonl").read_text()
    events = [orjson.loads(line) for line in journal.splitlines()]
    by_name = {one["event"]: one for one in events}
    assert by_name["aimed"]["victims"][0]["name"] in road.pair.names
    assert "gone" in by_name["bit"]["seen"]
    for path in [one for one in road.root.rglob("*") if one.is_file()]:
        assert b"wonderful" not in path.read_bytes(), path
        assert b"not a secret" not in path.read_bytes(), path


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"known_hosts_file": "/dev/null"}, "ssh-keyscan"),
        ({"identity_file": "/nowhere/key"}, "correct identity_file"),
        ({"ssh_port": "9"}, "check address, port, user"),
        ({"address": "127.0.0.1:9"}, "cannot be asked|does not answer"),
        ({"address": "postgres://u:p@h"}, "not repeated"),
        ({"client": "dbname=shop password=hidden"}, "holds a password"),
        ({"client": "dbname=shop"}, "names no user"),
        ({"client": "no equals sign"}, "no connection string"),
        ({"system": 'the "shop"'}, "name"),
        ({"environment": "home"}, "one of lab, staging, production"),
        ({"via": "carrier"}, '"ssh" or "local"'),
        ({"rto": "soon"}, "is not a duration"),
        ({"environment": ""}, "--environment"),
        ({"client": ""}, "--client"),
    ],
)
def test_a_wrong_answer_is_told_and_nothing_is_written(
    road: Any, wrong: dict[str, str], told: str
) -> None:
    message = road.refused(*road.init("other", **wrong))
    assert re.search(told, message), message
    assert "hidden" not in message
    assert _files(road.root) == []


def test_the_doctor_tells_a_machine_that_nobody_knows(road: Any) -> None:
    road.done(*road.init("staging"))
    profile = road.root / "targets/staging.toml"
    profile.write_text(profile.read_text().replace(road.far["known_hosts_file"], "/dev/null"))
    said = road.run("doctor", "--target", "staging")
    assert said.returncode == 4
    assert "MISSING shop: login to 127.0.0.1" in said.stdout
    assert "cure: compare `ssh-keyscan`" in said.stdout


def test_an_sshd_is_no_patroni(road: Any) -> None:
    message = road.refused(*road.init("other", address=f"127.0.0.1:{road.far['port']}"))
    assert "does not answer" in message


def test_a_server_is_asked_itself_where_no_patroni_answers(road: Any) -> None:
    """The same servers by their own port: their standby comes from the address that it shares."""
    leader = road.pair.leader()
    address = f"127.0.0.1:{road.pair.ports[leader]}"
    assert "--admin" in road.refused(*road.init("alone", address=address, system="alone"))
    said = road.done(
        *road.init("alone", address=address, system="alone", admin="user=postgres dbname=postgres")
    )
    assert "so nobody fails over" in said
    profile = (road.root / "targets/alone.toml").read_text()
    assert 'manager = "none"' in profile
    assert f"{leader}-data" in profile
    assert "is never overwritten" in road.refused(*road.init("alone"))


def test_one_member_down_is_told(road: Any) -> None:
    """A manager that stands still is a member that nobody can ask."""
    manager = next(
        one
        for one in road.pair.processes()
        if any("patroni" in word for word in one.arguments)
        and any(word.endswith(f"{road.pair.names[1]}.json") for word in one.arguments)
    )
    os.kill(manager.pid, signal.SIGSTOP)
    try:
        message = road.refused(*road.init("other"))
    finally:
        os.kill(manager.pid, signal.SIGCONT)
    assert road.pair.names[1] in message
    assert "let this machine reach that address" in message


def test_what_others_made_stays_and_rows_are_never_thrown_away(road: Any) -> None:
    road.done(*road.init("staging"))
    both = "select to_regrole('firemarshal')::text, to_regnamespace('firemarshal')::text"
    _do(road, "create role firemarshal", f"create schema firemarshal authorization {OWNER}")
    road.done("prepare", "--target", "staging", "--apply")
    road.done("prepare", "--target", "staging", "--remove", "--apply")
    assert _asked(road, both) == ("firemarshal", "firemarshal")
    _do(road, "drop schema firemarshal", "drop role firemarshal")
    road.done("prepare", "--target", "staging", "--apply")
    _do(road, "create table firemarshal.attempts_d1 (k bigint)")
    message = road.refused("prepare", "--target", "staging", "--remove", "--apply")
    assert "firemarshal heal" in message
    assert _asked(road, GRANTED) == (False, ["pg_read_all_stats"])
    _do(road, "drop table firemarshal.attempts_d1")
    road.done("prepare", "--target", "staging", "--remove", "--apply")
    assert _asked(road, both) == (None, None)


def test_another_system_behind_the_addresses_is_left_alone(road: Any) -> None:
    """Nothing is granted, harmed or written there, not even the tombstone."""
    road.done(*road.init("staging"))
    road.done("prepare", "--target", "staging", "--apply")
    _do(road, f"revoke create on schema firemarshal from {OWNER}")
    profile = road.root / "targets/staging.toml"
    right = profile.read_text()
    profile.write_text(re.sub(r'system_identifier = "\d+"', 'system_identifier = "7"', right))
    assert "the profile pins '7'" in road.refused("prepare", "--target", "staging", "--apply")
    ran = road.run("run", "features", "--target", "staging")
    assert ran.returncode == 11, ran.stdout + ran.stderr
    (drill,) = road.summary()["drills"]
    assert drill["code"] == "guard"
    assert "the profile pins '7'" in drill["why"]
    profile.write_text(right)
    road.done("prepare", "--target", "staging", "--remove", "--apply")


def test_the_application_stays_without_rights_that_it_did_not_have(road: Any) -> None:
    assert _asked(road, f"select has_database_privilege('{OWNER}', '{DATABASE}', 'CREATE')") == (
        False,
    )

"""PostgreSQL's faults in the endings that a clean trial never meets."""

import copy
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from firemarshal.actions.postgres import (
    cut_replication,
    kill_primary,
    members,
    patroni,
    pause_failover,
    shift_clock,
    switch_over,
    timelines,
)
from firemarshal.fault import NotDone, VictimChanged
from firemarshal.hosts import LocalHost
from firemarshal.lab import status
from firemarshal.probes.postgres.system import healthy

HERE = LocalHost("local")
Json = dict[str, Any]


@pytest.fixture(autouse=True)
def well(pair: Json) -> Iterator[None]:
    """Every test finds the pair healthy, and leaves it so."""
    until(lambda: not unhealthy(pair), "the pair is healthy before")
    yield
    until(lambda: not unhealthy(pair), "the pair is healthy again")


def unhealthy(pair: Json) -> list[str]:
    why: list[str] = healthy(pair, 5.0)["why"]
    return why


def until(true: Callable[[], object], what: str, within_s: float = 60) -> None:
    end = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < end, f"waited {within_s} s in vain until {what}"
        time.sleep(0.1)


def url_of(pair: Json, victim: Json) -> str:
    url: str = members.member_named(pair["system"], victim["name"])["manager_url"]
    return url


@contextmanager
def frozen(pair: Json, name: str) -> Iterator[None]:
    """A process of the lab says nothing for a while."""
    folder = Path(pair["system"]["members"][0]["data_directory"]).parent
    (found,) = [one for one in status(folder)["processes"] if one["name"] == name]
    os.kill(found["pid"], signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(found["pid"], signal.SIGCONT)


def test_a_postmaster_left_stopped_is_let_go_on(pair: Json) -> None:
    victims = kill_primary.aim(pair)
    pid, start = victims[0]["found"]["pid"], victims[0]["found"]["start"]
    HERE.signal(pid, start, "SIGSTOP")
    assert members.state_of(HERE, victims[0]["found"]) == "T"
    assert "left stopped" in kill_primary.heal(victims, pair)[0]
    assert kill_primary.heal(victims, pair) == []
    assert kill_primary.bit(victims, pair)["bit"] is False


def test_a_tree_that_was_half_killed_comes_back(pair: Json) -> None:
    victims = kill_primary.aim(pair)
    pid, start = victims[0]["found"]["pid"], victims[0]["found"]["start"]
    HERE.signal(pid, start, "SIGSTOP")
    for child in members.children(HERE, pid)[::2]:
        HERE.signal(child.pid, child.start, "SIGKILL")
    until(lambda: kill_primary.heal(victims, pair) == [], "it is healed")


def test_what_a_paused_patroni_leaves_dead_is_started(pair: Json) -> None:
    pause = pause_failover.aim(pair)
    pause_failover.inject(pause, pair)
    try:
        until(lambda: pause_failover.bit(pause, pair)["bit"], "Patroni is paused")
        victims = kill_primary.aim(pair)
        kill_primary.inject(victims, pair)
        assert kill_primary.bit(victims, pair)["bit"] is True
        until(lambda: kill_primary.heal(victims, pair) == [], "it was started", 30)
        assert pause_failover.bit(pause, pair)["bit"] is True
    finally:
        until(lambda: pause_failover.heal(pause, pair) == [], "Patroni acts again")


def test_a_primary_restarted_after_aiming_is_another_victim(pair: Json) -> None:
    victims, leadership = kill_primary.aim(pair), switch_over.aim(pair)
    patroni.restart(url_of(pair, victims[0]))
    (again,) = kill_primary.aim(pair)
    assert again["found"]["pid"] != victims[0]["found"]["pid"]
    with pytest.raises(VictimChanged, match="not the primary any more"):
        kill_primary.inject(victims, pair)
    with pytest.raises(VictimChanged, match="not the primary any more"):
        switch_over.inject(leadership, pair)
    assert kill_primary.aim(pair) == [again]


def test_a_silent_proxy_is_told_and_healed_later(pair: Json) -> None:
    victims = cut_replication.aim(pair)
    cut_replication.inject(victims, pair)
    until(lambda: cut_replication.bit(victims, pair)["bit"], "it is cut")
    with frozen(pair, "proxy"):
        assert "did not answer" in cut_replication.heal(victims)[0]
        with pytest.raises(NotDone, match="did not answer"):
            cut_replication.bit(victims, pair)
    assert cut_replication.heal(victims) == []
    assert cut_replication.bit(victims, pair)["bit"] is False


def test_a_dead_proxy_is_told(pair: Json) -> None:
    (victim,) = cut_replication.aim(pair)
    dead = copy.deepcopy(pair)
    for link in dead["system"]["links"]:
        link["control"] = "127.0.0.1:1"
    with pytest.raises(NotDone, match=r"127\.0\.0\.1:1 did not answer"):
        cut_replication.aim(dead)
    victim["found"]["control"] = "127.0.0.1:1"
    assert "did not answer" in cut_replication.heal([victim])[0]


def test_links_are_aimed_at_only_while_they_lead_from_the_primary(pair: Json) -> None:
    victims = cut_replication.aim(pair)
    switch_over.inject(switch_over.aim(pair), pair)
    with pytest.raises(VictimChanged, match="does not lead from the primary"):
        cut_replication.inject(victims, pair)
    assert cut_replication.bit(victims, pair)["bit"] is False


def test_a_silent_dcs_refuses_a_pause_and_keeps_none(pair: Json) -> None:
    victims = pause_failover.aim(pair)
    with frozen(pair, "etcd"):
        with pytest.raises(NotDone, match="/config"):
            pause_failover.inject(victims, pair)
        with pytest.raises(NotDone, match="/config"):
            pause_failover.heal(victims, pair)
    until(lambda: _healed(victims, pair), "healing is answered again")
    assert pause_failover.bit(victims, pair)["bit"] is False


def _healed(victims: list[Json], pair: Json) -> bool:
    try:
        return pause_failover.heal(victims, pair) == []
    except NotDone:
        return False  # Patroni still waits for the DCS


def test_a_pid_given_out_again_is_no_postmaster(pair: Json, tmp_path: Path) -> None:
    """The file of a crashed server may name another server's process by now."""
    (victim,) = kill_primary.aim(pair)
    other = {"name": "other", "data_directory": str(tmp_path)}
    assert members.postmaster(other, HERE) is None
    (tmp_path / "postmaster.pid").write_text("")
    assert members.postmaster(other, HERE) is None
    (tmp_path / "postmaster.pid").write_text(f"{victim['found']['pid']}\n{tmp_path}\n")
    assert members.postmaster(other, HERE) is None
    true = members.member_named(pair["system"], victim["name"])
    found = members.postmaster(true, HERE)
    assert found and found.pid == victim["found"]["pid"]


def killed_in_turn(pair: Json) -> list[str]:
    """Kill the primary, and who leads next at once; what healing had to say."""
    first = kill_primary.aim(pair)
    kill_primary.inject(first, pair)
    until(lambda: kill_primary.aim(pair) not in ([], first), "another server leads", 30)
    second = kill_primary.aim(pair)
    kill_primary.inject(second, pair)
    said: list[str] = []

    def healed() -> bool:
        found = kill_primary.heal([*first, *second], pair)
        said.extend(found)
        return found == []

    until(healed, "both run")
    until(lambda: not unhealthy(pair), "one shows what is written on the other")
    assert timelines.made_anew(pair["system"]) == []
    return [one for one in said if "a history of its own" in one]


@pytest.mark.skipif(os.environ.get("DRILLS") != "all", reason="long; run it: make test DRILLS=all")
def test_a_standby_of_another_history_is_found_and_made_anew(pair: Json) -> None:
    """Two promotions unseen by each other: Patroni takes the second for a follower of the first.

    Who is promoted is a race, so that it may need more than one try.
    """
    assert any(killed_in_turn(pair) for _ in range(5))


def test_a_clock_that_was_moved_is_set_right_and_its_manager_awake(clocked: Json) -> None:
    victims = shift_clock.aim(clocked)
    shift_clock.inject(victims, clocked)
    assert shift_clock.bit(victims, clocked)["bit"] is True
    member = members.member_named(clocked["system"], victims[0]["name"])
    looked = f"{member['manager_url']}/patroni"
    until(lambda: json.loads(patroni.ask(looked))["dcs_last_seen"] > time.time() + 1800, "it saw")
    began = time.monotonic()
    until(lambda: shift_clock.heal(victims, clocked) == [], "it is healed", 15)
    assert time.monotonic() - began < 15, "not only when its leader key has run out"
    until(lambda: shift_clock.bit(victims, clocked)["bit"] is False, "the time is ours")
    assert not unhealthy(clocked)


def test_a_clock_that_cannot_be_moved_is_no_victim(pair: Json) -> None:
    with pytest.raises(NotDone, match="clocks = true"):
        shift_clock.aim(pair)

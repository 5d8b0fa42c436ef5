"""What `firemarshal init` asks, finds and writes; what is no Patroni is told, and never guessed."""

import json
import threading
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from firemarshal import collecting, init, init_files, project, target
from firemarshal.bad_input import BadInput
from firemarshal.probes.postgres import addresses, topology

ODD = 'pg "주문" \\ 1'
TABLE: dict[str, Any] = {
    "manager": "patroni",
    "synchronous": True,
    "client": "dbname='the shop' user=app host=::1 port=5432",
    "operator": "dbname='the shop' user=firemarshal",
    "identity": {"system_identifier": "7"},
    "hosts": [{"name": "::1", "via": "local"}],
    "members": [
        {
            "name": ODD,
            "host": "::1",
            "address": "::1",
            "port": 5432,
            "data_directory": "/var/lib/pg data/한",
            "manager_url": "http://[::1]:8008",
        }
    ],
}
FEATURE = """\
@postgres @plan:{clause}
Feature: {system}
  Scenario: it crashes
    Given "{system}" is healthy
    And clients write steadily
    When the primary of "{system}" is killed
    Then writes return as the plan promises
"""
ANSWERS = {"environment": "staging", "system": "orders"}


def _member(name: str, role: str, port: int, state: str = "running") -> dict[str, Any]:
    """A member as Patroni 4 lists it."""
    url = f"http://127.0.0.1:{port}/patroni"
    said = {"name": name, "role": role, "state": state, "api_url": url}
    return said | {"host": "127.0.0.1", "port": 5432, "timeline": 1}


@contextmanager
def _answering(
    say: Callable[[str, int], tuple[int, Any]], host: str = "127.0.0.1"
) -> Iterator[int]:
    """A server that answers every GET with what `say(path, port)` says, a text or JSON."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            code, said = say(self.path, self.server.server_address[1])
            body = said if isinstance(said, bytes) else json.dumps(said).encode()
            self.send_response(code)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            return

    kind = type("Server", (ThreadingHTTPServer,), {"address_family": 10 if ":" in host else 2})
    with kind((host, 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def _cluster(*states: tuple[str, str], identifiers: tuple[str, ...] = ("7",)) -> Any:
    """What a Patroni says of members with these roles and states; each asked answers the next."""
    rest = list(identifiers)

    def say(path: str, port: int) -> tuple[int, Any]:
        if path == "/cluster":
            members = [
                _member(f"pg-{number}", role, port, state)
                for number, (role, state) in enumerate(states)
            ]
            return 200, {"members": members, "scope": "orders"}
        if path == "/config":
            return 200, {"synchronous_mode": False}
        return 200, {"database_system_identifier": rest.pop(0) if len(rest) > 1 else rest[0]}

    return say


def _nobody() -> str:
    raise AssertionError("nobody had to log in")


def _refused(say: Any, address: str = "127.0.0.1:{}") -> str:
    with _answering(say) as port, pytest.raises(BadInput) as problem:
        topology.at(address.format(port), _nobody)
    return problem.value.message


def _init(root: Path, name: str = "staging", table: Any = TABLE, **said: str) -> list[str]:
    found = init.Discovery(table, "orders", FEATURE, {"client": "as it is"}, ["look twice"])
    kind = SimpleNamespace(discover=lambda ask: found)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(init, "_kind", lambda name, homes: kind)
        return init.init(root, name, "postgres", init.Ask({**ANSWERS, **said}, None))


# Questions.


def test_an_option_answers_before_anybody_is_asked() -> None:
    ask = init.Ask({"ssh_port": "2222", "user": " root "}, _never)
    assert (ask("user", "who", "postgres"), ask.number("ssh-port", 22)) == ("root", 2222)


def _never(question: str) -> str:
    raise AssertionError(question)


def test_a_person_is_asked_until_there_is_an_answer_and_may_take_the_default() -> None:
    answers, asked = ["", " db1 ", ""], []

    def reader(question: str) -> str:
        asked.append(question)
        return answers.pop(0)

    ask = init.Ask({}, reader)
    assert (ask("address", "Where"), ask("via", "How", "ssh")) == ("db1", "ssh")
    assert asked == ["Where: ", "Where: ", "How [ssh]: "]


def test_without_a_terminal_the_missing_option_is_named() -> None:
    ask = init.Ask({}, None)
    assert ask("rto", "How soon", "5 min") == "5 min"
    with pytest.raises(BadInput, match=r'say it as an option: --known-hosts-file "'):
        ask("known_hosts_file", "Where")


@pytest.mark.parametrize("end", [EOFError, KeyboardInterrupt])
def test_a_person_who_leaves_leaves_nothing(end: type[BaseException]) -> None:
    def reader(question: str) -> str:
        raise end

    with pytest.raises(BadInput, match="nothing was written"):
        init.Ask({}, reader)("address", "Where")


def test_a_port_is_a_number() -> None:
    with pytest.raises(BadInput, match="--ssh-port: 'x' is no number"):
        init.Ask({"ssh_port": "x"}, None).number("ssh-port", 22)


# Files.


def test_what_is_written_is_read_again_with_every_odd_name(tmp_path: Path) -> None:
    said = _init(tmp_path)
    assert "note: look twice" in said
    profile = target.load("staging", tmp_path)
    assert profile.environment == "staging"
    (system,) = profile.systems
    kept = system.model_dump(mode="json", exclude_defaults=True)
    assert kept["members"] == TABLE["members"]
    assert {key: kept[key] for key in ("client", "operator", "identity")} == {
        key: TABLE[key] for key in ("client", "operator", "identity")
    }
    path = tmp_path / "features/staging/primary_crash.feature"
    house = project.load(tmp_path).house(profile)
    ((_, (compiled,)),) = collecting.compile_file(house, path)
    assert compiled.drill.clauses == ("STAGING-1",)
    assert "PASSWORD" in "\n".join(said)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "plans/staging.toml"
    path.parent.mkdir()
    path.write_text("mine")
    with pytest.raises(BadInput, match=r"plans/staging.toml: is there already.*another --target"):
        _init(tmp_path)
    assert [one for one in tmp_path.rglob("*") if one.is_file()] == [path]
    assert path.read_text() == "mine"


def test_what_does_not_compile_beside_other_plans_is_taken_back(tmp_path: Path) -> None:
    path = tmp_path / "plans/other.toml"
    path.parent.mkdir()
    path.write_text(init_files.plan("staging", "X-1", "orders", {"rto": "1 s", "rpo": "0"}))
    with pytest.raises(BadInput, match="stands here and in"):
        _init(tmp_path)
    assert [one for one in tmp_path.rglob("*") if one.is_file()] == [path]


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "features").write_text("a file in the way")
    with pytest.raises(BadInput, match="features/staging: cannot be written"):
        _init(tmp_path)
    assert not list((tmp_path / "targets").iterdir())


@pytest.mark.parametrize("name", ["", "Staging", "주문", "a/b", '"x"', "../x"])
def test_a_target_has_a_plain_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput, match="cannot name a target"):
        _init(tmp_path, name)


@pytest.mark.parametrize("text", ['"', "\\", "한\n", "\x7f\x00", "a = 'b'"])
def test_every_text_survives_toml(text: str) -> None:
    assert tomllib.loads(f"key = {init_files.toml({'inner': text})}") == {"key": {"inner": text}}


# Who answers there.


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("db1", ("", "db1", 0)),
        ("db1:8008", ("", "db1", 8008)),
        ("::1", ("", "::1", 0)),
        ("[::1]:8008", ("", "::1", 8008)),
        ("https://db1", ("https", "db1", 0)),
        ("http://[fe80::2]:8008/patroni", ("http", "fe80::2", 8008)),
    ],
)
def test_an_address_is_taken_as_people_type_it(said: str, expected: tuple[str, str, int]) -> None:
    assert addresses.parts(said) == expected


@pytest.mark.parametrize(
    "said", ["", "db1:x", "db1:99999", "ftp://db1", "my host", "postgres://u:hush@h"]
)
def test_what_is_no_address_is_refused_without_its_secret(said: str) -> None:
    with pytest.raises(BadInput) as problem:
        addresses.parts(said)
    assert "hush" not in problem.value.message


def test_a_whole_cluster_is_found_by_one_member() -> None:
    with _answering(_cluster(("leader", "running"), ("sync_standby", "streaming"))) as port:
        found = topology.at(f"http://127.0.0.1:{port}/cluster", _nobody)
    assert (found.scope, found.manager, found.identifier) == ("orders", "patroni", "7")
    assert [one["name"] for one in found.members] == ["pg-0", "pg-1"]
    assert found.members[0]["manager_url"] == f"http://127.0.0.1:{port}"
    assert not found.warnings


def test_a_cluster_is_found_over_ipv6() -> None:
    try:
        with (
            _answering(_cluster(("leader", "running")), "::1") as port,
            pytest.raises(BadInput, match=r"the cluster names http://127\.0\.0\.1"),
        ):
            topology.at(f"[::1]:{port}", _nobody)
    except OSError as problem:
        pytest.skip(f"no IPv6 here ({problem}); cure: sysctl net.ipv6.conf.lo.disable_ipv6=0")


def test_a_leader_alone_is_a_warning() -> None:
    with _answering(_cluster(("leader", "running"))) as port:
        found = topology.at(f"127.0.0.1:{port}", _nobody)
    assert "has no standby" in found.warnings[0]


@pytest.mark.parametrize(
    ("say", "told"),
    [
        (lambda path, port: (200, b"<html>hello"), "does not answer"),
        (lambda path, port: (404, b"nothing"), "answered no JSON"),
        (lambda path, port: (200, {"status": "ok"}), "not as Patroni does"),
        (lambda path, port: (200, []), "not as Patroni does"),
        (lambda path, port: (200, {"members": []}), "lists no members"),
        (lambda path, port: (200, {"members": ["x"]}), "not as Patroni does"),
        (lambda path, port: (200, {"members": [{"name": "x"}]}), "without name or REST address"),
        (_cluster(("leader", "running"), ("replica", "stopped")), "pg-1 is 'stopped'"),
        (_cluster(("replica", "streaming")), "0 members lead"),
        (
            _cluster(("leader", "running"), ("replica", "streaming"), identifiers=("7", "8")),
            "different system identifiers",
        ),
    ],
)
def test_what_is_no_whole_patroni_is_told(say: Any, told: str) -> None:
    assert told in _refused(say)


def test_nobody_at_all_is_told_with_the_cure() -> None:
    with pytest.raises(BadInput, match="say where Patroni's REST answers"):
        topology.at("127.0.0.1:9", _nobody)

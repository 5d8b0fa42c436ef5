"""A Patroni pair that firemarshal's lab did not make: started here, by plain commands.

`python tests/support/own_pair.py FOLDER` keeps one up, with an sshd, until its input ends.
"""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from own_sshd import free_port, sshd

from firemarshal.lab.postgres import binaries, unprivileged
from firemarshal.processes import local_processes, signal_exactly

NAMES = ("pg-a", "주문-b")
DATABASE, OWNER, PASSWORD = "shop", "shop_app", "not a secret: 'quoted'"
UP_S = 60.0
Json = dict[str, Any]


@dataclass
class Pair:
    """Where everything is; `passfile` holds the superuser's and the application's passwords."""

    folder: Path
    names: tuple[str, ...] = NAMES
    ports: dict[str, int] = field(default_factory=dict)
    rest: dict[str, int] = field(default_factory=dict)
    etcd: int = 0
    prefix: tuple[str, ...] = ()

    @property
    def passfile(self) -> Path:
        """A password file as a person would keep it."""
        return self.folder / "pgpass"

    def admin(self, name: str, database: str = "postgres") -> str:
        """A superuser's connection string to one member."""
        return (
            f"host=127.0.0.1 port={self.ports[name]} user=postgres dbname={database} "
            f"passfile={self.passfile} connect_timeout=5"
        )

    def cluster(self) -> list[Json]:
        """The members as the first manager that answers tells them."""
        for port in self.rest.values():
            with suppress(OSError, ValueError, urllib.error.URLError):
                url = f"http://127.0.0.1:{port}/cluster"
                with urllib.request.urlopen(url, timeout=2) as answer:
                    found: list[Json] = json.load(answer)["members"]
                    return found
        return []

    def leader(self) -> str:
        """Who leads, "" while nobody does."""
        return next((one["name"] for one in self.cluster() if one["role"] == "leader"), "")

    def processes(self) -> list[Any]:
        """Everything that lives in the folder, whoever started it."""
        here, running = str(self.folder), local_processes()
        parents, ours = {one.pid: one.parent for one in running}, {os.getpid()}
        above = os.getppid()  # a shell that names the folder is no server of the pair
        while above and above not in ours:
            ours.add(above)
            above = parents.get(above, 0)
        return [
            one
            for one in running
            if one.state not in "ZX" and one.pid not in ours and _lives_in(one, here)
        ]


def _lives_in(process: Any, here: str) -> bool:
    if any(here in word for word in process.arguments):
        return True
    try:
        return str(Path(f"/proc/{process.pid}/cwd").readlink()).startswith(here)
    except OSError:
        return False


@contextmanager
def pair(folder: Path, names: tuple[str, ...] = NAMES) -> Iterator[Pair]:
    """etcd and a Patroni a member, up and following; everything is killed by pid at the end."""
    own = Pair(folder, names)
    own.ports, own.rest = ({name: free_port() for name in names} for _ in range(2))
    found = binaries.find()
    own.prefix = unprivileged.prefix(folder, str(found.postgres / "postgres"), found.patroni[0])
    own.passfile.write_text(
        f"*:*:*:postgres:super\n*:*:*:{OWNER}:{PASSWORD.replace(':', chr(92) + ':')}\n"
    )
    own.passfile.chmod(0o600)
    started: list[subprocess.Popen[bytes]] = []
    try:
        started.append(_etcd(own, found))
        for name in names:
            started.append(_patroni(own, name, found))
        _await_all(own)
        with psycopg.connect(own.admin(own.leader()), autocommit=True) as connection:
            quoted = PASSWORD.replace("'", "''")
            connection.execute(f"create role {OWNER} login password '{quoted}'")
            connection.execute(f"create database {DATABASE} owner {OWNER}")
            connection.execute(f"revoke create on database {DATABASE} from {OWNER}")
            connection.execute(f"alter database {DATABASE} owner to postgres")
        yield own
    finally:
        _end(own, started)


def _start(own: Pair, name: str, command: list[str]) -> "subprocess.Popen[bytes]":
    with (own.folder / f"{name}.log").open("ab") as log:
        return subprocess.Popen(
            [*own.prefix, *command],
            cwd=own.folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _etcd(own: Pair, found: binaries.Binaries) -> "subprocess.Popen[bytes]":
    own.etcd = free_port()
    client, peer = f"http://127.0.0.1:{own.etcd}", f"http://127.0.0.1:{free_port()}"
    command = [
        *(str(found.etcd), "--name=etcd", f"--data-dir={own.folder}/etcd", "--unsafe-no-fsync"),
        *(f"--listen-client-urls={client}", f"--advertise-client-urls={client}"),
        *(f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}"),
        *(f"--initial-cluster=etcd={peer}", "--log-level=warn"),
        *("--heartbeat-interval=20", "--election-timeout=200"),
    ]
    return _start(own, "etcd", command)


def _patroni(own: Pair, name: str, found: binaries.Binaries) -> "subprocess.Popen[bytes]":
    rest = f"127.0.0.1:{own.rest[name]}"
    wanted = {
        "scope": DATABASE,
        "name": name,
        "restapi": {"listen": rest, "connect_address": rest},
        "etcd3": {"host": f"127.0.0.1:{own.etcd}"},
        "bootstrap": {
            "dcs": {
                "ttl": 20,
                "loop_wait": 1,
                "retry_timeout": 3,
                "primary_start_timeout": 0,
                "failsafe_mode": True,
                "postgresql": {"use_pg_rewind": True, "parameters": {"wal_log_hints": "on"}},
            },
            "initdb": [{"encoding": "UTF8"}, {"locale": "C.UTF-8"}, "data-checksums", "no-sync"],
        },
        "postgresql": {
            "listen": f"127.0.0.1:{own.ports[name]}",
            "connect_address": f"127.0.0.1:{own.ports[name]}",
            "data_dir": f"{own.folder}/{name}-data",
            "bin_dir": str(found.postgres),
            "pgpass": f"{own.folder}/{name}.pgpass",
            "authentication": {
                "superuser": {"username": "postgres", "password": "super"},
                "replication": {"username": "replicator", "password": "follow"},
            },
            "pg_hba": [
                "host replication replicator 127.0.0.1/32 scram-sha-256",
                "host all all 127.0.0.1/32 scram-sha-256",
            ],
            "parameters": {
                "unix_socket_directories": "",
                "shared_buffers": "16MB",
                "max_wal_size": "128MB",
                "dynamic_shared_memory_type": "mmap",
                "wal_retrieve_retry_interval": "500ms",
            },
            "basebackup": [{"checkpoint": "fast"}, "no-sync"],
        },
    }
    path = own.folder / f"{name}.json"
    path.write_text(json.dumps(wanted))
    return _start(own, name, [*found.patroni, str(path)])


def _await_all(own: Pair) -> None:
    end = time.monotonic() + UP_S
    while True:
        states = {(one["role"], one["state"]) for one in own.cluster()}
        roles = [role for role, _ in states]
        following = len(own.names) == 1 or ("replica", "streaming") in states
        if len(own.cluster()) == len(own.names) and "leader" in roles and following:
            return
        if time.monotonic() > end:
            logs = "".join(path.read_text()[-2000:] for path in own.folder.glob("*.log"))
            raise AssertionError(f"the pair did not come up: {states}\n{logs}")
        time.sleep(0.1)


def _end(own: Pair, started: "list[subprocess.Popen[bytes]]") -> None:
    """Managers first, as they would start servers again."""
    end = time.monotonic() + UP_S
    while (left := own.processes()) and time.monotonic() < end:
        for one in sorted(left, key=lambda one: "postgres" in one.name):
            with suppress(ProcessLookupError):
                signal_exactly(one.pid, one.start, signal.SIGKILL)
        for process in started:
            process.poll()
        time.sleep(0.1)
    assert not own.processes(), own.processes()
    for process in started:
        process.wait()


def _stay(folder: Path) -> None:
    (folder / "ssh").mkdir()
    with pair(folder) as own, sshd(folder / "ssh") as far:
        print(json.dumps({"rest": own.rest, "ports": own.ports, "far": far}, indent=1), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    _stay(Path(sys.argv[1]))

"""Names, ports and passwords of one pair, and the configuration files made of them."""

import json
import secrets
from dataclasses import dataclass
from typing import Any

from firemarshal.lab.postgres.binaries import Binaries
from firemarshal.lab.starter import Starter

USERS = ("postgres", "replicator", "app", "operator")


@dataclass(frozen=True)
class Node:
    """One member: its own port for clients, the proxy's for its peer, and Patroni's REST port."""

    name: str
    port: int
    link_port: int
    rest_port: int


class Layout:
    """Everything about a pair that is chosen before anything is started."""

    def __init__(self, system: dict[str, Any], starter: Starter) -> None:
        self.system = system["name"]
        self.synchronous = bool(system.get("options", {}).get("synchronous", False))
        self.clocks = bool(system.get("options", {}).get("clocks", False))
        self.folder = starter.folder
        self.etcd_port = starter.free_port()
        self.etcd_peer_port = starter.free_port()
        self.control_port = starter.free_port()
        self.passwords = {user: secrets.token_urlsafe(18) for user in USERS}
        self.nodes = tuple(
            Node(f"{self.system}-{number}", *(starter.free_port() for _ in range(3)))
            for number in (1, 2)
        )

    def passfile(self, *users: str) -> str:
        """The lines of a password file for some users."""
        return "".join(f"127.0.0.1:*:*:{user}:{self.passwords[user]}\n" for user in users)

    def links(self) -> list[dict[str, Any]]:
        """The replication links of the profile, one for each ordered pair of members."""
        return [
            {
                "name": f"{one.name} to {other.name}",
                "upstream": one.name,
                "downstream": other.name,
                "engine": "proxy",
                "control": f"127.0.0.1:{self.control_port}",
            }
            for one in self.nodes
            for other in self.nodes
            if one is not other
        ]

    def proxy_file(self) -> str:
        """What the proxy is told: a link listens where the upstream says that it can be reached."""
        links = [
            {"name": link["name"], "listen": node.link_port, "to": node.port}
            for link in self.links()
            for node in self.nodes
            if node.name == link["upstream"]
        ]
        return json.dumps({"control": self.control_port, "links": links})

    def etcd_command(self, binaries: Binaries) -> list[str]:
        """One etcd in memory's terms: no fsync, and short elections as it has nobody to ask."""
        client = f"http://127.0.0.1:{self.etcd_port}"
        peer = f"http://127.0.0.1:{self.etcd_peer_port}"
        return [
            *(str(binaries.etcd), "--name=etcd", f"--data-dir={self.folder}/etcd"),
            *(f"--listen-client-urls={client}", f"--advertise-client-urls={client}"),
            *(f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}"),
            *(f"--initial-cluster=etcd={peer}", "--unsafe-no-fsync", "--log-level=warn"),
            *("--heartbeat-interval=20", "--election-timeout=200"),
            *("--auto-compaction-mode=revision", "--auto-compaction-retention=1000"),
        ]

    def patroni_file(self, node: Node, binaries: Binaries) -> str:
        """Patroni's configuration of one member; JSON is YAML too."""
        rest = f"127.0.0.1:{node.rest_port}"
        wanted = {
            "scope": self.system,
            "name": node.name,
            "log": {"level": "INFO"},
            "restapi": {"listen": rest, "connect_address": rest},
            "etcd3": {"host": f"127.0.0.1:{self.etcd_port}"},
            "bootstrap": {"dcs": self._cluster(), "initdb": self._initdb()},
            "postgresql": self._server(node, binaries),
            "watchdog": {"mode": "off"},
        }
        return json.dumps(wanted, indent=2)

    def _cluster(self) -> dict[str, Any]:
        """What both members share; the times are the smallest that Patroni accepts."""
        return {
            "ttl": 20,
            "loop_wait": 1,
            "retry_timeout": 3,
            "primary_start_timeout": 0,  # a killed primary fails over instead of being restarted
            "maximum_lag_on_failover": 1048576,
            "failsafe_mode": True,  # there is one etcd only: its pause must not demote anybody
            "synchronous_mode": self.synchronous,
            "postgresql": {"use_pg_rewind": True, "use_slots": True, "parameters": _parameters()},
        }

    def _initdb(self) -> list[Any]:
        return [
            {"encoding": "UTF8"},
            {"locale": "C.UTF-8"},
            {"auth": "scram-sha-256"},
            "data-checksums",
            "no-sync",
        ]

    def _server(self, node: Node, binaries: Binaries) -> dict[str, Any]:
        # The peer is told the proxy's port, so that replication and rewind run through the link.
        return {
            "listen": f"127.0.0.1:{node.port}",
            "connect_address": f"127.0.0.1:{node.link_port}",
            "data_dir": str(self.folder / node.name),
            "bin_dir": str(binaries.postgres),
            "pgpass": str(self.folder / "secrets" / f"patroni-{node.name}.pgpass"),
            "authentication": {
                "superuser": self._login("postgres"),
                "replication": self._login("replicator"),
            },
            "pg_hba": [
                "host replication replicator,operator 127.0.0.1/32 scram-sha-256",
                "host all all 127.0.0.1/32 scram-sha-256",
            ],
            "parameters": {"unix_socket_directories": ""},
            "create_replica_methods": ["basebackup"],
            "basebackup": [{"checkpoint": "fast"}, "no-sync"],
            "remove_data_directory_on_rewind_failure": True,
            "remove_data_directory_on_diverged_timelines": True,
        }

    def _login(self, user: str) -> dict[str, str]:
        return {"username": user, "password": self.passwords[user]}


def _parameters() -> dict[str, Any]:
    """PostgreSQL as production runs it, but small; fsync stays on, so that commits cost a disk."""
    return {
        "max_connections": 100,
        "max_wal_senders": 10,
        "max_replication_slots": 10,
        "wal_level": "replica",
        "wal_log_hints": "on",
        "hot_standby": "on",
        "synchronous_commit": "on",
        "fsync": "on",
        "wal_retrieve_retry_interval": "500ms",
        "shared_buffers": "32MB",
        "max_wal_size": "256MB",
        "min_wal_size": "32MB",
        # Files of the data folder instead of /dev/shm, where a killed server would leave them.
        "dynamic_shared_memory_type": "mmap",
        "jit": "off",
        "log_line_prefix": "%m [%p] %q%u@%d ",
    }

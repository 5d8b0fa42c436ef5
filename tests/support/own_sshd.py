"""An sshd on loopback that serves nobody but one test; ended by its pid."""

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
MISSING = (
    ""
    if SSHD and shutil.which("ssh")
    else "no sshd or ssh here; cure: apt-get install openssh-server openssh-client"
)
PATIENCE_S = 20.0


def free_port() -> int:
    """A port below those that the kernel hands out, so that nobody takes it by chance."""
    for port in range(20000 + os.getpid() % 5000, 32000):
        with socket.socket() as one:
            try:
                one.bind(("127.0.0.1", port))
            except OSError:
                continue
            if port not in _GIVEN:
                _GIVEN.add(port)
                return port
    raise AssertionError("no free port")


_GIVEN: set[int] = set()


def key(path: Path) -> Path:
    """A new key pair."""
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return path


@contextmanager
def sshd(folder: Path) -> Iterator[dict[str, Any]]:
    """Run one below `folder`; yields a profile's host table that leads to it."""
    assert SSHD is not None
    server_key, user_key, port = key(folder / "server"), key(folder / "user"), free_port()
    shutil.copy(f"{user_key}.pub", folder / "authorized")
    public = Path(f"{server_key}.pub").read_text()
    (folder / "known").write_text(f"[127.0.0.1]:{port} {public}")
    (folder / "config").write_text(
        f"ListenAddress 127.0.0.1:{port}\nHostKey {server_key}\nPidFile none\nUsePAM no\n"
        f"StrictModes no\nAuthorizedKeysFile {folder}/authorized\nPasswordAuthentication no\n"
        "PermitRootLogin prohibit-password\n"
    )
    if os.geteuid() == 0:  # the folder sshd insists on before it drops its rights
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    with (folder / "log").open("w") as log:
        command = [SSHD, "-D", "-e", "-f", str(folder / "config")]
        server = subprocess.Popen(command, stderr=log)
    try:
        end = time.monotonic() + PATIENCE_S
        while not _answers(port):
            assert server.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < end, "sshd did not answer"
            time.sleep(0.02)
        yield {
            "name": "far",
            "via": "ssh",
            "address": "127.0.0.1",
            "port": port,
            "user": getpass.getuser(),
            "identity_file": str(user_key),
            "known_hosts_file": str(folder / "known"),
        }
    finally:
        server.terminate()
        server.wait()


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as one:
            return one.recv(4).startswith(b"SSH-")
    except OSError:
        return False

"""What a fragment needs to bring its processes up: start, wait, free ports, private files."""

import os
import random
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import firemarshal
from firemarshal.clock import now_us
from firemarshal.lab.problem import LabProblem, cure_for, last_lines
from firemarshal.lab.processes import MARK, start_ticks
from firemarshal.lab.state import Process, State, write_private

KEPT = ("PATH", "LD_LIBRARY_PATH", "PYTHONHOME", "VIRTUAL_ENV", "TZ")
GATE = 'read -r go && cd "$0" && exec "$@" </dev/null'
FIRST_PORT = 10_000
GIVEN: set[int] = set()  # of all labs: several come up at once, and a port is bound later


class Starter:
    """The lab under construction, handed to the fragment's `bring_up`."""

    def __init__(self, folder: Path, state: State, report: Callable[[str], None]) -> None:
        self.folder = folder
        self.state = state
        self.report = report

    def start(self, name: str, command: Sequence[str], prefix: Sequence[str] = ()) -> None:
        """Start a process that outlives us and is on record before it runs.

        It waits at a gate until its pid is written down, and ends there if we die first. `prefix`
        is a helper that execs the command (`unshare ... --`). Output goes to `logs/<name>.log`.
        """
        log = self.log(name)
        log.parent.mkdir(exist_ok=True)
        wait_end, go_end = os.pipe()
        try:
            pid = os.posix_spawn(
                "/bin/sh",
                ["sh", "-c", GATE, str(self.folder), *prefix, *command],
                self._environment(),
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, wait_end, 0),
                    (
                        os.POSIX_SPAWN_OPEN,
                        1,
                        str(log),
                        os.O_WRONLY | os.O_CREAT | os.O_APPEND,
                        0o600,
                    ),
                    (os.POSIX_SPAWN_DUP2, 1, 2),
                    *((os.POSIX_SPAWN_CLOSE, number) for number in _inheritable()),
                ],
                setsid=True,
                setsigmask=[],
                setsigdef=[signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE],
            )
            start = start_ticks(pid)
            if start is None:
                raise self.problem(f"start {name}", "the shell in front of it ended at once", name)
            self.state.processes.append(Process(name, pid, start, list(command)))
            self.state.write(self.folder)
            os.write(go_end, b"go\n")
        finally:
            os.close(wait_end)
            os.close(go_end)

    def python(self, module: str, *arguments: str) -> list[str]:
        """The command that runs one of our own modules with the interpreter we run on."""
        return [sys.executable, "-m", module, *arguments]

    def log(self, name: str) -> Path:
        """Where the output of the process `name` goes."""
        return self.folder / "logs" / f"{name}.log"

    def write(self, name: str, text: str) -> Path:
        """Write a file of the lab that only its owner may read, and say where it lies."""
        path = self.folder / name
        path.parent.mkdir(exist_ok=True, mode=0o700)
        write_private(path, text)
        return path

    def wait(self, what: str, unready: Callable[[], str], name: str, timeout_s: float) -> None:
        """Wait until `unready` has no more to say ("" means ready).

        Raises LabProblem with the last lines of `name`'s log when a process of the lab ended
        meanwhile, or after `timeout_s`.
        """
        end_us = now_us() + int(timeout_s * 1_000_000)
        while why := unready():
            ended = [one.name for one in self.state.processes if not self.state.alive(one)]
            if ended:
                raise self.problem(what, f"the process {ended[0]} ended by itself", ended[0])
            if now_us() > end_us:
                raise self.problem(what, f"after {timeout_s:g} s {why}", name)
            time.sleep(0.01)

    def problem(self, what: str, saw: str, name: str) -> LabProblem:
        """The LabProblem of a step that failed, with the end of the log and the cure it names."""
        log = last_lines(self.log(name))
        cure = cure_for(log, "bring the lab up again; if it stays, the log's last lines say why")
        return LabProblem(f"bring up the lab {self.folder.name}: {what}", saw, cure, log)

    def free_port(self) -> int:
        """A port of 127.0.0.1 that is free now, outside the range the kernel hands out itself.

        Within that range any outgoing connection could take it before the server does.
        """
        low = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
        last = low - 1 if low > FIRST_PORT + 2000 else 65535
        for _ in range(1000):
            port = random.randint(FIRST_PORT, last)  # noqa: S311 - no secret
            if port not in GIVEN and _is_free(port):
                GIVEN.add(port)
                return port
        raise LabProblem(
            "find a free port on 127.0.0.1",
            f"1000 ports tried between {FIRST_PORT} and {last} were all taken",
            "end programs that listen there, or look at /proc/net/tcp",
        )

    def _environment(self) -> dict[str, str]:
        """Only what is needed: the user's PG*, PATRONI_* and ETCD_* variables would steer ours."""
        package = str(Path(firemarshal.__file__).parents[1])
        path = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH", "")]))
        return {
            **{key: os.environ[key] for key in KEPT if key in os.environ},
            "HOME": str(self.folder),
            "TMPDIR": str(self.folder),
            "LANG": "C.UTF-8",
            "PYTHONPATH": path,
            "PYTHONUNBUFFERED": "1",
            MARK: str(self.folder),
        }


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _inheritable() -> list[int]:
    """Descriptors above 2 that a child would keep open; a kept pipe would make its reader wait."""
    found = []
    for path in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # the one that lists the folder is closed by now
            if int(path.name) > 2 and os.get_inheritable(int(path.name)):
                found.append(int(path.name))
    return found

"""The toy of kind "null": a process that answers lines, whose faults are files in its folder.

`W <key> <value>` appends `key value` to `data` and answers `ok <key>`; `R` answers `n <count>`;
`I` answers `i <uuid>`. Looked at before each request: `fault.refuse` (answers `no`, stores
nothing), `fault.hang` (requests vanish, no answer ever), `fault.forget` (says ok, stores nothing).
`--supervise` runs the server and starts it again 0.3 s after its death, not while the file
`unsupervised` stands. Only light imports: the kernel's tests start this hundreds of times.
"""

import os
import select
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path

RESTART_AFTER_S = 0.3
LONGEST_LINE = 4096


class Server:
    """One thread, one epoll; everything it knows lies in files, so that it may be killed."""

    def __init__(self, folder: Path, port: int) -> None:
        self.data = folder / "data"
        self.faults = {name: folder / f"fault.{name}" for name in ("hang", "refuse", "forget")}
        self.uuid = (folder / "uuid").read_bytes().strip()
        self.listener = socket.create_server(("127.0.0.1", port), backlog=1024)
        self.listener.setblocking(False)
        self.poll = select.epoll()
        self.poll.register(self.listener, select.EPOLLIN)
        self.clients: dict[int, tuple[socket.socket, bytearray]] = {}
        new = folder / "pid.new"
        new.write_text(f"{os.getpid()}\n")
        new.rename(folder / "pid")

    def serve(self) -> None:
        """Answer until killed."""
        while True:
            for number, _ in self.poll.poll():
                if number == self.listener.fileno():
                    self.accept()
                else:
                    self.read(number)

    def accept(self) -> None:
        """Take every client that waits."""
        with suppress(BlockingIOError):
            while True:
                client, _ = self.listener.accept()
                client.setblocking(False)
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.clients[client.fileno()] = (client, bytearray())
                self.poll.register(client, select.EPOLLIN)

    def read(self, number: int) -> None:
        """Answer the whole lines of one client; one that floods, or does not read, is dropped."""
        client, pending = self.clients[number]
        try:
            got = client.recv(65536)
            pending += got
            lines = bytes(pending).split(b"\n")
            pending[:] = lines.pop()
            answers = b"".join(self.answer(line) for line in lines)
            if answers and client.send(answers) < len(answers):
                got = b""
        except OSError:
            got = b""
        if not got or len(pending) > LONGEST_LINE:
            self.poll.unregister(number)
            del self.clients[number]
            client.close()

    def answer(self, line: bytes) -> bytes:
        """The answer to one request, b"" for none."""
        if self.fault("hang"):
            return b""
        if self.fault("refuse"):
            return b"no\n"
        words = line.split()
        if len(words) == 3 and words[0] == b"W":
            if not self.fault("forget"):
                self.store(words[1] + b" " + words[2] + b"\n")
            return b"ok " + words[1] + b"\n"
        if words == [b"R"]:
            return b"n %d\n" % self.count()
        if words == [b"I"]:
            return b"i " + self.uuid + b"\n"
        return b"error: say W <key> <value>, R or I\n"

    def fault(self, name: str) -> bool:
        """True while the file that is this fault stands."""
        return self.faults[name].exists()

    def store(self, line: bytes) -> None:
        """One write a line, to a file opened anew, because others may have replaced it."""
        descriptor = os.open(self.data, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, line)
        finally:
            os.close(descriptor)

    def count(self) -> int:
        """How many lines are stored."""
        return self.data.read_bytes().count(b"\n") if self.data.exists() else 0


def supervise(folder: Path, port: str) -> None:
    """Keep a server running until killed ourselves."""
    command = [sys.executable, "-m", "firemarshal.lab.null.server", str(folder), port]
    while True:
        while (folder / "unsupervised").exists():
            time.sleep(0.02)
        pid = os.posix_spawn(command[0], command, os.environ, setsid=True)
        os.waitpid(pid, 0)
        time.sleep(RESTART_AFTER_S)


if __name__ == "__main__":
    if sys.argv[1] == "--supervise":
        supervise(Path(sys.argv[2]), sys.argv[3])
    Server(Path(sys.argv[1]), int(sys.argv[2])).serve()

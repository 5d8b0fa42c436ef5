"""A toy server whose outages are commanded and stamped; rows go to a file, to be compared.

Commands on stdin: `refuse` (close the listener, reset everybody), `hang` (read nothing), `no`
(answer `no`), `back`. Each is answered with `<now_us>` when it is done. It ends with its stdin.
"""

import select
import socket
import struct
import sys
from pathlib import Path

from firemarshal.clock import now_us

RESET = struct.pack("ii", 1, 0)


def say(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


class Truth:
    def __init__(self, port: int, data: Path) -> None:
        self.port, self.data, self.mode = port, data.open("ab", buffering=0), "back"
        self.clients: dict[socket.socket, bytes] = {}
        self.listener: socket.socket | None = self.listen()
        self.port = self.listener.getsockname()[1]

    def listen(self) -> socket.socket:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(1024)
        return listener

    def command(self, word: str) -> None:
        if word == "refuse" and self.listener:
            self.listener.close()
            self.listener = None
            for client in list(self.clients):
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                self.drop(client)
        elif self.listener is None:
            self.listener = self.listen()
        self.mode = word
        say(now_us())

    def drop(self, client: socket.socket) -> None:
        del self.clients[client]
        client.close()

    def serve(self, client: socket.socket) -> None:
        try:
            data = client.recv(65536)
        except OSError:
            data = b""
        if not data:
            return self.drop(client)
        *lines, self.clients[client] = (self.clients[client] + data).split(b"\n")
        for line in lines:
            if self.mode == "no":
                answer = b"no\n"
            else:
                _, key, value = line.split()
                self.data.write(b"%s %s\n" % (key, value))
                answer = b"ok %s\n" % key
            try:
                client.sendall(answer)
            except OSError:
                return self.drop(client)
        return None

    def run(self) -> None:
        say(self.port)
        while True:
            watched = [sys.stdin, *([] if self.mode == "hang" else self.clients)]
            if self.listener:
                watched.append(self.listener)
            for found in select.select(watched, [], [])[0]:
                if found is sys.stdin:
                    word = sys.stdin.readline().strip()
                    if not word:
                        return
                    self.command(word)
                    break
                if found is self.listener:
                    self.clients[self.listener.accept()[0]] = b""
                elif found in self.clients:
                    self.serve(found)


Truth(int(sys.argv[1]), Path(sys.argv[2])).run()

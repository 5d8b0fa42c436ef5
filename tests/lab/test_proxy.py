"""The proxy's links: whole, reset, a hole; and what becomes of connections that stood."""

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

LINK = "one to two"


class Upstream:
    """A server that echoes lines and remembers what reached it."""

    def __init__(self) -> None:
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.came: list[bytes] = []
        self.accepted = 0
        threading.Thread(target=self.run, daemon=True).start()

    def run(self) -> None:
        while True:
            try:
                client, _ = self.server.accept()
            except OSError:
                return
            self.accepted += 1
            threading.Thread(target=self.echo, args=(client,), daemon=True).start()

    def echo(self, client: socket.socket) -> None:
        with client:
            try:
                while data := client.recv(65536):
                    self.came.append(data)
                    client.sendall(data)
            except OSError:
                return


class Proxy:
    def __init__(self, port: int, control: int) -> None:
        self.port = port
        self.control = socket.create_connection(("127.0.0.1", control), 5)
        self.answers = self.control.makefile("r")

    def order(self, text: str) -> dict[str, Any]:
        self.control.sendall(text.encode() + b"\n")
        answer: dict[str, Any] = json.loads(self.answers.readline())
        return answer

    def do(self, **order: str) -> dict[str, Any]:
        answer = self.order(json.dumps(order))
        assert answer["ok"], answer
        link: dict[str, Any] = answer["links"][LINK]
        return link

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), 5)


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    one = Upstream()
    yield one
    one.server.close()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def proxy(tmp_path: Path, upstream: Upstream) -> Iterator[Proxy]:
    port, control = free_port(), free_port()
    links = [{"name": LINK, "listen": port, "to": upstream.port}]
    (tmp_path / "proxy.json").write_text(json.dumps({"control": control, "links": links}))
    command = [sys.executable, "-m", "firemarshal.lab.proxy", str(tmp_path / "proxy.json")]
    process = subprocess.Popen(command)
    end = time.monotonic() + 20
    while True:
        try:
            one = Proxy(port, control)
            break
        except ConnectionRefusedError:
            assert time.monotonic() < end
            time.sleep(0.02)
    yield one
    one.answers.close()
    one.control.close()
    process.kill()
    process.wait()


def say(client: socket.socket, data: bytes, timeout_s: float = 5) -> bytes:
    client.settimeout(timeout_s)
    client.sendall(data)
    return client.recv(65536)


def assert_reset(proxy: Proxy, data: bytes) -> None:
    """The reset may come as early as within connect()."""
    with pytest.raises(ConnectionError), proxy.connect() as client:
        assert say(client, data) == b"never"


def test_a_whole_link_carries_and_counts(proxy: Proxy) -> None:
    with proxy.connect() as client:
        assert say(client, b"hello") == b"hello"
        link = proxy.do(do="status")
    assert link["state"] == "whole"
    assert link["connections_open"] == 1
    assert link["bytes_to_upstream"] == link["bytes_to_downstream"] == 5


def test_much_data_passes_unchanged(proxy: Proxy) -> None:
    sent = bytes(range(256)) * 40_000
    with proxy.connect() as client:
        threading.Thread(target=client.sendall, args=(sent,), daemon=True).start()
        got = bytearray()
        client.settimeout(20)
        while len(got) < len(sent):
            got += client.recv(65536)
    assert got == sent


def test_reset_breaks_what_stands_and_refuses_what_comes(proxy: Proxy) -> None:
    with proxy.connect() as client:
        assert say(client, b"a") == b"a"
        link = proxy.do(do="cut", link=LINK, how="reset")
        assert (link["state"], link["how"], link["times_cut"]) == ("cut", "reset", 1)
        with pytest.raises(ConnectionResetError):
            client.recv(1)
    assert_reset(proxy, b"b")
    link = proxy.do(do="mend", link=LINK)
    assert (link["connections_refused"], link["connections_open"]) == (1, 0)
    with proxy.connect() as client:
        assert say(client, b"c") == b"c"


def test_a_hole_is_silent_and_the_bytes_go_on_after_it(proxy: Proxy, upstream: Upstream) -> None:
    with proxy.connect() as client:
        assert say(client, b"a") == b"a"
        proxy.do(do="cut", link=LINK, how="hole")
        with pytest.raises(TimeoutError):
            say(client, b"b", timeout_s=0.3)
        assert upstream.came == [b"a"]
        assert proxy.do(do="mend", link=LINK)["times_mended"] == 1
        client.settimeout(5)
        assert client.recv(10) == b"b"


def test_who_came_during_a_hole_and_waited_is_served(proxy: Proxy, upstream: Upstream) -> None:
    proxy.do(do="cut", link=LINK, how="hole")
    with proxy.connect() as client:
        with pytest.raises(TimeoutError):
            say(client, b"b", timeout_s=0.3)
        assert upstream.accepted == 0
        proxy.do(do="mend", link=LINK)
        client.settimeout(5)
        assert client.recv(10) == b"b"


def test_who_gave_up_during_a_hole_is_not_replayed(proxy: Proxy, upstream: Upstream) -> None:
    with proxy.connect() as old:
        assert say(old, b"a") == b"a"
        proxy.do(do="cut", link=LINK, how="hole")
        old.sendall(b"too late")
    for _ in range(20):
        with proxy.connect() as client:
            client.sendall(b"stampede")
    end = time.monotonic() + 20
    while proxy.do(do="status")["connections_open"] and time.monotonic() < end:
        time.sleep(0.01)
    proxy.do(do="mend", link=LINK)
    with proxy.connect() as client:
        assert say(client, b"z") == b"z"
    assert upstream.came == [b"a", b"z"]
    assert upstream.accepted == 2


def test_cutting_and_mending_twice_counts_once(proxy: Proxy) -> None:
    for _ in range(2):
        assert proxy.do(do="cut", link=LINK, how="hole")["times_cut"] == 1
    for _ in range(2):
        assert proxy.do(do="mend", link=LINK)["times_mended"] == 1


def test_a_hole_can_become_a_reset(proxy: Proxy) -> None:
    with proxy.connect() as client:
        assert say(client, b"a") == b"a"
        proxy.do(do="cut", link=LINK, how="hole")
        proxy.do(do="cut", link=LINK, how="reset")
        client.settimeout(5)
        with pytest.raises(ConnectionResetError):
            client.recv(1)


def test_a_dead_upstream_is_seen_by_the_client(proxy: Proxy, upstream: Upstream) -> None:
    upstream.server.shutdown(socket.SHUT_RDWR)
    upstream.server.close()
    assert_reset(proxy, b"a")


def test_the_end_of_one_side_reaches_the_other(proxy: Proxy) -> None:
    with proxy.connect() as client:
        assert say(client, b"a") == b"a"
        client.shutdown(socket.SHUT_WR)
        client.settimeout(5)
        assert client.recv(10) == b""
    end = time.monotonic() + 20
    while proxy.do(do="status")["connections_open"] and time.monotonic() < end:
        time.sleep(0.01)
    assert proxy.do(do="status")["connections_open"] == 0


@pytest.mark.parametrize(
    ("order", "said"),
    [
        ("nonsense", "not a JSON object"),
        ("[]", '"do" must be'),
        ('{"do": "mend", "link": "three"}', "there are one to two"),
        ('{"do": "cut", "link": "one to two"}', '"how" must be'),
    ],
)
def test_a_wrong_order_is_answered_with_why(proxy: Proxy, order: str, said: str) -> None:
    answer = proxy.order(order)
    assert answer["ok"] is False
    assert said in answer["error"]
    assert proxy.do(do="status")["state"] == "whole"

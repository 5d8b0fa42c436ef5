"""The proxy of the lab: one process through which all links of a fragment run, to be cut.

Run as `python -m firemarshal.lab.proxy FILE`; FILE holds JSON: `{"control": PORT, "links":
[{"name", "listen": PORT, "to": PORT}]}`, all on 127.0.0.1. The control port takes one JSON object
a line and answers each with one: `{"do": "cut", "link": NAME, "how": "reset" | "hole"}`, `{"do":
"mend", "link": NAME}`, `{"do": "status"}`. The answer is `{"ok": true, "links": {NAME: {state,
how, connections_open, connections_refused, times_cut, times_mended, bytes_to_upstream,
bytes_to_downstream}}}`, or `{"ok": false, "error": TEXT}`.

"reset" resets what is open and what comes. "hole" keeps silent: bytes are held, as a network
that lost its route would have them resent, and after the mend go on, but only between two sides
that are both still there; whoever gave up meanwhile is dropped, so that no stampede is replayed.
"""

import asyncio
import json
import socket
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

HELD_BYTES = 1 << 20
RESET = struct.pack("ii", 1, 0)  # linger 0: close says RST, as a crashed peer's kernel does


class End(asyncio.Protocol):
    """One of the two ends of a connection; `held` is what came from here and must still go on."""

    def __init__(self, link: "Link", other: "End | None" = None) -> None:
        self.link, self.other = link, other
        self.is_client = other is None
        self.held = bytearray()
        self.transport: asyncio.Transport | None = None
        self.gone = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client came, or the upstream answered our dial."""
        self.transport = cast(asyncio.Transport, transport)
        if self.is_client:
            self.link.arrived(self)
        elif self.other is not None:
            self.other.other = self
            self.other.pass_on()

    def data_received(self, data: bytes) -> None:
        """Hold the bytes, and pass them on if the link lets them."""
        self.held += data
        self.pass_on()

    def pass_on(self) -> None:
        """Give what is held to the other end; stop reading while it must stay here."""
        open_now = not self.link.how and self.other is not None
        if open_now and self.other is not None and self.other.transport is not None and self.held:
            self.link.count(self, len(self.held))
            self.other.transport.write(bytes(self.held))
            self.held.clear()
        if self.transport is not None and not self.gone:
            if len(self.held) > HELD_BYTES:
                self.transport.pause_reading()
            elif open_now:
                self.transport.resume_reading()

    def pause_writing(self) -> None:
        """The peer reads slowly: stop reading from the other end."""
        if self.other is not None and self.other.transport is not None:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        """The peer took what was waiting."""
        if self.other is not None:
            self.other.pass_on()

    def connection_lost(self, error: Exception | None) -> None:
        """This side is gone; in a hole the other side must not learn of it before the mend."""
        self.gone = True
        self.link.left(self)

    def reset(self) -> None:
        """Close so that the peer sees a reset."""
        if self.transport is not None and not self.gone:
            self.transport.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, RESET
            )
            self.transport.abort()


class Link:
    """One way between two members, with its state and counters; `how` is "" while it is whole."""

    def __init__(self, name: str, to_port: int) -> None:
        self.name, self.to_port = name, to_port
        self.how = ""
        self.clients: set[End] = set()
        self.dialling: set[asyncio.Task[None]] = set()
        self.refused = self.cuts = self.mends = self.up_bytes = self.down_bytes = 0

    def arrived(self, client: End) -> None:
        """Serve a new client as the link's state demands."""
        if self.how == "reset":
            self.refused += 1
            client.reset()
            return
        self.clients.add(client)
        if self.how == "hole":
            self.refused += 1
        else:
            self.dial(client)

    def dial(self, client: End) -> None:
        """Connect a client to the upstream, without keeping the others waiting."""
        task = asyncio.get_running_loop().create_task(self._dial(client))
        self.dialling.add(task)
        task.add_done_callback(self.dialling.discard)

    async def _dial(self, client: End) -> None:
        loop = asyncio.get_running_loop()
        try:
            _, made = await loop.create_connection(
                lambda: End(self, client), "127.0.0.1", self.to_port
            )
        except OSError:  # the upstream is down: the client must see just that
            client.reset()
            return
        if client not in self.clients:
            made.reset()

    def left(self, end: End) -> None:
        """One end is gone: end the other too, after what is on its way, unless in a hole."""
        if self.how == "hole" and end.other is not None and not end.other.gone:
            return
        self.clients.discard(end if end.is_client else cast(End, end.other))
        if end.other is not None and end.other.transport is not None:
            end.other.transport.close()

    def count(self, end: End, size: int) -> None:
        """Add bytes passed on to the counter of their direction."""
        if end.is_client:
            self.up_bytes += size
        else:
            self.down_bytes += size

    def cut(self, how: str) -> None:
        """Cut, or cut in the other way; nothing when it is cut so already."""
        if how == self.how:
            return
        self.how = how
        self.cuts += 1
        if how == "reset":
            self._reset(self.clients)

    def mend(self) -> None:
        """Let bytes flow again; connections of which one side gave up are reset."""
        if not self.how:
            return
        self.how = ""
        self.mends += 1
        self._reset({one for one in self.clients if one.gone or (one.other and one.other.gone)})
        for client in self.clients:
            if client.other is None:
                self.dial(client)
            else:
                client.pass_on()
                client.other.pass_on()

    def _reset(self, clients: set[End]) -> None:
        for client in list(clients):
            self.clients.discard(client)
            client.reset()
            if client.other is not None:
                client.other.reset()

    def state(self) -> dict[str, Any]:
        """State and counters, as the control port tells them."""
        return {
            "state": "cut" if self.how else "whole",
            "how": self.how,
            "connections_open": sum(1 for one in self.clients if not one.gone),
            "connections_refused": self.refused,
            "times_cut": self.cuts,
            "times_mended": self.mends,
            "bytes_to_upstream": self.up_bytes,
            "bytes_to_downstream": self.down_bytes,
        }


class Refused(Exception):
    """An order that the control port cannot carry out; the text says why."""


class Control:
    """The control port: one JSON object a line in, one out."""

    def __init__(self, links: dict[str, Link]) -> None:
        self.links = links

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one client until it leaves."""
        try:
            while line := await reader.readline():
                writer.write(json.dumps(self.answer(line)).encode() + b"\n")
                await writer.drain()
        except (ConnectionError, ValueError):  # it left, or sent a line without end
            pass
        finally:
            writer.close()

    def answer(self, line: bytes) -> dict[str, Any]:
        """Carry one order out."""
        try:
            self.obey(line)
        except Refused as refused:
            return {"ok": False, "error": str(refused)}
        return {"ok": True, "links": {name: link.state() for name, link in self.links.items()}}

    def obey(self, line: bytes) -> None:
        """Do what the line says; Refused when it says nothing that can be done."""
        try:
            order = json.loads(line)
        except ValueError as error:
            raise Refused(f"not a JSON object on one line: {error}") from error
        if not isinstance(order, dict) or order.get("do") not in ("cut", "mend", "status"):
            raise Refused('"do" must be "cut", "mend" or "status"')
        if order["do"] == "status":
            return
        link = self.links.get(str(order.get("link")))
        if link is None:
            raise Refused(f"no link {order.get('link')!r}; there are {', '.join(self.links)}")
        if order["do"] == "mend":
            link.mend()
        elif order.get("how") in ("reset", "hole"):
            link.cut(order["how"])
        else:
            raise Refused('"how" must be "reset" or "hole"')


def _serve(link: Link) -> Callable[[], End]:
    return lambda: End(link)


async def main(wanted: dict[str, Any]) -> None:
    """Listen on every port, and run until killed."""
    loop = asyncio.get_running_loop()
    links = {one["name"]: Link(one["name"], one["to"]) for one in wanted["links"]}
    for one in wanted["links"]:
        await loop.create_server(_serve(links[one["name"]]), "127.0.0.1", one["listen"])
    control = Control(links)
    server = await asyncio.start_server(control.talk, "127.0.0.1", wanted["control"])
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(json.loads(Path(sys.argv[1]).read_text())))

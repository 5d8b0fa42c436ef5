"""One epoll and who is to be called; events are bound to their callers before any is called."""

import select
from collections.abc import Callable

IN = select.EPOLLIN
OUT = select.EPOLLOUT

Call = Callable[[], None]


class Watch:
    """Who waits for which descriptor."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._calls: dict[int, Call] = {}

    def set(self, descriptor: int, events: int, call: Call) -> None:
        """Watch a descriptor, or change what is watched.

        A library may have closed a socket and opened another of the same number, which epoll
        does not know: then it is registered anew.
        """
        self._calls[descriptor] = call
        try:
            self._epoll.modify(descriptor, events)
        except FileNotFoundError:
            self._epoll.register(descriptor, events)

    def drop(self, descriptor: int) -> None:
        """Stop watching; must come before the descriptor is closed. Safe when not watched."""
        if self._calls.pop(descriptor, None) is None:
            return
        try:
            self._epoll.unregister(descriptor)
        except OSError:
            return  # already closed, and with that already forgotten by the kernel

    def wait(self, timeout_s: float) -> list[Call]:
        """Whom to call now.

        Resolved before the first is called: a call may close a descriptor whose number the next
        connection gets, and libpq breaks when it is polled before its socket is ready.
        """
        return [
            self._calls[descriptor]
            for descriptor, _ in self._epoll.poll(timeout_s)
            if descriptor in self._calls
        ]

    def close(self) -> None:
        """Give the epoll back; the descriptors stay their owners'."""
        self._epoll.close()

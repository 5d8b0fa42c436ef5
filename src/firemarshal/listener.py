"""The runner's ear: what the keeper tells between answers, and the signals it must be told."""

from collections.abc import Callable
from typing import Any

from firemarshal.drill import Drill
from firemarshal.keeper.client import Channel
from firemarshal.signals import Signals

Json = dict[str, Any]
Tell = Callable[[Json], None]


class Listener:
    """Hears what the keeper tells between answers, and tells it about signals."""

    def __init__(
        self, signals: Signals, tell: Tell, drill: Drill, standing: Callable[[], Any]
    ) -> None:
        self.signals, self.tell, self.drill, self.standing = signals, tell, drill, standing
        self.channel: Channel | None = None
        self._told = 0

    def __call__(self, message: Json) -> None:
        """One message; a wake-up means that signals came."""
        if message["tell"] != "woken":
            self.tell({**message, "drill": self.drill.name})
            return
        self.signals.drain()
        for name in self.signals.received[self._told :]:
            if self._told == 0 and self.channel:
                self.channel.ask({"ask": "stop", "code": "signal", "why": f"received {name}"})
            self._told += 1
            self.tell(
                {"tell": "signal", "name": name, "count": self._told, "standing": self.standing()}
            )

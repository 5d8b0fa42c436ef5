"""What it is to be a system of a kind: the protocol that every `probes/<kind>/system.py` keeps.

The functions are plain, take and return JSON, and run in children with deadlines, so that a
silent server can never stop the keeper. `configuration` holds `target`, `drill` (a short id that
names everything the drill makes) and `system` (the system's table of the target profile).
"""

from typing import Any, Protocol

Configuration = dict[str, Any]


class CannotTell(Exception):
    """The probe could not see; becomes "unknown", which is never a pass and never a failure."""


class System(Protocol):
    """One module of this shape a kind; the kernel knows nothing else of a kind."""

    def identify(self, configuration: Configuration) -> dict[str, Any]:
        """What the connection itself answers about who it is, for the guard against mix-ups."""

    def members(self, configuration: Configuration) -> list[dict[str, Any]]:
        """The members with their role now: `[{name, role, ...}]`."""

    def healthy(self, configuration: Configuration, timeout_s: float) -> dict[str, Any]:
        """`{healthy, why: [...]}` by a canary: something written that every member must show."""

    def clients(self, configuration: Configuration) -> list[dict[str, Any]]:
        """What a recorder can watch: `[{name, judged, module, endpoint}]`, one of them judged."""

    def prepare(self, configuration: Configuration) -> dict[str, Any]:
        """Make what the clients write to; safe to repeat. `{made: [...]}`."""

    def forget(self, configuration: Configuration) -> dict[str, Any]:
        """Remove what `prepare` made and count it; safe when it never ran. `{removed_rows}`."""

    def claim(self, configuration: Configuration, told: str) -> dict[str, Any]:
        """Write beside the victims who drills, atomically: `{drill, told}` of who stands there.

        The tombstone: a lock between machines, and what another one needs to heal. A kind that has
        no place for it leaves `claim`, `claimed` and `release` out. Repeated by the same drill it
        replaces what is told.
        """

    def claimed(self, configuration: Configuration) -> dict[str, Any]:
        """Who stands there, `{}` for nobody, from any member that answers."""

    def release(self, configuration: Configuration) -> dict[str, Any]:
        """Remove this drill's tombstone; safe when there is none, and nobody else's is touched."""

    def reconcile(self, configuration: Configuration, ledger: str) -> dict[str, Any]:
        """Compare a ledger with the survivors: `{rows, lost, in_doubt_present, unexpected, by}`.

        `lost` lists keys acknowledged and gone or changed, `in_doubt_present` counts unknown
        attempts that were stored after all, `unexpected` lists keys stored though never sent, and
        `late_lost` (may be left out) those gone that were acknowledged after their deadline.
        """

    def redundant(self, configuration: Configuration, timeout_s: float) -> dict[str, Any]:
        """`{redundant, why: [...]}`: every member follows again, so another loss is survivable."""

    def phases(self, configuration: Configuration, since_us: int) -> list[dict[str, Any]]:
        """What the system itself says happened: `[{name, at_us, source}]`, unknown left out."""

    def capture(self, configuration: Configuration) -> dict[str, Any]:
        """The configuration and topology that matter, without secrets, for before and after."""

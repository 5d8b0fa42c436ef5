"""One run: the lab up, a keeper a drill, results on disk, whatever happens in between."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from firemarshal import state, stopping, target
from firemarshal.about import about
from firemarshal.bad_input import BadInput
from firemarshal.drill import Drill
from firemarshal.keeper.client import Channel, KeeperHouse, KeeperLost
from firemarshal.keeper.order import Order
from firemarshal.listener import Listener
from firemarshal.naming import me, owned_by_the_dead, run_id, slug
from firemarshal.project import Project
from firemarshal.rehearsal import newest
from firemarshal.signals import Signals
from firemarshal.verdict import expected

AT_ONCE = 3  # labs that come up together; each keeps about one core busy for some seconds
Json = dict[str, Any]
Tell = Callable[[Json], None]
RESULT_EMPTY: Json = {"promises": [], "injected": False, "target_after": "as found", "faults": []}


@dataclass
class Run:
    """Everything between the first drill and the summary; the plugin calls it, nobody else."""

    project: Project
    target: target.Target
    signals: Signals
    tell: Tell
    lab: Any
    id: str = field(default_factory=lambda: run_id())
    systems: dict[str, Json] = field(default_factory=dict)
    folders: dict[str, str] = field(default_factory=dict)
    lab_made: list[str] = field(default_factory=list)
    lacking: dict[str, str] = field(default_factory=dict)
    house: KeeperHouse | None = None
    rehearsed: list[Json] | None = None
    ordered: Callable[[], Json | None] = lambda: None
    stopped: str = ""
    held: ExitStack = field(default_factory=ExitStack)

    @property
    def folder(self) -> Path:
        """`runs/<run id>/`, or that of a rehearsal, which is no evidence and no run."""
        if self.rehearsed is not None:
            return self.project.rehearsals / self.id
        return self.project.runs / self.id

    def open(self, drills: list[Drill]) -> None:
        """Make the run folder, refuse what stands, bring the lab up, start the keepers' house.

        Raises BadInput when the folder cannot be written or the lab cannot be made.
        """
        try:
            self.folder.mkdir(parents=True)
            new = self.folder.parent / f".latest-{self.id}"
            new.symlink_to(self.id)
            new.replace(self.folder.parent / "latest")
            self.project.state.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            raise BadInput(
                f"results cannot be written: {problem.strerror}",
                where=str(problem.filename or self.folder),
                cure="make room, or run from a folder that you may write to",
            ) from None
        self._write_plan(drills)
        if self.rehearsed is None:
            held = stopping.run_held(self.project.state, self.target.name, self.id)
            self.ordered = self.held.enter_context(held)
        self.house = KeeperHouse(self.project.rootdir, self.folder / "keeper.log")
        self.house.open()
        wanted = dict.fromkeys(
            name for drill in drills if drill.not_run is None for name in drill.systems
        )
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(self._ready, wanted))
        if self.lacking:
            self._write_plan(drills)

    def _write_plan(self, drills: list[Drill]) -> None:
        """`run.json`: what this run set out to do, so that what is missing can be told."""
        for number, drill in enumerate(drills, start=1):
            self.folders[drill.sha256] = f"{number:02d}-{slug(drill.name)}"
        planned = [
            {
                "folder": self.folders[drill.sha256],
                "drill": {**drill.as_json(), "not_run": self._not_run(drill)},
            }
            for drill in drills
        ]
        value = {
            "schema": "firemarshal/run/1",
            "run": self.id,
            "target": self.target.name,
            "environment": self.target.environment,
            "drills": planned,
        }
        (self.folder / "run.json").write_bytes(orjson.dumps(value))

    def standing(self) -> dict[str, list[str]]:
        """System -> faults of earlier drills that still stand on this target."""
        found = state.all_pending(self.project.state, self.target.name)
        return {name: [str(one.value["fault"]) for one in undos] for name, undos in found.items()}

    def _ready(self, name: str) -> None:
        system = self.target.system(name)
        assert system is not None
        table = system.model_dump(mode="json")
        if system.lab and "members" not in table:
            table = self._from_lab(name, table)
            if name in self.lacking:
                return
            where = f"lab fragment {system.lab!r}, system {name!r}"
            table = target.completed(table, where).model_dump(mode="json")
        self.systems[name] = table

    def _from_lab(self, name: str, table: Json) -> Json:
        folder = self.project.lab / name
        owner = folder.parent / f"{name}.owner.json"
        ready: Json = table
        try:
            if why := self.lab.lacking(table):
                self.lacking[name] = why
                return table
            if not self.lab.status(folder)["up"] or owned_by_the_dead(owner):
                self.lab_made.append(name)
                owner.parent.mkdir(parents=True, exist_ok=True)
                owner.write_bytes(orjson.dumps(me()))
            ready = self.lab.up(table, folder, self._lab_says)
        except self.lab.LabProblem as problem:
            raise BadInput(str(problem), where=f"lab of {name!r}") from None
        return ready

    def _not_run(self, drill: Drill) -> Json | None:
        """Why it will not be: it never could, or this machine lacks what its lab needs."""
        lacking = [self.lacking[one] for one in drill.systems if one in self.lacking]
        made = {"code": "lab-not-available", "why": lacking[0]} if lacking else None
        return drill.not_run or made

    def _lab_says(self, text: str) -> None:
        self.tell({"tell": "lab", "text": text})

    def drive(self, drill: Drill, converse: Callable[[Channel], None]) -> Json:
        """Run one drill to its result; heals through another keeper when its own died."""
        number = int(self.folders[drill.sha256].partition("-")[0])
        of = len(self.folders)
        self.tell({"tell": "drill", "drill": drill.as_json(), "number": number, "of": of})
        result = self._driven(drill, number, converse)
        self.tell({"tell": "verdict", "result": result})
        return result

    def rehearse(self, drill: Drill) -> Json:
        """What the drill would do now, found by looking only; `no` says why it could not look."""
        kept: Json = {"drill": drill.name, "drill_sha256": drill.sha256}
        if not_run := self._not_run(drill):
            return kept | {"no": f"NOT RUN: {not_run['why']}"}
        folder = self.folder / self.folders[drill.sha256]
        folder.mkdir()
        order = self._order(drill, int(folder.name.partition("-")[0]), folder)
        assert self.house is not None
        try:
            found = self.house.rehearse(order.as_json(), lambda message: None)
        except KeeperLost:
            found = kept | {"no": f"its keeper died; see {self.folder / 'keeper.log'}"}
        return found

    def _driven(self, drill: Drill, number: int, converse: Callable[[Channel], None]) -> Json:
        if not_run := self._not_run(drill):
            return self._whole(drill, {"verdict": "NOT RUN", **not_run})
        if self.signals.received or self._stopped():
            return self.not_reached(drill)
        folder = self.folder / self.folders[drill.sha256]
        folder.mkdir()
        order = self._order(drill, number, folder)
        assert self.house is not None
        listener = self._listener(drill)
        self.signals.in_drill = True
        channel = self.house.drill(order.as_json(), listener)
        channel.wake = (self.signals.reader,)
        listener.channel = channel
        try:
            result = self._converse(channel, converse)
        except KeeperLost:
            result = self._heal_for_the_dead(drill, listener)
        finally:
            self.signals.in_drill = False
            channel.close()
        whole = self._whole(drill, result)
        if whole.get("code") in ("person", "stop-condition"):
            self.stopped = self.stopped or whole["why"]
        path = folder / "verdict.json"
        if folder.is_dir() and not path.exists():
            new = path.with_suffix(".runner")
            new.write_bytes(orjson.dumps(whole))
            new.replace(path)
        return whole

    def _converse(self, channel: Channel, converse: Callable[[Channel], None]) -> Json:
        try:
            converse(channel)
        except DrillOver as over:
            return over.result
        channel.ask({"ask": "finish"})
        result: Json = channel.wait("done")["result"]
        return result

    def _heal_for_the_dead(self, drill: Drill, listener: Listener) -> Json:
        assert self.house is not None
        standing = self.house.heal(
            self.project.state,
            self.target.name,
            list(drill.systems),
            self.target.heal_within_s,
            listener,
        )
        return {
            "verdict": "ABORTED",
            "code": "keeper-lost",
            "why": "the keeper died in the middle of the drill; another one healed",
            "target_after": "NOT CLEAN" if standing else "unknown",
            "standing": standing,
            "injected": None,
        }

    def not_reached(self, drill: Drill) -> Json:
        """Keep the result of a drill that the run ended before."""
        ended = f"{self.signals.received[0]} ended" if self.signals.received else "the end of"
        why = self._stopped() or f"{ended} the run before this drill"
        return self._whole(drill, {"verdict": "NOT RUN", "code": "not-reached", "why": why})

    def _stopped(self) -> str:
        """Why no further drill begins: an order of a person counts between two drills too."""
        if not self.stopped and (order := self.ordered()):
            self.stopped = f"stopped by {order['by']}: {order['why']}"
        return self.stopped

    def _order(self, drill: Drill, number: int, folder: Path) -> Order:
        limits = self.target.model_dump(mode="json", exclude={"systems"})
        return Order(
            run=self.id,
            number=number,
            folder=str(folder),
            state=str(self.project.state),
            drill_json=drill.as_json(),
            target=limits,
            systems={name: self.systems[name] for name in drill.systems},
            runner_pid=os.getpid(),
            about=about(self.project.rootdir),
            summary="firemarshal.reports.summary",
            rehearsed=newest(self.project.rehearsals, self.target.name, drill.sha256),
        )

    def _listener(self, drill: Drill) -> Listener:
        return Listener(self.signals, self.tell, drill, self.standing)

    def _whole(self, drill: Drill, result: Json) -> Json:
        whole = {**RESULT_EMPTY, **result, "drill": drill.as_json()}
        as_expected, expectation = expected(
            drill.control, whole["verdict"], whole["promises"], whole.get("code", "")
        )
        return whole | {"as_expected": as_expected, "expectation": expectation}

    def close(self) -> None:
        """End the keepers' house, then the lab that this run made."""
        self.held.close()
        if self.house:
            self.house.close()
        for name in self.lab_made:
            for one in self.lab.down(self.project.lab / name, self._lab_says):
                self._lab_says(f"still there: {one}")
            (self.project.lab / f"{name}.owner.json").unlink(missing_ok=True)


class DrillOver(Exception):
    """The keeper ended the drill on its own; carries the result."""

    def __init__(self, result: Json) -> None:
        self.result = result
        super().__init__(result["verdict"])

"""The keepers' house: started once a run, forks a keeper a drill in milliseconds.

`python -m firemarshal.keeper.server FD RUNNER_PID`: listens on the socket FD for orders. Each
order comes with a channel of its own; the keeper forked for it is in its own session, so that
neither a closed terminal nor a killed runner takes it along.
"""

import os
import signal
import socket
import sys
import traceback
from importlib import import_module
from pathlib import Path
from typing import Any

import orjson

from firemarshal import stopping
from firemarshal.asking import forget_all
from firemarshal.clock import boot_id
from firemarshal.journal import Journal
from firemarshal.keeper.conduct import Conductor
from firemarshal.keeper.hands import integers
from firemarshal.keeper.leftovers import heal_leftovers
from firemarshal.keeper.order import Order
from firemarshal.keeper.recoveries import ERRANDS
from firemarshal.keeper.rehearsing import rehearse
from firemarshal.keeper.stage import set_up
from firemarshal.keeper.waiting import Waiting
from firemarshal.runbook import PLACE, texts_of
from firemarshal.secrets import hide_also
from firemarshal.state import Locked, SystemState

LOCK_WAIT_S = 10.0
Json = dict[str, Any]


def main() -> None:
    """Serve orders until the runner hangs up; a keeper that died is healed after even then."""
    server = socket.socket(fileno=int(sys.argv[1]))
    sys.path.insert(0, sys.argv[3])
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    keepers: dict[int, Json] = {}
    killed: list[Json] = []
    while (received := _receive(server)) is not None:
        order, channel = received
        pid = os.fork()
        if pid == 0:
            server.close()
            _keep(order, socket.socket(fileno=channel))
        os.close(channel)
        keepers[pid] = order
        killed += _reap(keepers, block=False)
    for order in killed + _reap(keepers, block=True):
        _heal_after(order)


def _receive(server: socket.socket) -> tuple[Json, int] | None:
    """The next order and its channel; None when the runner hung up."""
    try:
        head, descriptors, _, _ = socket.recv_fds(server, 8, 1)
        length = int.from_bytes(head, "big")
        data = b""
        while head and len(data) < length:
            chunk = server.recv(min(1 << 16, length - len(data)))
            if not chunk:
                return None
            data += chunk
    except ConnectionResetError:
        return None
    return (orjson.loads(data), descriptors[0]) if head else None


def _reap(keepers: dict[int, Json], block: bool) -> list[Json]:
    """Collect ended keepers; returns the orders of those that did not end by themselves.

    The runner has them healed while it lives; what it could not, the house does at the end.
    """
    killed = []
    for pid, order in list(keepers.items()):
        done, status = os.waitpid(pid, os.WUNTRACED if block else os.WNOHANG)
        while done and os.WIFSTOPPED(status):  # it stands still, and nobody else is left to see
            os.kill(pid, signal.SIGKILL)
            done, status = os.waitpid(pid, os.WUNTRACED)
        if done:
            del keepers[pid]
            if status != 0 and order["ask"] == "drill":
                killed.append(order)
    return killed


def _heal_after(order: Json) -> None:
    nobody, channel = socket.socketpair()
    nobody.close()
    pid = os.fork()
    if pid == 0:
        request = {"systems": list(order["order"]["systems"]), "ask": "heal"}
        _keep({**_healing(order["order"]), **request}, channel)
    channel.close()
    os.waitpid(pid, 0)


def _healing(order: Json) -> Json:
    return {
        "state": order["state"],
        "target": order["target"]["name"],
        "within_s": order["target"]["heal_within_s"],
        "runner_pid": order["runner_pid"],
    }


def _keep(request: Json, channel: socket.socket) -> None:
    """Be the keeper of one order; never returns."""
    status = 1
    try:
        os.setsid()
        channel.settimeout(1.0)
        if request["ask"] == "drill":
            _drill(Order(**request["order"]), channel)
        elif request["ask"] == "rehearse":
            _rehearse(Order(**request["order"]), channel)
        else:
            _heal(request, channel)
        status = 0
    except BaseException:  # noqa: BLE001 - the last line of a process, told in its log
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def _drill(order: Order, channel: socket.socket) -> None:
    waiting = Waiting(channel, order.runner_pid)
    waiting.install_signals()
    hide_also(_places(order))
    _import_before_forking(order)
    states = [
        SystemState(Path(order.state), order.target["name"], name) for name in sorted(order.systems)
    ]
    holder = {"run": order.run, "pid": os.getpid(), "drill": order.drill_json["name"]}
    _under_locks(states, holder, lambda: _conduct(order, waiting, states), waiting, order)


def _places(order: Order) -> list[str]:
    """The variables that runbooks fill in: their values are secrets of this drill, by any name."""
    texts = texts_of(order.drill_json["runbooks"])
    return [found[2] for text in texts for found in PLACE.finditer(text) if found[1] == "env"]


def _rehearse(order: Order, channel: socket.socket) -> None:
    """Look and ask, under no lock: a rehearsal changes nothing that a lock could keep apart."""
    waiting = Waiting(channel, order.runner_pid)
    waiting.install_signals()
    _import_before_forking(order)
    journal = open_journal(order, waiting)
    stage = set_up(order, journal, waiting)
    stage.hands.state = order.path  # a drill under way notes its own verb in the other place
    found = rehearse(stage)
    journal.note("rehearsed", durable=True, **integers(found))
    journal.close()
    waiting.tell({"tell": "done", "result": found})


def _under_locks(
    states: list[SystemState], holder: Json, act: Any, waiting: Waiting, order: Order
) -> None:
    if not states:
        act()
        return
    try:
        with states[0].lock(holder):
            _under_locks(states[1:], holder, act, waiting, order)
    except Locked as locked:
        _refuse(waiting, "ABORTED", "lock", str(locked))


def _conduct(order: Order, waiting: Waiting, states: list[SystemState]) -> None:
    left_names = [undo.value["fault"] for state in states for undo in state.readable()]
    left_names += [line for state in states for line in state.damaged()]
    left_names += [f"marker of {one}" for state in states for one in state.made()]
    if left_names:
        why = (
            f"{', '.join(left_names)} of an earlier drill still stands; "
            f"type: firemarshal heal --target {order.target['name']}"
        )
        _refuse(waiting, "NOT RUN", "fault-still-stands", why)
        return
    for state in states:
        forget_all(state)
        stopping.forget(state)
    journal = open_journal(order, waiting)
    result = Conductor(set_up(order, journal, waiting)).serve()
    journal.note("sealed", durable=True)
    journal.close()
    result.write(journal)
    if waiting.stop and waiting.stop.code == "runner-lost":
        import_module(order.summary).rebuild(order.path.parent)
    waiting.tell({"tell": "done", "result": result.as_json()})


def open_journal(order: Order, waiting: Waiting) -> Journal:
    """The keeper's journal, with line 1 that says everything a later reader must know."""
    journal = Journal(
        order.path / "journal.jsonl", "keeper", lambda line: waiting.tell(_told(line))
    )
    limits = integers(order.target)
    journal.note(
        "opened",
        durable=True,
        run=order.run,
        drill=order.drill_json,
        drill_sha256=order.drill.sha256,
        target=limits,
        boot_id=boot_id(),
        pid=os.getpid(),
        about=order.about,
    )
    return journal


def _told(line: Json) -> Json:
    told = ("event", "fault", "system", "why", "keyword", "text")
    return {"tell": "event", **{key: line[key] for key in told if key in line}}


def _refuse(waiting: Waiting, verdict: str, code: str, why: str) -> None:
    waiting.tell({"tell": "done", "result": {"verdict": verdict, "code": code, "why": why}})


def _import_before_forking(order: Order) -> None:
    """Children are forked warm: importing a driver costs more than most verbs."""
    for system in order.systems:
        import_module(order.module_of(system))
    if order.drill_json["runbooks"]:
        import_module(ERRANDS)
    for kind in ("faults", "recoveries"):
        for one in order.drill_json[kind].values():
            import_module(one["module"])


def _heal(request: Json, channel: socket.socket) -> None:
    waiting = Waiting(channel, request["runner_pid"])
    waiting.install_signals()
    standing: list[str] = []
    for name in request["systems"]:
        state = SystemState(Path(request["state"]), request["target"], name)
        try:
            with state.lock({"pid": os.getpid(), "heals": True}, wait_s=LOCK_WAIT_S):
                standing += heal_leftovers(
                    state,
                    waiting,
                    request["within_s"],
                    lambda line: waiting.tell({"tell": "event", "event": line["event"]}),
                    request.get("elsewhere", {}).get(name),
                    force=request.get("force", False),
                )
        except Locked as locked:
            standing.append(str(locked))
    waiting.tell({"tell": "done", "standing": standing})


if __name__ == "__main__":
    main()

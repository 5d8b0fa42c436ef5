"""The stop conditions of a profile, asked all the time by a process that nothing else can block.

`python -m firemarshal.keeper.sentinel`: reads one JSON object from its input, answers `ready` when
every condition has been asked once and allows the drill, and later one line with the reason when
one no longer does; it ends with its input.
"""

import os
import sys
import threading
import time
from pathlib import Path
from queue import Queue
from typing import Any

import orjson

from firemarshal.fault import NotDone
from firemarshal.keeper.errands import command, request

Json = dict[str, Any]


def main() -> None:
    """Ask until one condition says stop, or the keeper hangs up."""
    spec: Json = orjson.loads(sys.stdin.buffer.readline())
    told: Queue[str] = Queue()
    ready = [threading.Event() for _ in spec["conditions"]]
    for one, once in zip(spec["conditions"], ready, strict=True):
        words = (one, spec["configuration"], spec["folder"], told, once)
        threading.Thread(target=_watch, args=words, daemon=True).start()
    threading.Thread(target=_all_ready, args=(ready, told), daemon=True).start()
    threading.Thread(target=_until_hung_up, daemon=True).start()
    while True:
        line = told.get()
        print(line, flush=True)  # noqa: T201 - the keeper reads it
        if line != "ready":
            return


def why_stop(condition: Json, configuration: Json, folder: str) -> str:
    """Why the drill must stop, "" while it may go on; a question that fails is a "no"."""
    name, within_s = condition["name"], condition["within_s"]
    if condition["file"]:
        return f"{name}: {condition['file']} is there" if Path(condition["file"]).exists() else ""
    try:
        if condition["http"]:
            answer = request(**condition["http"], timeout_s=within_s, configuration=configuration)
        else:
            answer = command(
                argv=condition["run"],
                on="",
                timeout_s=within_s,
                folder=folder,
                log=os.devnull,
                words={},
                configuration=configuration,
            )
    except NotDone as problem:
        return f"{name}: {problem}"
    said = f": {answer['said']}" if answer["said"] else ""
    return "" if answer["ok"] else f"{name}: {answer['answer']}{said[:200]}"


def _watch(
    condition: Json, configuration: Json, folder: str, told: "Queue[str]", once: threading.Event
) -> None:
    times = 0
    while True:
        why = why_stop(condition, configuration, folder)
        times = times + 1 if why else 0
        if times >= condition["times"]:
            told.put(why.replace("\n", " "))
            return
        once.set()
        time.sleep(condition["every_s"])


def _all_ready(ready: list[threading.Event], told: "Queue[str]") -> None:
    for one in ready:
        one.wait()
    told.put("ready")


def _until_hung_up() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    main()

"""Verbs that block, die or misbehave, for the tests of the keeper's children."""

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

from firemarshal.fault import VictimChanged

LATER_S = 0.6


def echo(value: Any) -> Any:
    return value


def changed() -> None:
    raise VictimChanged("it is another one")


def sleep(path: str) -> None:
    time.sleep(LATER_S)
    Path(path).touch()


def spin(path: str) -> None:
    end = time.monotonic() + LATER_S
    while time.monotonic() < end:
        pass
    Path(path).touch()


def swallow(path: str) -> None:
    end = time.monotonic() + LATER_S
    while time.monotonic() < end:
        try:
            time.sleep(LATER_S)
        except BaseException:  # noqa: BLE001 - that is the point
            continue
    Path(path).touch()


def stubborn(path: str) -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sleep(path)


def grandchild(path: str) -> None:
    subprocess.run(["sh", "-c", f"sleep {LATER_S}; touch {path}"], check=True)


def stop(path: str) -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def large() -> str:
    return "x" * 3_000_000

"""What a drill asks of people: files beside the undo files, so that any terminal can answer."""

import getpass
import os
import secrets
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from firemarshal.bad_input import BadInput
from firemarshal.clock import boot_id, now_us, utc_text
from firemarshal.state import Locked, SystemState

Json = dict[str, Any]
ASK, ANSWER = ".ask.json", ".answer.json"


@dataclass(frozen=True)
class Question:
    """One step that waits for a person; `value` holds step, owner, text, drill and deadline."""

    path: Path
    value: Json

    @property
    def answer_path(self) -> Path:
        """Where the answer will lie."""
        return self.path.with_name(self.path.name.removesuffix(ASK) + ANSWER)

    def answer(self) -> Json | None:
        """What somebody answered, None while nobody has; one that is no answer is as none."""
        if not self.answer_path.exists():
            return None
        found = _read(self.answer_path, ("by", "refused", "note", "account", "at_us", "boot_id"))
        if found is None:
            self.answer_path.unlink(missing_ok=True)
        return found

    def close(self) -> None:
        """Take the question back, with its answer."""
        self.path.unlink(missing_ok=True)
        self.answer_path.unlink(missing_ok=True)


def ask(state: SystemState, drill_id: str, value: Json) -> Question:
    """Put a question where `firemarshal confirm` finds it; each has a name of its own.

    So no answer can meet a later question, of another drill or of another step of that name.
    """
    state.folder.mkdir(parents=True, exist_ok=True)
    path = state.folder / f"{drill_id}-{value['step']}-{secrets.token_hex(4)}{ASK}"
    _write(path, value)
    return Question(path, value)


def forget_all(state: SystemState) -> None:
    """Take back what dead drills asked; must be called with the system's lock held."""
    for path in (*state.folder.glob(f"*{ASK}*"), *state.folder.glob(f"*{ANSWER}")):
        path.unlink(missing_ok=True)


def open_questions(state: Path) -> list[Question]:
    """Every question of a drill that still runs, on any system of any target; oldest first."""
    found = []
    for path in sorted(state.glob(f"*/*/*{ASK}"), key=lambda one: one.stat().st_mtime_ns):
        system = SystemState(state, path.parent.parent.name, path.parent.name)
        value = _read(path, ("step", "drill", "text"))
        if value is not None and _is_drilled(system):
            found.append(Question(path, value))
    return found


def confirm(state: Path, step: str, by: str, *, refused: bool, note: str, drill: str) -> Question:
    """Answer the one open question of that step; BadInput when there is none, or several.

    The name is what the person says; the account and host are what the machine says.
    """
    every = open_questions(state)
    found = [one for one in every if one.value["step"] == step and drill in one.value["drill"]]
    if len(found) != 1 or not by.strip():
        raise _cannot(step, by, every, found)
    value = {
        "by": by.strip(),
        "refused": refused,
        "note": note,
        "account": f"{_account()}@{socket.gethostname()}",
        "utc": utc_text(),
        "at_us": now_us(),
        "boot_id": boot_id(),
    }
    _answer(found[0], value)
    return found[0]


def _answer(question: Question, value: Json) -> None:
    """The first answer stands; a second person is told so instead of overruling the first."""
    own = question.path.with_name(f"{question.path.name}.{secrets.token_hex(4)}")
    own.write_bytes(orjson.dumps(value, option=orjson.OPT_INDENT_2))
    try:
        os.link(own, question.answer_path)
    except FileExistsError:
        by = (question.answer() or {}).get("by", "somebody")
        what = f"step {question.value['step']!r} has been answered by {by} already"
        raise BadInput(what, where="confirm", cure="nothing has to be done") from None
    finally:
        own.unlink()


def _read(path: Path, needed: tuple[str, ...]) -> Json | None:
    """A file of ours, None where it is none, or gone meanwhile."""
    try:
        value: Any = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return None
    whole = isinstance(value, dict) and all(key in value for key in needed)
    return value if whole else None


def _cannot(step: str, by: str, every: list[Question], found: list[Question]) -> BadInput:
    asked = "; ".join(f"{one.value['step']} ({one.value['drill']})" for one in every)
    if not by.strip():
        return BadInput("the answer has no name", where="--by", cure="say who answers: --by NAME")
    if found:
        what = f"step {step!r} waits in {len(found)} drills: {asked}"
        return BadInput(what, where="confirm", cure="say which: --drill WORDS of its name")
    cure = f"asked now: {asked}" if asked else "nothing is asked now; is this the drill's folder?"
    return BadInput(f"no drill waits for step {step!r}", where="confirm", cure=cure)


def _is_drilled(system: SystemState) -> bool:
    try:
        with system.lock({}):
            return False
    except Locked:
        return True


def _account() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())  # an account without a name, as containers have


def _write(path: Path, value: Json) -> None:
    new = path.with_suffix(".new")
    new.write_bytes(orjson.dumps(value, option=orjson.OPT_INDENT_2))
    new.replace(path)

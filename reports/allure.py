"""Allure results of a run, from its folder alone: the run itself and `firemarshal report` call it.

Names and ids are made from the run and its drills, so that writing twice gives the same bytes.
"""

import hashlib
import re
import uuid
from html import escape
from pathlib import Path, PurePosixPath
from typing import Any

import orjson

from firemarshal.reports import (
    allure_files,
    allure_sides,
    allure_steps,
    people,
    severity,
    story,
    telling,
    words,
)

PREFIX = "firemarshal-"
OURS = re.compile(rf"{PREFIX}[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}-")
NOT_CLEAN = "NOT CLEAN"
STATUS = {"PASSED": "passed", "FAILED": "failed", "NOT RUN": "skipped"}
CONTROL = "negative control"
Json = dict[str, Any]


def write(folder: Path, into: Path, *, replace: bool = False) -> list[Path]:
    """Write the results of every drill of a run into a folder that may hold other results too.

    `replace` removes what firemarshal left there before, of whatever run. OSError when the folder
    cannot be written.
    """
    run = story.read_run(folder)
    into.mkdir(parents=True, exist_ok=True)
    if replace:
        for path in sorted(into.glob(f"{PREFIX}*")):
            if OURS.match(path.name) and path.is_file():
                path.unlink()
    written = [_write(run, one, into) for one in run.drills]
    allure_sides.write(run, into)
    return written


def status(drill: story.Drill) -> str:
    """passed, failed, broken or skipped: green only as it must be and on a clean target."""
    result = drill.result
    if drill.verdict == story.NOT_RUN:
        return "skipped"
    if result["as_expected"]:
        return "broken" if result["target_after"] == NOT_CLEAN else "passed"
    if drill.control and drill.verdict in ("PASSED", "FAILED"):
        return "failed"
    return STATUS.get(drill.verdict, "broken")


def message(drill: story.Drill) -> str:
    """The verdict in lines that a person can act on, the state of the target first."""
    decided = words.verdict(drill.result, drill.control)
    found = [
        (one["verdict"], f"{one['text']}: {one['reason']}") for one in drill.promises if one["seq"]
    ]
    others = [f"{judged}: {text}" for judged, text in found if text not in decided]
    wrong = [text] if (text := people.contradiction(drill)) else []
    return "\n".join([words.state_after(drill.result), *wrong, decided, *others])


def description(drill: story.Drill) -> str:
    """The message with what happened in whole sentences behind the state of the target."""
    state, _, rest = message(drill).partition("\n")
    return "\n".join([state, telling.sentence(drill), rest])


def history_id(drill: story.Drill) -> str:
    """The same for the same scenario, row and target in every run, whatever it measured."""
    return _md5(drill.drill["file"], drill.drill["name"], drill.drill["row"], drill.drill["target"])


def _write(run: story.Run, drill: story.Drill, into: Path) -> Path:
    name = str(uuid.uuid5(uuid.NAMESPACE_URL, f"firemarshal:{run.id}/{drill.key}"))
    clock = allure_steps.Clock(run, drill)
    attachments = [
        _attach(into, f"{PREFIX}{name}-{number:02d}", one)
        for number, one in enumerate(allure_files.attachments(drill), start=1)
    ]
    value = {
        "uuid": name,
        "historyId": history_id(drill),
        "testCaseId": _md5(drill.drill["file"], drill.drill["name"]),
        "fullName": f"{drill.drill['file']}: {drill.name}",
        "name": drill.name,
        "titlePath": [*PurePosixPath(drill.drill["file"]).parts],
        "status": status(drill),
        "stage": "finished",
        "description": escape(description(drill), quote=False).replace("\n", "\n\n"),
        "start": clock.begin,
        "stop": clock.end,
        "labels": _labels(run, drill),
        "parameters": _parameters(drill),
        "steps": allure_steps.steps(drill, clock),
        "attachments": attachments,
    }
    if value["status"] != "passed":
        value["statusDetails"] = {"message": message(drill)}
    return _store(into / f"{PREFIX}{name}-result.json", orjson.dumps(value) + b"\n")


def _labels(run: story.Run, drill: story.Drill) -> list[Json]:
    family = PurePosixPath(drill.drill["file"]).parent.name
    pairs = [
        ("epic", family),
        ("feature", drill.drill["feature"]),
        ("verdict", drill.verdict),
        ("code", drill.result["code"]),
        ("target after", drill.result["target_after"]),
        ("target", run.target),
        ("environment", run.environment),
        *_of_clauses(run, drill),
        ("parentSuite", family),
        ("suite", drill.drill["feature"]),
        ("framework", "firemarshal"),
        *(("tag", one) for one in drill.drill["tags"]),
    ]
    if drill.control:
        pairs += [("tag", CONTROL), ("control", CONTROL)]
    return [{"name": name, "value": value} for name, value in dict.fromkeys(pairs) if value]


def _of_clauses(run: story.Run, drill: story.Drill) -> list[tuple[str, str]]:
    """The clauses; owner and severity where the plan that the run was started with names them."""
    clauses = [run.clauses.get(one, {}) for one in drill.drill["clauses"]]
    said = severity.words(run.clauses, drill.drill["clauses"])
    return [
        *(("clause", one) for one in drill.drill["clauses"]),
        *(("owner", str(one.get("owner", ""))) for one in clauses),
        ("severity", severity.of_allure(said)),
        *(("plan severity", one) for one in said),
    ]


def _parameters(drill: story.Drill) -> list[Json]:
    """The target tells histories apart; measured figures may not, so they are excluded."""
    figures = [
        {"name": one["text"], "value": words.measured(one), "excluded": True}
        for one in drill.promises
        if one["seq"]
    ]
    return [{"name": "target", "value": drill.drill["target"]}, *figures]


def _attach(into: Path, stem: str, one: allure_files.Attachment) -> Json:
    source = f"{stem}-attachment.{one.extension}"
    _store(into / source, one.data)
    return {"name": one.name, "source": source, "type": one.type}


def _store(path: Path, data: bytes) -> Path:
    """Whole or not at all: an Allure that reads meanwhile must not meet half a file."""
    new = path.with_name(f"{path.name}.tmp")
    new.write_bytes(data)
    new.replace(path)
    return path


def _md5(*parts: str) -> str:
    return hashlib.md5("\n".join(parts).encode(), usedforsecurity=False).hexdigest()

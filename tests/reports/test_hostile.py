"""Whatever a name holds is text: never markup, a script, a formula or a broken file."""

import csv
import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any
from xml.etree import ElementTree

import orjson
import pytest
import run_folders
from pages import Page, page

from firemarshal.bad_input import BadInput
from firemarshal.reports import allure, html, rebuild, story

Json = dict[str, Any]
NASTY = (
    "</script><script>alert(1)</script><img src=x onerror=alert(2)> \" ' & ]]> {{ 7 * 7 }} "
    "{% raw %} 주 서버 \x1b[31m\x00"
)
# What the code decides, not people: these are compared, so other values would hide the text.
FIXED = {
    *("schema", "event", "prev", "utc", "writer", "folder", "verdict", "code", "target_after"),
    *("keyword", "declares", "kind", "unit", "id", "of", "status", "boot_id", "claimed", "lasts"),
    *("outcome", "activity", "client", "journal_head", "clause", "sha256", "fault", "commit"),
}


def nasty(value: Any, key: str = "") -> Any:
    """The value with hostile text in every text that people or systems could have written."""
    if isinstance(value, dict):
        return {name: nasty(one, name) for name, one in value.items()}
    if isinstance(value, list):
        return [nasty(one, key) for one in value]
    return f"{NASTY}{value}" if isinstance(value, str) and key not in FIXED else value


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with people, plans and an earlier pass, all of whose texts are hostile."""
    control = {"verdict": "FAILED", "objective": "rto", "least": 5}
    drills = [run_folders.compiled("A"), run_folders.compiled("B", control=control)]
    made = run_folders.run(tmp_path_factory.mktemp("hostile"), drills)
    step = {"id": "x", "kind": "human", "owner": "o", "text": "t", "answer": "a", "seq": 3}
    times = {"begun_us": run_folders.T0_US, "ended_us": run_folders.BACK_US}
    recovery = {"name": "r", "kind": "runbook", "system": "s", "claimed": "success", "why": "w"}
    recovery |= {**times, "steps": [{**step, **times, "outcome": "done", "deadline_us": 1}]}
    for number, one in enumerate(("01-drill", "02-drill")):
        lines = nasty(run_folders.events(drills[number]))
        data = run_folders.journal(lines)
        (made / one / "journal.jsonl").write_bytes(data)
        path = made / one / "verdict.json"
        left = orjson.loads(path.read_bytes()) | {"recoveries": [recovery], "standing": ["hole"]}
        head = hashlib.sha256(data.splitlines()[-1]).hexdigest()
        path.write_bytes(orjson.dumps({**nasty(left), "journal_head": head}))
    run = orjson.loads((made / "run.json").read_bytes())
    (made / "run.json").write_bytes(orjson.dumps(nasty(run)))
    clause = {"text": "c", "plan": "p", "severity": "P0", "every": "day", "owner": "o"}
    clause |= {"objectives": [{"kind": "mttr", "limit": "2 h", "when": "w"}]}
    (made / "clauses.json").write_bytes(orjson.dumps({"clauses": {"DS-1a": nasty(clause)}}))
    was = {"run": "r", "utc": "u", "promises": {}, "facts": {"commit": "c"}, "captured": {}}
    earlier = {"drills": {drills[0]["id"]: nasty(was)}}
    (made / "previous.json").write_bytes(orjson.dumps(earlier))
    return made


def test_nothing_becomes_markup(folder: Path) -> None:
    found: Page = page(folder)
    text = (folder / html.NAME).read_text(encoding="utf-8")
    assert not {"script", "img", "iframe", "object", "link"} & set(found.tags)
    assert "<script" not in text
    assert not [name for name, _ in found.facts if name.startswith("on")]
    assert all(one.startswith("#") for one in found.links)
    assert "alert(1)" in found.words
    assert "{{ 7 * 7 }}" in found.words
    assert len(found.ids) == len(set(found.ids))
    assert {one[1:] for one in found.links} <= set(found.ids)


def test_every_part_of_the_page_showed_hostile_text(folder: Path) -> None:
    """Each of these stands in a part of its own, so none of them was left out of the trial."""
    text = " ".join(page(folder).words.split())
    for part in ("What people did", "Changed since the last pass", "What changed the system"):
        assert "alert(1)" in text.partition(part)[2][:1500], part


def test_pictures_are_xml(folder: Path) -> None:
    for one in story.read_run(folder).drills:
        for _, svg in html.pictures(one):
            root = ElementTree.fromstring(svg)
            names = {re.sub(r"\{.*\}", "", element.tag) for element in root.iter()}
            assert names <= {"svg", "style", "rect", "title", "desc", "path", "text"}


def test_allure_gets_text_and_no_markup(folder: Path, tmp_path: Path) -> None:
    allure.write(folder, tmp_path)
    for path in tmp_path.glob("*-result.json"):
        assert "<" not in json.loads(path.read_bytes())["description"]
    lines = (tmp_path / "environment.properties").read_text(encoding="latin-1").splitlines()
    assert all("=" in one for one in lines)
    for path in tmp_path.glob("*-attachment.csv"):
        assert list(csv.reader(path.read_text(encoding="utf-8").splitlines()))


def test_what_means_nothing_any_more_is_bad_input_never_a_traceback(tmp_path: Path) -> None:
    source = run_folders.run(tmp_path / "source")
    random, wrong = Random(11), (None, -1, 2**60, "", [], {}, True, 1.5, [None])
    for number in range(40):
        folder = tmp_path / str(number) / source.name
        shutil.copytree(source, folder)
        name = random.choice(("run.json", "01-drill/verdict.json", "01-drill/journal.jsonl"))
        lines = [orjson.loads(one) for one in _lines(folder / name)]
        place, key = random.choice([*_places(random.choice(lines))])
        place[key] = random.choice(wrong)
        (folder / name).write_bytes(b"\n".join(map(orjson.dumps, lines)) + b"\n")
        with suppress(BadInput):
            rebuild.rebuild(folder, tmp_path / "allure")


def _lines(path: Path) -> list[bytes]:
    data = path.read_bytes()
    return data.splitlines() if path.suffix == ".jsonl" else [data]


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Everything that could be changed: (container, key)."""
    keys = value if isinstance(value, dict) else range(len(value))
    for key in keys if isinstance(value, dict | list) else ():
        yield value, key
        if isinstance(value[key], dict | list):
            yield from _places(value[key])


def test_the_same_bytes_again(folder: Path) -> None:
    names = ("report.html", "summary.json", "summary.csv")
    rebuild.rebuild(folder)
    before = [(folder / name).read_bytes() for name in names]
    rebuild.rebuild(folder)
    assert [(folder / name).read_bytes() for name in names] == before

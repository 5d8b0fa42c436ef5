"""One drill's chapter of the page, as plain data for its template."""

from typing import Any

from firemarshal.codes import CODES
from firemarshal.reports import (
    changes,
    clauses,
    drawing,
    losses,
    people,
    phases,
    seen,
    story,
    telling,
    trust,
    words,
)

MOST_LINES = 2000
EVIDENCE_ENDS = (".jsonl", ".ledger", ".log", ".json")
Json = dict[str, Any]


def chapter(run: story.Run, one: story.Drill, scale: tuple[int, int] | None) -> Json:
    """Everything that the page tells of one drill that began; `scale` of its strip in lists."""
    viewed = seen.views(one, scale)
    clients = [each.client for each in viewed]
    code = CODES.get(one.result["code"])
    return {
        "drill": one,
        "id": one.anchor,
        "sentence": telling.sentence(one),
        "code": {"name": one.result["code"], "says": code.sentence, "cure": code.cure}
        if code
        else None,
        "promises": [{"rows": [clauses.row(run, one, each, {one.key}) for each in one.promises]}],
        "gherkin": _gherkin(one),
        "changes": changes.left_changed(one),
        "views": viewed,
        "loss": _loss(one),
        "phases": phases.rows(one),
        "people": people.of(one),
        "previous": changes.since_last_pass(run, one),
        "trust": trust.checks(run, one, clients),
        "not_proved": trust.not_proved(run, one, clients),
        "timeline": _timeline(one),
        "lines_left_out": max(0, len(one.lines) - MOST_LINES),
        "faults": _faults(one),
        "configuration": changes.configuration(one),
        "files": _files(one),
        "sha256": story.drill_hash(one),
    }


def _loss(one: story.Drill) -> Json | None:
    """What became of acknowledged writes; None where nothing was held against survivors."""
    line = one.first("measured", kind="loss")
    if line is None:
        return None
    back = losses.looked_back(line)
    return {"rows": losses.rows(line), "looked_back": back, "seq": line["seq"]}


def _gherkin(one: story.Drill) -> list[tuple[str, str]]:
    """The scenario's sentences as they were compiled, with And where a keyword repeats."""
    told, before = [], ""
    for step in one.drill["steps"]:
        keyword = step["keyword"]
        told.append(("And" if keyword == before else keyword.capitalize(), step["text"]))
        before = keyword
    return told


def _timeline(one: story.Drill) -> list[Json]:
    zero = one.t0[1] if one.t0 else None
    return [
        {
            "id": f"{one.anchor}-{'' if line['file'] == story.KEEPER_JOURNAL else 'h-'}"
            f"{line['seq']}",
            "seq": line["seq"],
            "file": "" if line["file"] == story.KEEPER_JOURNAL else line["file"],
            "at": drawing.moment(line["at_us"] - zero) if zero else "",
            "utc": str(line["utc"])[11:23],
            "event": line["event"],
            "text": words.in_words(line),
        }
        for line in one.lines[:MOST_LINES]
    ]


def _faults(one: story.Drill) -> list[Json]:
    """Everything that changed the target and could be undone: faults, then what people made."""
    found = []
    recoveries = one.drill.get("recoveries", {})
    for name, about in [*one.drill["faults"].items(), *recoveries.items()]:
        aimed = [
            victim
            for line in one.events("aimed")
            if line["fault"] == name
            for victim in line["victims"]
        ]
        healed = [line for line in one.events("healed") if line["fault"] == name]
        undos = [line for line in one.events("undo written") if line["fault"] == name]
        found.append(
            {
                "name": name,
                "facts": _facts(about),
                "fault": name not in recoveries,
                "victims": [str(each.get("id", each.get("name"))) for each in aimed],
                "shell": [text for line in undos for text in line["shell"]],
                "undos": len(undos),
                "healed": healed[-1]["seq"] if healed else 0,
            }
        )
    return found


def _facts(about: Json) -> str:
    told = [
        f"{name.capitalize()}: {about[name]}"
        for name in ("lasts", "makes", "leaves")
        if about.get(name)
    ]
    return ". ".join([str(about.get("does", "")), *told]) + "."


def _files(one: story.Drill) -> list[Json]:
    """Files with their hashes; for a journal also the hash of its last line, its head."""
    heads = {each.name: each.reading.head for each in one.journals}
    if one.folder is None:
        return []
    return [
        {
            "name": f"{one.folder.name}/{name}",
            "bytes": size,
            "sha256": digest,
            "head": heads.get(name, ""),
        }
        for name, size, digest in story.file_hashes(one.folder)
        if name.endswith(EVIDENCE_ENDS)
    ]

"""The run in one file: `summary.json`, made from what the drills left and nothing else."""

from pathlib import Path
from typing import Any

import orjson

from firemarshal.drill import sha256
from firemarshal.reports import severity, story
from firemarshal.verdict import Outcome, Verdict
from firemarshal.verdict import exit_code as code_of

SCHEMA = "firemarshal/summary/1"
Json = dict[str, Any]


def rebuild(folder: Path) -> Path:
    """Write `summary.json` of a run from `run.json` and the drills' `verdict.json`.

    A pure function of the run folder: the runner calls it at the end, the last keeper when the
    runner is gone, and both write the same bytes.
    """
    run = orjson.loads((folder / "run.json").read_bytes())
    told = story.read_run(folder)
    results = [_result(one) for one in told.drills]
    path = folder / "summary.json"
    value = {
        "schema": SCHEMA,
        "run": folder.name,
        "target": run["target"],
        "environment": run["environment"],
        "exit_code": exit_code(results, run["environment"]),
        "drills": [_drill(one, told.clauses) for one in results],
    }
    new = path.with_suffix(".new")
    new.write_bytes(orjson.dumps(value, option=orjson.OPT_INDENT_2) + b"\n")
    new.replace(path)
    return path


def read_results(folder: Path) -> list[Json]:
    """The result of every planned drill, in order; one that left no folder was NOT RUN.

    One that began and left no verdict was ABORTED: nobody may say that its target is as found.
    """
    return [_result(one) for one in story.read_run(folder).drills]


def exit_code(results: list[Json], environment: str) -> int:
    """The run's exit code; a refusal because a fault still stands is NOT CLEAN."""
    return code_of([_outcome(one) for one in results], lab=environment == "lab")


def _result(drill: story.Drill) -> Json:
    result = {
        "drill": drill.drill,
        **drill.result,
        "recoveries": drill.recoveries,
        "folder": drill.folder.name if drill.folder else "",
    }
    if drill.verdict == story.NO_VERDICT:
        result |= {"verdict": "ABORTED", "code": "keeper-lost"}
    return result


def _outcome(result: Json) -> Outcome:
    stands = result.get("code") == "fault-still-stands"
    return Outcome(
        Verdict(result["verdict"]),
        result["as_expected"],
        "NOT CLEAN" if stands else result["target_after"],
        control=result["drill"]["control"] is not None,
    )


def _drill(result: Json, clauses: Json) -> Json:
    drill = result["drill"]
    return {
        "name": drill["name"],
        "feature": drill["file"],
        "clauses": drill["clauses"],
        "severities": severity.words(clauses, drill["clauses"]),
        "verdict": result["verdict"],
        "code": result.get("code", ""),
        "why": result.get("why", ""),
        "expected": drill["control"],
        "as_expected": result["as_expected"],
        "expectation": result["expectation"],
        "injected": result["injected"],
        "target_after": result["target_after"],
        "target_after_why": result.get("target_after_why", []),
        "objectives": [_objective(one) for one in result["promises"]],
        "rto": _first(result, "rto"),
        "rpo": _first(result, "rpo"),
        "lost": _first(result, "lost"),
        "phases": result.get("phases", []),
        "faults": result["faults"],
        "recoveries": [_recovery(one) for one in result["recoveries"]],
        "folder": result["folder"],
        "sha256": sha256(drill),
    }


def _objective(promise: Json) -> Json:
    return {
        "id": promise["id"],
        "text": promise["text"],
        "clause": promise["clause"],
        "kind": promise["kind"],
        "endpoint": promise["endpoint"],
        "target": promise["limit"],
        "value": promise["upper"],
        "lower": promise["lower"],
        "upper": promise["upper"],
        "unit": promise["unit"],
        "verdict": promise["verdict"],
        "reason": promise["reason"],
        "note": promise["note"],
        "seq": promise["seq"],
    }


def _recovery(one: Json) -> Json:
    """Only what the schema names, whatever a later keeper adds."""
    return {key: one[key] for key in story.RECOVERY if key != "steps"} | {
        "steps": [{key: step[key] for key in story.RECOVERY_STEP} for step in one["steps"]]
    }


def _first(result: Json, kind: str) -> Json | None:
    found = [_objective(one) for one in result["promises"] if one["kind"] == kind]
    return found[0] if found else None

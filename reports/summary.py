"""The run in one file: `summary.json`, made from what the drills left and nothing else."""

from pathlib import Path
from typing import Any

import orjson

from firemarshal.target import Target
from firemarshal.verdict import Outcome, Verdict
from firemarshal.verdict import exit_code as code_of

SCHEMA = "firemarshal/summary/1"
Json = dict[str, Any]


def write(folder: Path, results: list[Json], target: Target) -> Path:
    """Write `summary.json` of a run; every figure in it also stands in a drill's journal."""
    path = folder / "summary.json"
    value = {
        "schema": SCHEMA,
        "run": folder.name,
        "target": target.name,
        "environment": target.environment,
        "exit_code": exit_code(results, target),
        "drills": [_drill(one) for one in results],
    }
    path.write_bytes(orjson.dumps(value, option=orjson.OPT_INDENT_2) + b"\n")
    return path


def exit_code(results: list[Json], target: Target) -> int:
    """The run's exit code; a refusal because a fault still stands is NOT CLEAN."""
    outcomes = [_outcome(one) for one in results]
    return code_of(outcomes, lab=target.environment == "lab")


def _outcome(result: Json) -> Outcome:
    stands = result.get("code") == "fault-still-stands"
    return Outcome(
        Verdict(result["verdict"]),
        result["as_expected"],
        "NOT CLEAN" if stands else result["target_after"],
        control=result["drill"]["control"] is not None,
    )


def _drill(result: Json) -> Json:
    drill = result["drill"]
    return {
        "name": drill["name"],
        "feature": drill["file"],
        "clauses": drill["clauses"],
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
        "folder": result["folder"],
        "sha256": result.get("drill_sha256", ""),
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


def _first(result: Json, kind: str) -> Json | None:
    found = [_objective(one) for one in result["promises"] if one["kind"] == kind]
    return found[0] if found else None

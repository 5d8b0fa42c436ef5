"""The table for spreadsheets: nothing missing, nothing that a spreadsheet would compute."""

import csv
from pathlib import Path

import pytest
from toy_project import ToyProject

from firemarshal.reports import table


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "summary.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_one_row_an_objective_and_one_for_a_drill_without(
    every_verdict: ToyProject, run_folder: Path
) -> None:
    found = rows(run_folder)
    wanted = [
        (drill["verdict"], one["id"] if one else "")
        for drill in every_verdict.summary()["drills"]
        for one in drill["objectives"] or [None]
    ]
    assert [(one["verdict"], one["objective"]) for one in found] == wanted
    assert {"PASSED", "FAILED", "INVALID", "NOT RUN"} == {one["verdict"] for one in found}


def test_it_is_rfc_4180(run_folder: Path) -> None:
    data = (run_folder / "summary.csv").read_bytes()
    assert data.endswith(b"\r\n")
    assert data.count(b"\n") == data.count(b"\r\n")
    assert data.splitlines()[0].decode().split(",") == list(table.HEADER)


def test_a_name_that_is_a_formula_is_defused(run_folder: Path) -> None:
    names = [one["drill"] for one in rows(run_folder)]
    assert "'=fails, and tells the loss all the same" in names


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_text_that_would_be_computed_is_defused(cell: str) -> None:
    assert table.defused(cell) == f"'{cell}"


@pytest.mark.parametrize(
    ("cell", "shown"), [(None, ""), (True, "true"), (False, "false"), (-5, "-5"), ("a=b", "a=b")]
)
def test_other_cells_stay_what_they_are(cell: object, shown: str) -> None:
    assert table.defused(cell) == shown

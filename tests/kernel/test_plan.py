"""The five plans hold what they were given, and a mistake in a plan file is named with its cure."""

from pathlib import Path

import pytest

from firemarshal.bad_input import BadInput
from firemarshal.plan import OWN_FOLDER, Objective, Plan, Plans, find_clause, load, load_all

MIN, H, D = 60, 3_600, 86_400

# By hand from the plans' own tables: id, RTO in s, RPO in s, frequencies.
GIVEN: list[tuple[str, int | None, int | None, str]] = [
    ("DS-1a", 5 * MIN, 15 * MIN, "quarter"),
    ("DS-1b", 1 * H, 15 * MIN, "quarter"),
    ("DS-1c", 30 * MIN, 15 * MIN, "quarter"),
    ("DS-1d", 1 * H, 15 * MIN, "quarter"),
    ("DS-2a", 5 * MIN, None, "quarter"),
    ("DS-2b", 15 * MIN, None, "quarter"),
    ("DS-3", 4 * H, 15 * MIN, "quarter"),
    ("DS-4", 1 * H, 0, "quarter"),
    ("DS-5", 1 * H, 0, "quarter"),
    ("DS-6", 1 * H, 15 * MIN, "quarter"),
    ("DS-7", 4 * H, 1 * H, "quarter"),
    ("DS-8", None, 24 * H, "day"),
    ("DS-9", None, 15 * MIN, "week"),
    ("DS-10", 1 * H, None, "month"),
    ("DS-11", 5 * MIN, None, "quarter"),
    ("DS-12", 13 * MIN, 15 * MIN, "quarter"),
    ("DS-13", None, None, "month"),
    ("DS-14", None, None, "quarter"),
    ("TF-1", 3 * MIN, 0, "month"),
    ("TF-2", 3 * MIN, None, "month"),
    ("TF-3", 4 * H, None, "quarter"),
    ("TF-4", 15 * MIN, None, "quarter"),
    ("TF-5", 30 * MIN, 0, "quarter"),
    ("TF-6", 4 * H, 15 * MIN, "year"),
    ("TF-7", 1 * H, 5 * MIN, "month"),
    ("TF-8", 30 * MIN, 7 * D, "month"),
    ("TF-9", 15 * MIN, 24 * H, "quarter"),
    ("TF-10", 4 * H, 7 * D, "quarter"),
    ("TF-11", 2 * H, None, "quarter"),
    ("TF-12", 15 * MIN, None, "quarter"),
    ("TF-13", None, None, "month"),
    ("TF-14", None, None, "quarter"),
    ("KE-1", 1 * MIN, None, "month"),
    ("KE-2", 1 * MIN, None, "month"),
    ("KE-3", 3 * MIN, 0, "month"),
    ("KE-4", 10 * MIN, None, "month"),
    ("KE-5", 5 * MIN, 0, "quarter"),
    ("KE-6", 3 * MIN, 0, "month"),
    ("KE-7", 4 * H, 1 * H, "quarter"),
    ("KE-8", 4 * H, 1 * H, "week"),
    ("KE-9", 4 * H, 1 * H, "quarter"),
    ("KE-10", None, None, "month"),
    ("KE-11", 4 * H, 1 * H, "quarter"),
    ("KE-12", None, 1 * H, "week"),
    ("KE-13", None, None, "quarter"),
    ("CP-1", 4 * H, 1 * H, "year"),
    ("CP-2", 2 * H, 1 * H, "quarter"),
    ("CP-3", 1 * H, None, "month"),
    ("CP-4", 2 * H, 0, "quarter"),
    ("CP-5", 2 * H, 1 * H, "quarter"),
    ("CP-6", 1 * H, None, "quarter"),
    ("CP-7", 30 * MIN, None, "quarter"),
    ("CP-8", 4 * H, 1 * H, "quarter"),
    ("CP-9", None, 1 * H, "week month quarter"),
    ("CP-10", 1 * MIN, None, "month"),
    ("CP-11", None, None, "month"),
    ("AE-1", 4 * H, 15 * MIN, "quarter"),
    ("AE-2", 2 * H, 5 * MIN, "month"),
    ("AE-3", 8 * H, 1 * H, "quarter"),
    ("AE-4", 4 * H, None, "quarter"),
    ("AE-5", None, 15 * MIN, "day"),
    ("AE-6", 1 * H, None, "month"),
    ("AE-7", 2 * H, None, "month"),
    ("AE-8", 4 * H, None, "quarter"),
    ("AE-9", 30, None, "month"),
]

# What the tables say beside a single RTO and RPO: clause, objective, limit as a value.
BESIDE = [
    ("TF-2", "rto-by-hand", 5 * MIN * 10**6),
    ("TF-10", "rpo-with-pitr", 5 * MIN * 10**6),
    ("DS-8", "retention-locally", 7 * D * 10**6),
    ("DS-8", "retention-remotely", 30 * D * 10**6),
    ("DS-11", "escalation-to-the-backup", 10 * MIN * 10**6),
    ("DS-12", "acknowledged", 3 * MIN * 10**6),
    ("DS-12", "reviewed", (1 * H + 58 * MIN) * 10**6),
    ("DS-13", "success-restore-test", 1_000_000),
    ("DS-13", "mtbf", 720 * H * 10**6),
    ("TF-12", "escalation-l3", 1 * H * 10**6),
    ("TF-13", "retention-object-versions", None),
    ("TF-14", "availability", 999_500),
    ("KE-1", "available-of-6-pods", 4),
    ("KE-10", "detection-backup-too-old", 50 * MIN * 10**6),
    ("KE-12", "retention-object-versions", 90 * D * 10**6),
    ("KE-13", "escalation-fourth-role", 2 * H * 10**6),
    ("CP-11", "alert-critical", None),
    ("CP-11", "alert-medium", 15 * MIN * 10**6),
]

GOOD = """
id = "shop"
name = "Shop"
source = "a wiki page"
version = "3"
rto = "4 h"

[[clauses]]
id = "SH-1"
text = "When the till burns down, another one opens."
every = "quarter"
rto = "5 min"
"""


@pytest.fixture(scope="module")
def own() -> Plans:
    return load_all([OWN_FOLDER])


def seconds(one: Objective | None) -> float | None:
    return one.value / 1e6 if one and one.value is not None else None


def test_holds_the_five_plans_and_nothing_else(own: Plans) -> None:
    assert {plan.id for plan in own} == {
        *("dreamseed", "triflow", "k-erp", "community-platform", "aegis")
    }
    assert [clause.id for plan in own for clause in plan.clauses if clause.plan != plan.id] == []
    assert {clause.id for plan in own for clause in plan.clauses} == {row[0] for row in GIVEN}


@pytest.mark.parametrize(("name", "rto", "rpo", "every"), GIVEN, ids=[row[0] for row in GIVEN])
def test_every_clause_promises_what_was_given(
    own: Plans, name: str, rto: int | None, rpo: int | None, every: str
) -> None:
    clause = own.find(name)
    assert (seconds(clause.objective("rto")), seconds(clause.objective("rpo"))) == (rto, rpo)
    assert " ".join(clause.frequencies) == every
    assert clause.source


@pytest.mark.parametrize(("clause", "objective", "value"), BESIDE)
def test_odd_cells_of_the_tables_keep_their_numbers(
    own: Plans, clause: str, objective: str, value: int | None
) -> None:
    found = {one.id: one.value for one in own.find(clause).objectives}
    assert found[objective] == value


def test_whole_plan_promises_are_kept_and_never_handed_down(own: Plans) -> None:
    whole = {plan.id: {one.id: one.value for one in plan.objectives} for plan in own}
    assert whole["triflow"]["availability"] == 999_500
    assert whole["aegis"]["mttr"] == 2 * H * 10**6
    assert whole["dreamseed"] == {}
    phases = next(plan.phases for plan in own if plan.id == "dreamseed")
    assert [seconds(phase.objective("rto")) for phase in phases] == [4 * H, 1 * H, 30 * MIN]
    assert own.find("DS-13").objective("rto") is None


def test_limit_is_in_microseconds_and_none_where_nothing_is_promised(own: Plans) -> None:
    assert own.limit("DS-1a", "rto") == 300_000_000
    assert own.limit("TF-2", "rto") == 180_000_000
    assert own.limit("TF-1", "rpo") == 0
    assert own.limit("DS-1a", "lost") is None


def test_a_wrong_clause_id_is_answered_with_the_nearest(own: Plans) -> None:
    with pytest.raises(BadInput, match=r"here.feature:3: no plan has a clause 'DS-1e'.*'DS-1"):
        find_clause(own, "DS-1e", where="here.feature:3")
    with pytest.raises(BadInput, match=r"65 clauses are known.*firemarshal plan"):
        own.find("nothing like it")


def write(folder: Path, text: str, name: str = "shop.toml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_the_shortest_plan_is_pleasant(tmp_path: Path) -> None:
    plan: Plan = load(write(tmp_path, GOOD))
    assert plan.clauses[0].status == "in force"
    assert plan.clauses[0].owner == ""
    assert plan.clauses[0].source == "a wiki page"
    assert plan.clauses[0].objective("rto") == Objective(id="rto", kind="rto", limit="5 min")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('rto = "5 min"', 'rto = "5 minuets"', "SH-1: key 'rto': .*'5 minuets' is not a duration"),
        ('rto = "5 min"', 'rot = "5 min"', "SH-1: key 'rot' is unknown; did you mean 'rto'"),
        ('every = "quarter"', 'every = "often"', "SH-1: key 'every': .*names none of day"),
        ('every = "quarter"\n', "", "SH-1: key 'every' is missing; add it"),
        ('id = "SH-1"\n', "", "clause number 1: key 'id' is missing"),
        ('version = "3"\n', "", "shop.toml: key 'version' is missing"),
        ('rto = "4 h"', 'rto = "4"', "shop.toml: key 'rto': .*'4' is not a duration"),
        ('id = "shop"', 'id = "shop', "shop.toml:2: is not TOML"),
        ('rto = "5 min"', 'rto = 5', "SH-1: key 'rto': Input should be a valid string"),
        (
            'rto = "5 min"',
            'rto = "5 min"\nobjectives = [{ kind = "rto", limit = "1 h" }]',
            "objective 'rto' stands twice",
        ),
        (
            'rto = "5 min"',
            'objectives = [{ kind = "availability", limit = "most", unit = "%" }]',
            "'most' is not a number of unit '%'",
        ),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_file_key_and_cure(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    assert old in GOOD
    with pytest.raises(BadInput, match=said) as problem:
        load(write(tmp_path, GOOD.replace(old, new)))
    assert str(tmp_path / "shop.toml") in problem.value.message


def test_a_severity_is_a_word_of_the_plan_itself(tmp_path: Path, own: Plans) -> None:
    said = {clause.id: clause.severity for plan in own for clause in plan.clauses}
    assert (said["DS-11"], said["KE-7"], said["DS-1a"]) == ("P0", "level 3", "")
    free = GOOD.replace('every = "quarter"', 'every = "quarter"\nseverity = "red"')
    assert load(write(tmp_path, free)).clauses[0].severity == "red"
    levels = '[[levels]]\nscale = "{}"\nname = "{}"\nmeans = "down"\n'
    ladder = levels.format("severity", "P0") + levels.format("level", "3")
    with pytest.raises(BadInput, match=r"SH-1 has severity 'red', .*levels are P0, level 3"):
        load(write(tmp_path, free.replace("[[clauses]]", f"{ladder}[[clauses]]")))


def test_the_same_clause_in_two_files_is_refused_with_both_names(tmp_path: Path) -> None:
    write(tmp_path, GOOD, "a.toml")
    write(tmp_path, GOOD.replace('id = "shop"', 'id = "other"'), "b.toml")
    with pytest.raises(BadInput, match=r"b.toml: 'SH-1' stands here and in .*a.toml"):
        load_all([tmp_path])


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such folder of plans"):
        load_all([tmp_path / "plans"])


def test_hashes_follow_the_bytes(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    before = load_all([tmp_path]).hashes
    path.write_text(GOOD + "# a remark\n")
    assert before.keys() == load_all([tmp_path]).hashes.keys() == {"shop"}
    assert before != load_all([tmp_path]).hashes

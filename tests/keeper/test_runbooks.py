"""Recoveries and runbooks on the toy, by the real command: every way in which one can end."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from toy_project import COMMAND, ToyProject, wait_until

SCENARIO = """
@null
Feature: People help
  Scenario: helped
    Given "toy" is healthy
    And clients write steadily
    When "toy" refuses every request
    And {does}
    Then {promise}
"""
RUNBOOK = 'the runbook "help the toy" is carried out'
RETURNS = "writes return within 20 seconds"
SOON = "writes return within 1 second"  # the watch ends soon where nothing helps
PAGER = (
    '[[people]]\nrole = "on call"\npage = ["sh", "-c", \'firemarshal confirm '
    '"$FIREMARSHAL_STEP" --by "the pager" --drill "$FIREMARSHAL_DRILL"\']\n'
)
CURE = 'run = ["rm", "{toy-1.folder}/fault.refuse"]'


class Helped(ToyProject):
    """A toy project with one runbook of the given steps."""

    def __init__(
        self,
        root: Path,
        *steps: str,
        does: str = RUNBOOK,
        promise: str = RETURNS,
        profile: str = "",
    ) -> None:
        super().__init__(root, SCENARIO.format(does=does, promise=promise))
        (root / "plans/runbooks").mkdir(parents=True)
        text = 'name = "help the toy"\nowner = "on call"\n'
        for number, one in enumerate(steps, start=1):
            text += f'[[steps]]\nid = "step-{number}"\n{one}\n'
        if steps:
            (root / "plans/runbooks/help.toml").write_text(text)
        with (root / "targets/lab.toml").open("a") as file:
            file.write(profile)

    def outcome(self) -> tuple[int, dict[str, Any], dict[str, str]]:
        """Run it: the exit code, the record of the runbook, and promise kind -> verdict."""
        done = self.command("run", "features", "--target", "lab")
        result = self.result()
        verdicts = {one["id"].rpartition("-")[0]: one["verdict"] for one in result["promises"]}
        return done.returncode, result["recoveries"][0], verdicts


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    """A folder whose toy is taken down, and in which no process and no question may be left."""
    yield tmp_path
    project = object.__new__(ToyProject)
    project.root = tmp_path
    clean(project)


def clean(project: ToyProject) -> None:
    """Take the toy down; no process, no undo and no question may be left."""
    project.clear()
    assert project.processes() == []
    assert project.undos() == []
    assert [*project.root.glob(".firemarshal/state/*/*/*.ask.json")] == []


def step(does: str, deadline: str = "5 s") -> str:
    """One step's lines in TOML."""
    return f'{does}\ndeadline = "{deadline}"'


CASES: dict[str, Callable[[Path], Helped]] = {
    "helps": lambda root: Helped(root, step(CURE)),
    "fails": lambda root: Helped(
        root, step('run = ["sh", "-c", "echo broken; exit 3"]'), step(CURE), promise=SOON
    ),
    "no command": lambda root: Helped(root, step('run = ["no-such-command"]'), promise=SOON),
    "no place": lambda root: Helped(
        root, step('run = ["touch", "{toy-9.folder}/x"]'), promise=SOON
    ),
    "slow": lambda root: Helped(
        root,
        step('run = ["sh", "-c", "echo begun; sleep 60 & sleep 60"]', "500 ms"),
        promise=SOON,
    ),
    "server": lambda root: Helped(
        root,
        step(f"""run = ["sh", "-c", "sleep 60 >/dev/null 2>&1 & echo $! >'{root}/server.pid'"]"""),
        step(CURE),
    ),
    "secret": lambda root: Helped(
        root, step('run = ["sh", "-c", "echo $SHOP_API_TOKEN"]'), step(CURE)
    ),
    "nobody": lambda root: Helped(root, step('ask = "May it?"', "1 s"), promise=SOON),
    "paged": lambda root: Helped(root, step('ask = "May it?"', "20 s"), step(CURE), profile=PAGER),
    "false claim": lambda root: Helped(
        root, step('run = ["true"]'), promise="no acknowledged write is lost"
    ),
    "late": lambda root: Helped(
        root,
        step("""run = ["sh", "-c", "(sleep 3; rm -f {toy-1.folder}/fault.refuse) &"]"""),
        promise="writes return within 8 seconds",
    ),
    "recovery": lambda root: Helped(
        root,
        does='"toy" is told to answer again',
        promise="the recovery is proved within 10 seconds",
    ),
}
Ended = dict[str, tuple[Helped, int, dict[str, Any], dict[str, str]]]


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ended]:
    """Every case run once, some at a time, because they mostly wait."""
    os.environ["SHOP_API_TOKEN"] = "hunter2hunter2"

    def run(name: str) -> Any:
        project = CASES[name](tmp_path_factory.mktemp(name.replace(" ", "-")))
        return (project, *project.outcome())

    with ThreadPoolExecutor(4) as pool:
        found = dict(zip(CASES, pool.map(run, CASES), strict=True))
    del os.environ["SHOP_API_TOKEN"]
    if server := (found["server"][0].root / "server.pid").read_text():
        os.kill(int(server), signal.SIGKILL)  # an error would say that it did not live on
    yield found
    for project, *_ in found.values():
        clean(project)


def test_a_runbook_that_helps_is_met_step_by_step(ended: Ended) -> None:
    _, code, record, verdicts = ended["helps"]
    assert (code, verdicts) == (0, {"step": "met", "claim": "met", "rto": "met"})
    assert record["claimed"] == "success"
    assert [one["outcome"] for one in record["steps"]] == ["done"]


def test_a_step_that_fails_ends_the_runbook_and_is_missed(ended: Ended) -> None:
    project, code, record, _ = ended["fails"]
    assert code == 1
    assert [(one["outcome"], one["answer"]) for one in record["steps"]] == [
        ("failed", "exit 3"),
        ("not begun", ""),
    ]
    promises = project.result()["promises"]
    assert [one["verdict"] for one in promises if one["kind"] == "step"] == ["missed", "unknown"]
    assert (project.drill() / "runbook-01-step-1.log").read_text() == "broken\n"


def test_a_command_that_is_not_there_is_a_step_that_failed(ended: Ended) -> None:
    step = ended["no command"][2]["steps"][0]
    assert step["outcome"] == "failed"
    assert "no-such-command: No such file" in step["answer"]


def test_a_place_that_has_no_value_fails_before_anything_is_run(ended: Ended) -> None:
    assert "{toy-9.folder} has no value on toy" in ended["no place"][2]["steps"][0]["answer"]


def test_a_command_that_takes_too_long_is_ended_with_all_it_started(ended: Ended) -> None:
    project, code, record, _ = ended["slow"]
    assert code == 1
    assert record["steps"][0]["outcome"] == "late"
    assert (project.drill() / "runbook-01-step-1.log").read_text() == "begun\n"
    missed = next(one for one in project.result()["promises"] if one["kind"] == "step")
    assert (missed["verdict"], missed["upper"]) == ("missed", None)


def test_what_a_step_starts_in_the_background_lives_on_when_it_succeeded(ended: Ended) -> None:
    assert ended["server"][1] == 0  # that it lived on, the fixture has proved by ending it


def test_a_secret_of_the_environment_reaches_no_file_of_the_run(ended: Ended) -> None:
    project, code, _, _ = ended["secret"]
    assert code == 0
    files = [one for one in project.drill().parent.rglob("*") if one.is_file()]
    assert [one for one in files if b"hunter2hunter2" in one.read_bytes()] == []
    assert (project.drill() / "runbook-01-step-1.log").read_text() == "(not shown)\n"


def test_nobody_answers_in_time_is_a_missed_objective(ended: Ended) -> None:
    project, code, record, _ = ended["nobody"]
    told = record["steps"][0]
    assert (code, told["outcome"], told["answer"]) == (1, "late", "nobody answered")
    missed = next(one for one in project.result()["promises"] if one["kind"] == "step")
    assert missed["verdict"] == "missed"


def test_the_owner_is_called_by_the_command_of_the_profile(ended: Ended) -> None:
    project, code, record, _ = ended["paged"]
    assert (code, record["steps"][0]["answer"]) == (0, "confirmed by the pager")
    assert (project.drill() / "page-step-1.log").exists()


def test_a_claim_of_success_while_clients_fail_is_a_finding(ended: Ended) -> None:
    project, code, record, verdicts = ended["false claim"]
    assert (code, record["claimed"]) == (1, "success")
    assert verdicts == {"step": "met", "claim": "missed", "lost": "met"}
    assert "clients never saw the system back" in project.result()["why"]


def test_a_claim_long_before_clients_have_it_back_is_false(ended: Ended) -> None:
    project, code, record, verdicts = ended["late"]
    assert (code, record["claimed"]) == (1, "success")
    assert verdicts == {"step": "met", "claim": "missed", "rto": "met"}
    assert "clients failed until" in project.result()["why"]


def test_a_recovery_is_timed_until_another_road_proves_it(ended: Ended) -> None:
    project, code, record, verdicts = ended["recovery"]
    assert (code, verdicts) == (0, {"recovery": "met"})
    judged = project.result()["promises"][0]
    assert 0 <= judged["lower"] <= judged["upper"]
    assert record["undone_us"] <= record["done_us"] <= record["ended_us"]


def test_a_person_answers_from_another_terminal(root: Path) -> None:
    project = Helped(root, step('ask = "May the toy be helped?"', "20 s"), step(CURE))
    run = project.start()
    project.wait_for_event("step begins")
    wait_until(lambda: [*root.glob(".firemarshal/state/*/*/*.ask.json")] != [], 10, "no question")
    unknown = project.command("confirm", "step-7", "--by", "Kim")
    assert (unknown.returncode, "asked now: step-1" in unknown.stderr) == (4, True)
    answered = project.command("confirm", "step-1", "--by", "Kim", "--note", "checked twice")
    assert answered.returncode == 0, answered.stderr
    assert "confirmed: May the toy be helped? (helped), by Kim" in answered.stdout
    out, _ = run.communicate(timeout=60)
    assert run.returncode == 0, out
    told = project.result()["recoveries"][0]["steps"][0]
    assert (told["outcome"], told["answer"]) == ("done", "confirmed by Kim: checked twice")
    assert "To answer: firemarshal confirm step-1 --by NAME" in out


def test_a_person_who_refuses_ends_the_runbook(root: Path) -> None:
    project = Helped(root, step('ask = "May it?"', "20 s"), step(CURE), promise=SOON)
    run = project.start()
    wait_until(lambda: [*root.glob(".firemarshal/state/*/*/*.ask.json")] != [], 20, "no question")
    assert project.command("confirm", "step-1", "--by", "Lee", "--refuse").returncode == 0
    run.communicate(timeout=60)
    steps = project.result()["recoveries"][0]["steps"]
    assert (run.returncode, steps[0]["answer"]) == (1, "refused by Lee")
    assert steps[1]["outcome"] == "not begun"


def test_ctrl_c_while_a_person_is_waited_for_heals_and_takes_the_question_back(root: Path) -> None:
    project = Helped(root, step('ask = "May it?"', "60 s"))
    run = project.start()
    wait_until(lambda: [*root.glob(".firemarshal/state/*/*/*.ask.json")] != [], 20, "no question")
    os.kill(run.pid, signal.SIGINT)
    run.communicate(timeout=30)
    assert (run.returncode, project.result()["code"]) == (11, "signal")
    assert not project.fault.exists()
    late = project.command("confirm", "step-1", "--by", "Kim")
    assert (late.returncode, "nothing is asked now" in late.stderr) == (4, True)


def test_ctrl_c_while_a_command_runs_ends_it(root: Path) -> None:
    mark = root / "mark"
    slow = step(f"""run = ["sh", "-c", "touch '{mark}'; sleep 50"]""", "60 s")
    project = Helped(root, slow)
    run = project.start()
    wait_until(mark.exists, 20, "the command did not begin")
    os.kill(run.pid, signal.SIGTERM)
    run.communicate(timeout=30)
    assert run.returncode == 11
    assert not project.fault.exists()


def test_what_a_killed_drill_asked_and_ran_is_ended_by_the_next_heal(root: Path) -> None:
    mark = root / "mark"
    slow = step(f"""run = ["sh", "-c", "touch '{mark}'; sleep 50"]""", "60 s")
    project = Helped(root, slow)
    run = project.start()
    wait_until(mark.exists, 20, "the command did not begin")
    house = next(one for one in project.processes() if "keeper.server" in one).split()[0]
    for pid in (run.pid, int(house), project.keeper_pid()):
        os.kill(pid, signal.SIGKILL)
    run.communicate(timeout=30)
    stale = next(root.glob(".firemarshal/state/*/toy")) / "d0-step-1.ask.json"
    stale.write_text('{"step": "step-1", "drill": "helped", "text": "May it?"}')
    assert project.command("heal", "--target", "lab").returncode == 0
    assert not project.fault.exists()


def test_a_recovery_that_is_never_proved_is_missed_whatever_clients_see(root: Path) -> None:
    """Somebody else keeps the toy from answering, so what was done did not help."""
    project = Helped(root, does='"toy" is told to answer again', promise=SOON)
    run = project.start()
    stuck = root / ".firemarshal/lab/toy/fault.hang"
    project.wait_for_event("recovery begins")
    stuck.touch()
    out, _ = run.communicate(timeout=90)
    stuck.unlink(missing_ok=True)
    assert run.returncode in (1, 20), out
    missed = next(one for one in project.result()["promises"] if one["kind"] == "recovery")
    assert (missed["verdict"], missed["of"]) == ("missed", "null.answer_again")
    assert "not proved in time" in missed["reason"]


def test_the_first_answer_stands_and_the_second_person_is_told(root: Path) -> None:
    project = Helped(root, step('ask = "May it?"', "20 s"), step(CURE), promise=SOON)
    run = project.start()
    question = root / ".firemarshal/state"
    wait_until(lambda: [*question.glob("*/*/*.ask.json")] != [], 20, "no question")
    path = next(question.glob("*/*/*.ask.json"))
    answer = path.with_name(path.name.replace(".ask.json", ".answer.json"))
    answer.write_text("no answer at all")  # is taken away, and the question stays open
    wait_until(lambda: not answer.exists(), 5, "it was taken for an answer")
    both = [
        subprocess.Popen(
            [*COMMAND, "confirm", "step-1", "--by", name],
            cwd=root,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for name in ("Kim", "Lee")
    ]
    told = [one.communicate(timeout=30)[0] for one in both]
    run.communicate(timeout=60)
    codes = sorted(one.returncode for one in both)
    assert codes == [0, 4], told
    (late,) = [text for text in told if "confirmed:" not in text]
    assert "has been answered by" in late or "nothing is asked now" in late


def test_a_recovery_alone_starts_the_clock(root: Path) -> None:
    project = Helped(root, promise="the recovery is proved within 10 seconds")
    feature = root / "features/toy.feature"
    text = feature.read_text().replace(
        f'When "toy" refuses every request\n    And {RUNBOOK}', 'When "toy" is told to answer again'
    )
    feature.write_text(text)
    done = project.command("run", "features", "--target", "lab")
    assert done.returncode == 0, done.stdout
    result = project.result()
    assert (result["verdict"], result["injected"]) == ("PASSED", False)


BAD = {
    "two things in one step": ('ask = "May it?"\nrun = ["true"]\ndeadline = "1 s"', "need one of"),
    "no thing": ('deadline = "1 s"', "says nothing; need one of ask, run and http"),
    "no deadline": ('run = ["true"]', "deadline"),
    "a deadline of nothing": ('run = ["true"]\ndeadline = "0 s"', "leaves no time"),
    "a deadline that is no time": ('run = ["true"]\ndeadline = "soon"', "soon"),
    "a misspelt key": ('rum = ["true"]\ndeadline = "1 s"', "rum"),
    "a host for a question": ('ask = "May it?"\non = "toy-1"\ndeadline = "1 s"', "`on` names"),
}


@pytest.mark.parametrize(("lines", "said"), BAD.values(), ids=BAD)
def test_a_runbook_with_a_mistake_is_refused_with_its_file(
    tmp_path: Path, lines: str, said: str
) -> None:
    done = check(Helped(tmp_path, lines))
    assert done.returncode == 4
    assert "plans/runbooks/help.toml" in done.stderr + done.stdout
    assert said in done.stderr + done.stdout


WRONG = {
    "an unknown runbook": (
        'the runbook "help the boy" is carried out',
        "did you mean 'help the toy'",
    ),
    "a recovery before the disaster": ("", "a recovery comes before the disaster"),
    "a fault that ends by itself": ("for 2 seconds", "the fault ends by itself before anybody"),
}


@pytest.mark.parametrize(("does", "said"), WRONG.values(), ids=WRONG)
def test_a_feature_that_asks_for_nonsense_is_refused_with_its_line(
    tmp_path: Path, does: str, said: str
) -> None:
    held = does.startswith("for ")
    project = Helped(tmp_path, step(CURE), does=RUNBOOK if held or not does else does)
    feature = tmp_path / "features/toy.feature"
    if held:
        feature.write_text(feature.read_text().replace("request\n", f"request {does}\n"))
    if not does:
        first, second = 'When "toy" refuses every request', f"And {RUNBOOK}"
        turned = f'When {RUNBOOK}\n    And "toy" refuses every request'
        feature.write_text(feature.read_text().replace(f"{first}\n    {second}", turned))
    done = check(project)
    assert done.returncode == 4
    assert "features/toy.feature:" in done.stderr + done.stdout
    assert said in done.stderr + done.stdout


def check(project: ToyProject) -> "subprocess.CompletedProcess[str]":
    """`firemarshal check` of the project."""
    return project.command("check", "features", "--target", "lab")

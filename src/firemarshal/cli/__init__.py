"""The command: `firemarshal run`, `heal`, `status`, `explain`, `report`, `lab`, `doctor`, ..."""

import json
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from firemarshal import __version__
from firemarshal.bad_input import BadInput
from firemarshal.cli.lab import lab_app
from firemarshal.cli.new import new_app
from firemarshal.cli.shared import Target, key_and_value, project, say

app = typer.Typer(
    help="Fire drills for systems: real faults, measured recovery, judged against the plan.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(lab_app, name="lab")
app.add_typer(new_app, name="new")
UsageError: Any = typer.BadParameter.__base__  # typer brings a click of its own, without a name
TO_PYTEST = {"allow_extra_args": True, "ignore_unknown_options": True}
NOBODY_READS = 141  # what a shell says of a program that SIGPIPE ended
ORDERED = ("-p", "no:randomly")  # features are written in the order in which they are drilled
QUIET = ("-W", "ignore::pytest.PytestAssertRewriteWarning")


def main() -> None:
    """Run the command; a mistake of the user's is one clear message and exit code 4."""
    try:
        sys.exit(app(standalone_mode=False))
    except UsageError as problem:
        problem.show()
        sys.exit(4)
    except BadInput as problem:
        print(f"firemarshal: {problem.message}", file=sys.stderr)
        sys.exit(4)
    except BrokenPipeError:
        sys.exit(NOBODY_READS)


@app.command(context_settings=TO_PYTEST)
def run(context: typer.Context, paths: list[str], target: Target) -> None:
    """Drill features: what `pytest PATHS --target NAME` does; further options go to pytest."""
    import pytest

    words = [*paths, *context.args, "--target", target, "-p", "firemarshal.quiet", *QUIET, *ORDERED]
    words += ["-o", "console_output_style=classic"]  # drills are no percentage
    words.append(f"--rootdir={project().rootdir}")  # where heal and status will look, too
    try:
        code = int(pytest.main(["--import-mode=importlib", *words]))
    except BrokenPipeError:  # the drills have ended in order; 1 would say that one FAILED
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = NOBODY_READS
    sys.exit(code)


@app.command(context_settings=TO_PYTEST)
def check(context: typer.Context, paths: list[str], target: Target) -> None:
    """Compile features and validate profile and plans; touches nothing. Options as for run."""
    import pytest

    words = [*paths, *context.args, "--target", target, "--collect-only", "-q", *QUIET]
    words.append(f"--rootdir={project().rootdir}")  # a folder without pyproject.toml is one too
    sys.exit(int(pytest.main(["--import-mode=importlib", *words])))


@app.command(context_settings=TO_PYTEST)
def rehearse(context: typer.Context, paths: list[str], target: Target) -> None:
    """Say what drills would do to whom now: victims, calls, undo lines, guards; touches nothing."""
    import pytest

    words = [*paths, *context.args, "--target", target, "--rehearse", "-q"]
    words += ["-p", "firemarshal.quiet", *QUIET, *ORDERED]
    words.append(f"--rootdir={project().rootdir}")
    sys.exit(int(pytest.main(["--import-mode=importlib", *words])))


@app.command()
def heal(
    target: Target,
    within_s: Annotated[float, typer.Option(help="how long to try, seconds")] = 120,
    even_if_held: Annotated[
        bool, typer.Option("--even-if-held", help="take over from a machine that is surely gone")
    ] = False,
) -> None:
    """Undo what dead drills left on a target, and prove it; exit code 20 while something stands."""
    heal_all = import_module("firemarshal.healing").heal_all
    standing: dict[str, list[str]] = heal_all(
        project(), target, within_s, print, _lab_table, force=even_if_held
    )
    sys.exit(20 if any(standing.values()) else 0)


@app.command()
def stop(
    target: Target,
    why: Annotated[str, typer.Option(help="a word for the report")] = "",
    within_s: Annotated[float, typer.Option(help="how long to wait for the end, seconds")] = 120,
) -> None:
    """End every drill on a target now: it heals, and reads ABORTED; exit code 20 if it does not."""
    name = project().target(target).name
    left: list[str] = import_module("firemarshal.stopping").stop(
        project(), name, why, within_s, print
    )
    sys.exit(20 if left else 0)


@app.command()
def status(target: Target) -> None:
    """Who drills a target now, what stands on it, and how to undo it by hand; exit code 20."""
    lines: list[str] = import_module("firemarshal.healing").standing_lines(project(), target)
    print("\n".join(lines) or f"{target}: nothing stands, no drill runs")
    sys.exit(20 if lines else 0)


@app.command()
def steps(
    words: Annotated[list[str] | None, typer.Argument()] = None,
) -> None:
    """The sentences that features may use; WORDS narrow them."""
    vocabulary = import_module("firemarshal.vocabulary").load(project().packages.steps)
    for one in vocabulary.definitions:
        if all(word.lower() in one.text.lower() for word in words or []):
            say(f"{one.keyword:6}{one.text}", 6)


@app.command()
def faults() -> None:
    """The faults that can be injected, with what they do and how long they last."""
    catalogue = import_module("firemarshal.catalogue").Catalogue(project().packages.faults)
    for name in catalogue.names:
        facts = catalogue.find(name, "faults").facts
        say(f"{name:28}{facts.lasts:14}{facts.does}", 42)


@app.command()
def recoveries() -> None:
    """What can be done after a disaster: recoveries, and the team's runbooks with their steps."""
    here = project()
    catalogue = import_module("firemarshal.catalogue").Recoveries(here.packages.faults)
    for name in catalogue.names:
        say(f"{name:28}{catalogue.find(name, 'recoveries').facts.does}", 28)
    for runbook in here.runbooks():
        print(f"runbook {runbook.name!r}")
        for step in runbook.as_json()["steps"]:
            say(f"    {step['id']:16}{step['kind']:9}{step['owner']:20}{step['text']}", 49)


@app.command()
def plan(paths: list[Path], target: Target) -> None:
    """Which clauses the features in PATHS serve, and which objectives no drill judges."""
    coverage = import_module("firemarshal.coverage")
    found = project()
    files = [one for path in paths for one in sorted(path.rglob("*.feature")) or [path]]
    house = found.house(found.target(target))
    whole = coverage.coverage(house, [one.resolve() for one in files])
    print("\n".join(coverage.lines(whole)))


@app.command()
def confirm(
    step: Annotated[str, typer.Argument(help="the step that waits, as the drill shows it")],
    by: Annotated[str, typer.Option("--by", help="who answers")],
    refuse: Annotated[bool, typer.Option("--refuse", help="answer no: the runbook ends")] = False,
    note: Annotated[str, typer.Option(help="a word for the report")] = "",
    drill: Annotated[str, typer.Option(help="words of the drill's name, if several wait")] = "",
) -> None:
    """Answer a step of a runbook that waits for a person; the waiting is measured."""
    answer = import_module("firemarshal.asking").confirm
    question = answer(project().state, step, by, refused=refuse, note=note, drill=drill)
    word = "refused" if refuse else "confirmed"
    print(f"{word}: {question.value['text']} ({question.value['drill']}), by {by}")


@app.command()
def explain(
    run: Annotated[str, typer.Argument(help="a run id, a path, or latest")] = "latest",
    drill: Annotated[str, typer.Argument(help="its number, or a part of its name")] = "",
) -> None:
    """Why drills came out as they did: tried, seen, needed, the journal around it, the cure."""
    runs = import_module("firemarshal.reports.runs")
    found = runs.load(runs.find(project().runs, run))
    tell = import_module("firemarshal.reports.explain").explain
    colours = import_module("firemarshal.terminal").COLOURS
    for line in tell(found, runs.pick(found, drill)):
        colour = colours.get(line.strip().partition(":")[0].partition(",")[0], "")
        say(line, 10 if line.startswith("  ") else 4, "bold" if line.startswith("  >") else colour)


@app.command()
def report(
    run: Annotated[str, typer.Argument(help="a run id, a path, or latest")] = "latest",
    allure: Annotated[str, typer.Option(help="also write Allure results into this folder")] = "",
) -> None:
    """Make every report of a run again from its folder; the same bytes as the run itself wrote."""
    folder = import_module("firemarshal.reports.runs").find(project().runs, run)
    rebuild = import_module("firemarshal.reports.rebuild").rebuild
    for path in rebuild(folder, Path(allure) if allure else None):
        print(path)


@app.command()
def conformance(
    fault: Annotated[str, typer.Argument(help="its name, as faults and recoveries list it")],
    target: Target = "lab",
    system: Annotated[str, typer.Option(help="the system to break; else the first of a kind")] = "",
    kills: Annotated[int, typer.Option(help="how often inject and heal are killed")] = 4,
    seed: Annotated[int | None, typer.Option(help="of the moments of these kills")] = None,
    within_s: Annotated[float, typer.Option(help="how long healing may take, seconds")] = 60,
    aim: Annotated[list[str] | None, typer.Option(help="a knob of its aim: KEY=VALUE")] = None,
) -> None:
    """Break a system again and again: does a fault, or a recovery, keep its contract?"""
    prove, lab = import_module("firemarshal.prove").prove, import_module("firemarshal.lab")
    arguments = dict(key_and_value(one) for one in aim or [])
    more = {"kills": kills, "seed": seed, "within_s": within_s, "arguments": arguments}
    found = prove(project(), fault, target, system, lab, print, **more)
    for one in found:
        say(f"{one.check}: {one.text}")
    print(f"{fault}: {len(found)} findings" if found else f"{fault} keeps its word")
    sys.exit(1 if found else 0)


@app.command()
def doctor(target: Target = "lab") -> None:
    """What this machine can drill, what is missing, and the cure; exit code 4 if anything is."""
    findings = import_module("firemarshal.doctor").examine(project(), target)
    for finding in findings:
        say(f"{'ok     ' if finding.well else 'MISSING'} {finding.what}: {finding.seen}", 8)
        if not finding.well:
            say(f"        cure: {finding.cure}", 8)
    sys.exit(0 if all(finding.well for finding in findings) else 4)


@app.command()
def init(
    target: Target,
    address: Annotated[str, typer.Option(help="any member: HOST, HOST:PORT, Patroni's URL")] = "",
    environment: Annotated[str, typer.Option(help="lab, staging or production")] = "",
    system: Annotated[str, typer.Option(help="what features call it")] = "",
    client: Annotated[str, typer.Option(help="the application's connection string")] = "",
    operator: Annotated[str, typer.Option(help="the probes' connection string")] = "",
    admin: Annotated[str, typer.Option(help="who asks the server where no Patroni is")] = "",
    via: Annotated[str, typer.Option(help="ssh or local")] = "",
    user: Annotated[str, typer.Option(help="the user over ssh")] = "",
    ssh_port: str = "",
    identity_file: str = "",
    known_hosts_file: str = "",
    rto: Annotated[str, typer.Option(help='what your plan promises, as in "5 min"')] = "",
    rpo: Annotated[str, typer.Option(help='what your plan allows to lose, as in "0"')] = "",
    kind: str = "postgres",
) -> None:
    """Find one's own system from an address; write profile, plan and first feature. No harm."""
    options = {key: str(value) for key, value in locals().items()}
    module = import_module("firemarshal.init")
    ask = module.Ask(options, module.reader())
    print("\n".join(module.init(project().rootdir, target, kind, ask)))


@app.command()
def prepare(
    target: Target,
    system: Annotated[str, typer.Option(help="one system of the profile; else all")] = "",
    apply: Annotated[bool, typer.Option("--apply", help="run it, not only print it")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="what takes it away again")] = False,
    admin: Annotated[str, typer.Option(help="who runs it, without password")] = "user=postgres",
) -> None:
    """The least that recorder and probes need on a target, for a DBA to read; --apply runs it."""
    prepared = import_module("firemarshal.prepare").prepare
    for line in prepared(project(), target, system, apply, remove, admin):
        print(line)


def _lab_table(system: str) -> Any:
    """A system of the lab as it was made, whatever a fault did to it since; None when removed."""
    path = project().lab / system / "system.json"
    return json.loads(path.read_text()) if path.exists() else None


@app.callback(invoke_without_command=True)
def _version(
    version: Annotated[bool, typer.Option("--version", help="print the version")] = False,
) -> None:
    if version:
        print(f"firemarshal {__version__}")
        raise typer.Exit(os.EX_OK)

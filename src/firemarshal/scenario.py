"""A drill as pytest sees it: pytest-bdd's public hooks around the keeper's answers."""

from typing import Any

import pytest

from firemarshal.collecting import Compiled
from firemarshal.keeper.client import Channel
from firemarshal.running import DrillOver, Run

Json = dict[str, Any]


def drive(run: Run, request: pytest.FixtureRequest, compiled: Compiled) -> None:
    """Run the drill and raise what pytest must know; nothing is raised before it is healed."""
    result = run.drive(compiled.drill, lambda channel: _converse(request, compiled, channel))
    request.node.user_properties += properties(result)
    if result["verdict"] == "NOT RUN":
        why = f"NOT RUN ({result['code']}): {result['why']}"
        raise pytest.skip.Exception(why, _use_item_location=True)
    if result["as_expected"]:
        return
    pytest.fail(sentence(result), pytrace=False)


def properties(result: Json) -> list[tuple[str, object]]:
    """What travels with the report: to JUnit, to Allure, to the exit code."""
    names = ("verdict", "code", "why", "as_expected", "expectation", "target_after")
    found = [(name, result.get(name, "")) for name in names]
    return [*found, ("clauses", " ".join(result["drill"]["clauses"]))]


def sentence(result: Json) -> str:
    """The drill's outcome in lines a person can act on: state of the target first."""
    lines = [
        f"target after: {result['target_after']}",
        f"{result['verdict']}: {result.get('why') or result['expectation']}",
    ]
    if not result["as_expected"] and result["drill"]["control"]:
        lines.append(f"negative control: {result['expectation']}")
    lines += [f"{one['verdict']}: {one['text']}: {one['reason']}" for one in result["promises"]]
    lines += [f"still stands: {one}" for one in result.get("standing", [])]
    return "\n".join(lines)


def _converse(request: pytest.FixtureRequest, compiled: Compiled, channel: Channel) -> None:
    """Ask for one step after the other; Thens are all asked, so that no miss hides another."""
    hook, scenario = request.config.hook, compiled.scenario
    base = {"request": request, "feature": scenario.feature, "scenario": scenario}
    hook.pytest_bdd_before_scenario(**base)
    try:
        for number, step in enumerate(scenario.steps):
            words = {**base, "step": step, "step_func": _declared}
            hook.pytest_bdd_before_step(**words)
            hook.pytest_bdd_before_step_call(**words, step_func_args={})
            channel.ask({"ask": "step", "step": number})
            answer = channel.wait("answer", "done")
            if answer["tell"] == "done":
                raise DrillOver(answer["result"])
            if answer["ok"]:
                hook.pytest_bdd_after_step(**words, step_func_args={})
                continue
            problem = AssertionError(answer["why"])
            hook.pytest_bdd_step_error(**words, step_func_args={}, exception=problem)
            if step.type != "then":
                return
    finally:
        hook.pytest_bdd_after_scenario(**base)


def _declared() -> None:
    """Stands for the step function in pytest-bdd's hooks: the keeper has executed it."""

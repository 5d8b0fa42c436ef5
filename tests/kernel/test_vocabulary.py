"""One sentence has one meaning, found fast; a step that does not declare is refused with a cure."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_bdd import parsers

from firemarshal import vocabulary
from firemarshal.bad_input import BadInput
from firemarshal.declare import Condition, Disaster, Healthy, Objective
from firemarshal.drills.sentences import sentence
from firemarshal.vocabulary import StepDefinition, Vocabulary, declare

HERE = Path(__file__).name


def defined(text: str | parsers.StepParser, keyword: str = "given", **more: Any) -> StepDefinition:
    parser = parsers.get_parser(text)
    function = more.get("function", lambda **_: Healthy(system="x"))
    return StepDefinition(keyword, parser.name, function, parser, more.get("converters", {}))


WORDS = [
    defined(sentence('"{system}" is healthy')),
    defined("clients write steadily"),
    defined(sentence('the primary of "{system}" is killed'), "when"),
    defined(sentence('"{system}" refuses for {time:Duration}'), "when"),
    defined(parsers.re(r"(?P<n>\d+) of \d+ disks? (?:fail|die)s?"), "when"),
    defined(parsers.re(r"the power fails?( twice)?"), "when"),
    defined(parsers.re(r"EVERYTHING IS LOST", vocabulary.re.IGNORECASE), "when"),
    defined("writes return", "then"),
    defined(parsers.parse("{n} are lost"), "then", converters={"n": {"none": 0}.__getitem__}),
]


def found(text: str, keyword: str = "given") -> dict[str, Any]:
    return Vocabulary(WORDS).find(keyword, text, "f:7")[1]


def refused(text: str, keyword: str = "given", words: list[StepDefinition] = WORDS) -> str:
    with pytest.raises(BadInput) as problem:
        Vocabulary(words).find(keyword, text, "f:7")
    return problem.value.message


def where(definition: StepDefinition) -> str:
    return vocabulary._short(definition.where)


@pytest.mark.parametrize(
    ("keyword", "text", "arguments"),
    [
        ("given", '"orders" is healthy', {"system": "orders"}),
        ("given", "clients write steadily", {}),
        ("when", '"a" refuses for 1 h 30 min', {"system": "a", "time": 5_400_000_000}),
        ("when", "3 of 5 disks fail", {"n": "3"}),
        ("when", "1 of 5 disk dies", {"n": "1"}),
        ("when", "the power fail", {}),
        ("when", "the power fails twice", {}),
        ("when", "everything is Lost", {}),
        ("then", "none are lost", {"n": 0}),
    ],
)
def test_a_sentence_is_read_whatever_parser_stands_behind_it(
    keyword: str, text: str, arguments: dict[str, Any]
) -> None:
    assert found(text, keyword) == arguments


def test_a_quote_that_stands_alone_does_not_hide_a_step() -> None:
    words = [defined(parsers.parse('the 5" disk of "{system}" fails'), "when")]
    assert Vocabulary(words).find("when", 'the 5" disk of "a" fails', "")[1] == {"system": "a"}


def test_an_undefined_step_is_refused_with_the_nearest_one_as_it_is_written() -> None:
    assert refused('the primary of "orders" is kiled', "when") == (
        "f:7: no When step reads 'the primary of \"orders\" is kiled'; "
        "did you mean 'the primary of \"{system}\" is killed'?"
    )
    assert refused("pigs fly") == (
        "f:7: no Given step reads 'pigs fly'; `firemarshal steps` lists them all"
    )


def test_a_step_under_the_wrong_keyword_is_told_where_it_belongs() -> None:
    assert refused('the primary of "orders" is killed', "given") == (
        "f:7: no Given step reads 'the primary of \"orders\" is killed'; "
        f"it is a When step, {where(WORDS[2])}"
    )


def test_a_value_that_cannot_be_read_is_told_and_not_called_an_unknown_step() -> None:
    assert refused('"a" refuses for 5 parsecs', "when") == (
        "f:7: '\"a\" refuses for 5 parsecs' cannot be read: '5 parsecs' is not a duration, write "
        '"5 minutes", "90 s", "1 h 30 min", "250 ms", "2 days", "1 week" or "0"'
    )
    assert refused("some are lost", "then") == "f:7: 'some are lost' cannot be read: 'some'"


def test_a_value_that_one_step_cannot_read_may_be_read_by_another() -> None:
    words = [
        defined(sentence("it lasts {time:Duration}")),
        defined("it lasts 3 attempts"),
    ]
    assert Vocabulary(words).find("given", "it lasts 3 attempts", "")[0] is words[1]


def test_an_ambiguous_step_is_refused_with_both_places() -> None:
    words = [defined("one disk fails"), defined(parsers.parse("{n} disk fails"))]
    assert refused("one disk fails", words=words) == (
        f"f:7: 'one disk fails' fits 2 steps; make one differ: {where(words[0])}, {where(words[1])}"
    )


def test_every_twin_is_refused_whatever_its_argument_is_called() -> None:
    words = [
        defined(parsers.parse('"{system}" sleeps')),
        defined(parsers.parse('"{name}" sleeps')),
        defined(parsers.parse('"{name}" sleeps'), "when"),
        defined("within 5 minutes"),
        defined("within 10 minutes"),
        defined("within 10 minutes"),
    ]
    with pytest.raises(BadInput) as problem:
        Vocabulary(words)
    assert problem.value.message.split("\n") == [
        f"{where(words[1])}: step '\"{{name}}\" sleeps' is defined twice, first at "
        f"{where(words[0])}; one sentence, one meaning: rename or remove one",
        f"{where(words[5])}: step 'within 10 minutes' is defined twice, first at "
        f"{where(words[4])}; one sentence, one meaning: rename or remove one",
    ]


async def _async() -> Healthy:
    return Healthy(system="x")


def _generator() -> Iterator[Healthy]:
    yield Healthy(system="x")


def _nothing() -> None:
    """Declares nothing."""


def _raises() -> None:
    raise KeyError("orders")


def _float() -> Disaster:
    return Disaster(system="x", fault="null.kill", arguments={"percent": 0.5})


def _seconds() -> Condition:
    return Condition(system="x", fault="null.kill", for_us=1.5)  # type: ignore[arg-type]


def _kind() -> Objective:
    return Objective(kind="mttr")  # type: ignore[arg-type]


def _needs(request: object) -> Healthy:
    return Healthy(system=str(request))


HOLLOW: list[tuple[Callable[..., object], str, str]] = [
    (
        _async,
        "{def}",
        "step 's' is async or yields; a step only declares; "
        "return a declaration from a plain function",
    ),
    (
        _generator,
        "{def}",
        "step 's' is async or yields; a step only declares; "
        "return a declaration from a plain function",
    ),
    (
        _nothing,
        "{def}",
        "step 's' returned None and so declares nothing; "
        "return one of the values of firemarshal.declare",
    ),
    (_raises, "f:7", "step 's' broke: KeyError: 'orders'; repair it in {next}"),
    (
        _float,
        "f:7",
        "step 's' broke: TypeError: 0.5 is a float; evidence holds integers and text only; "
        "repair it in {next}",
    ),
    (
        _seconds,
        "f:7",
        "step 's' broke: ValueError: for_us is 1.5, need whole microseconds of 0 or more; "
        "repair it in {next}",
    ),
    (
        _kind,
        "f:7",
        "step 's' broke: ValueError: kind is 'mttr', need one of rto, rpo, lost, recovery; "
        "repair it in {next}",
    ),
    (
        _needs,
        "f:7",
        "step 's' broke: TypeError: _needs() missing 1 required positional argument: 'request'; "
        "repair it in {def}",
    ),
]


@pytest.mark.parametrize(("function", "place", "said"), HOLLOW)
def test_a_step_that_does_not_simply_declare_is_refused(
    function: Callable[..., object], place: str, said: str
) -> None:
    definition = defined("s", function=function)
    path, _, line = where(definition).rpartition(":")
    known = {"def": f"{path}:{line}", "next": f"{path}:{int(line) + 1}"}
    with pytest.raises(BadInput) as problem:
        declare(definition, {}, "f:7")
    for name, text in known.items():
        place, said = place.replace(f"{{{name}}}", text), said.replace(f"{{{name}}}", text)
    assert problem.value.message == f"{place}: {said}"


class Counted(parsers.StepParser):
    """A parser that counts how often it is asked."""

    calls = 0

    def __init__(self, inner: parsers.StepParser) -> None:
        super().__init__(inner.name)
        self.inner = inner

    def is_matching(self, name: str) -> bool:
        Counted.calls += 1
        return self.inner.is_matching(name)

    def parse_arguments(self, name: str) -> Any:
        Counted.calls += 1
        return self.inner.parse_arguments(name)


@pytest.mark.parametrize("make", [parsers.parse, parsers.string, parsers.re])
def test_a_look_up_asks_no_more_parsers_where_there_are_more_steps(
    monkeypatch: pytest.MonkeyPatch, make: Callable[[str], parsers.StepParser]
) -> None:
    noun = "disk" if make is not parsers.parse else '"{system}"'
    asked = {}
    for count in (5, 50, 500):
        words = [defined(make(f"{_letters(n)} happens to {noun}")) for n in range(count)]
        monkeypatch.setattr(Counted, "calls", 0)
        for one in words:  # the anchor looks at the parser's class, so only the calls are wrapped
            inner = one.parser
            for name in ("is_matching", "parse_arguments"):
                monkeypatch.setattr(inner, name, getattr(Counted(type(inner)(inner.name)), name))
        vocabulary_ = Vocabulary(words)
        text = noun.replace("{system}", "orders")
        for number in range(5):
            for _ in range(2):
                vocabulary_.find("given", f"{_letters(number)} happens to {text}", "")
        asked[count] = Counted.calls
    assert asked == {5: 10, 50: 10, 500: 10}, "two calls for each of five texts, however many steps"


def _letters(number: int) -> str:
    return "".join(chr(ord("a") + int(digit)) for digit in f"{number:03d}")


def test_only_the_packages_that_are_named_are_heard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    step = (
        "from pytest_bdd import given\nfrom firemarshal.declare import Healthy\n\n"
        "@given('{}')\ndef _() -> Healthy:\n    return Healthy()\n"
    )
    for name in ("heard_words", "other_words"):
        (tmp_path / name / "deep").mkdir(parents=True)
        (tmp_path / name / "__init__.py").write_text("")
        (tmp_path / name / "deep/__init__.py").write_text("")
        (tmp_path / name / "deep/more.py").write_text(step.format(f"said in {name}"))
    __import__("other_words.deep.more")
    assert [one.text for one in vocabulary.load(["heard_words"]).definitions] == [
        "said in heard_words"
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            None,
            "the steps of 'broken_words' cannot be imported: ModuleNotFoundError: "
            "No module named 'broken_words'; correct its name or put it beside pyproject.toml",
        ),
        (
            "\nimport no_such_thing\n",
            "the steps of 'broken_words' cannot be imported: ModuleNotFoundError: "
            "No module named 'no_such_thing'; repair broken_words.py:2",
        ),
        (
            "x = 1\ny = (\n",
            "the steps of 'broken_words' cannot be imported: SyntaxError: "
            "'(' was never closed (broken_words.py, line 2); repair broken_words.py:2",
        ),
        (
            "x = 1\n1 / 0\n",
            "the steps of 'broken_words' cannot be imported: ZeroDivisionError: "
            "division by zero; repair broken_words.py:2",
        ),
    ],
)
def test_a_package_of_steps_that_breaks_is_told_with_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None, said: str
) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    monkeypatch.chdir(tmp_path)
    if text is not None:
        (tmp_path / "broken_words.py").write_text(text)
    with pytest.raises(BadInput) as problem:
        vocabulary.load(["broken_words"])
    assert problem.value.message == f"pyproject.toml [tool.firemarshal]: {said}"

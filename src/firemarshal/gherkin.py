"""Feature files as sentences with line numbers, parsed by pytest-bdd and nobody else."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from gherkin.errors import CompositeParserException
from pytest_bdd.exceptions import GherkinParseError
from pytest_bdd.gherkin_parser import GherkinDocument, Tag
from pytest_bdd.gherkin_parser import Scenario as ParsedScenario
from pytest_bdd.parser import Feature, FeatureParser, ScenarioTemplate, Step
from pytest_bdd.parser import Scenario as RenderedScenario

from firemarshal.bad_input import BadInput, Mistakes, did_you_mean
from firemarshal.examples import ExampleRow, rows_of

STEP_WORDS = ("Given", "When", "Then", "And", "But")
MISPLACED = {
    "Feature": "one Feature a file: put the second into its own",
    "Background": "one Background, before the scenarios",
    "Scenario": "a file begins with Feature:",
    "Rule": "a file begins with Feature:",
} | dict.fromkeys(STEP_WORDS, "steps stand below a Scenario or Background")
CURES = {"inconsistent cell count within the table": "every row needs the cells of the first"}


@dataclass(frozen=True)
class Sentence:
    """One step as written; `keyword` is given, when or then, whatever the language."""

    keyword: str
    text: str
    line: int
    table: list[list[str]] | None = None
    text_block: str | None = None


@dataclass(frozen=True)
class Scenario:
    """One scenario, one row of its Examples; `file` is relative to the root.

    `tag_lines` tells where each tag stands: on the feature, its rule, itself or its Examples.
    """

    name: str
    feature: str
    file: str
    line: int
    row: str
    tags: frozenset[str]
    steps: tuple[Sentence, ...]
    sha256: str
    tag_lines: dict[str, int] = field(default_factory=dict)

    def tagged(self, tag: str) -> str:
        """`file:line` of a tag."""
        return f"{self.file}:{self.tag_lines.get(tag, self.line)}"


@dataclass(frozen=True)
class Written:
    """A scenario as it stands in the file, with its rows and the lines of its tags."""

    template: ScenarioTemplate
    rows: tuple[ExampleRow, ...]
    tag_lines: dict[str, int]

    @property
    def outline(self) -> bool:
        """Whether Examples give it values."""
        return bool(self.rows[0].values)


@dataclass(frozen=True)
class _Source:
    """A scenario in the parsed document, which knows the lines that pytest-bdd's form drops."""

    scenario: ParsedScenario
    tags: tuple[Tag, ...]


class _Parser(FeatureParser):
    """pytest-bdd's parser, keeping the document, in which the first of two namesakes still is."""

    document: GherkinDocument

    def _parse_feature_file(self) -> GherkinDocument:
        self.document = super()._parse_feature_file()
        return self.document


@dataclass(frozen=True)
class FeatureText:
    """A parsed file: pytest-bdd's feature, its scenarios, and what is wrong with the others."""

    feature: Feature
    file: str
    sha256: str
    scenarios: tuple[Written, ...]
    mistakes: tuple[BadInput, ...]


def read(path: Path, rootdir: Path) -> FeatureText:
    """Parse a feature file; BadInput with file and line where it is not Gherkin at all.

    Mistakes of single scenarios stand in `mistakes`, so that the compiler's can be told too.
    """
    file = str(path.relative_to(rootdir)) if path.is_relative_to(rootdir) else str(path)
    parser = _Parser(str(path.parent), path.name, encoding="utf-8-sig")
    try:
        data = path.read_bytes()
        feature = parser.parse()
    except UnicodeDecodeError as problem:
        line = data.count(b"\n", 0, problem.start) + 1
        raise BadInput("is not UTF-8", where=f"{file}:{line}", cure="save it as UTF-8") from None
    except GherkinParseError as problem:
        raise _not_gherkin(problem, file) from None
    except KeyError:
        raise BadInput("holds no Feature", where=f"{file}:1", cure="begin with Feature:") from None
    except OSError as problem:
        raise BadInput(f"cannot be read: {problem.strerror}", where=file) from None
    sources = list(_sources(parser.document))
    if not sources:
        line = feature.line_number
        raise BadInput("holds no Scenario", where=f"{file}:{line}", cure="add one")
    mistakes = Mistakes()
    with mistakes.noted():
        _refuse_namesakes(sources, file)
    by_line = {one.scenario.location.line: one for one in sources}
    written = []
    for template in feature.scenarios.values():
        with mistakes.noted():
            written.append(_written(template, by_line[template.line_number], file))
    digest = hashlib.sha256(data).hexdigest()
    return FeatureText(feature, file, digest, tuple(written), tuple(mistakes.found))


def rendered(text: FeatureText, written: Written, row: int) -> tuple[Scenario, RenderedScenario]:
    """Row number `row` of a scenario, as our value and as pytest-bdd's own for its hooks."""
    example, template = written.rows[row], written.template
    scenario = template.render(example.values)
    rule_tags = template.rule.tags if template.rule else set()
    ours = Scenario(
        name=scenario.name,
        feature=text.feature.name,
        file=text.file,
        line=template.line_number,
        row=example.id,
        tags=frozenset(template.tags | text.feature.tags | rule_tags) | example.tags,
        steps=tuple(_sentence(step) for step in scenario.steps),
        sha256=text.sha256,
        tag_lines=written.tag_lines,
    )
    return ours, scenario


def _sentence(step: Step) -> Sentence:
    rows = step.datatable.rows if step.datatable else None
    table = [[cell.value for cell in row.cells] for row in rows] if rows else None
    return Sentence(step.type, step.name, step.line_number, table, step.docstring)


def _written(template: ScenarioTemplate, source: _Source, file: str) -> Written:
    where = f"{file}:{template.line_number}"
    if not template.name.strip():
        raise BadInput("a scenario has no name", where=where, cure="say what happens in it")
    if not template.steps:
        raise BadInput(f"scenario {template.name!r} has no steps", where=where, cure="add some")
    tables = source.scenario.examples
    rows = rows_of(template, tables, file)
    tags = (*source.tags, *(tag for table in tables for tag in table.tags))
    return Written(template, rows, {tag.name.lstrip("@"): tag.location.line for tag in tags})


def _refuse_namesakes(sources: list[_Source], file: str) -> None:
    lines: dict[str, int] = {}
    mistakes = Mistakes()
    for one in sources:
        name, line = one.scenario.name, one.scenario.location.line
        first = lines.setdefault(name, line)
        if first != line:
            mistakes.note(
                f"scenario {name!r} stands twice, first in line {first}",
                where=f"{file}:{line}",
                cure="rename one: pytest-bdd would drop the first without a word",
            )
    mistakes.tell()


def _sources(document: GherkinDocument) -> Iterator[_Source]:
    feature = document.feature
    for child in feature.children:
        rule_tags = child.rule.tags if child.rule else []
        for one in child.rule.children if child.rule else [child]:
            if one.scenario:
                yield _Source(one.scenario, (*feature.tags, *rule_tags, *one.scenario.tags))


def _not_gherkin(problem: GherkinParseError, file: str) -> BadInput:
    mistakes = Mistakes()
    cause = problem.__cause__
    errors = cause.errors if isinstance(cause, CompositeParserException) else []
    for error in errors:
        said = str(error).partition(": ")[2]
        what, cure = _misplaced(said)
        where = f"{file}:{error.location['line']}"
        mistakes.note(f"is not Gherkin: {what}", where=where, cure=cure)
    if mistakes.found:
        return mistakes.together
    text = problem.message.strip().rstrip(".")
    return BadInput(f"is not Gherkin: {text}", where=f"{file}:{problem.line}")


def _misplaced(said: str) -> tuple[str, str]:
    found = re.search(r"got '(?P<text>.*)'$", said)
    if not found:
        return said, CURES.get(said, "")
    word = re.split(r"[\s:]", found["text"], maxsplit=1)[0]
    cure = MISPLACED.get(word) or did_you_mean(word, MISPLACED)
    return f"{found['text']!r} cannot stand here", cure

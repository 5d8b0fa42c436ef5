"""Feature files as sentences with line numbers, parsed by pytest-bdd and nobody else."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gherkin.errors import CompositeParserException
from pytest_bdd.exceptions import GherkinParseError, StepError
from pytest_bdd.gherkin_parser import GherkinDocument
from pytest_bdd.parser import Feature, FeatureParser, ScenarioTemplate
from pytest_bdd.parser import Scenario as RenderedScenario

from firemarshal.bad_input import BadInput


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
    """One scenario, one row of its Examples; `file` is relative to the root."""

    name: str
    feature: str
    file: str
    line: int
    row: str
    tags: frozenset[str]
    steps: tuple[Sentence, ...]
    sha256: str


@dataclass(frozen=True)
class Written:
    """A scenario as it stands in the file, with its rows: `(id, values, tags)`."""

    template: ScenarioTemplate
    rows: tuple[tuple[str, dict[str, str], frozenset[str]], ...]


class _Parser(FeatureParser):
    """pytest-bdd's parser, keeping the document, in which the first of two namesakes still is."""

    document: GherkinDocument

    def _parse_feature_file(self) -> GherkinDocument:
        self.document = super()._parse_feature_file()
        return self.document


@dataclass(frozen=True)
class FeatureText:
    """A parsed file: pytest-bdd's feature and its scenarios."""

    feature: Feature
    file: str
    sha256: str
    scenarios: tuple[Written, ...]


def read(path: Path, rootdir: Path) -> FeatureText:
    """Parse a feature file; BadInput with file and line for whatever cannot be a drill."""
    file = str(path.relative_to(rootdir)) if path.is_relative_to(rootdir) else str(path)
    parser = _Parser(str(path.parent), path.name)
    try:
        data = path.read_bytes()
        feature = parser.parse()
    except UnicodeDecodeError as problem:
        raise BadInput(f"is not UTF-8: {problem}", where=file, cure="save it as UTF-8") from None
    except (GherkinParseError, CompositeParserException, StepError) as problem:
        raise BadInput(f"is not Gherkin: {_told(problem)}", where=_place(file, problem)) from None
    except KeyError:
        raise BadInput("holds no Feature", where=file, cure="begin with Feature:") from None
    except OSError as problem:
        raise BadInput(f"cannot be read: {problem.strerror}", where=file) from None
    _refuse_namesakes(parser.document, file)
    written = tuple(_written(one, file) for one in feature.scenarios.values())
    if not written:
        raise BadInput("holds no Scenario", where=file, cure="add one")
    return FeatureText(feature, file, hashlib.sha256(data).hexdigest(), written)


def rendered(text: FeatureText, written: Written, row: int) -> tuple[Scenario, RenderedScenario]:
    """Row number `row` of a scenario, as our value and as pytest-bdd's own for its hooks."""
    row_id, values, row_tags = written.rows[row]
    template = written.template
    scenario = template.render(values)
    steps = tuple(
        Sentence(
            step.type,
            step.name,
            step.line_number,
            [[cell.value for cell in line.cells] for line in step.datatable.rows]
            if step.datatable
            else None,
            step.docstring,
        )
        for step in scenario.steps
    )
    if not steps:
        raise BadInput(
            f"scenario {template.name!r} has no steps", where=f"{text.file}:{template.line_number}"
        )
    rule_tags = template.rule.tags if template.rule else set()
    tags = frozenset(template.tags | text.feature.tags | rule_tags) | row_tags
    return (
        Scenario(
            scenario.name,
            text.feature.name,
            text.file,
            template.line_number,
            row_id,
            tags,
            steps,
            text.sha256,
        ),
        scenario,
    )


def _written(template: ScenarioTemplate, file: str) -> Written:
    rows = []
    for examples in template.examples:
        names = examples.example_params
        for values in examples.examples:
            row = dict(zip(names, values, strict=False))
            if empty := [name for name in names if not row.get(name, "").strip()]:
                raise BadInput(
                    f"a row of Examples leaves {empty[0]!r} empty: {' | '.join(values)}",
                    where=f"{file}:{examples.line_number}",
                    cure="fill it in",
                )
            rows.append(("-".join(values), row, frozenset(examples.tags)))
    _refuse_open_names(template, file, {name for _, row, _ in rows for name in row})
    if template.templated and not rows:
        raise BadInput(
            f"outline {template.name!r} has no Examples", where=f"{file}:{template.line_number}"
        )
    return Written(template, tuple(rows) or (("", {}, frozenset()),))


def _refuse_open_names(template: ScenarioTemplate, file: str, names: set[str]) -> None:
    if not names:
        return
    for step in template.steps:
        for piece in step.name.split("<")[1:]:
            name = piece.split(">")[0]
            if ">" in piece and name not in names:
                raise BadInput(
                    f"<{name}> is not a column of Examples",
                    where=f"{file}:{step.line_number}",
                    cure=f"columns: {', '.join(sorted(names))}",
                )


def _refuse_namesakes(document: GherkinDocument, file: str) -> None:
    lines: dict[str, int] = {}
    for name, line in _names(document):
        first = lines.setdefault(name, line)
        if first != line:
            raise BadInput(
                f"scenario {name!r} stands twice, first in line {first}",
                where=f"{file}:{line}",
                cure="rename one: pytest-bdd would drop the first without a word",
            )


def _names(document: GherkinDocument) -> Iterator[tuple[str, int]]:
    for child in document.feature.children:
        for one in child.rule.children if child.rule else [child]:
            if one.scenario:
                yield one.scenario.name, one.scenario.location.line


def _told(problem: Exception) -> str:
    if isinstance(problem, CompositeParserException):
        return str(problem.errors[0]).partition(": ")[2]
    return str(getattr(problem, "message", problem)).strip().rstrip(".")


def _place(file: str, problem: Exception) -> str:
    line = getattr(problem, "line", None)
    return f"{file}:{line}" if line else file

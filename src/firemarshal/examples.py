"""Tables of Examples: every row checked on its own line before it becomes a drill."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from gherkin.dialect import Dialect
from pytest_bdd.gherkin_parser import ExamplesTable, Row
from pytest_bdd.parser import ScenarioTemplate

from firemarshal.bad_input import BadInput, Mistakes, did_you_mean

OPEN_NAME = re.compile(r"<([^<>]+)>")


@dataclass(frozen=True)
class ExampleRow:
    """One row of Examples, or the only "row" of a scenario that has none."""

    id: str = ""
    values: dict[str, str] = field(default_factory=dict)
    tags: frozenset[str] = frozenset()


def rows_of(
    template: ScenarioTemplate, tables: list[ExamplesTable], file: str
) -> tuple[ExampleRow, ...]:
    """The rows of a scenario; BadInput tells every mistake in its tables and open <names>."""
    mistakes = Mistakes()
    rows: dict[str, ExampleRow] = {}
    for table, row in _each(tables):
        where = f"{file}:{row.location.line}"
        with mistakes.noted():
            found = _row(table, row, where)
            if rows.setdefault(found.id, found) is not found:
                mistakes.note(
                    f"the row {found.id!r} of Examples stands twice", where=where, cure="remove one"
                )
    where = f"{file}:{template.line_number}"
    columns = _columns(tables, file, mistakes)
    if not any(_each(tables)) and (tables or _is_outline(template)):
        what = f"outline {template.name!r} has no Examples"
        mistakes.note(what, where=where, cure="add a table of them")
    else:
        _note_open_names(template, file, columns, mistakes)
    mistakes.tell()
    return tuple(rows.values()) or (ExampleRow(),)


def _each(tables: list[ExamplesTable]) -> Iterator[tuple[ExamplesTable, Row]]:
    for table in tables:
        for row in table.table_body or []:
            yield table, row


def _columns(tables: list[ExamplesTable], file: str, mistakes: Mistakes) -> set[str]:
    columns: set[str] = set()
    for table in tables:
        names = _names(table)
        columns.update(names)
        if table.table_header and len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            mistakes.note(
                f"the column {twice!r} of Examples stands twice",
                where=f"{file}:{table.table_header.location.line}",
                cure="rename one",
            )
    return columns


def _row(table: ExamplesTable, row: Row, where: str) -> ExampleRow:
    values = [cell.value or "" for cell in row.cells]
    named = dict(zip(_names(table), values, strict=True))
    if empty := [name for name, value in named.items() if not value.strip()]:
        raise BadInput(
            f"a row of Examples leaves {empty[0]!r} empty: {' | '.join(values)}",
            where=where,
            cure="fill it in",
        )
    tags = frozenset(tag.name.lstrip("@") for tag in table.tags)
    return ExampleRow("-".join(values), named, tags)


def _names(table: ExamplesTable) -> list[str]:
    return [cell.value for cell in table.table_header.cells] if table.table_header else []


def _is_outline(template: ScenarioTemplate) -> bool:
    dialect = Dialect.for_name(template.feature.language)
    return dialect is not None and template.keyword in dialect.scenario_outline_keywords


def _note_open_names(
    template: ScenarioTemplate, file: str, columns: set[str], mistakes: Mistakes
) -> None:
    places = [(template.name, template.line_number)]
    places += [(step.name, step.line_number) for step in template.steps]
    for text, line in places:
        for name in OPEN_NAME.findall(text):
            if name not in columns:
                mistakes.note(
                    f"<{name}> is not a column of Examples",
                    where=f"{file}:{line}",
                    cure=did_you_mean(name, columns)
                    or f"columns: {', '.join(sorted(columns)) or 'none'}",
                )

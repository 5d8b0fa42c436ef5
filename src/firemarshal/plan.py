"""Recovery plans as data: clauses with their objectives, written by hand in `plans/*.toml`."""

import hashlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from firemarshal import duration
from firemarshal.bad_input import BadInput, did_you_mean
from firemarshal.target import Table, read_toml, validated

OWN_FOLDER = Path(__file__).parent / "plans"
FREQUENCIES = ("day", "week", "month", "quarter", "year")
SHORT_FORMS = ("rto", "rpo")


class Objective(Table):
    """One number of a promise; `when` says where it holds if not always ("by hand").

    `value` is the number to judge: microseconds, a count, or millionths for "%"; None for
    "words", where the plan gives no number ("at once"), so that a drill has to say its own.
    """

    id: str = ""
    kind: str = Field(pattern=r"^[a-z][a-z-]*$")
    limit: str
    unit: Literal["time", "count", "%", "words"] = "time"
    bound: Literal["at most", "at least"] = "at most"
    clock: Literal["fault", "first customer error", "declared"] = "fault"
    when: str = ""

    @model_validator(mode="before")
    @classmethod
    def _name_it(cls, table: Any) -> Any:
        if not isinstance(table, dict) or table.get("id"):
            return table
        words = re.findall(r"[a-z0-9]+", f"{table.get('kind', '')} {table.get('when', '')}".lower())
        return {**table, "id": "-".join(words)}

    @field_validator("limit", mode="before")
    @classmethod
    def _plain_number(cls, limit: Any) -> Any:
        return str(limit) if isinstance(limit, int) and not isinstance(limit, bool) else limit

    @model_validator(mode="after")
    def _readable(self) -> Self:
        _amount(self.unit, self.limit)
        return self

    @property
    def value(self) -> int | None:
        """The limit as an integer: microseconds, count or millionths; None for words."""
        return _amount(self.unit, self.limit)


class _Promises(Table):
    """What clauses and whole plans share; `objectives` also holds what the short forms say."""

    rto: str | None = None
    rpo: str | None = None
    objectives: tuple[Objective, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, table: Any) -> Any:
        if not isinstance(table, dict) or not isinstance(table.get("objectives", []), list):
            return table
        said = {kind: table[kind] for kind in SHORT_FORMS if _is_duration(table.get(kind))}
        short = [{"kind": kind, "limit": limit} for kind, limit in said.items()]
        return {**table, "objectives": [*short, *table.get("objectives", [])]}

    @field_validator(*SHORT_FORMS)
    @classmethod
    def _duration(cls, limit: str | None) -> str | None:
        if limit is not None:
            duration.microseconds(limit)
        return limit

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        names = [one.id for one in self.objectives]
        if twice := sorted({one for one in names if names.count(one) > 1}):
            raise ValueError(f"objective {twice[0]!r} stands twice; tell them apart by `when`")
        return self

    def objective(self, kind: str) -> Objective | None:
        """The objective of that kind that holds always; one with a `when` is never the answer."""
        return next((one for one in self.objectives if one.kind == kind and not one.when), None)


class Clause(_Promises):
    """One promise of a plan; `owner` "" means that the plan names nobody.

    `every` begins from one of day, week, month, quarter, year and may say more ("month, Mondays
    03:00"); `severity` is the plan's own word ("P0", "level 3"), "" where it gives none, and has
    to be one of its levels where it lists any; `plan` is filled in by the plan of the clause.
    """

    id: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9-]*$")
    text: str = Field(min_length=20)
    every: str
    source: str = ""
    status: Literal["in force", "planned", "not possible today"] = "in force"
    owner: str = ""
    severity: str = Field(default="", max_length=40)
    plan: str = ""

    @field_validator("every")
    @classmethod
    def _some_frequency(cls, every: str) -> str:
        if not _frequencies(every):
            raise ValueError(f"names none of {', '.join(FREQUENCIES)}")
        return every

    @property
    def frequencies(self) -> tuple[str, ...]:
        """How often the clause is to be drilled, most often first."""
        return _frequencies(self.every)


class Phase(_Promises):
    """A stage of growth with objectives of its own, for plans that tighten as they grow."""

    name: str


class Level(Table):
    """A step of a scale of the plan: severity of an incident, level of a disaster, service tier."""

    name: str
    scale: Literal["severity", "level", "tier"]
    means: str
    solved_within: str = ""
    response: str = ""

    @property
    def word(self) -> str:
        """What a clause calls it: a severity by its name, all else with its scale ("level 3")."""
        return self.name if self.scale == "severity" else f"{self.scale} {self.name}"


class Plan(_Promises):
    """One recovery plan; its own objectives are what the plan promises as a whole.

    They are never handed down: a clause without an RTO has none.
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    name: str
    source: str
    version: str
    date: str = ""
    about: str = ""
    phases: tuple[Phase, ...] = ()
    levels: tuple[Level, ...] = ()
    clauses: tuple[Clause, ...] = Field(min_length=1)

    @field_validator("clauses", mode="before")
    @classmethod
    def _belong(cls, clauses: Any, info: ValidationInfo) -> Any:
        if not isinstance(clauses, list) or not all(isinstance(one, dict) for one in clauses):
            return clauses
        own = {"plan": info.data.get("id", ""), "source": info.data.get("source", "")}
        return [{**own, **one} for one in clauses]

    @model_validator(mode="after")
    def _known_severities(self) -> Self:
        known = [one.word for one in self.levels]
        for one in self.clauses:
            if one.severity and known and one.severity not in known:
                raise ValueError(
                    f"clause {one.id} has severity {one.severity!r}, "
                    f"the plan's levels are {', '.join(known)}"
                )
        return self


class Plans:
    """Every plan a run knows, with no clause id standing twice; `hashes` go into each drill."""

    def __init__(self, plans: Iterable[Plan], hashes: dict[str, str]) -> None:
        self.all = tuple(plans)
        self.hashes = hashes

    def __iter__(self) -> Iterator[Plan]:
        return iter(self.all)

    def find(self, clause: str, where: str = "") -> Clause:
        """The clause of that id; BadInput with the nearest ids when there is none."""
        return find_clause(self.all, clause, where)

    def limit(self, clause: str, kind: str, where: str = "") -> int | None:
        """What a clause allows for a kind of objective; None when it promises no such thing."""
        found = self.find(clause, where).objective(kind)
        return found.value if found else None


def load(path: Path) -> Plan:
    """Read one plan; BadInput names the file, the clause and the key, and what to write instead."""
    table = read_toml(path)
    clauses = table.get("clauses", [])
    for number, one in enumerate(clauses if isinstance(clauses, list) else []):
        name = one.get("id", f"number {number + 1}") if isinstance(one, dict) else number + 1
        validated(Clause, one, where=f"{path}: clause {name}")
    return validated(Plan, table, where=str(path))


def load_all(folders: Iterable[Path]) -> Plans:
    """Read every `*.toml` of the folders; BadInput also when two files hold the same clause."""
    found: dict[str, Path] = {}
    plans: list[Plan] = []
    hashes: dict[str, str] = {}
    for path in (path for folder in folders for path in _plan_files(folder)):
        plan = load(path)
        for name in (plan.id, *(clause.id for clause in plan.clauses)):
            if name in found:
                raise BadInput(
                    f"{name!r} stands here and in {found[name]}",
                    where=str(path),
                    cure="every plan and every clause needs an id of its own: rename one",
                )
            found[name] = path
        plans.append(plan)
        hashes[plan.id] = hashlib.sha256(path.read_bytes()).hexdigest()
    return Plans(plans, hashes)


def find_clause(plans: Iterable[Plan], clause: str, where: str = "") -> Clause:
    """The clause of that id; BadInput with the nearest ids when there is none."""
    known = {one.id: one for plan in plans for one in plan.clauses}
    if clause not in known:
        raise BadInput(
            f"no plan has a clause {clause!r} ({len(known)} clauses are known)",
            where=where,
            cure=did_you_mean(clause, known, most=3) or "firemarshal plan lists them",
        )
    return known[clause]


def _plan_files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise BadInput("there is no such folder of plans", where=str(folder), cure="create it")
    return sorted(folder.glob("*.toml"))


def _frequencies(every: str) -> tuple[str, ...]:
    words = re.findall(r"[a-z]+", every.lower())
    return tuple(one for one in FREQUENCIES if one in words)


def _is_duration(limit: Any) -> bool:
    try:
        return isinstance(limit, str) and duration.microseconds(limit) >= 0
    except ValueError:
        return False  # refused below by the key's own validator, which names the key


def _amount(unit: str, limit: str) -> int | None:
    if unit == "time":
        return duration.microseconds(limit)
    if unit == "words":
        return None
    number = re.fullmatch(r"(\d+(?:\.\d+)?) ?%" if unit == "%" else r"(\d+)", limit)
    if number is None:
        raise ValueError(f'{limit!r} is not a number of unit {unit!r}, write "99.9 %" or "4"')
    return round(float(number[1]) * 10_000) if unit == "%" else int(number[1])

"""The first profile, plan and feature of one's own system: few questions, the rest is found.

Nothing is changed on the system, no file is ever overwritten, and no password is written.
"""

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

from firemarshal import collecting, duration, init_files, kinds, project, target
from firemarshal.bad_input import BadInput

Json = dict[str, Any]
ENVIRONMENTS = get_args(target.Target.model_fields["environment"].annotation)


@dataclass(frozen=True)
class Discovery:
    """What a kind found: its table without name and kind, a name for it, and its first feature.

    `feature` is a text with {system} and {clause}; `comments` explain keys of the table.
    """

    table: Json
    name: str
    feature: str
    comments: dict[str, str]
    warnings: list[str]


class Ask:
    """Questions to a person, or the options that answer them where nobody sits."""

    def __init__(self, options: dict[str, str], reader: Callable[[str], str] | None) -> None:
        self._options, self._reader = options, reader

    def __call__(self, key: str, question: str, default: str | None = None) -> str:
        """The option, else a person's answer, else the default; BadInput where there is none."""
        if said := self.given(key):
            return said
        if self._reader is None:
            if default is None:
                raise BadInput(
                    f"nobody to ask here: {question}",
                    cure=f'say it as an option: {_option(key)} "..."',
                )
            return default
        while True:
            said = (
                self._answer(f"{question}{f' [{default}]' if default else ''}: ") or default or ""
            )
            if said:
                return said

    def given(self, key: str) -> str:
        """What the option of that name says, "" when it was not given; nobody is asked."""
        return self._options.get(key.replace("-", "_"), "").strip()

    def number(self, key: str, default: int) -> int:
        """An option that is a number."""
        said = self.given(key)
        if said and not said.isdecimal():
            raise BadInput(f"{said!r} is no number", where=_option(key), cure=f"such as {default}")
        return int(said) if said else default

    def _answer(self, question: str) -> str:
        assert self._reader is not None
        try:
            return self._reader(question).strip()
        except (EOFError, KeyboardInterrupt):
            raise BadInput("no answer, so nothing was written", cure="begin again") from None


def reader() -> Callable[[str], str] | None:
    """How a person is asked; None without a terminal, where waiting would be a hang."""
    return input if sys.stdin.isatty() and sys.stdout.isatty() else None


def init(root: Path, name: str, kind: str, ask: Ask) -> list[str]:
    """Write profile, plan and first feature of a system; returns what to tell the person.

    BadInput with the cure when a file is there already, or something was not found as it must be;
    then nothing is written.
    """
    if not re.fullmatch(target.NAME, name):
        cure = "small letters, digits and hyphens, such as staging"
        raise BadInput(f"{name!r} cannot name a target", where="--target", cure=cure)
    files = init_files.places(root, name)
    _refuse_to_overwrite(files)
    environment = _one_of(
        "environment", ask("environment", f"Which environment ({', '.join(ENVIRONMENTS)})")
    )
    promise = {key: _duration(key, ask(key, *question)) for key, question in PROMISES.items()}
    wanted = ask.given("system")
    if wanted and not re.fullmatch(target.NAME, wanted):
        cure = "small letters, digits and hyphens, such as orders"
        raise BadInput(f"{wanted!r} cannot name a system", where="--system", cure=cure)
    homes = _homes(root)
    discovery: Discovery = _kind(kind, homes).discover(ask)
    fitting = discovery.name if re.fullmatch(target.NAME, discovery.name) else None
    system = ask("system", "What features call the system", fitting)
    table = {"name": system, "kind": kind, **discovery.table}
    target.system_model(table, "--system", homes)
    clause = f"{name.upper()}-1"
    texts = (
        init_files.profile(name, environment, table, discovery.comments),
        init_files.plan(name, clause, system, promise),
        discovery.feature.format(system=system, clause=clause),
    )
    _write(root, name, dict(zip(files, texts, strict=True)))
    warnings = [f"note: {one}" for one in discovery.warnings]
    found = [f"found {one['name']} at {one['address']}" for one in table.get("members", ())]
    written = [f"wrote {path.relative_to(root)}" for path in files]
    return [*found, *warnings, *written, *init_files.next_steps(root, name, table)]


PROMISES = {
    "rto": ("Within what time must writes return (your plan's RTO)", "5 min"),
    "rpo": ("How much acknowledged writing may be lost (your plan's RPO)", "15 min"),
}


def _homes(root: Path) -> dict[str, str]:
    found = project.load(root)
    found.importable()
    return kinds.homes(found.packages.kinds)


def _kind(kind: str, homes: dict[str, str]) -> Any:
    known = [one for one in sorted(homes) if target.find_spec_safely(f"{homes[one]}.discover")]
    if kind not in known:
        cure = f"kinds that can be found: {', '.join(known)}"
        raise BadInput(f"systems of kind {kind!r} cannot be found", where="--kind", cure=cure)
    return import_module(f"{homes[kind]}.discover")


def _one_of(key: str, said: str) -> str:
    if said not in ENVIRONMENTS:
        cure = f"one of {', '.join(ENVIRONMENTS)}"
        raise BadInput(f"{said!r} is no {key}", where=_option(key), cure=cure)
    return said


def _duration(key: str, said: str) -> str:
    try:
        duration.microseconds(said)
    except ValueError as problem:
        raise BadInput(str(problem), where=_option(key)) from None
    return said


def _refuse_to_overwrite(files: list[Path]) -> None:
    if there := [str(path) for path in files if path.exists()]:
        cure = "choose another --target, or move it away first"
        raise BadInput("is there already, and is never overwritten", where=there[0], cure=cure)


def _write(root: Path, name: str, texts: dict[Path, str]) -> None:
    """All files, or none: what does not compile together is taken back."""
    written: list[Path] = []
    try:
        for path, text in texts.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                written.append(path)
                file.write(text)
        found = project.load(root)
        house = found.house(found.target(name))
        collecting.compile_file(house, written[-1])
    except (BadInput, OSError) as problem:
        for path in written:
            path.unlink()
        if isinstance(problem, BadInput):
            raise
        where = str(problem.filename or root)
        raise BadInput(f"cannot be written: {problem.strerror}", where=where) from None


def _option(key: str) -> str:
    return f"--{key.replace('_', '-')}"

"""`firemarshal new fault`: fault, sentence, drill with control, and test, ready to be filled in."""

import importlib
import keyword
import re
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from firemarshal import collecting, kinds, scaffold_texts
from firemarshal.bad_input import BadInput, did_you_mean
from firemarshal.catalogue import Catalogue
from firemarshal.project import Packages, Project, load
from firemarshal.prove import fitting

NAME = re.compile(r"[a-z][a-z0-9_]{1,40}")
OURS = "firemarshal."
OWN = Packages(steps=("firemarshal.drills", "words"), faults=("firemarshal.actions", "faults"))


def fault(project: Project, name: str, kind: str, target_name: str, wanted: str) -> list[str]:
    """Write the files, check that they are found, and say what to type next.

    Raises BadInput, with nothing written, for a name that is none or is taken, for a kind or
    system that is not there, and where a file is there already.
    """
    _check_name(project, name, kind)
    system = fitting(project.target(target_name), (kind,), wanted).name
    places, settings = _places(project, name, kind)
    words = name.replace("_", " ")
    facts = {
        "name": name,
        "kind": kind,
        "words": words,
        "Words": words.capitalize(),
        "system": system,
        "target": target_name,
        "imports": _imports(project),
        "file": places["FAULT"].relative_to(project.rootdir).as_posix(),
        "up": len(places["TEST"].relative_to(project.rootdir).parts) - 1,
    }
    texts = {path: getattr(scaffold_texts, which).format(**facts) for which, path in places.items()}
    made = (places["FAULT"], places["FEATURE"], f"{kind}.{name}")
    _write(project, texts, settings, lambda: _found(project.rootdir, *made, target_name))
    return [
        *(f"wrote {path.relative_to(project.rootdir)}" for path in texts),
        *([f"added to {settings.name}: [tool.firemarshal]"] if settings else []),
        "Every verb says that it is not written yet, so no drill of it is green. Next:",
        f"  firemarshal check {_feature(project, places)} --target {target_name}",
        f"  firemarshal conformance {kind}.{name} --target {target_name} --system {system}",
        f"  firemarshal run {_feature(project, places)} --target {target_name}",
    ]


def _check_name(project: Project, name: str, kind: str) -> None:
    homes = kinds.homes(project.packages.kinds)
    if kind not in homes:
        known = did_you_mean(kind, homes) or f"known kinds: {', '.join(sorted(homes))}"
        raise BadInput(f"kind {kind!r} is unknown", where="--kind", cure=known)
    if not NAME.fullmatch(name) or keyword.iskeyword(name):
        cure = "small letters, digits and _, a letter first, as in fill_disk"
        raise BadInput(f"{name!r} cannot name a fault", where="new fault", cure=cure)
    catalogue = Catalogue(project.packages.faults)
    if f"{kind}.{name}" in catalogue.names:
        path = catalogue.find(f"{kind}.{name}", "new fault").path
        raise BadInput(f"fault '{kind}.{name}' is there already", where=str(path), cure="rename it")


def _places(project: Project, name: str, kind: str) -> tuple[dict[str, Path], Path | None]:
    """Where the files go, and the pyproject.toml that has to learn of them, if any."""
    root, settings = project.rootdir, None
    if _is_house(root):
        faults, words, tests = root / "actions", root / "drills", root / "tests" / "actions"
    else:
        packages = project.packages
        if packages.faults == Packages().faults and packages.steps == Packages().steps:
            settings, packages = root / "pyproject.toml", OWN
        faults = root / _own(packages.faults, "faults").replace(".", "/")
        words = root / _own(packages.steps, "steps").replace(".", "/")
        tests = root / "tests"
    if settings and settings.exists() and "[tool.firemarshal" in settings.read_text():
        cure = f"add these lines to its table:\n{scaffold_texts.SETTINGS.split(']', 1)[1].strip()}"
        raise BadInput("no package of its own is named yet", where=str(settings), cure=cure)
    return {
        "FAULT": faults / kind / f"{name}.py",
        "STEP": words / f"{name}.py",
        "FEATURE": root / "features" / kind / f"{name}.feature",
        "TEST": tests / f"test_{name}.py",
    }, settings


def _is_house(root: Path) -> bool:
    """Whether this is firemarshal's own repository, whose rooms take what is new."""
    spec = find_spec("firemarshal.actions")
    folders = (spec.submodule_search_locations or []) if spec else []
    return any(Path(one).resolve() == (root / "actions").resolve() for one in folders)


def _own(packages: tuple[str, ...], key: str) -> str:
    """The last package that is not ours; BadInput when there is none to put anything into."""
    own = [one for one in packages if not f"{one}.".startswith(OURS)]
    if not own:
        named = ", ".join(f'"{one}"' for one in (*packages, f"our{key}"))
        cure = f"add one, such as {key} = [{named}]"
        where = f"pyproject.toml [tool.firemarshal] {key}"
        raise BadInput("names no package of this repository", where=where, cure=cure)
    return own[-1]


def _imports(project: Project) -> str:
    """Sorted as linters want it: to a stranger both packages are other people's."""
    ours, bdd = scaffold_texts.OURS, scaffold_texts.BDD
    return f"{bdd}\n\n{ours}" if _is_house(project.rootdir) else f"{ours}\n{bdd}"


def _feature(project: Project, places: dict[str, Path]) -> Path:
    return places["FEATURE"].relative_to(project.rootdir)


def _write(
    project: Project, texts: dict[Path, str], settings: Path | None, check: Callable[[], None]
) -> None:
    """All files, or none: what does not compile together is taken back."""
    if there := [path for path in texts if path.exists()]:
        shown = ", ".join(str(path.relative_to(project.rootdir)) for path in there)
        raise BadInput("is there already, and is never overwritten", where=shown, cure="rename it")
    before = settings.read_text() if settings and settings.exists() else None
    written: list[Path] = []
    try:
        for path, text in texts.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                written.append(path)
                file.write(text)
        if settings:
            settings.write_text(
                (before or "") + scaffold_texts.SETTINGS.lstrip("\n" * (not before))
            )
        check()
    except (BadInput, OSError) as problem:
        for path in written:
            path.unlink()
        if settings and before is not None:
            settings.write_text(before)
        elif settings:
            settings.unlink(missing_ok=True)
        if isinstance(problem, BadInput):
            raise
        where = str(problem.filename or project.rootdir)
        raise BadInput(f"cannot be written: {problem.strerror}", where=where) from None


def _found(root: Path, path: Path, feature: Path, name: str, target_name: str) -> None:
    """The new fault is the one that is found by its name, and its drills compile."""
    importlib.invalidate_caches()
    project = load(root)
    house = project.house(project.target(target_name))
    found = house.catalogue.find(name, "new fault").path
    if found.resolve() != path.resolve():
        cure = "another package of that name is installed: name your own in [tool.firemarshal]"
        raise BadInput(f"the fault is not found, but {found} is", where=str(path), cure=cure)
    collecting.compile_file(house, feature)

"""The parts of the pages that the code knows better: codes, faults, sentences, written in place.

`python tools/write_docs.py` writes what stands between the marks `begin NAME` and `end NAME`;
`--check` writes nothing and exits with 1 when a page is stale.
"""

import ast
import re
import sys
from pathlib import Path

from firemarshal import coverage as covered
from firemarshal import project, vocabulary
from firemarshal.catalogue import Catalogue, FaultFile, Recoveries
from firemarshal.runbook import Runbooks
from firemarshal.verdict import CODES

ROOT = Path(__file__).resolve().parent.parent
PAGES = {
    "docs/verdicts.md": ("codes",),
    "README.md": ("faults",),
    "docs/faults.md": ("every fault",),
    "docs/glossary.md": ("sentences",),
    "docs/recoveries.md": ("recoveries",),
    "docs/coverage.md": ("coverage",),
}
BEGIN = "<!-- begin {name}: written by tools/write_docs.py -->"
LIST = "codes.py"
END = "<!-- end {name} -->"


def codes() -> str:
    """Every code, under its verdict, with sentence and cure; one that nothing gives says so."""
    rows = ["| verdict | code | what it says | cure |", "|---|---|---|---|"]
    kernel = [path for path in (ROOT / "src" / "firemarshal").rglob("*.py") if path.name != LIST]
    text = "\n".join(path.read_text(encoding="utf-8") for path in kernel)
    for name, code in CODES.items():
        given = f'"{name}"' in text
        shown = f"`{name}`" if given else f"`{name}` (reserved, nothing gives it yet)"
        rows.append(f"| {code.verdict} | {shown} | {code.sentence} | {code.cure} |")
    return "\n".join(rows)


def faults() -> str:
    """What can be broken, but for the toy's faults, which break nobody's system."""
    catalogue = Catalogue(["firemarshal.actions"])
    rows = ["| fault | does | lasts | leaves |", "|---|---|---|---|"]
    for name in catalogue.names:
        facts = catalogue.find(name, "faults").facts
        if facts.kinds != ("null",):
            rows.append(f"| `{name}` | {facts.does} | {facts.lasts} | {facts.leaves} |")
    return "\n".join(rows)


def every_fault() -> str:
    """Each fault's facts in full, the toy's too, with the first words of its file."""
    catalogue = Catalogue(["firemarshal.actions"])
    return "\n".join(_fault(catalogue.find(name, "faults")) for name in catalogue.names)


def _fault(found: FaultFile) -> str:
    facts = found.facts
    said = ast.get_docstring(ast.parse(found.path.read_bytes())) or ""
    lines = [f"## `{found.name}`\n", said.strip(), ""]
    lines += [f"- does: {facts.does}", f"- lasts: {facts.lasts}; leaves: {facts.leaves}"]
    lines += [f"- needs: {need}" for need in facts.needs]
    lines += [f"- takes: {', '.join(found.knobs)}"] if found.knobs else []
    if facts.shows_within_s:
        lines.append(f"- clients may notice nothing for {facts.shows_within_s:g} s")
    return "\n".join([*lines, ""])


def recoveries() -> str:
    """What can be done after a disaster: the recoveries that come with it, and the runbooks."""
    known = Recoveries(["firemarshal.actions"])
    rows = ["| recovery | does | in at most | leaves |", "|---|---|---|---|"]
    for name in known.names:
        facts = known.find(name, "recoveries").facts
        rows.append(f"| `{name}` | {facts.does} | {facts.takes_up_to_s:g} s | {facts.leaves} |")
    rows += ["", "| runbook | about | steps |", "|---|---|---|"]
    for one in Runbooks([ROOT / "plans" / "runbooks"]):
        steps = ", ".join(f"{step.id} ({step.kind})" for step in one.steps)
        rows.append(f"| {one.name} | {one.about} | {steps} |")
    return "\n".join(rows)


def coverage() -> str:
    """Every clause that has a drill, with it, and the ids of those that have none."""
    known = project.load(ROOT)
    house = known.house(known.target("lab"))
    found = covered.coverage(house, sorted(ROOT.glob("features/*/*.feature")))
    rows = ["| clause | promises | drills | judged |", "|---|---|---|---|"]
    for one in found:
        if one.drills:
            promised = ", ".join(f"{each.kind} {each.limit}" for each in one.clause.objectives)
            drills = "; ".join(f"{drill.name} (`{Path(drill.file).name}`)" for drill in one.drills)
            open_ = f"not yet: {', '.join(one.open)}" if one.open else "all of it"
            rows.append(f"| {one.clause.id} | {promised or 'no number'} | {drills} | {open_} |")
    bare = [one.clause.id for one in found if not one.drills]
    return "\n".join([*rows, "", f"No drill yet ({len(bare)} of {len(found)}): {', '.join(bare)}."])


def sentences() -> str:
    """Every step that a feature can say, and what it declares."""
    found = vocabulary.load(["firemarshal.drills"]).definitions
    rows = ["| | sentence | declares |", "|---|---|---|"]
    for keyword in ("given", "when", "then"):
        for one in sorted((one for one in found if one.keyword == keyword), key=lambda d: d.text):
            shown = re.sub(r"\{(\w+)(:\w+)?\}", lambda part: part[1].upper(), one.text)
            rows.append(f"| {keyword.title()} | {shown} | {_declared(one)} |")
    return "\n".join(rows)


def _declared(definition: vocabulary.StepDefinition) -> str:
    """What the step returns for any values: its kind, and the fault or the promise it names."""
    values = {"Duration": 1_000_000, "d": 1}
    names = re.findall(r"\{(\w+)(?::(\w+))?\}", definition.text)
    given = {name: values.get(kind, "a system") for name, kind in names}
    said = vocabulary.declare(definition, given, definition.where).as_json()
    about = next((said[key] for key in ("fault", "recovery", "kind") if said.get(key)), "")
    return f"{said['declares'].lower()}" + (f" `{about}`" if about else "")


PARTS = {
    "codes": codes,
    "faults": faults,
    "every fault": every_fault,
    "sentences": sentences,
    "recoveries": recoveries,
    "coverage": coverage,
}


def fresh(page: str, text: str) -> str:
    """The page as it should be; ValueError when a mark is missing."""
    for name in PAGES[page]:
        begin, end = BEGIN.format(name=name), END.format(name=name)
        if text.count(begin) != 1 or text.count(end) != 1:
            raise ValueError(f"{page} has no marks {begin!r} and {end!r}: put them back")
        before, _, rest = text.partition(begin)
        after = rest.partition(end)[2]
        text = f"{before}{begin}\n{PARTS[name]()}\n{end}{after}"
    return text


def main() -> int:
    """Write the pages, or with `--check` say which are stale."""
    stale = []
    for page in PAGES:
        path = ROOT / page
        text = path.read_text(encoding="utf-8")
        if (wanted := fresh(page, text)) != text:
            stale.append(page)
            if "--check" not in sys.argv[1:]:
                path.write_text(wanted, encoding="utf-8")
    for page in stale:
        verb = "is stale: python tools/write_docs.py" if "--check" in sys.argv[1:] else "written"
        sys.stdout.write(f"{page}: {verb}\n")
    return 1 if stale and "--check" in sys.argv[1:] else 0


if __name__ == "__main__":
    sys.exit(main())

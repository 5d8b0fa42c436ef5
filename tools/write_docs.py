"""The parts of the pages that the code knows better: codes of verdicts, faults, written in place.

`python tools/write_docs.py` writes what stands between the marks `begin NAME` and `end NAME`;
`--check` writes nothing and exits with 1 when a page is stale.
"""

import sys
from pathlib import Path

from firemarshal.catalogue import Catalogue
from firemarshal.verdict import CODES

ROOT = Path(__file__).resolve().parent.parent
PAGES = {"docs/verdicts.md": ("codes",), "README.md": ("faults",)}
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


PARTS = {"codes": codes, "faults": faults}


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

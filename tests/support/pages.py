"""A page as a reader without eyes has it: elements, anchors and text, strict about nesting."""

from html.parser import HTMLParser
from pathlib import Path

from firemarshal.reports import html

VOID = {"meta", "link", "br", "img", "hr", "input"}


class Page(HTMLParser):
    """What a page holds: elements, anchors and their targets, and text; strict about nesting."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loads: list[str] = []
        self.facts: list[tuple[str, str]] = []
        self.words = ""
        self._open: list[str] = []
        self.feed(text)
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        facts = dict(attrs)
        self.facts += [(name, value or "") for name, value in attrs]
        self.tags.append(tag)
        if tag not in VOID and not (self._open and self._open[-1] in ("path", "rect")):
            self._open.append(tag)
        self.ids += [facts["id"] or ""] if "id" in facts else []
        self.links += [facts["href"] or ""] if "href" in facts else []
        self.loads += [facts[key] or "" for key in ("src", "data", "xlink:href") if key in facts]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.facts += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag, (tag, self._open)
        self.words += " " if tag in ("td", "th", "p", "li") else ""

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] != "style":
            self.words += data


def page(folder: Path) -> Page:
    """The page of a run folder, made now."""
    return Page(html.write(folder).read_text(encoding="utf-8"))


def words(folder: Path) -> str:
    """Its text in one line."""
    return " ".join(page(folder).words.split())

"""A page as a browser's parser takes it apart: strictly, since a page of ours closes all that it opens."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = frozenset({"meta"})
ALLOWED: dict[str, str] = {
    "html": "lang",
    "meta": "charset http-equiv content name",
    "section": "aria-labelledby",
    "h2": "id",
    "p": "class",
    "span": "class aria-hidden",
    "a": "href rel",
    "ul": "class aria-label",
    "dl": "class",
    "form": "id aria-label hidden",
    "label": "for",
    "select": "id name",
    "option": "value",
    "button": "type",
    "output": "id",
    "table": "role aria-labelledby",
    "thead": "role",
    "tbody": "role",
    "tr": "role data-row data-target data-kind data-action data-hazard data-status data-severity data-result",
    "th": "role scope",
    "td": "role data-label",
    "svg": "class aria-hidden focusable",
    "rect": "class x width height",
} | dict.fromkeys(
    (
        *("head", "title", "style", "script", "body", "header", "main", "footer", "h1", "strong", "div"),
        *("ol", "li", "pre", "code", "details", "summary", "dt", "dd"),
    ),
    "",
)
"""Every element that a page may have, with every attribute."""


@dataclass
class Element:
    """An element of a page; `own` is the text right in it, `within` all of it."""

    tag: str
    attributes: dict[str, str]
    parents: tuple[str, ...]
    own: str = ""
    within: str = ""


@dataclass
class PageParser(HTMLParser):
    """`elements` in their order; `wrong` is what no page of ours has: comments, unclosed or unknown elements."""

    elements: list[Element] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[Element] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        if tag not in ALLOWED or not set(names) <= set(ALLOWED[tag].split()) or len(set(names)) < len(names):
            self.wrong.append(f"<{tag} {names}>")
        element = Element(tag, {name: value or "" for name, value in attrs}, tuple(each.tag for each in self.open))
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.wrong.append(f"<{tag}/>")

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop().tag != tag:
            self.wrong.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if self.open:
            self.open[-1].own += data
        for each in self.open:
            each.within += data

    def handle_comment(self, data: str) -> None:
        self.wrong.append(f"<!--{data}-->")

    def handle_decl(self, decl: str) -> None:
        if decl != "doctype html":
            self.wrong.append(f"<!{decl}>")

    def unknown_decl(self, data: str) -> None:
        self.wrong.append(f"<![{data}]>")

    def handle_pi(self, data: str) -> None:
        self.wrong.append(f"<?{data}>")


def parsed(page: str) -> list[Element]:
    """The elements of `page`, of which everything is allowed, and closed where it belongs."""
    parser = PageParser()
    parser.feed(page)
    parser.close()
    assert parser.wrong == []
    assert parser.open == []
    return parser.elements


def skeleton(elements: list[Element]) -> list[tuple[str, ...]]:
    """All that no text may change: elements, where they stand, and attributes but the addresses of links."""
    return [
        (*each.parents, each.tag, *(f"{name}={value}" for name, value in each.attributes.items() if name != "href"))
        for each in elements
    ]

"""Text inside Markdown: whatever is in it, it reads as itself, ends no cell, mentions nobody and is nobody's marker."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from reconciler.reports.characters import visible
from reconciler.reports.labels import Labelled
from reconciler.reports.places import Place, url

COMMENT = "<!--"
"""How a marker begins, by which a pipeline finds its own comment."""


def prose(text: str) -> str:
    """`text` so that it reads as itself: no markup, no HTML, no cell of a table ended, nobody mentioned, no issue."""
    escaped = re.sub(r"([\\`*_{}\[\]~$])", r"\\\1", html(text))
    return re.sub(r"[@#](?=\w)", r"\g<0><!-- -->", escaped).replace("|", "&#124;")


def code(text: str) -> str:
    """`text` as code in a line. As HTML where a pipe is in it, since GitHub divides cells before it looks for code, or
    what begins a comment, which must not be there as it is."""
    shown = visible(text)
    if "|" in shown or COMMENT in shown:
        return f"<code>{prose(shown)}</code>"
    fence = "`" * (_longest_run(shown) + 1)
    space = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{space}{shown}{space}{fence}" if shown else ""


def fenced(lines: Sequence[str], language: str) -> str:
    """Lines as a block of code, fenced by more backticks than are in it; as HTML where a comment begins in it."""
    body = lines_of_code(lines)
    if any(COMMENT in line for line in body):
        return "\n".join(["<pre>", *(escape(line, quote=False) for line in body), "</pre>"])
    fence = "`" * max(3, *(_longest_run(line) + 1 for line in body))
    return "\n".join([f"{fence}{language}", *body, fence])


def lines_of_code(lines: Sequence[str]) -> list[str]:
    """Lines of statements as their authors broke them, each made visible; tabs become spaces."""
    return [visible(line) for line in "\n".join(lines).replace("\t", "    ").split("\n")]


def labelled(text: Labelled) -> str:
    """A label in prose and its value as code."""
    return f"{prose(text.label)} {code(text.value)}"


def linked(place: Place, base: str) -> str:
    """`tasks.yaml:7`, as a link where the sources are to be seen below `base`; empty where it is declared nowhere."""
    if not place.file:
        return ""
    link = url(place, base)
    return f"[{code(place.says)}]({link})" if link else code(place.says)


def html(text: str) -> str:
    """`text` without anything that HTML would take for a tag or an entity."""
    return visible(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _longest_run(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)

"""The page around what a view shows: its templates, and what a browser may do with it."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from reconciler.model import Address
from reconciler.reports.characters import visible
from reconciler.reports.places import url
from reconciler.views.markdown_text import lines_of_code
from reconciler.views.sql import change_lines

TEMPLATES = Path(__file__).parent / "templates"

LEAST_SEEN = 0.5
"""Percent: what took no time is still there."""


def page_of(what: str, *, made: dict[str, str], source_url: str, **context: Any) -> str:
    """The page that the template `what` lays out."""
    template = _environment().get_template(f"{what}.html")
    return template.render(made=made, source_url=source_url, **context)


@cache
def _environment() -> Environment:
    """The templates: all that they print is made visible and escaped, and what is missing is an error."""
    found = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, finalize=_shown,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    style, script = own("page.css"), own("page.js")
    policy = (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    found.globals.update(
        style=Markup(style), script=Markup(script), policy=policy,  # noqa: S704 - files of this package
        url=url, lines_of=lambda change: lines_of_code(change_lines(change)), start=_start, width=_width,
    )  # fmt: skip
    return found


def own(name: str) -> str:
    """A file of this package."""
    return (TEMPLATES / name).read_text(encoding="utf-8")


def _shown(value: object) -> object:
    """What a template prints of a value: text of others has no character that cannot be seen. Raises TypeError for what
    is no text, since that would be shown as Python writes it."""
    if isinstance(value, Markup):  # what a macro has made, and our own files
        return value
    if isinstance(value, str | int | Address):
        return visible(str(value))
    raise TypeError(f"a template prints a {type(value).__name__}")


def _start(share: float) -> str:
    """Where a bar begins."""
    return f"{min(share * 100, 100 - LEAST_SEEN):.2f}%"


def _width(share: float) -> str:
    """How wide it is."""
    return f"{max(LEAST_SEEN, min(share * 100, 100)):.2f}%"


def _digest(text: str) -> str:
    """As a Content-Security-Policy names what is inline."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"

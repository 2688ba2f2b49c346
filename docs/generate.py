"""Writes what the documentation takes from the program: help texts between markers, and the JSON Schema.

    python docs/generate.py

A help text stands between `<!-- help:plan -->` and `<!-- /help -->`; `help:reconciler` is the overview of the verbs.
`tests/docs` fails while something here is out of date.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import click

from reconciler.cli.app import VERBS, reconciler
from reconciler.desired.schema import json_schema
from reconciler.kinds.registry import KINDS

ROOT = Path(__file__).resolve().parent.parent
SCHEMA = ROOT / "docs" / "schema.json"
WIDTH = 100
"""Cells: what fits a code block of a browser."""

_MARKED = re.compile(r"<!-- help:(?P<name>[a-z]+) -->\n.*?<!-- /help -->", re.DOTALL)


def pages() -> list[Path]:
    """Every page of the documentation."""
    named = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "plans/README.md")
    return [*(ROOT / name for name in named), *sorted((ROOT / "docs").glob("*.md"))]


def help_of(name: str) -> str:
    """What `reconciler NAME --help` prints on a terminal of WIDTH; the overview for `reconciler`."""
    group = click.Context(reconciler, info_name="reconciler", terminal_width=WIDTH, **reconciler.context_settings)
    if name == "reconciler":
        return reconciler.get_help(group)
    command = reconciler.get_command(group, name)
    if command is None:
        raise KeyError(f"there is no verb {name!r}; choose one of reconciler, {', '.join(VERBS)}")
    return command.get_help(click.Context(command, info_name=name, parent=group, terminal_width=WIDTH))


def updated(text: str) -> str:
    """`text` with every marked help text as it is now. Raises KeyError for a marker that names no verb."""
    return _MARKED.sub(
        lambda found: f"<!-- help:{found['name']} -->\n```text\n{help_of(found['name'])}\n```\n<!-- /help -->", text
    )


def schema() -> str:
    """The text of docs/schema.json: what `reconciler schema` prints."""
    return json.dumps(json_schema(KINDS), indent=2) + "\n"


def main() -> None:
    """Brings all of it up to date."""
    for page in pages():
        text = page.read_text(encoding="utf-8")
        if updated(text) != text:
            page.write_text(updated(text), encoding="utf-8")
    SCHEMA.write_text(schema(), encoding="utf-8")


if __name__ == "__main__":
    main()

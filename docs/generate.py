"""Writes what the documentation takes from the program: help texts, types of checks, and the JSON Schemas.

    python docs/generate.py

A help text stands between `<!-- help:plan -->` and `<!-- /help -->`; `help:reconciler` is the overview of the verbs.
Between `<!-- checks:table -->` and `<!-- /checks -->` stands the table of the types of checks, and between
`<!-- checks:pages -->` and the same all that their modules say.
`tests/docs` fails while something here is out of date.
"""

from __future__ import annotations

import json
import re
import textwrap
from pathlib import Path

import click

from reconciler.cli.app import VERBS, reconciler
from reconciler.desired.schema import json_schema
from reconciler.documents import events, json_schemas
from reconciler.kinds.check.documentation import of_type
from reconciler.kinds.check.types import TYPES
from reconciler.kinds.registry import KINDS
from reconciler.model import System

ROOT = Path(__file__).resolve().parent.parent
SCHEMA = ROOT / "docs" / "schema.json"
EVENTS = ROOT / "docs" / "events.schema.json"
PLAN = ROOT / "docs" / "plan.schema.json"
RECEIPT = ROOT / "docs" / "receipt.schema.json"
WIDTH = 100
"""Cells: what fits a code block of a browser."""

TARGETS = {System.POSTGRES: "main", System.REDIS: "cache", System.HTTP: "app", None: "app"}
"""Targets of the examples, by the system that a check is of."""

_MARKED = re.compile(r"<!-- (?P<what>help|checks):(?P<name>[a-z]+) -->\n.*?<!-- /(?P=what) -->", re.DOTALL)


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


def table_of_checks() -> str:
    """A row for each type of check: when it is passed."""
    rows = [
        f"| [`{key}`](checks.md#{key}) | {' '.join(of_type(check_type).what.split(chr(10) * 2)[0].split())} |"
        for key, check_type in TYPES.items()
    ]
    return "\n".join(["| check | passes when |", "|---|---|", *rows])


def pages_of_checks() -> str:
    """All that is said of each type of check."""
    sections = []
    for key, check_type in TYPES.items():
        said = of_type(check_type)
        item = textwrap.indent(said.item, "    ").replace("    ", "  - ", 1)
        example = f"```yaml\ntarget: {TARGETS[check_type.system]}\nchecklist:\n{item}\n```"
        sections.append(
            "\n\n".join([f"## {key}", said.title, f"**What.** {said.what}", f"**Why.** {said.why}", example])
        )
    return "\n\n".join(sections)


def updated(text: str) -> str:
    """`text` with all that is marked as it is now. Raises KeyError for a marker that names nothing."""
    of_checks = {"table": table_of_checks, "pages": pages_of_checks}

    def now(found: re.Match[str]) -> str:
        is_help = found["what"] == "help"
        body = f"```text\n{help_of(found['name'])}\n```" if is_help else f"\n{of_checks[found['name']]()}\n"
        return f"<!-- {found['what']}:{found['name']} -->\n{body}\n<!-- /{found['what']} -->"

    return _MARKED.sub(now, text)


def schema() -> str:
    """The text of docs/schema.json: what `reconciler schema` prints."""
    return json.dumps(json_schema(KINDS), indent=2) + "\n"


def schema_of_events() -> str:
    """The text of docs/events.schema.json: what each line of `reconciler apply --events` is."""
    return json.dumps(events.json_schema(), indent=2) + "\n"


def schema_of_plans() -> str:
    """The text of docs/plan.schema.json."""
    return json.dumps(json_schemas.plan_schema(), indent=2) + "\n"


def schema_of_receipts() -> str:
    """The text of docs/receipt.schema.json."""
    return json.dumps(json_schemas.receipt_schema(), indent=2) + "\n"


def main() -> None:
    """Brings all of it up to date."""
    for page in pages():
        text = page.read_text(encoding="utf-8")
        if updated(text) != text:
            page.write_text(updated(text), encoding="utf-8")
    SCHEMA.write_text(schema(), encoding="utf-8")
    EVENTS.write_text(schema_of_events(), encoding="utf-8")
    PLAN.write_text(schema_of_plans(), encoding="utf-8")
    RECEIPT.write_text(schema_of_receipts(), encoding="utf-8")


if __name__ == "__main__":
    main()

"""`reconciler schema`."""

from __future__ import annotations

import json

import click

from reconciler.cli.shared import show


@click.command()
def command() -> None:
    """Print the JSON Schema of the YAML, for editors.

    Point yaml-language-server at it by a first line: # yaml-language-server: $schema=schema.json

    \b
    Exit codes: 0.
    """
    from reconciler.desired.schema import json_schema
    from reconciler.kinds.registry import KINDS

    show(json.dumps(json_schema(KINDS), indent=2))

"""`reconciler show`."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.cli import shared
from reconciler.views import FORMATS, render, render_receipt


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--format", type=click.Choice(list(FORMATS["plan"])), default="text", show_default=True)
def command(file: Path, format: str) -> None:
    """Render a saved plan, or a receipt (text and json alone); connect to nothing.

    \b
    Exit codes: 0 shown; 1 the file is neither a plan nor a receipt, or was altered.
    """
    from reconciler.documents import plan as plan_file
    from reconciler.documents import receipt as receipt_file
    from reconciler.documents.document import parse, read_text

    source = str(file)
    given = "name a file written by reconciler plan --out or apply --receipt"
    either = plan_file.FORMAT._replace(noun="a plan or a receipt", given=given, remade=given)
    raw = parse(read_text(file, either), either, source=source)
    if receipt_file.is_receipt(raw):
        shown = render_receipt(receipt_file.of_json(raw, source=source), format, **shared.layout())
    else:
        shown = render(plan_file.of_json(raw, source=source), format, **shared.layout())
    shared.show(shown)

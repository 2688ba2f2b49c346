"""`reconciler show`."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.cli import stages
from reconciler.views import FORMATS, render


@click.command()
@click.argument("plan", type=click.Path(path_type=Path))
@click.option("--format", type=click.Choice(list(FORMATS["plan"])), default="text", show_default=True)
def command(plan: Path, format: str) -> None:
    """Render a saved plan; connect to nothing.

    \b
    Exit codes: 0 shown; 1 the file is not a plan, or was altered.
    """
    from reconciler.documents import plan as plan_file

    stages.show(render(plan_file.read(plan), format, **stages.layout()))

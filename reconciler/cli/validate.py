"""`reconciler validate`."""

from __future__ import annotations

from collections import Counter

import click

from reconciler.cli.app import Run
from reconciler.cli.stages import load, show_lines


@click.command()
@click.pass_obj
def command(run: Run) -> None:
    """Read and check all YAML; connect to nothing.

    Variables that are only missing inside of URLs are no error here: a pull request needs no credentials.

    \b
    Exit codes: 0 all is well; 1 something is wrong.
    """
    desired = load(run, offline=True)
    kinds = Counter(resource.address.kind for resource in desired.resources if resource.stands_for_itself)
    counted = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    show_lines(f"Valid: targets {', '.join(desired.targets)}; {counted or 'nothing is declared for them'}.")

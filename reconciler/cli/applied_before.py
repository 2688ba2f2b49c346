"""`apply --receipt FILE`, where FILE says that this very plan was applied to its end: nothing is run, and all of it is
looked at."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

import click

from reconciler.cli.app import Run
from reconciler.cli.apply_output import Output
from reconciler.model import Plan, Receipt, Target


def only_look(
    run: Run, plan: Plan, earlier: Receipt, targets: Mapping[str, Target], *, output: Output, place: Path
) -> NoReturn:
    """Shows the receipt that is there, says what has changed since, and ends: with 0 where nothing has, else with 1."""
    from reconciler.documents.document import timestamp
    from reconciler.planning.since_apply import changed_since

    output.show(run, earlier, plan, [])
    run.tell(f"{place} says that this plan was applied, and came to its end at {timestamp(earlier.finished_at)}.")
    changed = changed_since(plan, targets, run.secrets)
    for address, why in changed.items():
        run.tell(f"{address} has changed since: {why}")
    if changed:
        run.tell("Nothing was run. To make it again, name another file for the receipt, or make a new plan.")
    else:
        run.tell("Nothing was run: all of it still is as it was made.")
    raise click.exceptions.Exit(1 if changed else 0)

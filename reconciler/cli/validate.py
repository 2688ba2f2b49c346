"""`reconciler validate`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from reconciler.cli.app import Run
from reconciler.cli.shared import load, show_lines

if TYPE_CHECKING:
    from reconciler.model import Rollout

MOST_NAMES = 20
"""Targets that are named; of a fleet, the number."""


@click.command()
@click.pass_obj
def command(run: Run) -> None:
    """Read and check all YAML; connect to nothing.

    Variables that are only missing inside of URLs are no error here: a pull request needs no credentials. Where targets
    are made by a query or a command, neither is run: what is declared for them is then checked as far as it goes, and
    they are named as not seen.

    \b
    Exit codes: 0 all is well; 1 something is wrong.
    """
    desired = load(run, offline=True)
    kinds = Counter(resource.address.kind for resource in desired.resources if resource.stands_for_itself)
    counted = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    lines = [f"Valid: {_names(list(desired.targets))}; {counted or 'nothing is declared for them'}."]
    lines += (
        f"Not seen: the targets of {each.name} at {each.at}, for which {each.source} is not asked here, and what is "
        "declared for them."
        for each in desired.unseen
    )
    if desired.rollout and not desired.unseen:
        lines.append(_of_rollout(desired.rollout.over(desired.targets)))
    show_lines("\n".join(lines))


def _names(targets: Sequence[str]) -> str:
    """All names, as far as a screen is for reading."""
    more = f" and {len(targets) - MOST_NAMES} more" if len(targets) > MOST_NAMES else ""
    return f"targets {', '.join(targets[:MOST_NAMES])}{more}" if targets else "no target"


def _of_rollout(rollout: Rollout) -> str:
    from reconciler.reports.labels import counted, listed
    from reconciler.reports.waves import WAVE

    sizes = listed([str(len(wave.targets)) for wave in rollout.waves])
    return f"Rollout: {counted(len(rollout.waves), WAVE)}, of {sizes} targets."

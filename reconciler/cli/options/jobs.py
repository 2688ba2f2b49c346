"""The option that bounds how many systems are read at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

USUAL = 16
"""Reading mostly waits for the network; on two cores more at once are no faster."""

MOST = 256
"""Each is a thread, and a connection or two."""


def option(command: F) -> F:
    """Adds `--jobs` to `command`, which gets it as `jobs`."""
    return click.option(
        "--jobs", type=click.IntRange(1, MOST), default=USUAL, show_default=True,
        help="Targets read at once; with never more than four sessions on one server.",
    )(command)  # fmt: skip


def of_apply(command: F) -> F:
    """Adds `--jobs` to `apply`, which gets it as `jobs`; None: as is usual, or as a rollout says."""
    return click.option(
        "--jobs", type=click.IntRange(1, MOST),
        help=f"Targets read and changed at once; of the plans in a folder, servers changed at once, and no more of them"
        f" than the rollout says.  [default: {USUAL}]",
    )(command)  # fmt: skip

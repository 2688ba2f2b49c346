"""The option that says how long another apply is waited for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from reconciler.cli.options.types import Duration

F = TypeVar("F", bound=Callable[..., Any])


def option(command: F) -> F:
    """Adds `--lock-timeout` to `command`, which gets it as `lock_timeout`."""
    return click.option(
        "--lock-timeout",
        type=Duration(),
        metavar="DURATION",
        default="0s",
        help="Wait so long for another apply that is at work on a target.  [default: do not wait]",
    )(command)

"""The arguments and the option that say what a verb is about."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import click

from reconciler.cli.options import completed_names

F = TypeVar("F", bound=Callable[..., Any])

NAMES = "[TARGET | TARGET/KIND/NAME]…"


def where(command: F) -> F:
    """Adds `--where` to `command`."""
    return click.option(
        "--where",
        metavar="EXPRESSION",
        allow_from_autoenv=False,
        help="Only targets with such labels: 'env = prod and tier != trial'. Not read from the environment.",
    )(command)


def options(command: F) -> Callable[..., Any]:
    """Adds names and `--where` to `command`, which gets what they come to as `only`."""

    @click.argument("names", nargs=-1, metavar=NAMES, shell_complete=completed_names.names)
    @where
    @wraps(command)
    def narrowed(*given: Any, names: tuple[str, ...], where: str | None, **others: Any) -> Any:
        from reconciler.desired.narrowing import parse

        return command(*given, only=parse(names, where), **others)

    return narrowed

"""The options that name a PostgreSQL and a Redis by URL, where no file declares them yet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from reconciler.errors import UsageError
from reconciler.model import System

F = TypeVar("F", bound=Callable[..., Any])


def options(command: F) -> F:
    """Adds `--postgres` and `--redis` to `command`, which gets them under their names.

    Neither is read from the environment, where the URL itself would stand: the YAML is to name a variable.
    """
    for system, variable in ((System.REDIS, "REDIS_URL"), (System.POSTGRES, "DATABASE_URL")):
        command = click.option(
            f"--{system.value}", metavar="URL", allow_from_autoenv=False,
            help=f"A URL without a password, or the variable that holds it, in single quotes: '${{{variable}}}'.",
        )(command)  # fmt: skip
    return command


def given(postgres: str | None, redis: str | None) -> dict[System, str]:
    """The URLs that are given, by system."""
    urls = {System.POSTGRES: postgres, System.REDIS: redis}
    return {system: url for system, url in urls.items() if url is not None}


def refuse_as_arguments(arguments: Sequence[str]) -> None:
    """Raises UsageError for a URL without its option, before anything repeats it: it may hold a password."""
    if any("://" in each or "password" in each.lower() for each in arguments):
        raise UsageError("a URL is given by its option: --postgres URL, or --redis URL")

"""The options that limit what the YAML may reach: for the pull requests of people who are trusted less than the runner.

One that is there and empty, as from a variable of a pipeline that was never set, allows nothing, and is not overlooked.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from reconciler import allow_lists
from reconciler.allow_lists import Reach

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS: Mapping[str, tuple[str, str]] = {
    "targets": ("FILE", "Targets, and the variables in them, come from this file alone."),
    "variables": ("A,B:url", "The YAML may use these variables only; NAME:url in URLs, NAME:secret for {env: NAME}."),
    "files_below": (
        "DIR[:DIR]…",
        "Checks and secrets read files below these folders only.  [default: checks: the repository]",
    ),
    "hosts": ("A,B:5432,10.0.0.0/8", "Connect to these hosts only, whoever names or announces others."),
    "without": ("http,sql,file", "Run no checks of these types."),
}
"""By parameter: its metavar and help."""

NAMES = tuple(f"--{name.replace('_', '-')}" for name in _OPTIONS)


def options(command: F) -> F:
    """Adds the options to `command`, which gets them as texts."""
    for name, (metavar, said) in reversed([*_OPTIONS.items()]):
        flag = f"--{name.replace('_', '-')}"
        command = click.option(flag, name, metavar=metavar, envvar=_variable(name), help=said)(command)
    return command


def reach(given: Mapping[str, str | None], desired: Path) -> Reach:
    """What the options come to. Raises click.UsageError."""
    texts = {name: given[name] if given[name] is not None else os.environ.get(_variable(name)) for name in _OPTIONS}
    try:
        return allow_lists.reach(texts, desired)
    except allow_lists.NotALimit as wrong:
        raise click.UsageError(f"{_said(wrong.name)}: {wrong}") from None


def _said(name: str) -> str:
    """The option, with the variable where its value comes from that."""
    context = click.get_current_context(silent=True)
    given = context is not None and context.get_parameter_source(name) is ParameterSource.COMMANDLINE
    return f"--{name.replace('_', '-')}" + ("" if given else f" (from the variable {_variable(name)})")


def _variable(name: str) -> str:
    return f"RECONCILER_{name.upper()}"

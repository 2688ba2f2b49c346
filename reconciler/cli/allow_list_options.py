"""The options that limit what the YAML may reach: for the pull requests of people who are trusted less than the runner.

One that is there and empty, as from a variable of a pipeline that was never set, allows nothing, and is not overlooked.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from reconciler import allow_lists as reaching
from reconciler.allow_lists import Reach
from reconciler.untrusted_files import repository

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

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
    """What the options come to. Raises click.UsageError.

    Whoever limits anything trusts the author less: no file outside of the repository of `desired` is his, either.
    """
    texts = {name: given[name] if given[name] is not None else os.environ.get(_variable(name)) for name in _OPTIONS}
    targets, below = texts["targets"], texts["files_below"]
    found = Reach(
        targets=None if targets is None else _path("targets", targets, Path.is_file, "file"),
        variables=_read("variables", texts, reaching.variables),
        files_below=None
        if below is None
        else tuple(_path("files_below", each, Path.is_dir, "folder") for each in below.split(os.pathsep)),
        hosts=_read("hosts", texts, reaching.hosts),
        without=_read("without", texts, reaching.without) or frozenset(),
    )
    return replace(found, files_below=(repository(desired),)) if found.is_limited and below is None else found


def _read(name: str, texts: Mapping[str, str | None], parse: Callable[[str], T]) -> T | None:
    text = texts[name]
    if text is None:
        return None
    try:
        return parse(text)
    except ValueError as error:
        raise click.UsageError(f"{_said(name)}: {error}") from None


def _path(name: str, text: str, fits: Callable[[Path], bool], what: str) -> Path:
    path = Path(text)
    if not text or not fits(path):
        raise click.UsageError(f"{_said(name)}: there is no {what} {text!r}")
    return path


def _said(name: str) -> str:
    """The option, with the variable where its value comes from that."""
    context = click.get_current_context(silent=True)
    given = context is not None and context.get_parameter_source(name) is ParameterSource.COMMANDLINE
    return f"--{name.replace('_', '-')}" + ("" if given else f" (from the variable {_variable(name)})")


def _variable(name: str) -> str:
    return f"RECONCILER_{name.upper()}"

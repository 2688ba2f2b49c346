"""`reconciler init`.

Decided: docs/decisions.md#folders-of-init
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from os import environ
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli import pipeline_files, shared
from reconciler.cli.app import Run
from reconciler.cli.options import jobs as how_many
from reconciler.cli.options import urls
from reconciler.errors import DesiredError, TargetError, UsageError
from reconciler.model import Plan, Unreachable
from reconciler.views import render

if TYPE_CHECKING:
    from reconciler.desired.load import Desired
    from reconciler.model import System

_REMARKS = ("Which servers there are. With memory: 16GB beside a URL, a setting can be written as 25% of memory.", "")


@click.command()
@click.argument("arguments", nargs=-1, metavar="")
@urls.options
@click.option(
    "--pipeline",
    type=click.Choice(list(pipeline_files.PLACES)),
    allow_from_autoenv=False,
    help="Write the file of a pipeline as well: .github/workflows/reconciler.yaml, or .gitlab-ci.yml.",
)
@how_many.option
@click.pass_obj
def command(
    run: Run, arguments: tuple[str, ...], postgres: str | None, redis: str | None, pipeline: str | None, jobs: int
) -> None:
    """Begin: make the folder --desired, with YAML that declares what a PostgreSQL and a Redis have.

    Without an option those that the variables DATABASE_URL and REDIS_URL lead to. Changes nothing on them, and writes
    no secret: what may hold one is left out with its reason, as is whatever cannot be declared. A plan of the rest is
    made and shown, and is empty. A folder that holds anything is left as it is; what goes wrong, or is interrupted,
    leaves no folder.

    \b
      reconciler init --postgres '${DATABASE_URL}'

    \b
    Exit codes: 0 the folder is there; 1 an error, or a server could not be read, and nothing was written.
    """
    from reconciler.desired.given_targets import section

    urls.refuse_as_arguments(arguments)
    if arguments:
        raise UsageError("init takes no name: a PostgreSQL is called main, and a Redis cache", hint="rename them later")
    targets = section(urls.given(postgres, redis) or _of_environment(), run.secrets.reach)
    folder = _place(run.folder)
    pipeline_file = pipeline_files.place(pipeline, folder) if pipeline else None
    with _made_beside(folder) as part:
        plan = _filled(run, part, targets, jobs)
        _refuse_what_is_there(folder)
        part.rename(folder)
    shared.show(render(plan, "text", **shared.layout()))
    named = f" --desired {shlex.quote(str(run.folder))}" if run.names_folder else ""
    run.tell(f"Made {run.folder}, which declares what is there. Edit it, and see the change: reconciler{named} plan")
    if pipeline and pipeline_file:
        pipeline_files.write(pipeline_file, pipeline_files.text(pipeline, _variables(targets)))
        run.tell(f"Wrote {pipeline_file}. What to fill in, and to set once: the README, With pull requests.")
    if plan.changes:
        run.tell("The plan is not empty: something has changed since it was read.")


def _variables(targets: Mapping[str, Mapping[str, str]]) -> list[str]:
    """What the URLs of the targets name."""
    urls = " ".join(str(each) for target in targets.values() for each in target.values())
    return list(dict.fromkeys(re.findall(r"\$\{(\w+)", urls)))


def _of_environment() -> dict[System, str]:
    """The usual variables, as far as they are set. Raises UsageError where none is."""
    from reconciler.desired.given_urls import VARIABLES

    found = {system: f"${{{name}}}" for system, name in VARIABLES.items() if environ.get(name)}
    if not found:
        raise UsageError(
            f"neither --postgres nor --redis is given, nor is {' or '.join(VARIABLES.values())} set",
            hint="export DATABASE_URL=postgresql://… and run this again, or name another one: --postgres '${NAME}'",
        )
    return found


def _place(folder: Path) -> Path:
    """Where `folder` is made, links followed. Raises UsageError where that cannot be."""
    place = Path(os.path.realpath(folder))
    _refuse_what_is_there(place)
    if place == Path.cwd():
        raise UsageError("the folder that one is in cannot be made anew", hint="name another one: --desired DIR")
    if not place.parent.is_dir():
        raise UsageError(
            f"the folder {place.parent} does not exist", hint="make it, or name another one: --desired DIR"
        )
    return place


def _refuse_what_is_there(folder: Path) -> None:
    """Raises UsageError where there is something, and names it."""
    if folder.is_dir():
        if inside := sorted(folder.iterdir()):
            raise UsageError(
                f"{folder} is not empty: it holds {inside[0].name}",
                hint="nothing was written; name another folder: reconciler --desired DIR init",
            )
    elif os.path.lexists(folder):
        raise UsageError(
            f"{folder} is there, and is not a folder", hint="name another one: reconciler --desired DIR init"
        )


@contextmanager
def _made_beside(folder: Path) -> Iterator[Path]:
    """A new folder on the same disk, hidden from whoever reads the YAML around it; gone at the end, whatever happens,
    unless it was renamed."""
    part = folder.with_name(f".{folder.name[:50]}.{os.getpid()}.part")
    shared.on_signals(_interrupt)
    try:
        part.mkdir()
        yield part
    finally:
        shared.on_signals(_ignore)  # pressed again, Ctrl-C would leave half of it
        shutil.rmtree(part, ignore_errors=True)
        shared.on_signals(_interrupt)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _ignore(number: int, frame: FrameType | None) -> None:
    pass


def _filled(run: Run, folder: Path, targets: Mapping[str, Any], jobs: int) -> Plan:
    """Writes all files into `folder`, and returns a plan of them as they were read back. Raises what reading raises,
    and TargetError for a server that could not be read."""
    from reconciler.cli import imported
    from reconciler.planning.importing import write_all
    from reconciler.yaml.writing import document

    here = copy(run)
    here.folder = folder
    _write(folder / imported.TARGETS, document({"targets": targets}, _REMARKS))
    try:
        targets_read = shared.load(here).targets
    except DesiredError as error:  # its place is in a file that nobody gets to see
        others = [DesiredError(each.message, hint=each.hint) for each in error.others]
        raise DesiredError(error.message, hint=error.hint, others=others) from None
    for written in write_all(targets_read, run.secrets, at_once=jobs):
        if isinstance(written, Unreachable):
            raise TargetError(written.node, written.message, hint=written.hint)
        for name, text in imported.files(written):
            _write(folder / name, text)
    plan = shared.plan(run, _at(run.folder, shared.load(here), folder), jobs=jobs, advised=True, allow_blocked=True)
    for each in plan.unreachable:
        raise TargetError(each.node, each.message, hint=each.hint)
    return plan


def _at(folder: Path, desired: Desired, written: Path) -> Desired:
    """`desired`, which was read where it was `written`, as it will be read at `folder`."""

    def named(at: str) -> str:
        return at.replace(str(written), str(folder), 1)

    return replace(
        desired,
        targets={
            name: target.model_copy(update={"declared_at": named(target.declared_at)})
            for name, target in desired.targets.items()
        },
        resources=tuple(each.model_copy(update={"declared_at": named(each.declared_at)}) for each in desired.resources),
    )


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")

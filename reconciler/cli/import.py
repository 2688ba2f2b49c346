"""`reconciler import`."""  # noqa: N999 (verbs are loaded by name, and this one is a keyword)

from __future__ import annotations

from os import environ
from typing import TYPE_CHECKING

import click

from reconciler.cli import shared
from reconciler.cli.app import Run
from reconciler.cli.options import completed_names, urls
from reconciler.cli.options import jobs as how_many
from reconciler.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.model import Target


@click.command()
@click.argument("targets", nargs=-1, metavar="[TARGET…]", shell_complete=completed_names.names)
@urls.options
@click.option(
    "--schema",
    "schemas",
    multiple=True,
    metavar="NAME",
    help="Only tables of this schema, and no settings; may be repeated.",
)
@how_many.option
@click.pass_obj
def command(
    run: Run, targets: tuple[str, ...], postgres: str | None, redis: str | None, schemas: tuple[str, ...], jobs: int
) -> None:
    """Print the YAML that declares what TARGET has; change nothing anywhere.

    Indexes and settings of PostgreSQL, settings and users of Redis; of settings only what differs from the default,
    each with a comment that says where it comes from. What is not to be declared (indexes of constraints, what the
    server's command line decides, whatever may hold a password) is a comment that says why. A plan of the rest is
    empty. TARGET has to be declared under --desired; by its URL one that is not is printed with its declaration. Print
    to a file beside, and move it there once all went well: a shell empties the file behind `>` before this begins,
    whether there is an error or not. Of several, each is a document of its own; a name may be a pattern (tenant-*):

    \b
      reconciler import main > main.yaml.new && mv -n main.yaml.new desired/main.yaml
      reconciler plan main

    \b
    Exit codes: 0 printed; 1 an error, or a target, or a node that speaks for one, could not be read: all else is
    printed, and what is missing is said.
    """
    from reconciler.cli.imported import whole
    from reconciler.model import Unreachable
    from reconciler.planning.importing import write_all

    declared, sections = _targets(run, targets, postgres, redis)
    found = write_all(declared, run.secrets, schemas, at_once=jobs)
    written = [each for each in found if not isinstance(each, Unreachable)]
    if written:
        shared.show("---\n".join(whole(each, _only(sections, each.target)) for each in written))
    for names in dict.fromkeys(each.without for each in written if each.without):
        run.tell(f"Not imported, and not touched while undeclared: {', '.join(names)}.")
    unread = [one for each in found for one in ([each] if isinstance(each, Unreachable) else each.unread)]
    shared.tell_unread(run, unread)
    raise click.exceptions.Exit(1 if unread else 0)


def _targets(
    run: Run, names: tuple[str, ...], postgres: str | None, redis: str | None
) -> tuple[Mapping[str, Target], Mapping[str, Mapping[str, str]]]:
    """The targets that are meant, and the declarations of those that only the command line declares."""
    from reconciler.desired.given_targets import given_targets, section
    from reconciler.desired.patterns import fits

    urls.refuse_as_arguments(names)
    given = urls.given(postgres, redis)
    if bool(names) == bool(given):
        raise UsageError("import takes either names of declared targets, or URLs", hint="see: reconciler import --help")
    if given:
        sections = section(given, run.secrets.reach)
        return given_targets(sections, environ, run.secrets), sections
    loaded = shared.load(run, names).targets
    return {name: target for asked in names for name, target in loaded.items() if fits(asked, name)}, {}


def _only(sections: Mapping[str, Mapping[str, str]], name: str) -> Mapping[str, Mapping[str, str]]:
    return {name: sections[name]} if name in sections else {}

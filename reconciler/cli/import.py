"""`reconciler import`."""  # noqa: N999 (verbs are loaded by name, and this one is a keyword)

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler.cli import shared
from reconciler.cli.app import Run
from reconciler.cli.options import jobs as how_many

if TYPE_CHECKING:
    from reconciler.planning.importing import Written


@click.command()
@click.argument("targets", nargs=-1, required=True, metavar="TARGET…")
@click.option(
    "--schema",
    "schemas",
    multiple=True,
    metavar="NAME",
    help="Only tables of this schema, and no settings; may be repeated.",
)
@how_many.option
@click.pass_obj
def command(run: Run, targets: tuple[str, ...], schemas: tuple[str, ...], jobs: int) -> None:
    """Print the YAML that declares what TARGET has; change nothing anywhere.

    Indexes and settings of PostgreSQL, settings and users of Redis; of settings only what differs from the default,
    each with a comment that says where it comes from. What is not to be declared (indexes of constraints, what the
    server's command line decides, whatever may hold a password) is a comment that says why. A plan of the rest is
    empty. TARGET has to be declared under --desired. Print to a file beside, and move it there once all went well: a
    shell empties the file behind `>` before this begins, whether there is an error or not. Of several, each is a
    document of its own; a name may be a pattern (tenant-*):

    \b
      reconciler import main > main.yaml.new && mv -n main.yaml.new desired/main.yaml
      reconciler plan main

    \b
    Exit codes: 0 printed; 1 an error, or a target, or a node that speaks for one, could not be read: all else is
    printed, and what is missing is said.
    """
    from reconciler.desired.patterns import fits
    from reconciler.model import Unreachable
    from reconciler.planning.importing import write_all

    loaded = shared.load(run, targets).targets
    declared = {name: target for asked in targets for name, target in loaded.items() if fits(asked, name)}
    found = write_all(declared, run.secrets, schemas, at_once=jobs)
    written = [each for each in found if not isinstance(each, Unreachable)]
    if written:
        shared.show("---\n".join(map(_document, written)))
    for names in dict.fromkeys(each.without for each in written if each.without):
        run.tell(f"Not imported, and not touched while undeclared: {', '.join(names)}.")
    unread = [one for each in found for one in ([each] if isinstance(each, Unreachable) else each.unread)]
    shared.tell_unread(run, unread)
    raise click.exceptions.Exit(1 if unread else 0)


def _document(written: Written) -> str:
    """What one target has, and in comments what to know of it."""
    from reconciler.yaml.writing import document

    target, info = written.target, written.info
    database = f", database {info.database}" if info.database else ""
    tables = " (unlisted_indexes: report says what is added by hand)" if "tables" in written.sections else ""
    remarks = [
        f"What {target} has: {info.product} {info.version}{database}.",
        f"Written by `reconciler import`. A plan is empty: `reconciler plan {target}`. From here on, edit this file,",
        f"plan and apply; what is not listed is not touched{tables}.",
        *(
            [f"Of {len(written.nodes)} nodes {written.node} was read: a plan says where another one differs."]
            if len(written.nodes) > 1
            else []
        ),
        *(f"{each.node} could not be read: nobody knows whether it has the same." for each in written.unread),
        "",
    ]
    return document({"target": target, **written.sections}, remarks)

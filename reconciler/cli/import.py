"""`reconciler import`."""  # noqa: N999 (verbs are loaded by name, and this one is a keyword)

from __future__ import annotations

import click

from reconciler.cli import stages
from reconciler.cli.app import Run


@click.command()
@click.argument("target", metavar="TARGET")
@click.option(
    "--schema",
    "schemas",
    multiple=True,
    metavar="NAME",
    help="Only tables of this schema, and no settings; may be repeated.",
)
@click.pass_obj
def command(run: Run, target: str, schemas: tuple[str, ...]) -> None:
    """Print the YAML that declares what TARGET has; change nothing anywhere.

    Indexes and settings of PostgreSQL, settings and users of Redis; of settings only what differs from the default,
    each with a comment that says where it comes from. What is not to be declared (indexes of constraints, what the
    server's command line decides, whatever may hold a password) is a comment that says why. A plan of the rest is
    empty. TARGET has to be declared under --desired. Print to a file beside, and move it there once all went well: a
    shell empties the file behind `>` before this begins, whether there is an error or not.

    \b
      reconciler import main > main.yaml.new && mv -n main.yaml.new desired/main.yaml
      reconciler plan main

    \b
    Exit codes: 0 printed; 1 an error.
    """
    from reconciler.planning.importing import write_target
    from reconciler.yaml.writing import document

    [found] = stages.load(run, [target]).targets.values()
    written = write_target(found, run.secrets, schemas)
    info = written.info
    database = f", database {info.database}" if info.database else ""
    tables = " (unlisted_indexes: report says what is added by hand)" if "tables" in written.sections else ""
    remarks = [
        f"What {target} has: {info.product} {info.version}{database}.",
        f"Written by `reconciler import`. A plan is empty: `reconciler plan {target}`. From here on, edit this file,",
        f"plan and apply; what is not listed is not touched{tables}.",
        *(
            [f"Of {len(written.nodes)} nodes {written.nodes[0]} was read: a plan says where another one differs."]
            if len(written.nodes) > 1
            else []
        ),
        "",
    ]
    stages.show(document({"target": target, **written.sections}, remarks))
    if written.without:
        run.tell(f"Not imported, and not touched while undeclared: {', '.join(written.without)}.")

"""`reconciler drift`."""

from __future__ import annotations

import time
from functools import partial
from os import environ
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli import shared
from reconciler.cli.app import Run
from reconciler.cli.options import jobs as how_many
from reconciler.cli.options import narrowing, shards
from reconciler.cli.options import pages as page_options
from reconciler.cli.options import webhook as webhooks
from reconciler.cli.options.types import FailOn
from reconciler.model import Shard
from reconciler.views import FORMATS, render_drift

if TYPE_CHECKING:
    from reconciler.cli.options.pages import Pages
    from reconciler.desired.narrowing import Narrowing
    from reconciler.model import Verdict

READABLE = 0o644
"""Of a new file of metrics: its collector runs as somebody else, and numbers and names of targets are all it holds."""


@click.command()
@narrowing.options
@click.option("--format", type=click.Choice(list(FORMATS["drift"])), default="text", show_default=True)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write what --format says to a file, whole or not at all, and text to standard output.",
)
@page_options.options
@click.option(
    "--fail-on",
    type=FailOn(),
    metavar="VERDICT,…",
    allow_from_autoenv=False,
    help="Which verdicts end with another code than 0: blocked, differs, half-way, not-visible, waits; or none. A "
    "target that could not be read always ends with 1. Not read from the environment.  [default: all]",
)
@click.option(
    "--receipts",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Tell what was changed outside from what is declared and not applied yet, by the receipts in this folder, and "
    "by the commits that they name.",
)
@webhooks.option
@how_many.option
@shards.option
@click.pass_obj
def command(
    run: Run,
    only: Narrowing,
    format: str,
    out: Path | None,
    pages: Pages,
    fail_on: frozenset[Verdict] | None,
    receipts: Path | None,
    webhook_url_file: Path | None,
    jobs: int,
    shard: Shard | None,
) -> None:
    """Say where live systems differ from what is declared.

    Read-only: PostgreSQL is asked inside read-only transactions, which the server enforces and each session verifies;
    Redis only gets commands from a fixed list of reading ones.

    \b
    Exit codes: 0 in sync; 1 an error, or a target could not be read: all others are told; 2 drift, whether steps mend
    it or it is blocked. Where nothing has drifted: 3 something was changed and waits for a restart; 4 something runs
    and is not persisted, or the other way round; 5 something is not visible to this role. Of several the first of 2, 4,
    5, 3. With --fail-on only those of the verdicts that it names.
    """
    from reconciler.documents import atomic_file
    from reconciler.documents.plan import seal
    from reconciler.documents.receipts_below import receipts_below
    from reconciler.planning import exit_codes

    began = time.monotonic()
    webhook = webhooks.Webhook(run, webhook_url_file)
    if out:
        atomic_file.expect_writable(out)
    made = receipts_below(receipts) if receipts else None
    desired = shards.taken(run, shared.load(run, only, partial=True), shard)
    plan = shared.plan(run, desired, jobs=jobs)
    if made is not None:
        from reconciler.desired.at_commit import at_commits
        from reconciler.kinds.registry import KINDS
        from reconciler.planning.causes import causes

        at = at_commits(run.folder, KINDS, environ, run.secrets)
        plan = seal(plan.model_copy(update={"causes": causes(plan, made, desired.resources, at), "digest": ""}))
    pages.write(partial(render_drift, plan))
    seconds = time.monotonic() - began
    if out:
        text = render_drift(plan, format, seconds=seconds, **pages.bounded())
        atomic_file.write_text(text, out, new_mode=READABLE if format == "metrics" else atomic_file.NEW_FILE)
    shown = "text" if out else format
    shared.show(render_drift(plan, shown, seconds=seconds, **shared.layout(), **pages.bounded()))
    shared.tell_unread(run, plan.unreachable)
    shared.tell_unseen(run, desired)
    webhook.tell(plan)
    raise click.exceptions.Exit(exit_codes.drift_exit_code(plan, fail_on))

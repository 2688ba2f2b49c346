"""`reconciler show`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli import shared
from reconciler.cli.options import pages as page_options
from reconciler.views import FORMATS, render, render_fleet, render_receipt, render_run

if TYPE_CHECKING:
    from reconciler.cli.options.pages import Pages


@click.command()
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE|DIR")
@click.option("--format", type=click.Choice(list(FORMATS["plan"])), default="text", show_default=True)
@page_options.options
@click.option("--verbose", is_flag=True, help="Of text: all of each change, and what is the same for many at each.")
def command(file: Path, format: str, pages: Pages, verbose: bool) -> None:
    """Render a saved plan, a receipt, or a folder of plans or of receipts (of these, text, json and html alone);
    connect to nothing.

    Of the plans of a fleet (plan --out-dir) it shows groups of equal changes, with the digests by which they are
    approved; of the folder of a run (apply --receipt), what became of each target.

    \b
    Exit codes: 0 shown; 1 it holds neither plans nor receipts, or one that was altered; or a folder in which the plans
    of a shard are missing, are there twice, or are of something else.
    """
    from reconciler.documents import fleet_receipt
    from reconciler.documents import plan as plan_file
    from reconciler.documents import receipt as receipt_file
    from reconciler.documents.document import parse, read_text

    def show(view: Callable[..., str]) -> None:
        pages.write(view)
        shared.show(view(format, verbose=verbose, **shared.layout(), **pages.bounded()))

    if file.is_dir():
        from reconciler.fleet import folder, receipts

        if (run := receipts.of_folder(file)) is not None:
            show(partial(render_run, run))
            return
        fleet = folder.read(file)
        show(partial(render_fleet, fleet, examples=folder.examples(file, fleet)))
        return
    source = str(file)
    given = "name a file written by reconciler plan --out or apply --receipt"
    either = plan_file.FORMAT._replace(noun="a plan or a receipt", given=given, remade=given)
    raw = parse(read_text(file, either), either, source=source)
    if fleet_receipt.is_fleet_receipt(raw):
        show(partial(render_run, fleet_receipt.of_json(raw, source=source)))
    elif receipt_file.is_receipt(raw):
        show(partial(render_receipt, receipt_file.of_json(raw, source=source)))
    else:
        show(partial(render, plan_file.of_json(raw, source=source)))

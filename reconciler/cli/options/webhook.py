"""The option that names a webhook, and telling it: never with another exit code, and never with its address."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any, TypeVar

import click

from reconciler.allow_lists import WEBHOOK_URL

if TYPE_CHECKING:
    from reconciler.cli.app import Run
    from reconciler.model import Plan

F = TypeVar("F", bound=Callable[..., Any])

option = click.option(
    "--webhook-url-file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Post counts and addresses to the URL in this file, or else to that in the variable "
    f"{WEBHOOK_URL}: https, or http on loopback. What goes wrong with it changes no exit code.",
)


class Webhook:
    """A webhook that may be told."""

    def __init__(self, run: Run, file: Path | None) -> None:
        """Looks for its address before anything else is read, so that nothing that is printed has it."""
        self._run = run
        self._url = self._why = ""
        if not file and not os.environ.get(WEBHOOK_URL):
            return
        from reconciler.webhook import NotTold, url_of

        try:
            self._url = url_of(os.environ, WEBHOOK_URL, file)
        except NotTold as error:
            self._why = str(error)
        run.secrets.remember(self._url)
        run.secrets.remember_url(self._url)

    def tell(self, plan: Plan) -> None:
        """Tells it; what is in the way is one line on standard error."""
        if not self._url and not self._why:
            return
        from reconciler.reports.drift_message import drift_message
        from reconciler.webhook import NotTold, post

        try:
            if self._why:
                raise NotTold(self._why)
            post(self._url, json.dumps(drift_message(plan)), token_hex(16))
        except NotTold as error:
            self._run.tell(f"The webhook was not told: {error}.")

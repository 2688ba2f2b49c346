"""What an apply leaves for people and programs: the receipt in a format, and events while it runs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

import click

from reconciler.cli import shared, streams
from reconciler.cli.app import Run
from reconciler.errors import ReconcilerError, UsageError
from reconciler.views import render_receipt

if TYPE_CHECKING:
    from reconciler.documents.events import EventFile
    from reconciler.model import Plan, Receipt
    from reconciler.model.event import Event
    from reconciler.secrets import Secrets

F = TypeVar("F", bound=Callable[..., Any])

STANDARD_OUTPUT = "-"


def options(command: F) -> F:
    """Adds `--format` and `--events` to `command`."""
    of_format = click.option(
        "--format",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help="json: the receipt as --receipt writes it is alone on standard output, and all else on standard error.",
    )
    of_events = click.option(
        "--events",
        metavar="FILE",
        help="Tell what happens while it happens, in lines of JSON; -: on standard output, and all else on standard "
        "error.",
    )
    return of_format(of_events(command))


@dataclass(frozen=True, slots=True)
class Output:
    """Where what goes: the `format` of the receipt, and `events`: a file, STANDARD_OUTPUT, or None for nowhere."""

    format: str
    events: str | None

    def expect_places(self, plan: Path | None, receipt: Path | None) -> None:
        """Raises UsageError, DocumentError where one would take the place of another. Nothing is written."""
        from reconciler.documents import events

        if self.events == STANDARD_OUTPUT:
            if self.format == "json":
                raise UsageError("the receipt and the events would both be on standard output", hint="--events FILE")
        elif self.events is not None:
            events.expect_place(Path(self.events), [path for path in (plan, receipt) if path])

    @property
    def for_people(self) -> TextIO:
        """Where what is for people is shown."""
        return sys.stderr if self.format == "json" or self.events == STANDARD_OUTPUT else sys.stdout

    @contextmanager
    def told(self, secrets: Secrets) -> Iterator[EventFile | EventsShown | None]:
        """The subscriber that tells the events; closed behind the body. Raises DocumentError where it cannot."""
        from reconciler.documents.events import EventFile

        match self.events:
            case None:
                yield None
            case "-":
                yield EventsShown(secrets)
            case name:
                with closing(EventFile(Path(name), secrets)) as file:
                    yield file

    def show(self, run: Run, receipt: Receipt, plan: Plan, unwritten: Iterable[str]) -> None:
        """Shows the receipt; where it cannot be, says so: what was done is done, and the exit code tells of that.

        Behind it stands what else is `unwritten`.
        """
        place = sys.stdout if self.format == "json" else self.for_people
        try:
            shared.show(render_receipt(receipt, self.format, plan=plan, **shared.layout(place)), place)
        except ReconcilerError as error:
            run.tell(error.message)
        for line in unwritten:
            run.tell(line)


class EventsShown:
    """A subscriber that writes events to standard output, each at once; `unwritten` as of an EventFile."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets

    def __call__(self, told: Event) -> None:
        """Writes a line for `told`."""
        from reconciler.documents.events import line

        sys.stdout.write(line(told, self._secrets))
        sys.stdout.flush()

    @property
    def unwritten(self) -> str:
        """Why standard output does not hold all events, where somebody wants them."""
        missed = streams.missed(sys.stdout)
        return f"standard output does not hold all events: {missed.strerror}" if missed else ""

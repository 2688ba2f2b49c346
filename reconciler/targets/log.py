"""What the log tells of targets: connections and locks by `-v`, each statement and command by `-vv`.

It goes to the logger `reconciler` of the standard library, and nobody listens there by default: then each question
costs the look whether somebody does, and no text is made. A record's `facts` are what JSON tells beside its time and
level; they are redacted where they are laid out (`cli/logs.py`), and hold no parameter and no secret argument at all.

Decided: docs/decisions.md#what-the-log-tells
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

LOGGER = logging.getLogger("reconciler")

NO_ANSWER = "no answer"
"""Of HTTP, where there is no status."""


def event(what: str, target: str = "", **facts: object) -> None:
    """Tells by `-v` that `what` has happened."""
    LOGGER.info(what, extra={"facts": {"target": target, "event": what, **facts}})


@contextmanager
def stage(what: str, target: str = "") -> Iterator[None]:
    """Tells by `-v` how long `what` took, when it ended well."""
    began = time.monotonic()
    yield
    event(what, target, ms=since(began))


def is_wanted() -> bool:
    """Whether somebody listens to statements and commands."""
    return LOGGER.isEnabledFor(logging.DEBUG)


def statement(
    target: str, text: str, began: float, *, rows: int | None = None, error: str = "", together: int = 1,
    status: int | None = None,
) -> None:  # fmt: skip
    """Tells by `-vv` what was sent, and that its answer is there; `began` by the monotonic clock.

    rows      of the answer; None where it has none.
    error     the code by which it was refused; empty where it was not.
    together  sent so many at once: `ms` is the time of them all.
    status    of HTTP.
    """
    line = " ".join(text.split())
    facts = {"target": target, "statement": line, "ms": since(began), "rows": rows}
    more = {"error": error, "together": together if together > 1 else None, "status": status}
    LOGGER.debug(line, extra={"facts": {**facts, **{name: value for name, value in more.items() if value}}})


def since(began: float) -> float:
    """Milliseconds."""
    return round((time.monotonic() - began) * 1000, 1)

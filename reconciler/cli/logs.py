"""The log of a run, on standard error: how much of it, and in which form.

Decided: docs/decisions.md#what-the-log-tells
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime

from reconciler.reports.characters import visible
from reconciler.secrets import Secrets
from reconciler.targets.log import LOGGER


def configure(verbose: int, form: str, secrets: Secrets) -> None:
    """From now on, the logger writes to standard error as `form` (text, json) says: what `verbose` times `-v` ask for.

    Once: events of this run; more often: each statement and command as well.
    """
    lines = _StandardError()
    lines.setFormatter((_Json if form == "json" else _Text)(secrets))
    LOGGER.handlers = [lines]
    LOGGER.propagate = False
    LOGGER.setLevel(logging.INFO if verbose == 1 else logging.DEBUG)


def end() -> None:
    """Nobody listens any more."""
    LOGGER.handlers = []
    LOGGER.propagate = True
    LOGGER.setLevel(logging.NOTSET)


class _StandardError(logging.Handler):
    """Whatever stands there at the moment: bars take its place while they are shown. One that was closed stops
    nothing."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            sys.stderr.write(self.format(record) + "\n")
            sys.stderr.flush()
        except (OSError, ValueError, AttributeError):  # closed, or there is none
            return


class _Form(logging.Formatter):
    """`facts` of a record (`targets/log.py`) without a secret in them."""

    def __init__(self, secrets: Secrets) -> None:
        super().__init__()
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        found: Mapping[str, object] = getattr(record, "facts", {"event": record.getMessage()})
        facts = {name: self._redacted(value) for name, value in found.items()}
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return self.laid_out(at, record.levelname.lower(), facts)

    def laid_out(self, at: str, level: str, facts: Mapping[str, object]) -> str:
        """The line."""
        raise NotImplementedError  # each format of the log has its own

    def _redacted(self, value: object) -> object:
        plain = value is None or isinstance(value, bool | int | float)
        return value if plain else self._secrets.redact(str(value))


class _Text(_Form):
    """For people: nothing in it acts on a terminal."""

    def laid_out(self, at: str, level: str, facts: Mapping[str, object]) -> str:
        """Time, target, what, and in brackets all else."""
        rest = {name: value for name, value in facts.items() if name not in ("target", "event", "statement")}
        known = [_in_words(name, value) for name, value in rest.items() if value not in (None, "")]
        place = f"{facts['target']}: " if facts.get("target") else ""
        what = facts.get("statement") or facts.get("event") or ""
        return visible(f"{at} {place}{what}" + (f" ({', '.join(known)})" if known else ""))


class _Json(_Form):
    """For programs: one object a line, in ASCII."""

    def laid_out(self, at: str, level: str, facts: Mapping[str, object]) -> str:
        """All facts that are there."""
        told = {name: value for name, value in facts.items() if value != ""}
        # DEL is the one character of ASCII that JSON leaves as it is, and a terminal does not print.
        return json.dumps({"time": at, "level": level, **told}).replace("\x7f", "\\u007f")


def _in_words(name: str, value: object) -> str:
    return f"{value:.1f} ms" if name == "ms" else f"{value} rows" if name == "rows" else f"{name} {value}"

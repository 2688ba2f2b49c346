"""Looks at PostgreSQL's configuration files before they are reloaded: one bad line makes the server ignore all of them.

ALTER SYSTEM checks a value by itself, and not whether the server takes it together with everything else that the files
say by now, somebody else's edits among it. pg_file_settings reads the files as a reload would, and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from reconciler.errors import StepFailed
from reconciler.model import SqlStep, Step, Target

if TYPE_CHECKING:
    from reconciler.targets.postgres.session import PostgresSession, Row


class FilesRefused(StepFailed):
    """The server would not take its configuration files as they are; it was not told to read them."""


Errors = frozenset[tuple[str, str, str]]
"""File, setting and what the server has against it. Without lines: ALTER SYSTEM moves those of its file."""


# What waits for a restart "could not be applied" either, and nothing is wrong with it.
_ERRORS = """
    select coalesce(f.sourcefile, 'postgresql.conf') as file, coalesce(f.name, '') as name, f.error
    from pg_catalog.pg_file_settings f
    left join pg_catalog.pg_settings s on pg_catalog.lower(s.name) = pg_catalog.lower(f.name)
    where f.error is not null and not (f.error = 'setting could not be applied' and s.context = 'postmaster')
          and not (f.sourcefile is null and f.error like '%cannot be changed without restarting the server')
"""


def reloads(step: Step) -> bool:
    """Whether `step` makes the server read its files again."""
    return isinstance(step, SqlStep) and step.reloads


def errors_beside(session: PostgresSession) -> Callable[[], Errors]:
    """Asks for the errors beside whatever is asked next; what is returned tells them, and raises TargetError. None
    where this role may not see them."""
    asked = session.beside(_ERRORS) if _may_look(session) else None
    return lambda: _of(session.answer(asked)) if asked else frozenset()


def _may_look(session: PostgresSession) -> bool:
    return "pg_file_settings" in session.file_views


def _of(rows: Iterable[Row]) -> Errors:
    return frozenset((each["file"], each["name"], each["error"]) for each in rows)


def refuse_new(before: Errors, now: Errors, target: Target) -> None:
    """Raises FilesRefused where the files have errors that they had not before."""
    new = sorted(now - before)
    if new:
        lines = "".join(f"\n  {file}: {name or 'the file'}: {error}" for file, name, error in new)
        raise FilesRefused(f"{target.name}: the server would not take its files, and was not told to read them:{lines}")

"""Looks at PostgreSQL's configuration files before they are reloaded: one bad line makes the server ignore all of them.

ALTER SYSTEM checks a value by itself, and not whether the server takes it together with everything else that the files
say by now, somebody else's edits among it. pg_file_settings reads the files as a reload would, and changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from reconciler.errors import StepFailed
from reconciler.model import SqlStep, Step, Target

if TYPE_CHECKING:
    from reconciler.targets.postgres.session import PostgresSession

Errors = frozenset[tuple[str, str, str]]
"""File, setting and what the server has against it. Without lines: ALTER SYSTEM moves those of its file."""


class Files(NamedTuple):
    """The configuration files at one moment: what the server has against them, and when they were last loaded."""

    errors: Errors
    loaded: str


_LOADED = "select extract(epoch from pg_catalog.pg_conf_load_time())::pg_catalog.text as loaded"
"""A moment as a number: a text of it has the session's DateStyle, which the driver may not be able to read."""

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


def files(session: PostgresSession) -> Files:
    """The files at this moment; no errors where this role may not see them. Raises TargetError."""
    may_look = "pg_file_settings" in session.file_views
    [row], *errors = session.fetch_all([(query, None) for query in (_LOADED, *([_ERRORS] if may_look else []))])
    return Files(
        frozenset((each["file"], each["name"], each["error"]) for rows in errors for each in rows), row["loaded"]
    )


def loaded(session: PostgresSession) -> str:
    """When this session last loaded the files, in seconds since 1970.

    The postmaster does first and then tells the sessions that there are: what an open one has loaded, every session
    that begins from now on has. Raises TargetError.
    """
    return str(session.fetch(_LOADED)[0]["loaded"])


def refuse_new(before: Errors, now: Errors, target: Target) -> None:
    """Raises StepFailed where the files have errors that they had not before."""
    new = sorted(now - before)
    if new:
        lines = "".join(f"\n  {file}: {name or 'the file'}: {error}" for file, name, error in new)
        raise StepFailed(f"{target.name}: the server would not take its files, and was not told to read them:{lines}")

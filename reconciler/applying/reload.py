"""Looks at PostgreSQL's configuration files before they are reloaded: one bad line makes the server ignore all of them.

ALTER SYSTEM checks a value by itself, and not whether the server takes it together with everything else that the files
say by now, somebody else's edits among it. pg_file_settings reads the files as a reload would, and changes nothing.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, cast

from reconciler.errors import StepFailed
from reconciler.model import SqlStep, Step, Target
from reconciler.secrets import Secrets
from reconciler.targets.connect import connect

if TYPE_CHECKING:
    from reconciler.targets.postgres import PostgresSession

Errors = frozenset[tuple[str, str, str]]
"""File, setting and what the server has against it. Without lines: ALTER SYSTEM moves those of its file."""

_MAY_LOOK = """
    select has_table_privilege('pg_catalog.pg_file_settings', 'select')
           and has_function_privilege('pg_catalog.pg_show_all_file_settings()', 'execute') as may
"""

# What waits for a restart "could not be applied" either, and nothing is wrong with it.
_ERRORS = """
    select coalesce(f.sourcefile, 'postgresql.conf') as file, coalesce(f.name, '') as name, f.error
    from pg_catalog.pg_file_settings f left join pg_catalog.pg_settings s on lower(s.name) = lower(f.name)
    where f.error is not null and not (f.error = 'setting could not be applied' and s.context = 'postmaster')
          and not (f.sourcefile is null and f.error like '%cannot be changed without restarting the server')
"""


def reloads(step: Step) -> bool:
    """Whether `step` makes the server read its files again."""
    return isinstance(step, SqlStep) and any("pg_reload_conf()" in statement for statement in step.statements)


def file_errors(target: Target, secrets: Secrets) -> Errors:
    """What the server has against its files at this moment; nothing where this role may not see it.

    Raises TargetError.
    """
    with closing(connect(target, secrets)) as session:
        asked = cast("PostgresSession", session)
        if not asked.fetch(_MAY_LOOK)[0]["may"]:
            return frozenset()
        return frozenset((row["file"], row["name"], row["error"]) for row in asked.fetch(_ERRORS))


def refuse_new(before: Errors, now: Errors, target: Target) -> None:
    """Raises StepFailed where the files have errors that they had not before."""
    new = sorted(now - before)
    if new:
        lines = "".join(f"\n  {file}: {name or 'the file'}: {error}" for file, name, error in new)
        raise StepFailed(f"{target.name}: the server would not take its files, and was not told to read them:{lines}")

"""Indexes of PostgreSQL.

What it manages   indexes of tables and materialized views, PostgreSQL 13 to 18; constraints' own are only compared.
How it compares   by the server's own reading of both sides (`compare.py`), never by text.
What it runs      CREATE INDEX CONCURRENTLY and DROP INDEX CONCURRENTLY; renames in one short transaction; a changed
                  definition is built beside the old one and swapped in, so that no query is ever without an index.
What it leaves    nothing: an interrupted run is recognised by its temporary names (`statements.py`) and finished.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from reconciler.kind import Declaration
from reconciler.kinds.pg_index.model import (
    AnyIndex,
    AnyObserved,
    ObservedIndex,
    ObservedUnlisted,
    PgIndex,
    TableSection,
    UnlistedIndexes,
)
from reconciler.model import Address, Outcome, System
from reconciler.targets.session import Session


class PgIndexKind:
    """The kind `pg_index`."""

    name = "pg_index"
    system = System.POSTGRES
    sections: Mapping[str, Any] = {"tables": dict[str, TableSection]}
    resource = AnyIndex

    def declare(self, declaration: Declaration) -> Iterable[PgIndex | UnlistedIndexes]:
        """See `declare.py`."""
        from reconciler.kinds.pg_index.declare import declare

        return declare(declaration)

    def observe(self, session: Session, wanted: Sequence[PgIndex | UnlistedIndexes]) -> Mapping[Address, AnyObserved]:
        """See `observe.py`."""
        from reconciler.kinds.pg_index.observe import observe
        from reconciler.targets.postgres import PostgresSession

        return observe(cast(PostgresSession, session), wanted)

    def plan(self, desired: PgIndex | UnlistedIndexes, observed: AnyObserved | None) -> Sequence[Outcome]:
        """See `plan.py`."""
        from reconciler.kinds.pg_index.plan import plan_index, plan_unlisted

        if isinstance(desired, UnlistedIndexes):
            return plan_unlisted(desired, cast(ObservedUnlisted, observed))
        return plan_index(desired, cast(ObservedIndex, observed))

    def written(self, session: Session) -> Mapping[str, Any]:
        """See `written.py`."""
        from reconciler.kinds.pg_index.written import written
        from reconciler.targets.postgres import PostgresSession

        return written(cast(PostgresSession, session))


KIND = PgIndexKind()

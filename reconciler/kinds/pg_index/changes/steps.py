"""The steps that index changes are made of, with their timeouts: concurrent ones that may wait, and instant ones.

Decided: docs/decisions.md#bounds-of-locks-that-make-others-wait
"""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.kinds.pg_index.changes import statements
from reconciler.kinds.pg_index.model import Definition
from reconciler.model import Hazard, HazardType, SqlStep

BUILD_LOCK_TIMEOUT = "15min"
"""A concurrent build waits for every older snapshot of the database, and these waits count against lock_timeout: a
few seconds would make it fail on any busy server, and leave an INVALID index. A quarter of an hour outlasts reports
and backups of ordinary length, and still ends."""

INSTANT_LOCK_TIMEOUT = "3s"
"""While a step waits for a strong lock, every query behind it waits, too."""

INSTANT_ATTEMPTS = 10
"""Of an instant step in all. With the pauses between, a minute or so: vacuum and ordinary transactions end in that."""

STRONG_LOCK_TIMEOUT, STRONG_STATEMENT_TIMEOUT, STRONG_ATTEMPTS = "1s", "2s", 20
"""Of a step whose lock makes others wait: while it waits itself, they wait behind it. lock_timeout counts for each
lock, and such a step takes several, so that only statement_timeout bounds how long anybody is held up."""


def instant(*texts: str, hazards: Sequence[Hazard] = ()) -> SqlStep:
    """Statements that only touch the catalogue: one, or several in one transaction."""
    return SqlStep(
        statements=texts,
        transaction=len(texts) > 1,
        lock_timeout=INSTANT_LOCK_TIMEOUT,
        attempts=INSTANT_ATTEMPTS,
        hazards=tuple(hazards),
    )


def strong(whom: str, *texts: str, hazards: Sequence[Hazard] = ()) -> SqlStep:
    """As `instant`, of statements whose lock makes others wait; `whom` says who that is."""
    holds_up = Hazard(
        type=HazardType.LOCKS_PARTITIONS,
        message=f"{whom} wait while it waits for its lock, {STRONG_STATEMENT_TIMEOUT} at most each time it is tried",
    )
    return SqlStep(
        statements=texts,
        transaction=len(texts) > 1,
        lock_timeout=STRONG_LOCK_TIMEOUT,
        statement_timeout=STRONG_STATEMENT_TIMEOUT,
        attempts=STRONG_ATTEMPTS,
        hazards=(holds_up, *hazards),
    )


def concurrent(statement: str, hazards: Sequence[Hazard] = (), on_failure: str = "") -> SqlStep:
    """A statement that lets reads and writes go on, and waits for older transactions to end."""
    return SqlStep(
        statements=(statement,),
        lock_timeout=BUILD_LOCK_TIMEOUT,
        hazards=tuple(hazards),
        on_failure=(on_failure,) if on_failure else (),
    )


def build(schema: str, table: str, name: str, definition: Definition, rows: float) -> SqlStep:
    """CREATE INDEX CONCURRENTLY. When it fails, what is left of it goes again."""
    return concurrent(statements.create(schema, table, name, definition), [_reads(rows)], statements.drop(schema, name))


def build_only(schema: str, table: str, name: str, definition: Definition) -> SqlStep:
    """CREATE INDEX … ON ONLY: at once, but writes wait for it and for what it waits for."""
    moved = [statements.move(schema, name, definition.tablespace)] if definition.tablespace else []
    return strong(f"writes to {schema}.{table}", statements.create_only(schema, table, name, definition), *moved)


def attach(schema: str, name: str, part_schema: str, part: str, table: str) -> SqlStep:
    """ALTER INDEX … ATTACH PARTITION: of the part it takes the strongest lock, and queries of its table look at it."""
    return strong(f"queries of {table}", statements.attach(schema, name, part_schema, part))


def replica_identity(schema: str, table: str, name: str) -> SqlStep:
    """ALTER TABLE … REPLICA IDENTITY USING INDEX: at once, under the strongest lock of the table."""
    return strong(f"reads and writes of {schema}.{table}", statements.replica_identity(schema, table, name))


def drop(schema: str, name: str, hazards: Sequence[Hazard] = ()) -> SqlStep:
    """DROP INDEX CONCURRENTLY."""
    return concurrent(statements.drop(schema, name), hazards)


def drop_partitioned(schema: str, name: str, table: str, hazards: Sequence[Hazard] = ()) -> SqlStep:
    """DROP INDEX of a partitioned index, with those of all partitions."""
    whom = f"reads and writes of {table} and all its partitions"
    return strong(whom, statements.drop_partitioned(schema, name), hazards=hazards)


def reindex(schema: str, name: str, rows: float, tablespace: str = "") -> SqlStep:
    """REINDEX INDEX CONCURRENTLY. When it fails, the copy that it was making goes again."""
    copy = statements.drop(schema, statements.reindex_copy(name))
    return concurrent(statements.reindex(schema, name, tablespace), [_reads(rows)], copy)


def _reads(rows: float) -> Hazard:
    what = f"{rows:,.0f} rows twice" if rows >= 0 else "twice a table that was never analysed"
    return Hazard(
        type=HazardType.INDEX_BUILD,
        message=f"reads {what}; writes go on, and disk, CPU and I/O are needed meanwhile",
    )

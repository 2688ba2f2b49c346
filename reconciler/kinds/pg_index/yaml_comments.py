"""What is said beside an index that is written down: what answers the same, and that nobody has used it.

Stated, and never a recommendation: whoever reads it knows what the index is for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from reconciler.insight.bounded_queries import BoundedQueries
from reconciler.insight.candidate import Name
from reconciler.insight.index_usage import Counts, Uncounted, index_usage
from reconciler.kinds.pg_index.changes.index_in_words import as_definition
from reconciler.kinds.pg_index.definition.redundancy import Covering, covers
from reconciler.kinds.pg_index.model import TableName
from reconciler.kinds.pg_index.observed import LiveIndex
from reconciler.kinds.pg_index.observing.catalogue import Catalogue
from reconciler.targets.postgres.session import PostgresSession

LONG_ENOUGH = timedelta(days=7)
"""Counted for less than a week, an index may only have waited for its day."""

SECONDS = 15.0
"""For all questions about scans; without an answer nothing is said of them."""

_SINCE = "%Y-%m-%d %H:%M:%S UTC"


def remarks(
    session: PostgresSession, catalogue: Catalogue, written: Iterable[tuple[TableName, LiveIndex]]
) -> Mapping[tuple[TableName, str], str]:
    """By table and name, what is to be said beside those of the indexes that are `written`. Raises TargetError."""
    by_table: dict[TableName, list[LiveIndex]] = {}
    for table, live in written:
        by_table.setdefault(table, []).append(live)
    found: dict[tuple[TableName, str], list[str]] = {}
    for table, indexes in by_table.items():
        for live, said in _overlaps(catalogue.indexes[table], indexes):
            found.setdefault((table, live.name), []).append(said)
    # A unique index is a rule, and one that a constraint leans on serves it: neither needs a scan.
    asked = [(table, live) for table, all_of in by_table.items() for live in all_of if _only_serves_scans(live)]
    for (table, live), said in _unused(session, asked):
        found.setdefault((table, live.name), []).append(said)
    return {place: "; ".join(all_said) for place, all_said in found.items()}


def _only_serves_scans(live: LiveIndex) -> bool:
    return not (live.unique or live.constraint or live.replica_identity)


def _overlaps(there: Mapping[str, LiveIndex], written: Iterable[LiveIndex]) -> Iterable[tuple[LiveIndex, str]]:
    """For each of a table's indexes that others can answer for: which, the equal ones first."""
    definitions = {name: as_definition(live) for name, live in there.items() if live.valid}
    covering = Covering(definitions)
    for live in written:
        own = definitions.get(live.name)
        wider = [name for name in covering.of(own) if name != live.name] if own else []
        equal = [name for name in wider if own and covers(own, definitions[name])]
        said = [
            f"{words} {', '.join(names)}"
            for words, names in (
                ("duplicate of", equal),
                ("covered by", [name for name in wider if name not in equal]),
            )
            if names
        ]
        if said:
            yield live, "; ".join(said)


def _unused(
    session: PostgresSession, asked: Sequence[tuple[TableName, LiveIndex]]
) -> Iterable[tuple[tuple[TableName, LiveIndex], str]]:
    """Those that no server has scanned, as far as all of them, the replicas too, have counted for LONG_ENOUGH."""
    names: list[Name] = [(table[0], live.name) for table, live in asked]
    servers = index_usage(BoundedQueries(session, SECONDS), names) if names else []
    since = _counted_since(servers)
    if since is None:
        return
    counts = [server for server in servers if isinstance(server, Counts)]
    where = ", here and on its replicas" if len(counts) > 1 else ""
    for place, name in zip(asked, names, strict=True):
        uses = [server.uses.get(name) for server in counts]
        if all(use is not None and use.scans == 0 for use in uses):
            yield place, f"never scanned since {since:%Y-%m-%d}{where}"


def _counted_since(servers: Sequence[Counts | Uncounted]) -> datetime | None:
    """Since when all of `servers` count; None where one of them does not, or has not for long, or nobody knows."""
    found: list[datetime] = []
    for server in servers:
        if isinstance(server, Uncounted) or not server.counting or not server.since:
            return None
        found.append(datetime.strptime(server.since, _SINCE).replace(tzinfo=UTC))
    latest = max(found, default=None)
    return latest if latest is not None and datetime.now(UTC) - latest >= LONG_ENOUGH else None

"""Evidence of a drop, in facts: who uses the index, on this server and on its replicas, and since when."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.insight.bounded_queries import BoundedQueries
from reconciler.insight.candidate import Name
from reconciler.insight.index_usage import Counts, Uncounted, Use, index_usage
from reconciler.model import Fact


def usage(bounded: BoundedQueries, names: Sequence[Name]) -> dict[Name, list[Fact]]:
    """Facts about indexes (schema, name) that are to go, by name. Raises ConnectionFailed for this server alone."""
    if not names:
        return {}
    servers = index_usage(bounded, names)
    return {name: [fact for server in servers for fact in _facts(server, name)] for name in names}


def _facts(server: Counts | Uncounted, name: Name) -> list[Fact]:
    on = f" on {server.server}" if server.server else ""
    if isinstance(server, Uncounted):
        return [Fact(name=f"scans{on}", value=f"not known: {server.why}")]
    use = server.uses.get(name)
    if server.server:
        return [Fact(name=f"scans{on}", value="not known: no such index there")] if use is None else _scans(server, use)
    if use is None:
        return []
    size = [Fact(name="index", value=use.bytes, unit="bytes")] if use.bytes is not None else []
    return size + _scans(server, use)


def _scans(server: Counts, use: Use) -> list[Fact]:
    on = f" on {server.server}" if server.server else ""
    if not server.counting:
        return [Fact(name=f"scans{on}", value="not counted: track_counts is off")]
    facts = [Fact(name=f"scans{on}", value=use.scans, unit="scans")]
    if server.remembers_last and use.last_scan:
        facts.append(Fact(name=f"last scan{on}", value=use.last_scan))
    facts.append(Fact(name=f"statistics{on} since", value=server.since or "not known"))
    return facts

"""How many rows a build reads, how large the index will be, and about how long it may take: by the catalogue, the
statistics of ANALYZE and the planner."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from reconciler.insight.bounded_queries import CATALOGUE_SECONDS, BoundedQueries, Refused
from reconciler.insight.candidate import Candidate
from reconciler.insight.estimates.index_size import build_seconds, index_bytes
from reconciler.insight.estimates.selectivity import Selectivities
from reconciler.insight.estimates.value_statistics import ValueStatistics
from reconciler.insight.table_sizes import TableSize
from reconciler.targets.foreign.code import ForeignCode


class Build(NamedTuple):
    """A build of a candidate.

    table   what its table is like; None where there is none.
    reads   the tables that are read, at least one: those partitions that lack it, of a partitioned table.
    """

    candidate: Candidate
    table: TableSize | None
    reads: Sequence[TableSize]


class BuildEstimate(NamedTuple):
    """What is known of a build beforehand.

    table_bytes    of all tables that it reads; `measured`: of this moment, else of the last VACUUM or ANALYZE.
    rows           in them; None: one was never analysed, and nothing else is known.
    indexed_rows   those that its predicate keeps; None: it has none, or that is not known.
    selectivity    of its predicate, or why it is not known; None where there is nothing to know.
    bytes          of what is built, `largest` of the largest of several that are built one after the other; None where
                   nothing honest can be said.
    seconds        about; None likewise.
    """

    table_bytes: int
    measured: bool
    rows: int | None = None
    indexed_rows: int | None = None
    selectivity: float | Refused | None = None
    bytes: int | None = None
    largest: int = 0
    seconds: float | None = None


def estimate_builds(bounded: BoundedQueries, builds: Sequence[Build], foreign: ForeignCode) -> list[BuildEstimate]:
    """What is known of each, in order. `foreign`: about all expressions in them. Raises ConnectionFailed."""
    wanted = [(table, key) for build in builds for table in build.reads for key in build.candidate.columns]
    statistics = ValueStatistics(bounded, wanted, foreign)
    selectivities = Selectivities([(build.candidate, build.table) for build in builds], foreign)
    groups = (statistics.asked, selectivities.asked)
    widths, rows = bounded.groups(groups, seconds=CATALOGUE_SECONDS, code=foreign)
    statistics.take(widths)
    kept = selectivities.of(rows)
    return [_estimate(build, statistics, part) for build, part in zip(builds, kept, strict=True)]


def _estimate(build: Build, statistics: ValueStatistics, kept: float | Refused | None) -> BuildEstimate:
    candidate = build.candidate
    measured = all(table.measured for table in build.reads)
    known = BuildEstimate(sum(table.bytes for table in build.reads), measured, selectivity=kept)
    rows = [table.rows for table in build.reads if table.rows is not None]
    if len(rows) < len(build.reads):
        return known
    known = known._replace(rows=int(sum(rows)))
    fraction = 1.0
    if candidate.predicate:
        if not isinstance(kept, float):
            return known
        fraction = min(1.0, kept)
        known = known._replace(indexed_rows=int(sum(rows) * fraction))
    sizes: list[int] = []
    seconds: list[float] = []
    for table in build.reads:
        values = [each for key in candidate.columns if (each := statistics.values(table, key)) is not None]
        indexed = (table.rows or 0.0) * fraction
        keys, include = values[: len(candidate.keys)], values[len(candidate.keys) :]
        whole = len(values) == len(candidate.columns)
        size = index_bytes(candidate, keys, include, indexed, table.pages) if whole else None
        if size is not None:
            sizes.append(size)
            time = build_seconds(candidate, keys, indexed, table.bytes, size)
            seconds += [] if time is None else [time]
    if len(sizes) < len(build.reads):
        return known
    whole_time = sum(seconds) if len(seconds) == len(build.reads) else None
    return known._replace(bytes=sum(sizes), largest=max(sizes), seconds=whole_time)

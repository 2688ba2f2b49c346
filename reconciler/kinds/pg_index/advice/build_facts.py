"""Evidence of a build, in facts: the rows that it reads, how large the index will be, about how long it may take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from reconciler.insight.bounded_queries import BoundedQueries, Refused
from reconciler.insight.candidate import Candidate, Key, Name
from reconciler.insight.estimates.build_estimate import Build, BuildEstimate, estimate_builds
from reconciler.insight.table_sizes import TableSize
from reconciler.kinds.pg_index.advice.planned_statements import Work
from reconciler.kinds.pg_index.model import Definition
from reconciler.model import Address, Fact
from reconciler.targets.foreign.code import ForeignCode
from reconciler.targets.postgres.server_messages import UNPRIVILEGED

_SIZED = ("btree", "hash", "brin")
"""Access methods whose indexes are estimated, but for what is not known of their values."""


class Estimated(NamedTuple):
    """What is known of one change's builds, and the facts of it."""

    estimate: BuildEstimate
    facts: tuple[Fact, ...]


def estimates(
    bounded: BoundedQueries, works: Sequence[Work], sizes: Mapping[Name, TableSize], foreign: ForeignCode
) -> dict[Address, Estimated]:
    """By address, what can be said of every change that builds something. Raises ConnectionFailed."""
    builds: dict[Address, Build] = {}
    for work in works:
        reads = [
            sizes[command.schema, command.name] for command in work.builds if (command.schema, command.name) in sizes
        ]
        if work.definition and reads:
            table = sizes.get(work.table)
            builds[work.change.address] = Build(candidate(work.table, work.definition), table, reads)
    found = estimate_builds(bounded, list(builds.values()), foreign)
    return {
        address: Estimated(estimate, tuple(_facts(build.candidate, estimate)))
        for (address, build), estimate in zip(builds.items(), found, strict=True)
    }


def candidate(table: Name, definition: Definition) -> Candidate:
    """A definition, as far as its size, its build and its use depend on it."""
    return Candidate(
        table,
        tuple(Key(key.column, key.expression, key.opclass[-1] if key.opclass else "") for key in definition.keys),
        definition.method,
        definition.unique,
        definition.include,
        definition.predicate,
        dict(definition.options),
    )


def _facts(candidate: Candidate, known: BuildEstimate) -> list[Fact]:
    table = Fact(name="table", value=known.table_bytes, unit="bytes", estimated=not known.measured)
    if known.rows is None:
        return [Fact(name="rows", value="unknown: never analysed"), table, _not_estimated("")]
    facts = [Fact(name="rows", value=known.rows, unit="rows", estimated=True), table]
    if candidate.predicate and known.indexed_rows is None:
        return [*facts, _not_estimated(_why_not(known.selectivity))]
    if known.indexed_rows is not None:
        facts.append(Fact(name="indexed rows", value=known.indexed_rows, unit="rows", estimated=True))
    if known.bytes is None:
        return [*facts, _not_estimated("" if candidate.method in _SIZED else candidate.method)]
    facts.append(Fact(name="index", value=known.bytes, unit="bytes", estimated=True))
    if known.seconds is not None:
        facts.append(Fact(name="build time", value=round(known.seconds, 2), unit="seconds", estimated=True))
    return facts


def _why_not(kept: float | Refused | None) -> str:
    if not isinstance(kept, Refused) or kept.sqlstate not in ("", UNPRIVILEGED):
        return ""
    return "this role may not read the table" if kept.sqlstate else kept.message


def _not_estimated(why: str) -> Fact:
    return Fact(name="index", value=f"not estimated: {why}" if why else "not estimated")

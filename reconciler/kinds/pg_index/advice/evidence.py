"""Evidence of a build: how many rows it reads, how large the index will be, and about how long it may take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from psycopg import sql

from reconciler.kinds.pg_index.advice.ask import UNPRIVILEGED, About, Asking, Refused
from reconciler.kinds.pg_index.advice.columns import Columns
from reconciler.kinds.pg_index.advice.estimate import build_seconds, index_bytes
from reconciler.kinds.pg_index.advice.places import SECONDS, Name, Place
from reconciler.kinds.pg_index.advice.work import Work
from reconciler.kinds.pg_index.model import Definition, Element
from reconciler.model import Address, Fact
from reconciler.targets.foreign.code import ForeignCode
from reconciler.targets.foreign.plannable import unplannable, unrunnable
from reconciler.targets.foreign.reached import reached
from reconciler.targets.postgres.quoting import identifier, verbatim


class Estimate(NamedTuple):
    """What is known of one change's builds; `size` in bytes, None where nothing honest can be said.

    `largest` is the largest of several indexes that are built one after the other.
    """

    facts: tuple[Fact, ...]
    size: int | None = None
    largest: int = 0


def estimates(
    asking: Asking, works: Sequence[Work], places: Mapping[Name, Place], foreign: ForeignCode
) -> dict[Address, Estimate]:
    """By address, what can be said of every change that builds something. Raises ConnectionFailed."""
    sites: list[tuple[Work, Definition, list[Place]]] = []
    for work in works:
        there = [places[deed.schema, deed.name] for deed in work.builds if (deed.schema, deed.name) in places]
        if work.definition and there:
            sites.append((work, work.definition, there))
    columns = Columns(
        asking,
        [(place, key) for _, definition, there in sites for place in there for key in _parts(definition)],
        foreign,
    )
    kept = _kept(asking, [(work, definition) for work, definition, _ in sites], places, foreign)
    return {
        work.change.address: _estimate(definition, there, columns, kept.get(work.change.address))
        for work, definition, there in sites
    }


def _parts(definition: Definition) -> list[Element]:
    return [*definition.keys, *(Element(column=name) for name in definition.include)]


def _estimate(
    definition: Definition, there: Sequence[Place], columns: Columns, kept: float | Refused | None
) -> Estimate:
    table = Fact(
        name="table",
        value=sum(place.bytes for place in there),
        unit="bytes",
        estimated=not all(place.measured for place in there),
    )
    rows = [place.rows for place in there if place.rows is not None]
    if len(rows) < len(there):
        return Estimate((Fact(name="rows", value="unknown: never analysed"), table, _not_estimated("")))
    facts = [Fact(name="rows", value=int(sum(rows)), unit="rows", estimated=True), table]
    fraction = 1.0
    if definition.predicate:
        if not isinstance(kept, float):
            facts.append(_not_estimated(_why_not(kept)))
            return Estimate(tuple(facts))
        fraction = min(1.0, kept)
        facts.append(Fact(name="indexed rows", value=int(sum(rows) * fraction), unit="rows", estimated=True))
    sizes: list[int] = []
    seconds: list[float] = []
    for place in there:
        known = [columns.values(place, key) for key in _parts(definition)]
        values = [each for each in known if each is not None]
        indexed = (place.rows or 0.0) * fraction
        keys, include = values[: len(definition.keys)], values[len(definition.keys) :]
        whole = len(values) == len(known)
        size = index_bytes(definition, keys, include, indexed, place.pages) if whole else None
        if size is not None:
            sizes.append(size)
            time = build_seconds(definition, keys, indexed, place.bytes, size)
            seconds += [] if time is None else [time]
    if len(sizes) < len(there):
        return Estimate((*facts, _not_estimated("" if _sized(definition) else definition.method)))
    facts.append(Fact(name="index", value=sum(sizes), unit="bytes", estimated=True))
    if len(seconds) == len(there):
        facts.append(Fact(name="build time", value=round(sum(seconds), 2), unit="seconds", estimated=True))
    return Estimate(tuple(facts), sum(sizes), max(sizes))


def _sized(definition: Definition) -> bool:
    return definition.method in ("btree", "hash", "brin")


def _why_not(kept: Refused | None) -> str:
    if kept is None or kept.sqlstate not in ("", UNPRIVILEGED):
        return ""
    return "this role may not read the table" if kept.sqlstate else kept.message


def _not_estimated(why: str) -> Fact:
    return Fact(name="index", value=f"not estimated: {why}" if why else "not estimated")


def _kept(
    asking: Asking, works: Sequence[tuple[Work, Definition]], places: Mapping[Name, Place], foreign: ForeignCode
) -> dict[Address, float | Refused]:
    """What fraction of the rows a predicate keeps, in the planner's eyes; nothing is executed."""
    found: dict[Address, float | Refused] = {}
    asked: list[Address] = []
    queries = []
    about: list[About] = []
    for work, definition in works:
        place = places.get(work.table)
        if not definition.predicate or place is None:
            continue
        # For an estimate the planner runs stable functions, too.
        if why := unplannable(work.table, [definition.predicate], foreign) or unrunnable(
            definition.expressions, foreign
        ):
            found[work.change.address] = Refused(why)
            continue
        only = sql.SQL("" if place.relkind == "p" else "only ")
        for predicate in ("true", definition.predicate):
            queries.append(
                sql.SQL("explain (format json) select from {}{} where ({}\n)").format(
                    only, identifier(*work.table), verbatim(predicate)
                )
            )
            about.append((work.table, reached(definition.predicate)))
        asked.append(work.change.address)
    answers = asking.all([(query, None) for query in queries], seconds=SECONDS, code=foreign, about=about)
    for address, every, some in zip(asked, answers[::2], answers[1::2], strict=True):
        if isinstance(every, Refused):
            found[address] = every
        elif isinstance(some, Refused):
            found[address] = some
        else:
            total, part = (answer[0]["QUERY PLAN"][0]["Plan"]["Plan Rows"] for answer in (every, some))
            found[address] = part / total if total else 1.0
    return found

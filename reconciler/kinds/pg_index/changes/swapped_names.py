"""Names that go from one index to another: what a change renames beside its own index."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.kinds.pg_index.model import Declared, PgIndex, Swapped, full_name
from reconciler.kinds.pg_index.observed import Renamed
from reconciler.model import Address


def handed_over(declared: Sequence[Declared]) -> list[Declared]:
    """`declared`, where an index that is declared absent of one table, and present of another, is one: the name goes
    over."""
    found: dict[Address, PgIndex] = {}
    others: list[Declared] = []
    for each in declared:
        first = found.setdefault(each.address, each) if isinstance(each, PgIndex) else None
        if first is None or first is each:
            continue
        if joined := _handed_over(first, each):
            found[each.address] = joined
        else:
            others.append(each)  # it is declared twice, which whoever gathers all kinds says
    return [found[each.address] if found.get(each.address) else each for each in _once(declared)] + others


def _once(declared: Sequence[Declared]) -> Iterator[Declared]:
    told: set[Address] = set()
    for each in declared:
        if not isinstance(each, PgIndex) or each.address not in told:
            yield each
        told.add(each.address)


def _handed_over(first: PgIndex, second: Declared) -> PgIndex | None:
    """The two as one; None where only one of them may be declared."""
    if not isinstance(second, PgIndex) or (first.definition is None) == (second.definition is None):
        return None
    there, gone = (second, first) if first.definition is None else (first, second)
    if there.leaves or (there.schema_name, there.table) == (gone.schema_name, gone.table):
        return None
    return there.model_copy(update={"leaves": (gone.schema_name, gone.table)})


def with_swapped(indexes: Sequence[PgIndex]) -> list[PgIndex]:
    """`indexes`, and those that they carry along, whose names were in one circle with theirs when they were planned."""
    found = {index.address: index for index in indexes}
    for index in indexes:
        for other in swapped(index):
            found.setdefault(other.address, other)
    return list(found.values())


def swapped(index: PgIndex) -> list[PgIndex]:
    """What `index` carries along, as it was declared."""
    return [
        PgIndex(
            address=index.address._replace(name=full_name(index.schema_name, other.name)),
            schema_name=index.schema_name,
            table=other.table,
            name=other.name,
            definition=other.definition,
            search_path=index.search_path,
            new_partitions=other.new_partitions,
            leaves=other.leaves,
        )
        for other in index.swapped
    ]


def carried(index: PgIndex, circle: Sequence[Renamed]) -> tuple[Swapped, ...]:
    """What `index` has to carry along, so that the circle is found again where it is looked at alone."""
    return tuple(
        Swapped(
            table=each.table,
            name=each.name,
            definition=each.definition,
            new_partitions=each.new_partitions,
            leaves=each.leaves,
        )
        for each in circle
        if each.name != index.name
    )

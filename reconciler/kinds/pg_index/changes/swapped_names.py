"""Indexes whose names go round in a circle: a change of one of them carries the others along, and renames them, too."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.kinds.pg_index.model import PgIndex, Swapped, full_name
from reconciler.kinds.pg_index.observed import Renamed


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

"""A name that an index of one table hands over to an index of another, both declared at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.kinds.pg_index.model import Declared, PgIndex
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

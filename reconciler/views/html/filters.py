"""What rows of a page can be chosen by.

A value stands in the list to choose from and nowhere else: rows have its number, so that no text of others is in an
attribute.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar

Row = TypeVar("Row")


class Filter(NamedTuple):
    """A list to choose from: `name` of the attribute of rows, and the values, whose numbers are their places."""

    name: str
    values: tuple[str, ...]


class Filtered(NamedTuple, Generic[Row]):
    """A row, and by the name of each filter the numbers of its values: `0 3`."""

    row: Row
    numbers: Mapping[str, str]


def filtered(
    rows: Sequence[Row], by: Mapping[str, Callable[[Row], Iterable[str]]]
) -> tuple[list[Filter], list[Filtered[Row]]]:
    """The filters that leave a choice, and the rows."""
    filters: list[Filter] = []
    numbers: list[dict[str, str]] = [{} for _ in rows]
    for name, values_of in by.items():
        places: dict[str, int] = {}
        found = [[str(places.setdefault(value, len(places))) for value in values_of(row)] for row in rows]
        if len(places) > 1 or (places and not all(found)):
            filters.append(Filter(name, tuple(places)))
            for each, own in zip(numbers, found, strict=True):
                each[name] = " ".join(own)
    return filters, [Filtered(row, own) for row, own in zip(rows, numbers, strict=True)]

"""What REINDEX CONCURRENTLY leaves behind when it is interrupted: INVALID indexes, called `…_ccnew` or `…_ccold`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from reconciler.kinds.pg_index.model import LONGEST_NAME, TableName
from reconciler.kinds.pg_index.observing.catalogue import Catalogue

_LEFTOVER = re.compile(r"(?P<cut>.+)_cc(?:new|old)\d*\Z", re.DOTALL)


class ReindexLeftovers:
    """Those of a catalogue, found once for each table."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._found: dict[TableName, dict[bytes, list[str]]] = {}

    def of(self, table: TableName, indexes: Iterable[str]) -> Iterator[str]:
        """Names of what is left of some indexes of `table`."""
        left = self._on(table)
        if left:
            for name in indexes:
                yield from left.get(_cut(name), ())

    def _on(self, table: TableName) -> Mapping[bytes, Sequence[str]]:
        """By what is left in their names of the index that they were to replace."""
        found = self._found.get(table)
        if found is None:
            found = self._found[table] = {}
            for name, live in sorted(self._catalogue.indexes.get(table, {}).items()):
                if live.valid or live.builder is not None or live.parent:
                    continue
                if leftover := _LEFTOVER.match(name):
                    found.setdefault(_cut(leftover["cut"]), []).append(name)
        return found


def _cut(name: str) -> bytes:
    """As much of a name as REINDEX CONCURRENTLY keeps before `_ccnew` and a digit or two."""
    return name.encode()[: LONGEST_NAME - len("_ccnew99")]

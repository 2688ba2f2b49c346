"""The indexes of a table that are nobody's: not declared, not renamed to what is, no part, and no leftover."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.kinds.pg_index.model import UnlistedIndexes, table_of
from reconciler.kinds.pg_index.observed import LiveIndex
from reconciler.kinds.pg_index.observing import partition_indexes
from reconciler.kinds.pg_index.observing.catalogue import Catalogue
from reconciler.kinds.pg_index.observing.claims import Claims
from reconciler.kinds.pg_index.observing.name_exchange import Circles
from reconciler.kinds.pg_index.observing.reindex_leftovers import ReindexLeftovers


class Unlisted:
    """Those of a catalogue, as far as is known of `claims` by the time of asking."""

    def __init__(self, catalogue: Catalogue, claims: Claims, circles: Circles, leftovers: ReindexLeftovers) -> None:
        self._catalogue = catalogue
        self._claims = claims
        self._circles = circles
        self._leftovers = leftovers

    def of(self, resource: UnlistedIndexes) -> Iterator[LiveIndex]:
        """Those of the table of `resource`, by name."""
        table = table_of(resource)
        names = self._claims.of(table)
        known = {*resource.listed, *names.declared, *names.absent, *names.ours}
        left = set(self._leftovers.of(table, known))
        for name, live in sorted(self._catalogue.indexes.get(table, {}).items()):
            if name in known or name in left or live.constraint or live.replica_identity or live.parent:
                continue
            if any(partition_indexes.identities(self._catalogue, table, name)):
                continue
            if (table, name) in self._claims.renamed or (table, name) in self._claims.parts:
                continue
            if not self._circles.exchanges(table, name):
                yield live

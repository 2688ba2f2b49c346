"""What is asked of a server about code of others: by which names, in which schemas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from reconciler.targets.foreign.queries import QUERIES, UNCOMPILED
from reconciler.targets.foreign.reached import Name, Reached
from reconciler.targets.postgres.session import Asked, Row


@dataclass(frozen=True)
class Question:
    """Whose code `texts`, and queries on `tables`, may run.

    `path`: the schemas where unqualified names are looked for; `catalog_first`: in pg_catalog before them. `defaults`:
    rows are written, so that the defaults of columns count.
    """

    path: Sequence[str]
    texts: Sequence[Reached] = ()
    tables: Sequence[Name] = ()
    catalog_first: bool = True
    defaults: bool = False

    @property
    def queries(self) -> list[Asked]:
        """What to ask; it can ride on what is sent anyway. The rows are for `ForeignCode`."""
        return [(UNCOMPILED, None), *((query, self.params) for query in QUERIES)]

    @cached_property
    def params(self) -> Mapping[str, Any]:
        """Those of each query."""
        reached = self.texts
        relations = {name for each in reached for name in each.relations} | set(self.tables)
        named = [*(name for each in reached for name in each.functions | each.operators | each.types), *relations]
        return {
            "schemas": sorted({*self.path, "pg_catalog", *(schema for schema, _ in named if schema)}),
            "functions": sorted({name for each in reached for _, name in each.functions}),
            "operators": sorted({name for each in reached for _, name in each.operators}),
            "types": sorted({name for each in reached for _, name in each.types}),
            "relations": sorted({name for _, name in relations}),
            "path": list(self.path),
            "catalog_first": self.catalog_first,
            "defaults": self.defaults,
        }

    def is_about(self, row: Row) -> bool:
        """Whether a row that answers a wider question would answer this one, too."""
        names = _NAMED_BY.get(row["kind"])
        schema = row["schema"]
        is_there = schema in self.params["schemas"] or schema.startswith("pg_temp_")
        return names is None or (is_there and row["name"] in self.params[names])


_NAMED_BY = {
    "function": "functions", "operator": "operators", "type": "types", "table": "relations", "row": "relations",
}  # fmt: skip
"""By kind of a row, the parameter that holds its name; other kinds answer every question."""

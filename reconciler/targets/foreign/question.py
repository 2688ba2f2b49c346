"""What is asked of a server about code of others: by which names, in which schemas."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from reconciler.targets.foreign.queries import (
    QUERIES,
    QUERIES_WITHOUT_STRANGERS,
    SET_PATH,
    SET_PATH_WITHOUT_STRANGERS,
    UNCOMPILED,
)
from reconciler.targets.foreign.reached_names import Name, Reached
from reconciler.targets.postgres.session import Asked, PostgresSession, Row


@dataclass(frozen=True)
class Question:
    """Whose code `texts`, and queries on `tables`, may run.

    `path`: the schemas where unqualified names are looked for; `catalog_first`: in pg_catalog before them. `defaults`:
    rows are written, so that the defaults of columns count. `strangers`: they have something in this database, as far
    as is known; where they have not, less is asked, and that they have is told by a row.
    """

    path: Sequence[str]
    texts: Sequence[Reached] = ()
    tables: Sequence[Name] = ()
    catalog_first: bool = True
    defaults: bool = False
    strangers: bool = True

    @classmethod
    def of(
        cls, session: PostgresSession, texts: Sequence[Reached] = (), tables: Sequence[Name] = (),
        *, beside: Iterable[str] = (), defaults: bool = False,
    ) -> Question:  # fmt: skip
        """Where names are looked for as in `session`, and in the schemas `beside` its path."""
        path = [*session.search_path, *sorted({*beside} - {*session.search_path})]
        strangers = session.strangers_have_something
        asked = cls(path, texts, tables, session.pg_catalog_first, defaults, strangers)
        # Whoever names the schema of somebody's temporary tables gets there.
        temporary = not strangers and any(schema.startswith("pg_temp") for schema in asked.params["schemas"])
        return replace(asked, strangers=True) if temporary else asked

    @property
    def queries(self) -> list[Asked]:
        """What to ask; it can ride on what is sent anyway. The rows are for `ForeignCode`."""
        queries = QUERIES if self.strangers else QUERIES_WITHOUT_STRANGERS
        return [(UNCOMPILED, None), *((query, self.params) for query in queries)]

    def set_path(self, path: str, known: Sequence[str]) -> list[Asked]:
        """Sets a search_path, unless something is answered by now that is not among what is `known`, the answers."""
        if not self.strangers:
            return [(UNCOMPILED, None), (SET_PATH_WITHOUT_STRANGERS, {"set_path": path})]
        return [(UNCOMPILED, None), (SET_PATH, {**self.params, "known": known, "set_path": path})]

    @cached_property
    def params(self) -> Mapping[str, Any]:
        """Those of each query."""
        reached = set(self.texts)  # of many texts that are alike, all reach the same
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
        is_there = schema in self._sets["schemas"] or schema.startswith("pg_temp_")
        return names is None or (is_there and row["name"] in self._sets[names])

    @cached_property
    def _sets(self) -> Mapping[str, Set[str]]:
        return {name: frozenset(self.params[name]) for name in ("schemas", *_NAMED_BY.values())}


_NAMED_BY = {
    "function": "functions", "operator": "operators", "type": "types", "table": "relations", "row": "relations",
}  # fmt: skip
"""By kind of a row, the parameter that holds its name; other kinds answer every question."""

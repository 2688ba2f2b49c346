"""What the catalogue says of indexes and their tables: one pipeline for everything that is declared."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from psycopg import sql

from reconciler.kinds.pg_index.comparison.user_defined import MADE, Made
from reconciler.kinds.pg_index.definition.create_index import Explicit
from reconciler.kinds.pg_index.definition.server_printing_faults import mended
from reconciler.kinds.pg_index.model import TableName
from reconciler.kinds.pg_index.observed import LiveIndex, ObservedKey, TableFacts
from reconciler.kinds.pg_index.observing.catalogue_queries import (
    IN_WRITTEN_ORDER,
    INDEXES,
    LOCKED,
    NAMES,
    OWN_PATH,
    SCHEMAS,
    TABLES,
    WANTED,
)
from reconciler.kinds.pg_index.observing.explicit_keys import explicit_keys
from reconciler.targets.foreign.code import ForeignCode
from reconciler.targets.foreign.question import Question
from reconciler.targets.foreign.reached_names import reached
from reconciler.targets.postgres.redacted_statements import blocker
from reconciler.targets.postgres.session import Asked, PostgresSession

_RELKINDS = {
    "r": "table", "p": "partitioned table", "v": "view", "m": "materialized view", "S": "sequence",
    "f": "foreign table", "c": "composite type", "t": "TOAST table", "i": "index", "I": "index",
}  # fmt: skip


Holders = dict[tuple[str, str], str]
"""By schema and name of a relation: what it is, "table" or "index of public.other"."""


@dataclass
class Catalogue:
    """Tables by name, partitions among them, their indexes by name, and who holds each of the names that are wanted.

    `foreign`: what the expressions that were asked about, and the indexes that are there, reach of strangers; `made`:
    what users have made in this database.
    """

    foreign: ForeignCode
    made: Made = field(default_factory=Made)
    tables: dict[TableName, TableFacts] = field(default_factory=dict)
    indexes: dict[TableName, dict[str, LiveIndex]] = field(default_factory=dict)
    holders: Holders = field(default_factory=dict)

    @cached_property
    def partitions(self) -> dict[TableName, list[TableName]]:
        """The partitions of each partitioned table, one level down, sorted by name."""
        found: dict[TableName, list[TableName]] = {}
        for name, facts in sorted(self.tables.items()):
            if facts.parent:
                found.setdefault((facts.parent[0], facts.parent[1]), []).append(name)
        return found

    def below(self, table: TableName) -> list[TableName]:
        """All partitions of `table`, those of partitions too, each before its own."""
        found = []
        for partition in self.partitions.get(table, ()):
            found += [partition, *self.below(partition)]
        return found


def read(
    session: PostgresSession,
    tables: Iterable[TableName],
    names: Sequence[tuple[str, str]],
    expressions: Iterable[str] = (),
) -> Catalogue:
    """Reads `tables`, their partitions, all their indexes, and what holds `names` (schema, index name).

    `expressions` are declared ones, of which it is asked whose code they may reach. One round trip. Raises TargetError.
    """
    wanted = list(dict.fromkeys(tables))
    tables_query = sql.SQL(TABLES).format(wanted=sql.SQL(WANTED))
    texts = [text for text in map(reached, expressions) if text]
    question = Question.of(session, texts, wanted)
    *foreign, schemas_found, names_found, made_found, _, tables_found, indexes_found = session.fetch_all(
        [
            *question.queries,
            *((SCHEMAS, None), (NAMES, _by_name(names)), (MADE, None)),
            *(
                (IN_WRITTEN_ORDER, None),
                (tables_query, {**_by_table(wanted), "acting": session.acting_oid}),
                indexes_of(session, wanted),
            ),
        ]
    )
    catalogue = Catalogue(
        ForeignCode(question, foreign),
        Made.of(made_found, session.search_path),
        holders=_holders(names_found),
    )
    for row in tables_found:
        own = (row["schema"], row["name"])
        catalogue.tables[own] = TableFacts(
            relkind=row["relkind"],
            rows=row["rows"],
            bytes=row["bytes"],
            forbidden=_forbidden(row, session.acting),
            parent=(row["parent_schema"], row["parent"]) if row["parent"] else (),
            root=(row["root_schema"], row["root"]) if row["root"] else own,
            toast_leftovers=tuple(row["toast_leftovers"]),
        )
    for own, facts in catalogue.tables.items():
        if facts.relkind == "p":
            catalogue.tables[own] = facts.model_copy(update=_sums(catalogue, own))
    reader = _Reader({row["oid"]: row["name"] for row in schemas_found})
    for row in indexes_found:
        catalogue.indexes.setdefault((row["schema"], row["table"]), {})[row["name"]] = reader.live(row)
    return catalogue


def indexes_of(session: PostgresSession, tables: Sequence[TableName]) -> Asked:
    """The question for all indexes of `tables`, to be sent `IN_WRITTEN_ORDER`. The last of its transaction: it sets the
    role's own search_path."""
    nulls_not_distinct = "x.indnullsnotdistinct" if session.version_num >= 150000 else "false"
    query = sql.SQL(INDEXES).format(
        wanted=sql.SQL(WANTED), nulls_not_distinct=sql.SQL(nulls_not_distinct), own_path=sql.SQL(OWN_PATH)
    )
    return query, {**_by_table(tables), "own_path": session.own_path}


def holders(session: PostgresSession, names: Sequence[tuple[str, str]]) -> Callable[[], Holders]:
    """What holds each of `names` (schema, name of a relation), where something does. One query, which is sent with the
    next ones."""
    if not names:
        return dict
    riding = session.beside(NAMES, _by_name(names))
    return lambda: _holders(session.answer(riding))


def locked(session: PostgresSession, tables: Iterable[TableName]) -> dict[TableName, str]:
    """Who holds which of `tables`, or a partition of it, as a whole at this moment. One query."""
    found = {}
    for row in session.fetch(LOCKED, _by_table(list(dict.fromkeys(tables)))):
        table = (row.pop("schema"), row.pop("name"))
        found[table] = str(blocker(**row, hide_numbers=session.target.hide_values))
    return found


def _by_table(tables: Sequence[TableName]) -> dict[str, list[str]]:
    return {"schemas": [schema for schema, _ in tables], "tables": [table for _, table in tables]}


def _by_name(names: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    return {"schemas": [schema for schema, _ in names], "names": [name for _, name in names]}


def _holders(rows: Iterable[Mapping[str, Any]]) -> Holders:
    found: Holders = {}
    for row in rows:
        kind = _RELKINDS.get(row["relkind"], "relation")
        of = f" of {row['table_schema']}.{row['table']}" if row["table"] else ""
        found[row["schema"], row["name"]] = kind + of
    return found


def _forbidden(row: Mapping[str, Any], role: str) -> str:
    table = f"{row['schema']}.{row['name']}"
    if row["owner"]:
        # Nobody should be given a superuser's rights for an index.
        way = f"apply as {row['owner']}" if row["owner_is_superuser"] else f"grant {row['owner']} to {role}"
        return f"{table} belongs to {row['owner']}; {way}"
    if not row["may_create"]:
        return f"it has no CREATE on the schema of {table}; grant create on schema {row['schema']} to {role}"
    return ""


def _sums(catalogue: Catalogue, table: TableName) -> dict[str, float]:
    """Rows and bytes of a partitioned table's partitions; rows -1 where one was never analysed."""
    parts = [catalogue.tables[part] for part in catalogue.below(table) if catalogue.tables[part].relkind != "p"]
    rows = [part.rows for part in parts]
    return {"rows": -1 if min(rows, default=0) < 0 else sum(rows), "bytes": sum(part.bytes for part in parts)}


class _Reader:
    """Makes live indexes of rows. Indexes that are alike share their keys."""

    def __init__(self, schemas: Mapping[int, str]) -> None:
        self._schemas = schemas
        self._keys: dict[tuple[object, ...], ObservedKey] = {}

    def live(self, row: Mapping[str, Any]) -> LiveIndex:
        count = row["key_count"]
        parsed = explicit_keys(row) if row["definition"] else None
        return LiveIndex.of_known(
            name=row["name"],
            method=row["method"],
            unique=row["unique"],
            nulls_not_distinct=row["nulls_not_distinct"],
            keys=tuple(self._key(row, n, parsed[n] if parsed else None) for n in range(count)),
            include=tuple(row["columns"][count:]),
            predicate=mended(row["predicate"] or ""),
            options=_options(row["options"]),
            tablespace=row["tablespace"] or "",
            elsewhere=row["elsewhere"],
            valid=row["valid"],
            partitioned=row["partitioned"],
            constraint=row["constraint"] or "",
            leaned_on=row["leaned_on"],
            replica_identity=row["replica_identity"],
            not_null=tuple(row["not_null"] or ()),
            immediate=row["immediate"],
            parent=(row["parent_schema"], row["parent"]) if row["parent"] else (),
            builder=row["builder"],
            bytes=row["bytes"],
            comment=row["comment"] or "",
            statistics=tuple((n, target) for n, target in enumerate(row["statistics"][:count], 1) if target != -1),
            clustered=row["clustered"],
            extensions=tuple(row["extensions"] or ()),
        )

    def _key(self, row: Mapping[str, Any], n: int, parsed: Explicit | None) -> ObservedKey:
        raw = (
            row["columns"][n],
            mended(row["expressions"][n] or ""),
            row["collations"][n],
            row["collation_schemas"][n],
            # PostgreSQL prints a collation or an operator class exactly where it is not the default.
            not parsed.collation if parsed else row["collations_default"][n],
            row["collations_visible"][n],
            row["opclasses"][n],
            row["opclass_schemas"][n],
            not parsed.opclass if parsed else row["opclasses_default"][n],
            row["opclasses_visible"][n],
            row["opclass_options"][n],
            row["sort_options"][n],
        )
        key = self._keys.get(raw)
        if key is None:
            key = self._keys[raw] = self._made(*raw)
        return key

    def _made(
        self,
        column: str,
        expression: str,
        collation: str | None,
        collation_schema: int | None,
        collation_is_default: bool,
        collation_is_visible: bool,
        opclass: str | None,
        opclass_schema: int | None,
        opclass_is_default: bool,
        opclass_is_visible: bool,
        options: str,
        sort: int,
    ) -> ObservedKey:
        return ObservedKey(
            column=column,
            expression=expression,
            collation=(self._schemas[collation_schema], collation) if collation and collation_schema else (),
            collation_is_default=collation_is_default,
            collation_is_visible=collation_is_visible,
            opclass=(self._schemas[opclass_schema], opclass) if opclass and opclass_schema else (),
            opclass_is_default=opclass_is_default,
            opclass_is_visible=opclass_is_visible,
            opclass_options=_options(options.split("\x01") if options else []),
            descending=bool(sort & 1),  # INDOPTION_DESC
            nulls_first=bool(sort & 2),  # INDOPTION_NULLS_FIRST
        )


def _options(texts: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """`["fillfactor=70"]` as pairs."""
    return tuple((name, value) for name, _, value in (text.partition("=") for text in texts))

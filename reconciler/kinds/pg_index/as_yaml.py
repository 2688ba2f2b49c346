"""What a database has, as the YAML that declares it.

Every index is written as a person would, declared again from what was written, and planned against the database it came
from: only what the plan finds to be as declared is kept. Where it is not, expressions are written as PostgreSQL prints
them, then the whole as `sql`; what even that cannot say is left out and says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import TypeAdapter

from reconciler.errors import DesiredError
from reconciler.kind import Declaration, Kind
from reconciler.kinds.as_yaml import objection
from reconciler.kinds.pg_index.changes import statements
from reconciler.kinds.pg_index.changes.index_in_words import as_declared
from reconciler.kinds.pg_index.definition.plain_spelling import plainly, tidily
from reconciler.kinds.pg_index.model import Declared, Definition, PgIndex, TableName
from reconciler.kinds.pg_index.observed import AnyObserved, LiveIndex
from reconciler.kinds.pg_index.observing.catalogue import Catalogue, read
from reconciler.kinds.pg_index.observing.locked_or_slow_tables import read_without
from reconciler.kinds.pg_index.sections import TableSection
from reconciler.kinds.pg_index.yaml_comments import remarks
from reconciler.model import Address
from reconciler.targets.postgres.session import PostgresSession
from reconciler.yaml.writing import LeftOut, Noted, gathered

SECTION = "tables"

# Whatever an extension brought is the extension's. Temporary tables are their sessions' own.
_TABLES = """
    select n.nspname as schema, t.relname as name
    from pg_catalog.pg_class t
    join pg_catalog.pg_namespace n on n.oid = t.relnamespace
    where t.relkind in ('r', 'p', 'm')
      and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
      and t.relpersistence <> 't'
      and exists (select from pg_catalog.pg_index x where x.indrelid = t.oid)
      and not exists (
          select from pg_catalog.pg_depend d
          where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = t.oid and d.deptype = 'e')
"""

_SECTIONS: TypeAdapter[dict[str, TableSection]] = TypeAdapter(dict[str, TableSection])


class _Index(NamedTuple):
    """An index that may be declared; `table` and `name` as YAML spells them."""

    table: str
    name: str
    schema: str
    live_table: str
    live: LiveIndex
    definition: Definition


def written(kind: Kind[PostgresSession, Declared, AnyObserved], session: PostgresSession) -> dict[str, Any]:
    """The section `tables`: dicts, lists and texts, and LeftOut for what is not declared. Raises TargetError."""
    there = [(row["schema"], row["name"]) for row in session.fetch(_TABLES)]
    catalogue, hidden = read_without(
        session, there, lambda left_out: read(session, [table for table in there if table not in left_out], [])
    )
    tables: dict[str, dict[str, Any]] = {}
    candidates: list[_Index] = []
    for (schema, table), indexes in sorted(catalogue.indexes.items()):
        entries = tables.setdefault(table_name(schema, table), {})
        for name, live in sorted(indexes.items()):
            reason = _not_to_be_declared(live)
            entries[index_name(name)] = LeftOut(reason) if reason else {}
            if not reason:
                definition = as_declared(live)
                if live.partitioned:
                    options = _options_of_parts(catalogue, (schema, table), live)
                    definition = definition.model_copy(update={"options": options})
                key = (table_name(schema, table), index_name(name))
                candidates.append(_Index(*key, schema, table, live, definition))
    every = candidates
    declared: dict[Address, tuple[str, str]] = {}
    for spell in (_plainly, _exactly, _as_sql):
        found = {(index.table, index.name): spell(index) for index in candidates}
        wrong = _what_differs(kind, session, found, declared)
        for (table_key, name_key), entry in found.items():
            problem = wrong.get((table_key, name_key))
            left_out = LeftOut(f"cannot be declared exactly: {problem}") if problem is not None else None
            tables[table_key][name_key] = left_out or entry
        candidates = [index for index in candidates if (index.table, index.name) in wrong]
        if not candidates:
            break
    for (table_key, name_key), comment in _remarks(session, catalogue, every).items():
        entry = tables[table_key][name_key]
        tables[table_key][name_key] = entry if isinstance(entry, LeftOut) else Noted(entry, comment)
    sections = {table: _section(entries) for table, entries in tables.items()}
    return {SECTION: sections | {table_name(*table): LeftOut(why) for table, why in hidden.items()}}


def _remarks(session: PostgresSession, catalogue: Catalogue, indexes: Sequence[_Index]) -> dict[tuple[str, str], str]:
    """What stands beside indexes, by their keys."""
    by_place = {((each.schema, each.live_table), each.live.name): (each.table, each.name) for each in indexes}
    places = [((each.schema, each.live_table), each.live) for each in indexes]
    return {by_place[place]: said for place, said in remarks(session, catalogue, places).items()}


def table_name(schema: str, table: str) -> str:
    """`schema.table` as a key of `tables`: the reverse of `syntax.qualified_name`."""
    return ".".join(_quoted(name) if "." in name or '"' in name else name for name in (schema, table))


def index_name(name: str) -> str:
    """The name of an index or of a column of `include`: as it is, but for one that looks like a quoted name."""
    return _quoted(name) if name[0] == name[-1] == '"' else name


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _section(entries: Mapping[str, Any]) -> Any:
    """What is left out is a comment in the section, or in its place where nothing is left."""
    found = gathered(entries)
    if any(not isinstance(entry, LeftOut) for entry in found.values()):
        return {"indexes": found}
    return LeftOut("; ".join(f"{names}: {entry.reason}" for names, entry in found.items()))


def _not_to_be_declared(live: LiveIndex) -> str:
    """Why an index is none of a declaration's business; empty where it is."""
    if live.is_of_constraint:  # what a foreign key or a replica identity leans on may be declared
        return "left to the constraint that it belongs to"
    if live.parent:
        return "comes with the index of the partitioned table"
    if live.builder is not None:
        return f"being built at this moment by process {live.builder}"
    if not live.valid:
        return "INVALID, since its build failed or parts of it are missing"
    return ""


def _options_of_parts(catalogue: Catalogue, table: TableName, live: LiveIndex) -> tuple[tuple[str, str], ...]:
    """The storage parameters of a partitioned index: those of its parts, which can be changed, where they agree."""
    belonging = {(table[0], live.name)}
    found = set()
    for partition in catalogue.below(table):
        for part in catalogue.indexes.get(partition, {}).values():
            if part.parent in belonging:
                belonging.add((partition[0], part.name))
                if not part.partitioned:
                    found.add(part.options)
    return found.pop() if len(found) == 1 else live.options


def _plainly(index: _Index) -> dict[str, Any]:
    """The short form, without what PostgreSQL adds to expressions."""
    return _as_columns(index, plainly)


def _exactly(index: _Index) -> dict[str, Any]:
    """The short form, with all that PostgreSQL prints of expressions but superfluous parentheses."""
    return _as_columns(index, tidily)


def _as_columns(index: _Index, respelt: Callable[[str], str]) -> dict[str, Any]:
    """The short form: what is not the default, expressions as `respelt` has them."""
    definition = index.definition
    keys = (
        key.model_copy(update={"expression": respelt(key.expression)}) if key.expression else key
        for key in definition.keys
    )
    entry: dict[str, Any] = {
        "columns": [statements.element(key).as_string(None) for key in keys],
        "include": [index_name(column) for column in definition.include],
        "where": respelt(definition.predicate) if definition.predicate else "",
        "using": definition.method if definition.method != "btree" else "",
        "unique": "true" if definition.unique else "",
        "nulls_not_distinct": "true" if definition.nulls_not_distinct else "",
        "with": dict(definition.options),
        "tablespace": definition.tablespace,
    }
    return {key: value for key, value in entry.items() if value} | _beside(index.live)


def _as_sql(index: _Index) -> dict[str, Any]:
    """The whole statement."""
    statement = statements.create(index.schema, index.live_table, index.live.name, index.definition)
    return {"sql": statement.replace("index concurrently", "index", 1)} | _beside(index.live)


def _beside(live: LiveIndex) -> dict[str, Any]:
    """What is no part of a definition, and may stand beside either form."""
    beside: dict[str, Any] = {}
    if live.comment:
        beside["comment"] = live.comment
    if live.statistics:
        beside["statistics"] = {str(key): str(target) for key, target in live.statistics}
    return beside


def _what_differs(
    kind: Kind[PostgresSession, Declared, AnyObserved],
    session: PostgresSession,
    entries: Mapping[tuple[str, str], Any],
    declared: dict[Address, tuple[str, str]],
) -> dict[tuple[str, str], str]:
    """What a plan would say of each entry that is not read back as what is there.

    `declared` remembers who has which address: names that hold dots can come to the same one.
    """
    wrong: dict[tuple[str, str], str] = {}
    resources: list[PgIndex] = []
    for (table, name), entry in entries.items():
        try:
            for resource in _declared(kind, session, table, name, entry):
                if declared.setdefault(resource.address, (table, name)) == (table, name):
                    resources.append(resource)
                else:
                    wrong[table, name] = f"another index has the address {resource.address}, too"
        except (DesiredError, ValueError) as error:
            wrong[table, name] = str(error)
    observed = kind.observe(session, resources)
    for resource in resources:
        for outcome in kind.plan(resource, observed.get(resource.address)):
            wrong[declared[resource.address]] = objection([outcome])
    return wrong


def _declared(
    kind: Kind[PostgresSession, Declared, AnyObserved], session: PostgresSession, table: str, name: str, entry: Any
) -> Iterable[PgIndex]:
    value = _SECTIONS.validate_python({table: {"indexes": {name: entry}}})
    found = kind.declare(Declaration(session.target, SECTION, value, "", lambda path: ""))
    return (resource for resource in found if isinstance(resource, PgIndex))

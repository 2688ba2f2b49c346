"""An index and a declaration with one thing changed: the server says whether they differ, and a plan has to see it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum
from itertools import zip_longest
from typing import Any, NamedTuple

import psycopg
from psycopg import sql

from suites import plans
from suites.built import Built
from suites.databases import Databases
from suites.edits import Section, Shape, edits, statement
from suites.facts import Result
from suites.plans import Declared, Verdict

NAME = "suites_changed"

SHAPE = """
    select array(select quote_ident(a.attname) from pg_attribute a
                 where a.attrelid = x.indrelid and a.attnum = any (x.indkey::int2[]) order by a.attnum),
           array(select quote_ident(a.attname) from pg_attribute a
                 where a.attrelid = x.indrelid and a.attnum > 0 and not a.attisdropped and a.attgenerated in ('', 's')
                   and a.attnum <> all (x.indkey::int2[]) order by a.attnum),
           array(select x.indcollation[k.place] <> 0 from generate_series(0, x.indnkeyatts - 1) k (place)
                 order by k.place),
           array(select coalesce(
                     (select min(quote_ident(n.nspname) || '.' || quote_ident(o.opcname))
                      from pg_opclass o join pg_namespace n on n.oid = o.opcnamespace
                      where o.opcmethod = i.relam and o.oid <> c.oid and o.opcintype = c.opcintype), '')
                 from generate_series(0, x.indnkeyatts - 1) k (place)
                 join pg_opclass c on c.oid = x.indclass[k.place] order by k.place)
    from pg_index x join pg_class i on i.oid = x.indexrelid where x.indexrelid = %s
"""

# All but the name: what is printed from USING on, whether it is unique, and what the catalogue holds.
DEFINITION = """
    select substr(d, strpos(d, ' USING ')), x.indisunique, x.indnkeyatts, x.indkey::text, x.indcollation::text,
           x.indclass::text, x.indoption::text, i.reltablespace
    from pg_index x join pg_class i on i.oid = x.indexrelid, lateral pg_get_indexdef(i.oid) d where i.oid = %s
"""


class Truth(Enum):
    """What the server makes of a changed declaration."""

    DIFFERENT = "another index"
    SAME = "the same"
    REFUSED = "refused"


class Pair(NamedTuple):
    """`label`: what is changed; `server`: what the server makes of it, or why it makes nothing."""

    built: Built
    label: str
    section: Section
    truth: Truth
    server: str


def pairs(databases: Databases, name: str, declared: Sequence[Built]) -> Iterator[tuple[Result, str, str, str]]:
    """All changes of all indexes: the result, the index, what was changed, and what was said.

    A plan holds one change of each index.
    """
    with databases.connection(name) as connection:
        connection.execute("set statement_timeout = '30s'")
        found = [list(_pairs_of(connection, index)) for index in declared]
    for turn in zip_longest(*found):
        at_once = [pair for pair in turn if pair]
        judgements = plans.judge(databases, name, [Declared(pair.built, pair.section) for pair in at_once])
        for pair, (verdict, message) in zip(at_once, judgements, strict=True):
            result = RESULTS[pair.truth][verdict]
            said = f"{message or verdict}; declared: {pair.section}; the server: {pair.server}"
            yield result, ".".join(pair.built.key), pair.label, said


_TOLD = {Verdict.NOT_COMPARED: Result.TOLD, Verdict.REFUSED: Result.TOLD}
_SEEN = dict.fromkeys((Verdict.DIFFERENT, Verdict.BLOCKED), Result.SEEN)
_FALSE = dict.fromkeys((Verdict.DIFFERENT, Verdict.BLOCKED), Result.FALSELY_DIFFERENT)

RESULTS = {
    Truth.DIFFERENT: _TOLD | _SEEN | {Verdict.IN_SYNC: Result.MISSED},
    Truth.SAME: _TOLD | _FALSE | {Verdict.IN_SYNC: Result.NOT_DIFFERENT},
    Truth.REFUSED: dict.fromkeys(Verdict, Result.REFUSED) | {Verdict.IN_SYNC: Result.MISSED},
}
"""What is refused has to be told of in any way; to be in sync is none."""


def _pairs_of(connection: psycopg.Connection, index: Built) -> Iterator[Pair]:
    connection.execute("set search_path = pg_catalog")
    shape = Shape(*(tuple(each) for each in _row(connection, SHAPE, index.oid)))
    was = _row(connection, DEFINITION, index.oid)
    for label, section in edits(index.columns, index.method, shape):
        text = statement(section, NAME, index.schema, index.table)
        try:
            with connection.transaction(force_rollback=True):
                connection.execute(sql.SQL("set local search_path = {}").format(_path(index)))
                connection.execute(text.encode())
                connection.execute("set local search_path = pg_catalog")
                oid = _row(
                    connection, "select to_regclass(%s)::oid", sql.Identifier(index.schema, NAME).as_string(None)
                )[0]
                found = _row(connection, DEFINITION, oid)
        except (psycopg.errors.UniqueViolation, psycopg.errors.ExclusionViolation):
            yield Pair(index, label, section, Truth.DIFFERENT, "its rows are not unique")
        except psycopg.Error as error:
            yield Pair(index, label, section, Truth.REFUSED, str(error).splitlines()[0])
        else:
            yield Pair(index, label, section, Truth.SAME if found == was else Truth.DIFFERENT, str(found))


def _path(index: Built) -> sql.Composable:
    return sql.SQL(", ").join(map(sql.Identifier, index.path)) if index.path else sql.Literal("")


def _row(connection: psycopg.Connection, query: str, *values: Any) -> tuple[Any, ...]:
    found = connection.execute(query.encode(), values).fetchone()
    assert found is not None
    return found

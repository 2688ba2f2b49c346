"""Whether expressions that come down to the same also lean on the same: asked where users have made something that
folding hides, or where collations are named, which it forgets.

Three ways, from the most certain on. PostgreSQL reads both as the same tree: it looks for each ORDER BY among the
columns of its SELECT, as trees and before anything is folded, and sorts by one column more where it finds none. Else
both are read once more with marks around what can be hidden (`leaning.py`), where each mark can mean one thing alone.
Else it cannot be told, and that is said.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import Any, LiteralString, NamedTuple

from psycopg import sql

from reconciler.kinds.pg_index.compare import Unread, ask, explain, row_of
from reconciler.kinds.pg_index.leaning import Expression, Leaning, Meant, Name, expression
from reconciler.kinds.pg_index.readings import Readings, TableName, Text
from reconciler.kinds.pg_index.syntax import verbatim
from reconciler.targets.postgres import PostgresSession, Query


class Pair(NamedTuple):
    """What is declared, and what is there in its place."""

    declared: Text
    live: Text


class _Side(NamedTuple):
    text: Text
    expression: Expression

    @property
    def is_plain(self) -> bool:
        return not (self.expression.leanings or self.expression.has_collations)


def settle(readings: Readings, questions: Sequence[Sequence[Pair]]) -> list[bool | Unread]:
    """Whether the two sides of all pairs of each question, which come down to the same, lean on the same."""
    pairs = list(dict.fromkeys(pair for question in questions for pair in question if _may_hide(readings, pair)))
    answers = dict(zip(pairs, _settled(readings, pairs), strict=True))
    found: list[bool | Unread] = []
    for question in questions:
        given = [answers.get(pair, True) for pair in question]
        unread = next((answer for answer in given if isinstance(answer, Unread)), None)
        found.append(False if False in given else unread or True)
    return found


def _may_hide(readings: Readings, pair: Pair) -> bool:
    return any(readings.made.may_be_in(text.sql) for text in pair)


def _settled(readings: Readings, pairs: Sequence[Pair]) -> list[bool | Unread]:
    found: dict[Pair, bool | Unread] = {}
    sides: dict[Pair, tuple[_Side, _Side]] = {}
    for pair in pairs:
        one, other = (expression(text.sql, readings.made) for text in pair)
        if one is None or other is None:
            found[pair] = Unread("our parser does not know its syntax, and functions of users may hide in it")
            continue
        both = (_Side(pair.declared, one), _Side(pair.live, other))
        if not all(side.is_plain for side in both):
            sides[pair] = both
    if sides:
        _compare(readings, sides, found)
    return [found.get(pair, True) for pair in pairs]


def _compare(readings: Readings, sides: dict[Pair, tuple[_Side, _Side]], found: dict[Pair, bool | Unread]) -> None:
    tests = [
        (pair.declared.table, texts)
        for pair, both in sides.items()
        for texts in [(pair.declared.asked, pair.live.asked), *_facing(both)]
        if all(texts)
    ]
    equal = _equal_trees(readings, tests)
    named = _Named(readings.session, sides.values())
    marked: dict[Pair, list[str]] = {}
    for pair, (one, other) in sides.items():
        table = pair.declared.table
        if (table, (pair.declared.asked, pair.live.asked)) in equal:
            continue
        for side in (one, other):
            side.expression.forget_collations(named.columns.get(table, {}))
        if one.is_plain and other.is_plain:
            continue
        alike = [(table, texts) in equal for texts in _facing((one, other))]
        meant = [_meant(side.expression.leanings, alike, named) for side in (one, other)]
        if vague := next((each for side in meant for each in side if isinstance(each, Leaning)), None):
            found[pair] = Unread(
                f"it cannot be told which {vague.kind} of the name {vague.name[1]} is meant: write its schema, or "
                "write the expression as PostgreSQL shows it"
            )
            continue
        texts = [
            side.expression.marked([each for each in identities if isinstance(each, Meant)])
            for side, identities in zip((one, other), meant, strict=True)
        ]
        if all(texts):
            marked[pair] = texts
        else:
            found[pair] = Unread("it cannot be compared part by part, and functions of users hide in it")
    _compare_marked(readings, marked, found)


def _compare_marked(readings: Readings, marked: Mapping[Pair, list[str]], found: dict[Pair, bool | Unread]) -> None:
    queries = [explain(*pair.declared.table, texts) for pair, texts in marked.items()]
    for pair, output in zip(marked, ask(readings.session, queries, readings.foreign), strict=True):
        if isinstance(output, str):
            found[pair] = Unread(output)
        else:
            one, other = (readings.means(text, is_predicate=pair.declared.is_predicate) for text in output)
            found[pair] = one == other


def _facing(both: tuple[_Side, _Side]) -> list[tuple[str, str]]:
    """The texts of the leanings of both sides, each with the one that stands in its place; none where one side has more
    than the other."""
    one, other = (side.expression.leanings for side in both)
    return [(a.text, b.text) for a, b in zip(one, other, strict=True)] if len(one) == len(other) else []


def _meant(leanings: Sequence[Leaning], alike: Sequence[bool], named: _Named) -> list[Meant | Leaning]:
    """What each leaning means: the same as the one that faces it, or the only thing of its name. Else itself."""
    return [
        Meant(f"the same as the other's {number}") if same else named.only(each) or each
        for number, (each, same) in enumerate(zip_longest(leanings, alike, fillvalue=False))
        if isinstance(each, Leaning)
    ]


def _equal_trees(
    readings: Readings, tests: Iterable[tuple[TableName, tuple[str, str]]]
) -> set[tuple[TableName, tuple[str, str]]]:
    """Those of the pairs of texts that PostgreSQL reads as the same tree, before anything is folded."""
    by_table: dict[TableName, dict[tuple[str, str], None]] = {}
    for table, texts in tests:
        by_table.setdefault(table, {})[texts] = None
    equal: set[tuple[TableName, tuple[str, str]]] = set()
    together = [(table, list(pairs)) for table, pairs in by_table.items()]
    unread = _ask_trees(readings, together, equal)
    # One of them spoils the others: each for itself.
    _ask_trees(readings, [(table, [pair]) for table, pairs in unread for pair in pairs], equal)
    return equal


def _ask_trees(
    readings: Readings,
    asked: Sequence[tuple[TableName, list[tuple[str, str]]]],
    equal: set[tuple[TableName, tuple[str, str]]],
) -> list[tuple[TableName, list[tuple[str, str]]]]:
    """Adds to `equal`; those that the server could not read come back."""
    unread = []
    queries = [_sorted(table, pairs) for table, pairs in asked]
    for (table, pairs), output in zip(asked, ask(readings.session, queries, readings.foreign), strict=True):
        if isinstance(output, str):
            unread.append((table, pairs))
        else:
            equal |= {(table, pairs[number]) for number in _found_again(output, len(pairs))}
    return unread


def _sorted(table: TableName, pairs: Sequence[tuple[str, str]]) -> Query:
    """The first of each pair selected, the second to sort by. concat() is stable, and keeps the number visible."""
    selected, by = (
        sql.SQL(", ").join(
            sql.SQL("pg_catalog.concat({}, ({}\n) is null)").format(number, verbatim(pair[side]))
            for number, pair in enumerate(pairs)
        )
        for side in (0, 1)
    )
    return sql.SQL("explain (verbose, costs off, format json) select {} from {} order by {}").format(
        selected, row_of(*table), by
    )


_NUMBER = re.compile(r"\(*(?:pg_catalog\.)?concat\((\d+), ")


def _found_again(output: Sequence[str], selected: int) -> set[int]:
    """The numbers of the expressions that were found among the selected ones: no column was added for them."""
    added = [_NUMBER.match(text) for text in output[selected:]]
    if len(output) < selected or not all(added):
        return set()
    return set(range(selected)) - {int(number[1]) for number in added if number}


_COLUMNS: LiteralString = """
    select n.nspname as schema, c.relname as table, a.attname as name, cn.nspname as collation_schema, co.collname
    from rows from (pg_catalog.unnest(%(schemas)s::pg_catalog.text[]),
                    pg_catalog.unnest(%(tables)s::pg_catalog.text[])) as wanted (schema, name)
    join pg_catalog.pg_namespace n on n.nspname = wanted.schema
    join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = wanted.name
    join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    join pg_catalog.pg_collation co on co.oid = a.attcollation
    join pg_catalog.pg_namespace cn on cn.oid = co.collnamespace
"""

_CANDIDATES: LiteralString = """
    select 'function' as kind, n.nspname as schema, p.proname as name, p.oid::pg_catalog.int8 as oid,
           p.pronargs - p.pronargdefaults as least, case when p.provariadic = 0 then p.pronargs::int end as most,
           (select pg_catalog.array_agg(case when t.typtype <> 'p' then tn.nspname end order by argument.n)
            from pg_catalog.unnest(p.proargtypes::pg_catalog.oid[]) with ordinality as argument (type, n)
            join pg_catalog.pg_type t on t.oid = argument.type
            join pg_catalog.pg_namespace tn on tn.oid = t.typnamespace) as schemas,
           (select pg_catalog.array_agg(t.typname order by argument.n)
            from pg_catalog.unnest(p.proargtypes::pg_catalog.oid[]) with ordinality as argument (type, n)
            join pg_catalog.pg_type t on t.oid = argument.type) as types
    from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
    where p.proname = any(%(function)s)
    union all
    select 'operator', n.nspname, o.oprname, o.oid::pg_catalog.int8, null, null, null, null
    from pg_catalog.pg_operator o join pg_catalog.pg_namespace n on n.oid = o.oprnamespace
    where o.oprname = any(%(operator)s)
    union all
    select 'type', n.nspname, t.typname, t.oid::pg_catalog.int8, null, null, null, null
    from pg_catalog.pg_type t join pg_catalog.pg_namespace n on n.oid = t.typnamespace
    where t.typname = any(%(type)s)
"""


class _Named:
    """What has the names that some expressions lean on, and the collations of their tables' columns."""

    def __init__(self, session: PostgresSession, sides: Iterable[tuple[_Side, _Side]]) -> None:
        """One round trip."""
        every = [side for both in sides for side in both]
        leanings = [leaning for side in every for leaning in side.expression.leanings]
        tables = sorted({side.text.table for side in every if side.expression.has_collations})
        names = {
            kind: sorted({each.name[1] for each in leanings if each.kind == kind})
            for kind in ("function", "operator", "type")
        }
        by_table = {"schemas": [schema for schema, _ in tables], "tables": [table for _, table in tables]}
        columns, candidates = session.fetch_all([(_COLUMNS, by_table), (_CANDIDATES, names)])
        self.columns: dict[TableName, dict[str, Name]] = {}
        for row in columns:
            collations = self.columns.setdefault((row["schema"], row["table"]), {})
            collations[row["name"]] = (row["collation_schema"], row["collname"])
        self._path = (*session.search_path, "pg_catalog")
        self._candidates: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
        for row in candidates:
            self._candidates.setdefault((row["kind"], row["name"]), []).append(row)

    def only(self, leaning: Leaning) -> Meant | None:
        """The one thing that `leaning` can mean; None where it may be one of several."""
        schema, name = leaning.name
        places = [schema] if schema else self._path
        number, named = leaning.arguments
        there = [
            row
            for row in self._candidates.get((leaning.kind, name), ())
            if row["schema"] in places and (leaning.kind != "function" or row["least"] <= number <= _most(row, number))
        ]
        if len(there) != 1:
            return None
        [row] = there
        types = [(of, each) if of else None for of, each in zip(row["schemas"] or (), row["types"] or (), strict=True)]
        # Which argument stands where is only certain where none is named.
        return Meant(f"{leaning.kind} {row['oid']} of {number} {' '.join(named)}", () if named else types)


def _most(row: Mapping[str, Any], number: int) -> int:
    return number if row["most"] is None else int(row["most"])

"""What the server makes of declared keys and predicates: their types, and whether all in them is immutable.

Nothing is executed but the names of types, over a row that is not there: the planner drops what cannot give any row.
Whether an expression is immutable is known to the planner alone, which knows what each operator and cast in it stands
for. It makes deductions from immutable conditions only: where it sees that `array[x is null]` is not both null and not
null, there is nothing in `x` that an index may not hold.

Decided: docs/decisions.md#what-raises-as-it-is-folded
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from psycopg import sql

from reconciler.errors import ObservationFailed
from reconciler.kinds.pg_index.comparison.compare import Unread, row_of, unread
from reconciler.kinds.pg_index.comparison.folding_markers import expression
from reconciler.kinds.pg_index.comparison.user_defined import Made
from reconciler.kinds.pg_index.model import Definition
from reconciler.targets.foreign.code import ForeignCode
from reconciler.targets.postgres.quoting import identifier, verbatim
from reconciler.targets.postgres.session import PostgresSession, Query, Row

_DEDUCE = "select pg_catalog.set_config('constraint_exclusion', 'on', true)"

_COLLATABLE = "'{25,1042,1043}'::pg_catalog.oid[]"
"""text, bpchar and varchar: what has a collation wherever it comes from."""


class Asked(NamedTuple):
    """A definition of an index on a table; `in_place`: an index with these keys is there, and changes beside them."""

    schema: str
    table: str
    definition: Definition
    in_place: bool = False


class Reading(NamedTuple):
    """What the server reads in a definition.

    types      of its keys, as oids.
    undecided  numbers of keys, from 0, of which no collation can be told.
    mutable    of its expressions, by their number in `Definition.expressions`, those that are not immutable.
    raised     the error of a function of users that was folded; empty where there was none. Then nothing is known of
               `mutable`.
    """

    types: tuple[int, ...]
    undecided: frozenset[int]
    mutable: tuple[int, ...]
    raised: str = ""


def readings(
    session: PostgresSession, asked: Sequence[Asked], foreign: ForeignCode, made: Made
) -> list[Reading | Unread]:
    """What the server reads in each definition, or what it had against it. One round trip if it likes all of them.

    What functions of users may have against being run here says nothing of an index: CREATE INDEX runs them as the
    table's owner. So those definitions are read once more, without what folds them.
    Nobody is to be asked for what may run code of others. Raises TargetError.
    """
    types = [_types(each) for each in asked]
    groups = [[query, *_purities(each, each.definition.expressions)] for query, each in zip(types, asked, strict=True)]
    found = [each if isinstance(each, Unread) else _reading(each) for each in _ask(session, groups, foreign)]
    again = {
        n: each
        for n, each in enumerate(found)
        if isinstance(each, Unread) and not each.not_compared and _calls(asked[n].definition, made)
    }
    for n, answer in zip(again, _ask(session, [[types[n]] for n in again], foreign), strict=True):
        if not isinstance(answer, Unread):
            found[n] = _reading(answer)._replace(raised=again[n].why)
    return found


def _calls(definition: Definition, made: Made) -> bool:
    """Whether a definition calls anything that users have made."""
    read = (expression(text, made) for text in definition.expressions if made.may_be_in(text))
    return any(each.leanings for each in read if each)


def not_immutable(
    session: PostgresSession, asked: Sequence[tuple[Asked, Sequence[str]]], foreign: ForeignCode
) -> list[tuple[bool, ...]]:
    """Which of each list of expressions are not immutable; one that cannot be read is taken for one that is."""
    flat = [(which, text) for which, (_, texts) in enumerate(asked) for text in texts]
    groups = [_purities(asked[which][0], [text]) for which, text in flat]
    found: list[list[bool]] = [[] for _ in asked]
    for (which, _), answer in zip(flat, _ask(session, groups, foreign), strict=True):
        found[which].append(not isinstance(answer, Unread) and not _is_excluded(answer[0]))
    return [tuple(each) for each in found]


def _types(asked: Asked) -> Query:
    """One row: the types of all keys, and where no collation can be told. The predicate has to be a condition."""
    definition = asked.definition
    keys: list[sql.Composable] = [
        sql.SQL("({}\n){}").format(
            identifier(key.column) if key.column else _whole(key.expression),
            sql.SQL(" collate {}").format(identifier(*key.collation)) if key.collation else sql.SQL(""),
        )
        for key in definition.keys
    ]
    keys += [identifier(column) for column in definition.include]
    named = sql.SQL(", ").join(sql.SQL("{} as {}").format(key, sql.Identifier(f"k{n}")) for n, key in enumerate(keys))
    count = len(definition.keys)
    types = [f"pg_catalog.pg_typeof(s.k{n})::pg_catalog.oid::pg_catalog.int8" for n in range(count)]
    undecided = [
        f"case when pg_catalog.pg_typeof(s.k{n})::pg_catalog.oid operator(pg_catalog.=) any ({_COLLATABLE}) "
        f"then pg_catalog.pg_collation_for(s.k{n}) is null end"
        for n in range(count)
    ]
    return sql.SQL(
        "select array[{types}] as types, array[{undecided}] as undecided from (select) as one left join ("
        "select * from (select {named} from {row}{where} offset 0) as read where false offset 0) as s on true"
    ).format(
        types=verbatim(", ".join(types)),
        undecided=verbatim(", ".join(undecided)),
        named=named,
        row=row_of(asked.schema, asked.table),
        where=sql.SQL(" where ({}\n)").format(verbatim(definition.predicate)) if definition.predicate else sql.SQL(""),
    )


def _whole(expression: str) -> sql.Composed:
    """An expression that stays one: `t.*` in a list of columns would be all of them."""
    return sql.SQL("case when true then ({}\n) end").format(verbatim(expression))


def _purities(asked: Asked, expressions: Sequence[str]) -> list[Query]:
    """A plan without a scan for each expression that is immutable."""
    condition = "explain (costs off, format json) select from {} where array[({}\n) is null] is null"
    condition += " and array[({}\n) is null] is not null"
    row = row_of(asked.schema, asked.table)
    return [sql.SQL(condition).format(row, verbatim(text), verbatim(text)) for text in expressions]


def _reading(answers: Sequence[Row]) -> Reading:
    types, *plans = answers
    return Reading(
        tuple(types["types"]),
        frozenset(number for number, undecided in enumerate(types["undecided"]) if undecided),
        tuple(number for number, plan in enumerate(plans) if not _is_excluded(plan)),
    )


def _is_excluded(row: Row) -> bool:
    plan: dict[str, Any] = row["QUERY PLAN"][0]["Plan"]
    return plan["Node Type"] == "Result" and "Plans" not in plan


def _ask(
    session: PostgresSession, groups: Sequence[Sequence[Query]], foreign: ForeignCode
) -> Iterator[list[Row] | Unread]:
    """The one row of each query of each group, or what the server had against one of the group."""
    if not groups:
        return
    queries = [(query, None) for group in groups for query in group]
    try:
        before = [(_DEDUCE, None), *foreign.with_path(session.own_path)]
        found = session.fetch_all([*before, *queries])[len(before) :]
    except ObservationFailed as error:
        why = unread(session, error)
        if len(groups) == 1:
            yield why
            return
        middle = len(groups) // 2
        yield from _ask(session, groups[:middle], foreign)
        yield from _ask(session, groups[middle:], foreign)
        return
    at = 0
    for group in groups:
        yield [rows[0] for rows in found[at : at + len(group)]]
        at += len(group)

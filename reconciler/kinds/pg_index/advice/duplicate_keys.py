"""What a unique index would meet: keys that occur more than once, found before a long build fails at its end over them.

One bounded query a change, as unique as the index will be: its expressions, its predicate, its collations, and nulls
that are distinct unless it says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from psycopg import sql

from reconciler.insight.bounded_queries import (
    LOCKED,
    TIMED_OUT,
    BoundedQueries,
    Refused,
)
from reconciler.insight.candidate import Name
from reconciler.insight.table_sizes import TableSize
from reconciler.kinds.pg_index.advice.planned_statements import Work
from reconciler.kinds.pg_index.model import Definition, Element
from reconciler.model import Action, Notice, NoticeType
from reconciler.targets.foreign.code import ForeignCode
from reconciler.targets.foreign.plannable import unplannable, unrunnable
from reconciler.targets.foreign.reached_names import reached
from reconciler.targets.postgres.quoting import identifier, verbatim
from reconciler.targets.postgres.server_messages import UNPRIVILEGED
from reconciler.targets.postgres.session import Query, Row

DUPLICATE_SECONDS = 30.0
"""For one query: it reads the table once, about as the build will twice, and must not become a load of its own."""

LONGEST_VALUE = 60
"""Characters of one value in an example."""

# Some compare by other rules than their type does: nothing is said about those.
_OWN_RULES = """
    select distinct oc.opcname as name
    from pg_catalog.pg_opclass oc join pg_catalog.pg_am am on am.oid = oc.opcmethod
    where am.amname = 'btree' and not oc.opcdefault
      and not (oc.opcname in ('text_pattern_ops', 'varchar_pattern_ops', 'bpchar_pattern_ops', 'varchar_ops')
               and oc.opcnamespace = 'pg_catalog'::pg_catalog.regnamespace)
"""


class Checked(NamedTuple):
    """By the number of the change: what stands in its way, or what could not be checked."""

    blocked: Mapping[int, Notice]
    unchecked: Sequence[Notice]


def own_rules(bounded: BoundedQueries, works: Sequence[Work]) -> Callable[[], set[str]]:
    """Asks for operator classes that compare by rules of their own, beside whatever is asked next; what is returned
    tells their names, and raises ConnectionFailed. None where nothing of `works` is to be checked."""
    if not any(_is_to_be_checked(work) for work in works):
        return set
    asked = bounded.beside(_OWN_RULES)

    def names() -> set[str]:
        answer = asked()
        return set() if isinstance(answer, Refused) else {row["name"] for row in answer}

    return names


def _is_to_be_checked(work: Work) -> bool:
    return work.definition is not None and work.definition.unique and not _is_unique_already(work)


def check(
    bounded: BoundedQueries, works: Sequence[Work], sizes: Mapping[Name, TableSize], foreign: ForeignCode,
    own_rules: Callable[[], set[str]],
) -> Checked:  # fmt: skip
    """Looks for duplicates under every unique index that would be built. Raises ConnectionFailed.

    Its expressions are run on every row: only those that PostgreSQL would take in an index, and that are nobody's code
    whom this session does not trust.
    """
    blocked: dict[int, Notice] = {}
    unchecked: list[Notice] = []
    for number, work in enumerate(works):
        definition = work.definition
        if definition is None or not _is_to_be_checked(work):
            continue
        if why := unplannable(work.table, definition.expressions, foreign) or unrunnable(
            definition.expressions, foreign
        ):
            unchecked.append(_unchecked(work, why))
            continue
        strange = [key.opclass[-1] for key in definition.keys if key.opclass and key.opclass[-1] in own_rules()]
        if strange:
            unchecked.append(_unchecked(work, f"the operator class {strange[0]} compares in its own way"))
            continue
        table = sizes.get(work.table)
        found = bounded.one(
            duplicates(work.table, definition, only=table is None or table.relkind != "p"),
            seconds=DUPLICATE_SECONDS,
            code=foreign.about(map(reached, definition.expressions), [work.table]),
        )
        if isinstance(found, Refused):
            unchecked.append(_unchecked(work, _why(found)))
        elif found:
            message = _message(definition, found, hide_values=bounded.session.target.hide_values)
            if work.change.action is Action.REBUILD:
                message += (
                    "; the one that is there is INVALID, and every write maintains it: "
                    "declare it absent to have it dropped"
                )
            blocked[number] = Notice(
                address=work.change.address,
                type=NoticeType.BLOCKED,
                message=message,
                declared_at=work.change.declared_at,
            )
    return Checked(blocked, unchecked)


def duplicates(table: Name, definition: Definition, *, only: bool) -> Query:
    """The keys that occur more than once, the most frequent first: their values as texts, `times`, and `keys` in all.

    `only`: of the table itself, without what inherits from it; a partitioned table is read with its partitions.
    """
    keys = [_key(key) for key in definition.keys]
    names = [sql.Identifier(f"k{n}") for n in range(len(keys))]
    # Not IS NOT NULL, which is false of a composite value with a null inside: such a one is indexed.
    conditions = (
        [] if definition.nulls_not_distinct else [sql.SQL("{} is distinct from null").format(name) for name in names]
    )
    return sql.SQL(
        "with indexed as (select {keys} from {only}{table} {where}), "
        "repeated as materialized (select {names}, pg_catalog.count(*) as times from indexed {present} "
        "group by {names} "
        "having pg_catalog.count(*) operator(pg_catalog.>) 1) "
        "select {texts}, times, (select pg_catalog.count(*) from repeated) as keys "
        "from repeated order by times desc limit 1"
    ).format(
        keys=sql.SQL(", ").join(sql.SQL("{} as {}").format(key, name) for key, name in zip(keys, names, strict=True)),
        only=sql.SQL("only " if only else ""),
        table=identifier(*table),
        where=sql.SQL("where ({}\n)").format(verbatim(definition.predicate)) if definition.predicate else sql.SQL(""),
        names=sql.SQL(", ").join(names),
        present=sql.SQL("where {}").format(sql.SQL(" and ").join(conditions)) if conditions else sql.SQL(""),
        texts=sql.SQL(", ").join(sql.SQL("{0}::pg_catalog.text as {0}").format(name) for name in names),
    )


def _key(key: Element) -> sql.Composable:
    value = identifier(key.column) if key.column else sql.SQL("({}\n)").format(verbatim(key.expression))
    return sql.SQL("{} collate {}").format(value, identifier(*key.collation)) if key.collation else value


def _is_unique_already(work: Work) -> bool:
    """Whether the index that is there proves that nothing occurs twice under the same keys."""
    before, after = work.change.before, work.change.after
    return (
        before is not None
        and after is not None
        and bool(before.get("valid") and before.get("unique"))
        and all(before.get(name) == after.get(name) for name in ("table", "columns", "predicate"))
        and bool(before.get("nulls_not_distinct") or not after.get("nulls_not_distinct"))
        and work.change.action is not Action.REBUILD
    )


def _message(definition: Definition, rows: Sequence[Row], *, hide_values: bool) -> str:
    row = rows[0]
    names = ", ".join(
        (identifier(key.column).as_string(None) if key.column else key.expression) for key in definition.keys
    )
    many = f"{row['keys']:,} key{'s occur' if row['keys'] != 1 else ' occurs'} more than once"
    values = ", ".join(_short(row[f"k{n}"]) for n in range(len(definition.keys)))
    example = (
        f", up to {row['times']:,} times"
        if hide_values
        else f", for example ({names}) = ({values}) {row['times']:,} times"
    )
    where = f" under ({names})" if hide_values else ""
    return f"{many}{where}{example}: a unique index cannot be built"


def _short(value: str | None) -> str:
    if value is None:
        return "null"
    line = " ".join(value.split())
    return line if len(line) <= LONGEST_VALUE else line[: LONGEST_VALUE - 1] + "…"


def _unchecked(work: Work, why: str) -> Notice:
    return Notice(
        address=work.change.address,
        type=NoticeType.PREFLIGHT,
        message=f"not checked for duplicates: {why}",
        declared_at=work.change.declared_at,
    )


def _why(refused: Refused) -> str:
    match refused.sqlstate:
        case state if state == UNPRIVILEGED:
            return f"this role may not read the whole table ({refused.message})"
        case state if state == TIMED_OUT:
            return (
                f"reading the table took more than {DUPLICATE_SECONDS:.0f} s, or than was left of the time for advice"
            )
        case state if state == LOCKED:
            return "the table is locked by another session"
        case _:
            return refused.message

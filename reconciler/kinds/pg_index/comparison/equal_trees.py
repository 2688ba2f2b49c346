"""Which texts PostgreSQL reads as the same tree, before anything is folded.

It looks for each ORDER BY among the columns of its SELECT, as trees, and sorts by one column more where it finds none.

Decided: docs/decisions.md#what-folding-hides, docs/decisions.md#what-raises-as-it-is-folded
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from psycopg import sql

from reconciler.kinds.pg_index.comparison.compare import Unread, answers, ask, row_of, unplanned
from reconciler.kinds.pg_index.comparison.server_readings import Readings, in_batches
from reconciler.kinds.pg_index.model import TableName
from reconciler.targets.postgres.quoting import verbatim
from reconciler.targets.postgres.session import Query

Test = tuple[TableName, tuple[str, str]]
"""Two texts over the rows of a table."""


def equal_trees(readings: Readings, tests: Iterable[Test], raising: Iterable[Test] = ()) -> set[Test]:
    """Those of the pairs of texts that PostgreSQL reads as the same tree, before anything is folded.

    `raising`: further ones, that raise an error as they are folded.
    """
    every, unplanned_ones = dict.fromkeys(tests), dict.fromkeys(raising)
    equal = {test for test in (*every, *unplanned_ones) if test[1][0] == test[1][1]}
    by_table: dict[TableName, list[tuple[str, str]]] = {}
    for table, texts in (test for test in every if test not in equal):
        by_table.setdefault(table, []).append(texts)
    together = [(table, some) for table, pairs in by_table.items() for some in in_batches(pairs)]
    unread = _ask_trees(readings, together, equal)
    # One of them spoils the others: each for itself.
    alone = [(table, [pair]) for table, pairs in unread for pair in pairs]
    _ask_trees(readings, alone, equal)
    _ask_unplanned(readings, [test for test in unplanned_ones if test not in equal], equal)
    return equal


def _ask_trees(
    readings: Readings,
    asked: Sequence[tuple[TableName, Sequence[tuple[str, str]]]],
    equal: set[Test],
) -> list[tuple[TableName, Sequence[tuple[str, str]]]]:
    """Adds to `equal`; those that the server could not read come back."""
    unread = []
    queries = [_sorted(table, pairs) for table, pairs in asked]
    for (table, pairs), output in zip(asked, ask(readings.session, queries, readings.foreign), strict=True):
        if isinstance(output, Unread):
            unread.append((table, pairs))
        else:
            equal |= {(table, pairs[number]) for number in _found_again(output, len(pairs))}
    return unread


def _ask_unplanned(readings: Readings, asked: Sequence[Test], equal: set[Test]) -> None:
    """Adds to `equal` those whose second the server finds among the columns; else it refuses to sort distinct rows."""
    queries = [
        unplanned(*table, *(f"pg_catalog.concat(({text}\n) is null)" for text in texts)) for table, texts in asked
    ]
    for test, found in zip(asked, answers(readings.session, queries, readings.foreign), strict=True):
        if not isinstance(found, Unread):
            equal.add(test)


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

from __future__ import annotations

from random import Random

import pytest
from demo import declared

from reconciler.demo import data, workload
from reconciler.errors import UsageError

ROWS = 100_000
"""With fewer, reading a whole table is right in the planner's eyes for some of the small ones."""


def used(node: dict) -> set[str]:
    """The indexes in a plan of EXPLAIN."""
    found = {node["Index Name"]} if "Index Name" in node else set()
    return found.union(*(used(inner) for inner in node.get("Plans", [])))


def test_every_query_uses_the_indexes_that_serve_it_and_no_index_is_without_one(sql):
    data.load(sql, ROWS)
    for name, (table, index) in declared.indexes().items():
        sql.execute(declared.create_index(name, table, index))
    sql.execute("vacuum analyze")
    counts = workload.count(sql)
    unused, useful = [], set()
    for seed in range(3):
        values = workload.draw(Random(seed), counts)  # noqa: S311 - a sample
        for query in workload.QUERIES:
            [[[explained]]] = sql.execute(b"explain (format json) " + query.sql, values).fetchall()
            found = used(explained["Plan"])
            useful |= found
            unused += [(query.name, index, found) for index in query.serves if index not in found]
    assert unused == []
    assert set(declared.indexes()) - useful == set()


def test_every_index_names_the_queries_that_it_serves_and_they_name_it():
    by_index = {name: index["why"].partition(":")[0].split(", ") for name, (_, index) in declared.indexes().items()}
    by_query = {query.name: list(query.serves) for query in workload.QUERIES}
    told_by_indexes = {(query, index) for index, queries in by_index.items() for query in queries}
    told_by_queries = {(query, index) for query, indexes in by_query.items() for index in indexes}
    assert told_by_indexes == told_by_queries


def test_a_round_runs_every_query_once(sql):
    data.load(sql, 1_000)
    assert workload.run(sql, rounds=3) == 3 * len(workload.QUERIES)


def test_the_queries_find_something(sql):
    data.load(sql, 20_000)
    counts = workload.count(sql)
    found = dict.fromkeys((query.name for query in workload.QUERIES), 0)
    for seed in range(10):
        values = workload.draw(Random(seed), counts)  # noqa: S311 - a sample
        for query in workload.QUERIES:
            found[query.name] += len(sql.execute(query.sql, values).fetchall())
    assert [name for name, rows in found.items() if not rows] == []


def test_every_query_has_a_name_of_its_own_and_only_reads():
    assert len(workload.QUERIES) == len({query.name for query in workload.QUERIES}) == 30
    assert all(query.sql.lstrip().startswith((b"select", b"with")) for query in workload.QUERIES)


@pytest.mark.parametrize("rounds", [0, -1, workload.MOST_ROUNDS + 1])
def test_an_impossible_number_of_rounds_is_refused(rounds):
    with pytest.raises(UsageError, match="choose a number from 1 to"):
        workload.run(None, rounds)


def test_without_data_there_is_an_error_in_plain_words(sql):
    with pytest.raises(UsageError, match="not there"):
        workload.run(sql, 1)

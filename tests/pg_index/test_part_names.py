"""Names that are chosen for parts of partitioned indexes, and INVALID ones that no name would mend."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from applying.acting import apply, plan_for, results
from live import converge, outcomes

from pg_index.declared import tables
from reconciler.kinds.pg_index import KIND
from reconciler.kinds.pg_index.changes.partitioned_validity import looks_again
from reconciler.model import Action, Applied

pytestmark = pytest.mark.matrix

TREE = """
    create table events (id int, a int, at date) partition by range (id);
    create table events_1 partition of events for values from (0) to (10);
    create table events_2 partition of events for values from (10) to (20) partition by range (id);
    create table events_2a partition of events_2 for values from (10) to (15);
    create table other (a int);
"""
WHOLE = {"columns": ["a"]}


@pytest.fixture
def tree(sql):
    sql.execute(TREE)
    return sql


class Case(NamedTuple):
    name: str
    declared: dict[str, dict[str, Any]]
    reason: str


def _of(table: str, **indexes: Any) -> dict[str, Any]:
    return {f"public.{table}": {"indexes": indexes}}


CASES = [
    Case("on the partition", _of("events", events_a_idx=WHOLE) | _of("events_1", events_1_a_idx={"columns": ["at"]}),
         "the part would be called events_1_a_idx"),
    Case("first", _of("events_1", events_1_a_idx={"columns": ["at"]}) | _of("events", events_a_idx=WHOLE),
         "in the other order"),
    Case("on another table", _of("events", events_a_idx=WHOLE) | _of("other", events_1_a_idx=WHOLE),
         "names belong to the schema"),
    Case("the same definition", _of("events", events_a_idx=WHOLE) | _of("events_1", events_1_a_idx=WHOLE),
         "two are declared, and two are built"),
    Case("the same, first", _of("events_1", events_1_a_idx=WHOLE) | _of("events", events_a_idx=WHOLE),
         "the part is not made of the one that is declared for itself, once that is there"),
    Case("the same, of any name", _of("events_1", hot=WHOLE) | _of("events", events_a_idx=WHOLE), "likewise"),
    Case("numbered", _of("events_1", events_1_a_idx=WHOLE, events_1_a_idx1=WHOLE, events_1_a_idx2=WHOLE)
         | _of("events_1", events_1_a_idx3={"columns": ["id"]}) | _of("events", events_a_idx=WHOLE),
         "numbers are appended, as PostgreSQL does, and may be taken, too"),
    Case("of two that come down to one", _of("events", events_a_idx=WHOLE, a_idx={"columns": ["a", "id"]}),
         "both would call their part events_1_a_idx"),
    Case("deeper", _of("events", events_a_idx=WHOLE) | _of("events_2a", events_2a_a_idx={"columns": ["at"]}),
         "and below a partition"),
    Case("that is to be", _of("events", events_a_idx=WHOLE) | _of("events_2", events_2_a_idx={"columns": ["id"]}),
         "a partitioned index of a partition"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_no_part_takes_a_name_that_is_declared(tree, pg_target, case):
    """One plan, applied once, does it all: before, one of them was stale."""
    resources = tables(pg_target, case.declared)
    receipt = apply(plan_for(pg_target, resources), pg_target)
    assert set(results(receipt).values()) == {Applied.APPLIED}, case.reason
    assert outcomes(KIND, pg_target, resources) == []
    invalid = tree.execute("select indexrelid::regclass from pg_index where not indisvalid").fetchall()
    assert invalid == []


@pytest.mark.parametrize("taken", [1, 5], ids=["once", "many times"])
def test_nor_one_that_something_else_has(tree, pg_target, taken):
    for number in range(taken):
        tree.execute(f"create table events_1_a_idx{number or ''} (a int)")
    receipt = apply(plan_for(pg_target, tables(pg_target, _of("events", events_a_idx=WHOLE))), pg_target)
    assert set(results(receipt).values()) == {Applied.APPLIED}


def test_a_number_is_not_cut_away_from_a_long_name(sql, pg_target):
    """The server cuts names after 63 bytes without a word: what was cut was the number."""
    long = "p" * 57
    sql.execute("create table events (id int, a int) partition by list (id)")
    sql.execute(f"create table {long} partition of events for values in (1)")
    sql.execute(f"create table {long}_a_idx (a int)")
    resources = tables(pg_target, _of("events", events_a_idx=WHOLE))
    receipt = apply(plan_for(pg_target, resources), pg_target)
    assert set(results(receipt).values()) == {Applied.APPLIED}
    assert outcomes(KIND, pg_target, resources) == []


def test_what_stands_by_itself_already_is_still_attached(tree, pg_target):
    tree.execute("create index events_1_a_idx on events_1 (a)")
    resources = tables(pg_target, _of("events_1", events_1_a_idx=WHOLE) | _of("events", events_a_idx=WHOLE))
    receipt = apply(plan_for(pg_target, resources), pg_target)
    assert set(results(receipt).values()) == {Applied.APPLIED}
    assert outcomes(KIND, pg_target, resources) == []
    assert tree.execute("select count(*) from pg_index where indrelid = 'events_1'::regclass").fetchone() == (1,)


def stuck(sql, name: str, table: str = "events") -> None:
    """A partitioned index all of whose parts are attached and valid, and that is INVALID: one of them was, then."""
    sql.execute(f"create index {name} on only {table} (a)")
    leaves = {"events": ["events_1", "events_2"], "events_2": ["events_2a"]}[table]
    for leaf in leaves:
        sql.execute(f"create index {name}_{leaf} on {leaf} (a)")
        sql.execute("update pg_index set indisvalid = false where indexrelid = %s::regclass", (f"{name}_{leaf}",))
        sql.execute(f"alter index {name} attach partition {name}_{leaf}")
        sql.execute("update pg_index set indisvalid = true where indexrelid = %s::regclass", (f"{name}_{leaf}",))
    valid = sql.execute("select indisvalid from pg_index where indexrelid = %s::regclass", (name,)).fetchone()
    assert valid == (False,)


def test_one_that_stays_invalid_is_no_twin(tree, pg_target):
    """It was renamed, and then not as promised."""
    stuck(tree, "broken")
    resources = tables(pg_target, _of("events", events_a_idx=WHOLE))
    [change] = plan_for(pg_target, resources).changes
    assert change.action is Action.CREATE
    receipt = apply(plan_for(pg_target, resources), pg_target)
    assert set(results(receipt).values()) == {Applied.APPLIED}
    assert outcomes(KIND, pg_target, resources) == []


def test_nor_is_it_attached_as_the_part_of_a_partition(tree, pg_target):
    """The whole would stay INVALID."""
    stuck(tree, "broken", "events_2")
    resources = tables(pg_target, _of("events", events_a_idx=WHOLE))
    receipt = apply(plan_for(pg_target, resources), pg_target)
    assert set(results(receipt).values()) == {Applied.APPLIED}
    assert outcomes(KIND, pg_target, resources) == []


def test_one_that_is_attached_already_is_looked_at_again_or_built_anew_with_the_whole(tree, pg_target):
    """What lacks a part elsewhere, too: attaching that would not make it valid on every server."""
    stuck(tree, "broken", "events_2")
    tree.execute("create index events_a_idx on only events (a)")
    tree.execute("alter index events_a_idx attach partition broken")
    resources = tables(pg_target, _of("events", events_a_idx=WHOLE))
    [change] = converge(KIND, pg_target, resources)
    assert change.action is (Action.UPDATE if looks_again(tree.info.server_version) else Action.REPLACE)


def test_one_that_only_lacks_parts_is_a_twin(tree, pg_target):
    tree.execute("create index begun on only events (a)")
    tree.execute("create index begun_1 on events_1 (a)")
    tree.execute("alter index begun attach partition begun_1")
    [change] = converge(KIND, pg_target, tables(pg_target, _of("events", events_a_idx=WHOLE)))
    assert change.action is Action.RENAME


@pytest.mark.parametrize("table", ["events_1", "events_2a"])
def test_what_is_declared_absent_of_a_partition_is_no_part(tree, pg_target, table):
    """Seen to fail before: it was taken over as one, so that its own drop was stale, and blocked ever after."""
    tree.execute(f"create index hot on {table} (a)")
    resources = tables(pg_target, _of("events", events_a_idx=WHOLE) | _of(table, hot="absent"))
    receipt = apply(plan_for(pg_target, resources), pg_target, allowed=["index-drop"], desired=resources)
    assert results(receipt) == {"public.events_a_idx": Applied.APPLIED, "public.hot": Applied.APPLIED}
    assert plan_for(pg_target, resources).is_empty

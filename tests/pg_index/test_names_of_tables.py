"""Names that two tables have of each other, where neither keeps what it does not list."""

from __future__ import annotations

import pytest
from applying.acting import Seen, apply, plan_for
from psycopg import sql as composed

from pg_index.declared import tables
from reconciler.desired.unlisted import Unlisted
from reconciler.kinds.pg_index import KIND
from reconciler.model import Action

pytestmark = pytest.mark.matrix

COLUMNS = {letter: {"columns": [letter]} for letter in "abc"}


@pytest.fixture
def three(sql):
    for table in ("one", "two", "three"):
        sql.execute(composed.SQL("create table {} (a int, b int, c int)").format(composed.Identifier(table)))
    return sql


def alone(target, section):
    """What each table has, and nothing beside it."""
    resources = KIND.gathered(
        tables(target, {f"public.{table}": {"indexes": {name: COLUMNS[key]}} for table, (name, key) in section.items()})
    )
    return [
        each.model_copy(update={"policy": Unlisted.DROP}) if hasattr(each, "policy") else each for each in resources
    ]


@pytest.mark.parametrize(
    "wanted",
    [
        {"one": ("j", "a"), "two": ("i", "b")},
        {"one": ("j", "a"), "two": ("k", "b"), "three": ("i", "c")},
    ],
    ids=["of two", "of three"],
)
def test_names_that_are_exchanged_are_nobody_elses_to_drop(three, pg_target, wanted):
    """Seen to fail before: the plan dropped them as well, and no apply took two changes of one address."""
    three.execute("create index i on one (a); create index j on two (b)")
    if "three" in wanted:
        three.execute("create index k on three (c)")
    resources = alone(pg_target, wanted)
    plan = plan_for(pg_target, resources)
    assert {change.action for change in plan.changes} == {Action.RENAME}
    receipt = apply(plan, pg_target, desired=resources)
    assert receipt.succeeded, receipt
    assert plan_for(pg_target, resources).is_empty


def test_names_taken_from_each_others_tables_are_taken_one_after_another(three, pg_target):
    """Side by side, the drop on one table waited for the build on it, which waited for the drop.

    Seen to fail before: a deadlock now and then, and one begun before the other was finished always.
    """
    three.execute("create index i on one (a); create index j on two (b)")
    resources = alone(pg_target, {"one": ("j", "b"), "two": ("i", "a")})
    plan = plan_for(pg_target, resources)
    assert [len(change.steps) for change in plan.changes] == [2, 2], "a drop there and a build here"
    seen = Seen()
    receipt = apply(plan, pg_target, allowed=["index-drop"], listener=seen, parallel=8, desired=resources)
    assert receipt.succeeded, receipt
    assert [event for event, _ in seen.events] == ["started", "applied"] * 2
    assert plan_for(pg_target, resources).is_empty

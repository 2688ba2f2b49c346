"""Partitions that come, or go, while a reviewed plan waits for its apply, or runs.

Seen to fail before, when any such partition made the whole change stale, or there was no template; but for what also
held then: an index that is there gives a new partition its part, and one that somebody made on a partition makes the
plan stale.
"""

from __future__ import annotations

import pytest
from applying.acting import apply, message, plan_for, resealed, results

from pg_index.declared import tables
from pg_index.test_partitions import TREE, covered, names
from reconciler.model import Action, Applied, Plan, SqlStep

pytestmark = pytest.mark.matrix

INDEX = {"columns": ["at", "id"]}
LATE = "create table late partition of events for values in (9)"
TEMPLATE = {"new_partitions": {"at_most": 2, "up_to": "1MB"}}


@pytest.fixture
def tree(sql):
    sql.execute(TREE)
    return sql


def declared(target, **spec):
    return tables(target, {"public.events": {"indexes": {"events_at_idx": {**INDEX, **spec}}}})


def texts(plan: Plan) -> list[str]:
    return [text for change in plan.changes for step in change.steps for text in step.statements]


def serves(sql) -> bool:
    return sql.execute("select indisvalid from pg_index where indexrelid = 'events_at_idx'::regclass").fetchone()[0]


@pytest.fixture(params=["create", "replace", "resume"])
def waiting(request, tree, pg_target):
    """What is declared and a plan for it, that waits: of a new index, a changed one, one that is half made."""
    wanted = declared(pg_target)
    if request.param == "replace":
        tree.execute("create index events_at_idx on events (at)")
    if request.param == "resume":
        tree.execute("create index events_at_idx on only events (at, id)")
    plan = plan_for(pg_target, wanted)
    assert [change.action for change in plan.changes] == [
        {"create": Action.CREATE, "replace": Action.REPLACE, "resume": Action.UPDATE}[request.param]
    ]
    return wanted, plan


def test_a_partition_that_came_is_for_the_next_plan_and_all_others_get_their_parts(waiting, tree, pg_target):
    """Where the index is there already, PostgreSQL gives a new partition its part by itself, on every version."""
    wanted, plan = waiting
    [change] = plan.changes
    tree.execute(LATE)
    receipt = apply(plan, pg_target, allowed=["index-drop"])
    if change.action is Action.UPDATE:
        assert receipt.succeeded
        assert serves(tree)
        assert plan_for(pg_target, wanted).is_empty
        return
    assert results(receipt) == {"public.events_at_idx": Applied.INCOMPLETE}
    assert not receipt.succeeded
    assert message(receipt) == "came after the plan, and needs a new one: public.late"
    assert serves(tree) is (change.action is Action.REPLACE), "what is to be replaced still serves, late among it"
    rest = plan_for(pg_target, wanted)
    builds = [text for text in texts(rest) if text.startswith("create index")]
    assert len(builds) == 1
    assert " on public.late " in builds[0]
    assert apply(rest, pg_target, allowed=["index-drop"]).succeeded
    assert serves(tree)
    assert all(covered(tree).values())
    assert plan_for(pg_target, wanted).is_empty


def test_what_was_only_attached_is_for_the_next_plan_too(tree, pg_target):
    wanted = declared(pg_target)
    tree.execute("create index events_at_idx on only events (at, id)")
    plan = plan_for(pg_target, wanted)
    tree.execute("create table late (like events)")
    tree.execute("alter table events attach partition late for values in (9)")
    receipt = apply(plan, pg_target)
    assert receipt.succeeded, "attaching a table gives it the parts that it lacks, also of an INVALID index"
    assert plan_for(pg_target, wanted).is_empty


@pytest.mark.parametrize("going", ["drop table events_1", "alter table events detach partition events_1"])
def test_the_steps_of_a_partition_that_went_are_left_out(waiting, tree, pg_target, going):
    wanted, plan = waiting
    tree.execute(going)
    receipt = apply(plan, pg_target, allowed=["index-drop"])
    assert receipt.succeeded, receipt
    assert message(receipt) == "gone since, and left out: public.events_1"
    assert serves(tree)
    assert not any("events_1" in text for step in receipt.changes[0].steps for text in step.step.statements)
    assert plan_for(pg_target, wanted).is_empty


def test_a_partition_with_partitions_that_went_takes_all_of_its_steps_along(waiting, tree, pg_target):
    wanted, plan = waiting
    tree.execute("drop table events_2")
    receipt = apply(plan, pg_target, allowed=["index-drop"])
    assert receipt.succeeded, receipt
    assert message(receipt) == "gone since, and left out: public.events_2, public.events_2a, public.events_2b"
    assert plan_for(pg_target, wanted).is_empty


def test_one_went_and_another_came(waiting, tree, pg_target):
    wanted, plan = waiting
    tree.execute("drop table events_1")
    tree.execute("create table late partition of events for values in (1)")
    receipt = apply(plan, pg_target, allowed=["index-drop"])
    assert "gone since, and left out: public.events_1" in message(receipt)
    assert receipt.succeeded is (plan.changes[0].action is Action.UPDATE)
    apply(plan_for(pg_target, wanted), pg_target, allowed=["index-drop"])
    assert serves(tree)
    assert plan_for(pg_target, wanted).is_empty


def test_a_partition_that_came_below_another_is_for_the_next_plan(waiting, tree, pg_target):
    wanted, plan = waiting
    tree.execute("alter table events_2 detach partition events_2b")
    tree.execute("create table late partition of events_2 for values from (1000) to (2000)")
    receipt = apply(plan, pg_target, allowed=["index-drop"])
    assert results(receipt) == {"public.events_at_idx": Applied.INCOMPLETE}
    assert "needs a new one: public.late" in message(receipt)
    assert apply(plan_for(pg_target, wanted), pg_target, allowed=["index-drop"]).succeeded
    assert serves(tree)
    assert plan_for(pg_target, wanted).is_empty


def test_what_comes_later_on_the_table_does_not_run_where_one_is_incomplete(tree, pg_target):
    """The index to be dropped is the one that queries have until the new one is whole."""
    tree.execute("create index old on events (at, id, body)")
    section = {"public.events": {"indexes": {"events_at_idx": INDEX, "old": "absent"}}}
    wanted = tables(pg_target, section)
    plan = plan_for(pg_target, wanted)
    tree.execute(LATE)
    receipt = apply(plan, pg_target, allowed=["index-drop"])
    assert results(receipt) == {"public.events_at_idx": Applied.INCOMPLETE, "public.old": Applied.NOT_RUN}
    assert apply(plan_for(pg_target, wanted), pg_target, allowed=["index-drop"]).succeeded
    assert plan_for(pg_target, wanted).is_empty


def test_an_index_somebody_made_on_a_partition_meanwhile_still_makes_it_stale(tree, pg_target):
    plan = plan_for(pg_target, declared(pg_target))
    tree.execute("create index by_hand on events_1 (at, id)")
    assert results(apply(plan, pg_target)) == {"public.events_at_idx": Applied.STALE}
    assert "events_at_idx" not in names(tree)


@pytest.fixture(params=["create", "replace"])
def with_template(request, tree, pg_target):
    wanted = declared(pg_target, **TEMPLATE)
    if request.param == "replace":
        tree.execute("create index events_at_idx on events (at)")
    return wanted, plan_for(pg_target, wanted)


def test_a_template_covers_partitions_that_came(with_template, tree, pg_target):
    wanted, plan = with_template
    [change] = plan.changes
    assert change.new_partitions is not None
    assert "2 of up to 1MB each get theirs likewise" in " ".join(change.notes)
    tree.execute(LATE)
    tree.execute('create table "La;ter" partition of events for values in (10)')
    receipt = apply(plan, pg_target, allowed=["index-drop"])
    assert receipt.succeeded, receipt
    assert serves(tree)
    assert all(covered(tree)[part] for part in ("late", '"La;ter"'))
    assert not any("_rcl_" in name for name in names(tree))
    assert plan_for(pg_target, wanted).is_empty


TOO_MUCH = [
    ("more than it is for", [f"create table late_{n} partition of events for values in ({n})" for n in (7, 8, 9)],
     ["public.late_9"]),
    ("a bigger one", [LATE, "insert into events select n, repeat('x', 100), 9 from generate_series(1, 20000) n"],
     ["public.late"]),
    ("one that has partitions", [f"{LATE} partition by range (id)", "create table later partition of late default"],
     ["public.late"]),
]  # fmt: skip


@pytest.mark.parametrize(("reason", "meanwhile", "left"), TOO_MUCH, ids=[each[0] for each in TOO_MUCH])
def test_a_template_covers_no_more_than_it_says(with_template, tree, pg_target, reason, meanwhile, left):
    wanted, plan = with_template
    for statement in meanwhile:
        tree.execute(statement)
    receipt = apply(plan, pg_target, allowed=["index-drop"])
    assert results(receipt) == {"public.events_at_idx": Applied.INCOMPLETE}, reason
    assert message(receipt).split(": ")[1].split(", ")[0] in left
    assert apply(plan_for(pg_target, wanted), pg_target, allowed=["index-drop"]).succeeded
    assert serves(tree)
    assert plan_for(pg_target, wanted).is_empty


def test_a_template_is_enough_for_a_partition_that_comes_with_its_index(with_template, tree, pg_target):
    """Of its steps only the attach is needed."""
    wanted, plan = with_template
    tree.execute("create table late (like events)")
    tree.execute("create index own on late (at, id)")
    tree.execute("alter table events attach partition late for values in (9)")
    receipt = apply(plan, pg_target, allowed=["index-drop"])
    assert receipt.succeeded, receipt
    assert "own" in names(tree)
    assert plan_for(pg_target, wanted).is_empty


FORGED = [
    ("more of them", {"at_most": 1000}),
    ("bigger ones", {"up_to": 1 << 60}),
    ("other steps", {"steps": (SqlStep(statements=("drop table events",)),)}),
    ("none", None),
]


@pytest.mark.parametrize(("reason", "forged"), FORGED, ids=[each[0] for each in FORGED])
def test_a_template_that_is_not_what_would_be_planned_makes_it_stale(with_template, tree, pg_target, reason, forged):
    _, plan = with_template

    def alter(change):
        template = None if forged is None else change.new_partitions.model_copy(update=forged)
        return change.model_copy(update={"new_partitions": template})

    tree.execute(LATE)
    receipt = apply(resealed(plan, alter), pg_target, allowed=["index-drop"])
    assert results(receipt) == {"public.events_at_idx": Applied.STALE}, reason
    assert "for partitions that come meanwhile" in message(receipt)


def test_steps_said_to_be_for_a_partition_that_is_gone_never_run(tree, pg_target):
    """Whoever alters a plan cannot have anything run by naming a partition that there is not."""
    plan = plan_for(pg_target, declared(pg_target))
    more = SqlStep(statements=("create table forged ()",), partition="public.nothing")
    forged = resealed(plan, lambda change: change.model_copy(update={"steps": (more, *change.steps)}))
    receipt = apply(forged, pg_target)
    assert tree.execute("select to_regclass('forged')").fetchone() == (None,)
    assert "gone since, and left out: public.nothing" in message(receipt)

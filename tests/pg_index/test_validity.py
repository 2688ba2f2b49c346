"""Partitioned indexes that are INVALID though nothing is left to be attached, and partitions of another role.

PostgreSQL looks at an index when a part is attached to it, and not when the partition goes that it was waiting for.
Each was seen to fail before: the index was built again from the beginning, one that was INVALID took the place of one
that served, or one partition of somebody else's kept all others from their parts.
"""

from __future__ import annotations

import pytest
from applying.acting import apply, message, plan_for, results
from live import changes

from pg_index.declared import tables
from reconciler.applying.interruption import Interruption
from reconciler.kinds.pg_index import KIND
from reconciler.kinds.pg_index.changes.partitioned_validity import LOOKS_AGAIN, looks_again
from reconciler.model import Action, Applied, Plan

pytestmark = pytest.mark.matrix

TREE = """
    create table events (id int, region int, at date) partition by list (region);
    create table events_1 partition of events for values in (1);
    create table events_2 partition of events for values in (2) partition by range (id);
    create table events_2a partition of events_2 for values from (0) to (500);
    create table events_2b partition of events_2 default;
    create table events_3 partition of events for values in (3);
    insert into events select n, 1 + n % 3, date '2026-01-01' + n % 90 from generate_series(1, 300) n;
"""
INDEX = {"columns": ["at", "id"]}
GOING = ["drop table {}", "alter table {} detach partition {}"]


@pytest.fixture
def tree(sql):
    sql.execute(TREE)
    return sql


def declared(target, **spec):
    return tables(target, {"public.events": {"indexes": {"events_at_idx": {**INDEX, **spec}}}})


def texts(plan: Plan) -> list[str]:
    return [text for change in plan.changes for step in change.steps for text in step.statements]


def serves(sql, name="events_at_idx") -> bool:
    return sql.execute("select indisvalid from pg_index where indexrelid = %s::regclass", [name]).fetchone()[0]


def looks(sql) -> bool:
    return looks_again(sql.info.server_version)


def test_which_servers_look_again_is_as_they_do(tree):
    """On each of these that can be had, whatever its minor version is."""
    tree.execute("create index whole on only events (at); create index part on events_1 (at)")
    tree.execute("alter index whole attach partition part; drop table events_2, events_3")
    assert not serves(tree, "whole")
    tree.execute("alter index whole attach partition part")
    assert serves(tree, "whole") is looks(tree)
    assert {*LOOKS_AGAIN} == {14, 15, 16, 17, 18}


def half_made(sql, going):
    """All partitions but one have their part, and that one goes."""
    sql.execute("create index events_at_idx on only events (at, id)")
    for part in ("events_1", "events_3"):
        sql.execute(f"create index {part}_at_idx on {part} (at, id)")
        sql.execute(f"alter index events_at_idx attach partition {part}_at_idx")
    sql.execute("create index events_2_at_idx on only events_2 (at, id)")
    sql.execute("create index events_2a_at_idx on events_2a (at, id)")
    sql.execute("alter index events_2_at_idx attach partition events_2a_at_idx")
    if going == "events_2b":
        sql.execute("alter index events_at_idx attach partition events_2_at_idx")
    sql.execute(f"drop table {going}")


@pytest.mark.parametrize("going", ["events_2", "events_2b"])
def test_it_is_whole_again_by_one_step_and_not_by_a_build(tree, pg_target, going):
    half_made(tree, going)
    assert not serves(tree)
    wanted = declared(pg_target)
    plan = plan_for(pg_target, wanted)
    [change] = plan.changes
    if looks(tree):
        above = "events_at_idx" if going == "events_2" else "events_2_at_idx"
        assert change.action is Action.UPDATE
        assert [text.rpartition(" ")[0] for text in texts(plan)] == [f"alter index public.{above} attach partition"]
        assert "INVALID though no partition lacks its part" in change.reason
    else:
        assert change.action is Action.REPLACE
    receipt = apply(plan, pg_target, allowed=["index-drop"])
    assert receipt.succeeded, message(receipt)
    assert serves(tree)
    assert plan_for(pg_target, wanted).is_empty


class Meanwhile(Interruption):
    """Has `statements` run at the moment when `when` is true, and never interrupts."""

    def __init__(self, sql, when: str, *statements: str) -> None:
        super().__init__()
        self._sql, self._when, self._statements = sql, when, statements

    def __bool__(self) -> bool:
        if self._statements and self._sql.execute(self._when).fetchone()[0]:
            for statement in self._statements:
                self._sql.execute(statement)
            self._statements = ()
        return False


ALL_BUT_ONE = """
    select count(*) = 2 from pg_inherits join pg_class c on c.oid = inhparent
    where c.relname in ('events_at_idx', 'events_at_idx_rcl_new') and c.oid <> %(old)s
"""


@pytest.mark.parametrize("there", ["nothing", "another"])
@pytest.mark.parametrize("gone", ["drop table events_3", "alter table events detach partition events_3"])
def test_a_partition_that_goes_when_all_others_have_their_parts(tree, pg_target, there, gone):
    """The last one is still to be built: by then nobody looks whether the others are all."""
    old = 0
    if there == "another":
        tree.execute("create index events_at_idx on events (at)")
        old = tree.execute("select 'events_at_idx'::regclass::oid").fetchone()[0]
    wanted = declared(pg_target)
    plan = plan_for(pg_target, wanted)
    meanwhile = Meanwhile(tree, ALL_BUT_ONE.replace("%(old)s", str(old)), gone)
    receipt = apply(plan, pg_target, allowed=["index-drop"], interruption=meanwhile)
    assert tree.execute("select to_regclass('events_3') is null or not relispartition from (select) as one"
                        " left join pg_class on relname = 'events_3'").fetchone()[0]  # fmt: skip
    assert serves(tree) is (looks(tree) or there == "another"), "what is INVALID takes nobody's place"
    if looks(tree):
        assert receipt.succeeded, message(receipt)
        assert "gone since, and left out: public.events_3" in message(receipt)
    else:
        assert not receipt.succeeded
        assert apply(plan_for(pg_target, wanted), pg_target, allowed=["index-drop"]).succeeded
    assert serves(tree)
    assert plan_for(pg_target, wanted).is_empty


@pytest.mark.parametrize("definition", ["at, id", "id"])
def test_a_successor_that_is_not_whole_does_not_take_the_place(tree, pg_target, definition):
    """What an apply left of it: as declared, and waiting for a part of what has gone; or of another definition."""
    tree.execute("create index events_at_idx on events (at)")
    tree.execute(f"create index events_at_idx_rcl_new on only events ({definition})")
    for part in ("events_1", "events_2"):
        tree.execute(f"create index {part}_rcl_new on {part} ({definition})")
        tree.execute(f"alter index events_at_idx_rcl_new attach partition {part}_rcl_new")
    tree.execute("drop table events_3")
    wanted = declared(pg_target)
    [change] = changes(KIND, pg_target, wanted)
    builds = [step for step in change.steps if step.statements[0].startswith("create index concurrently")]
    assert bool(builds) is (definition == "id" or not looks(tree))
    receipt = apply(plan_for(pg_target, wanted), pg_target, allowed=["index-drop"])
    assert receipt.succeeded, message(receipt)
    assert serves(tree)
    assert plan_for(pg_target, wanted).is_empty


def as_deployer(target):
    url = target.url.get_secret_value().replace("postgres@", "deployer@")
    return target.model_copy(update={"url": type(target.url)(url)})


@pytest.fixture
def owned(tree, postgres):
    """The table is of a role that may nothing else, and that somebody else has a role beside."""
    for role in ("owners", "others"):
        tree.execute(f"create role {role}")
    tree.execute("grant create on schema public to owners")
    for (table,) in tree.execute("select relname from pg_class where relname ~ '^events'").fetchall():
        tree.execute(f"alter table {table} owner to owners")
    tree.execute("create role deployer login in role pg_monitor, owners")
    yield tree
    for role in ("deployer", "owners", "others"):
        tree.execute(f"drop owned by {role}; drop role {role}")


OTHERS = "create table late partition of events for values in (9); alter table late owner to others"


@pytest.mark.parametrize("template", [{}, {"new_partitions": {"at_most": 2, "up_to": "1MB"}}], ids=["", "template"])
@pytest.mark.parametrize("there", ["nothing", "another"])
def test_a_new_partition_of_another_role_is_for_the_next_plan_and_the_rest_goes_on(owned, pg_target, template, there):
    target = as_deployer(pg_target)
    if there == "another":
        owned.execute("set role owners; create index events_at_idx on events (at); reset role")
    wanted = declared(target, **template)
    plan = plan_for(target, wanted)
    owned.execute(OTHERS)
    receipt = apply(plan, target, allowed=["index-drop"])
    assert results(receipt) == {"public.events_at_idx": Applied.INCOMPLETE}, message(receipt)
    assert message(receipt) == "came after the plan, and needs a new one: public.late"
    assert owned.execute("select count(*) from pg_indexes where tablename ~ '^events' and indexdef ~ 'at, id'"
                         ).fetchone() == (6,)  # fmt: skip
    [rest] = plan_for(target, wanted).changes
    assert "role deployer may not" in rest.forbidden
    assert "late" in rest.forbidden
    assert apply(plan_for(pg_target, declared(pg_target, **template)), pg_target, allowed=["index-drop"]).succeeded
    assert plan_for(target, wanted).is_empty


def test_a_partition_of_another_role_that_has_its_part_forbids_nothing(owned, pg_target):
    """Where the index is there, PostgreSQL gave it one by itself."""
    owned.execute("set role owners; create index events_at_idx on only events (at, id); reset role")
    owned.execute(OTHERS)
    target = as_deployer(pg_target)
    wanted = declared(target)
    plan = plan_for(target, wanted)
    assert [change.forbidden for change in plan.changes] == [""]
    receipt = apply(plan, target)
    assert receipt.succeeded, message(receipt)
    assert serves(owned)
    assert plan_for(target, wanted).is_empty

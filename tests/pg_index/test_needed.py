"""Indexes that something needs: a foreign key, REFRESH MATERIALIZED VIEW CONCURRENTLY, logical replication."""

from __future__ import annotations

from contextlib import closing

import psycopg
import pytest
from applying.acting import apply, plan_for, results
from live import changes, converge, outcomes, run
from waiting import until

from pg_index.declared import tables
from reconciler.kinds.pg_index import KIND
from reconciler.model import Action, Applied, HazardType, NoticeType

pytestmark = pytest.mark.matrix

REFRESH = "REFRESH MATERIALIZED VIEW CONCURRENTLY"


@pytest.fixture
def view(sql):
    sql.execute(
        "create materialized view totals as select n as id, n % 7 as region, n as sum from generate_series(1, 50) n"
    )
    return sql


def of_totals(target, unlisted="keep", **indexes):
    return tables(target, {"public.totals": {"unlisted_indexes": unlisted, "indexes": indexes}})


def hazards(found) -> str:
    return "; ".join(
        hazard.message
        for change in found
        for step in change.steps
        for hazard in step.hazards
        if hazard.type is HazardType.INDEX_DROP
    )


def test_the_last_plain_unique_index_of_a_materialized_view_is_not_dropped_for_being_unlisted(view, pg_target):
    """Seen to fail before: it was dropped, and REFRESH … CONCURRENTLY was refused from then on."""
    view.execute("create unique index totals_key on totals (id)")
    view.execute("create index totals_region on totals (region)")
    wanted = of_totals(pg_target, "drop")
    converge(KIND, pg_target, wanted)
    [notice] = outcomes(KIND, pg_target, wanted)
    assert notice.type is NoticeType.UNLISTED
    assert f"the only index for {REFRESH}" in notice.message
    view.execute("refresh materialized view concurrently totals")


NOT_ENOUGH = [
    ("not unique", "create index other on totals (id)"),
    ("not of all rows", "create unique index other on totals (id) where region > 0"),
    ("of an expression", "create unique index other on totals ((id + 0))"),
]


@pytest.mark.parametrize(("reason", "other"), NOT_ENOUGH, ids=[each[0] for each in NOT_ENOUGH])
def test_an_index_by_which_it_is_not_refreshed_does_not_excuse_the_drop(view, pg_target, reason, other):
    view.execute("create unique index totals_key on totals (id)")
    view.execute(other)
    assert f"{REFRESH} is left without" in hazards(changes(KIND, pg_target, of_totals(pg_target, totals_key="absent")))


@pytest.mark.parametrize("other", ["(id, region)", "(region, id) include (sum)"])
def test_one_by_which_it_is_refreshed_does(view, pg_target, other):
    view.execute("create unique index totals_key on totals (id)")
    view.execute(f"create unique index other on totals {other}")
    found = converge(KIND, pg_target, of_totals(pg_target, totals_key="absent"))
    assert REFRESH not in hazards(found)
    view.execute("refresh materialized view concurrently totals")


BECOMES = [
    ("not unique", {"columns": ["id"]}, True),
    ("partial", {"columns": ["id"], "unique": True, "where": "region > 0"}, True),
    ("an expression", {"columns": ["id", "(sum + 0)"], "unique": True}, True),
    ("wider, and still plain", {"columns": ["id", "sum"], "unique": True}, False),
    ("another column", {"columns": ["sum"], "unique": True}, False),
]


@pytest.mark.parametrize(("reason", "spec", "left"), BECOMES, ids=[each[0] for each in BECOMES])
def test_a_replacement_by_one_that_no_longer_serves_says_so(view, pg_target, reason, spec, left):
    view.execute("create unique index totals_key on totals (id)")
    found = converge(KIND, pg_target, of_totals(pg_target, totals_key=spec))
    assert [change.action for change in found] == [Action.REPLACE]
    assert (f"{REFRESH} is left without" in hazards(found)) is left, reason


def test_what_is_built_in_the_same_plan_takes_over(view, pg_target):
    """Seen to fail before, of foreign keys: the drop came only with the second plan."""
    view.execute("create unique index totals_key on totals (id)")
    view.execute("create table owners (id int primary key)")
    view.execute("create table tasks (id int, owner int references owners)")
    view.execute("create index tasks_owner on tasks (owner)")
    wanted = tables(
        pg_target,
        {
            "public.totals": {
                "unlisted_indexes": "drop",
                "indexes": {"wider": {"columns": ["id", "sum"], "unique": True}},
            },
            "public.tasks": {"unlisted_indexes": "drop", "indexes": {"wide": {"columns": ["owner", "id"]}}},
        },
    )
    found = converge(KIND, pg_target, wanted)
    assert sorted(str(change.action) for change in found) == ["create", "create", "delete", "delete"]
    assert outcomes(KIND, pg_target, wanted) == []


def test_a_replacement_that_leaves_a_foreign_key_without_says_so(sql, pg_target):
    sql.execute("create table owners (id int primary key)")
    sql.execute("create table tasks (id int, owner int references owners)")
    sql.execute("create index tasks_owner on tasks (owner)")
    wanted = tables(pg_target, {"public.tasks": {"indexes": {"tasks_owner": {"columns": ["id", "owner"]}}}})
    [change] = changes(KIND, pg_target, wanted)
    assert "the foreign key tasks_owner_fkey is left without" in hazards([change])


def test_what_a_reindex_left_on_a_toast_table_is_said_with_what_removes_it(sql, database, pg_target):
    """Seen to fail before: nothing was said, and every write went on maintaining it."""
    sql.execute("create table tasks (id int primary key, body text)")
    sql.execute("create table parts (id int, body text) partition by range (id)")
    sql.execute("create table parts_1 partition of parts default")
    for table in ("tasks", "parts_1"):
        with psycopg.connect(database) as holder:
            holder.execute(f"insert into {table} values (1, 'x')")  # noqa: S608 - ours
            sql.execute("set lock_timeout = '200ms'")
            with pytest.raises(psycopg.errors.LockNotAvailable):
                sql.execute(f"reindex table concurrently {table}")
            holder.rollback()
    sql.execute("reset lock_timeout")
    sql.execute("drop index concurrently if exists tasks_pkey_ccnew")
    wanted = tables(pg_target, {"public.tasks": {}, "public.parts": {}})
    found = outcomes(KIND, pg_target, wanted)
    assert [(each.type, each.address.name) for each in found] == [
        (NoticeType.UNLISTED, "public.tasks.*"),
        (NoticeType.UNLISTED, "public.parts.*"),
    ]
    for notice in found:
        assert "_index_ccnew" in notice.message
        sql.execute(notice.message.split(": ")[-1])
    assert outcomes(KIND, pg_target, wanted) == []


def test_a_toast_index_that_is_being_rebuilt_is_nobody_s_leftover(sql, database, pg_target):
    sql.execute("create table tasks (id int primary key, body text)")
    with psycopg.connect(database) as holder, closing(psycopg.connect(database, autocommit=True)) as other:
        holder.execute("insert into tasks values (1, repeat('x', 10))")
        other.pgconn.send_query(b"reindex table concurrently tasks")
        there = "select count(*) from pg_class where relname ~ '^pg_toast.*_ccnew$'"
        until(lambda: sql.execute(there).fetchone() == (1,), "it is being rebuilt")
        assert not [each for each in outcomes(KIND, pg_target, tables(pg_target, {"public.tasks": {}}))
                    if "TOAST" in each.message]  # fmt: skip
        holder.rollback()
        until(lambda: sql.execute(there).fetchone() == (0,), "it is done")


@pytest.fixture
def replicated(sql):
    """A table whose replica identity is an index."""
    sql.execute("create table tasks (id int not null, region int not null, title text)")
    sql.execute("insert into tasks select n, n % 3, 't' || n from generate_series(1, 100) n")
    sql.execute("create unique index tasks_key on tasks (id)")
    sql.execute("alter table tasks replica identity using index tasks_key")
    return sql


def identity(sql, table="tasks"):
    found = sql.execute(
        "select indexrelid::regclass::text from pg_index where indrelid = %s::regclass and indisreplident", (table,)
    ).fetchall()
    assert sql.execute("select relreplident::text from pg_class where oid = %s::regclass", (table,)).fetchone() == (
        "i",
    )
    return [name for (name,) in found]


def of_tasks(target, **indexes):
    return tables(target, {"public.tasks": {"indexes": indexes}})


SUCCESSORS = [
    ("other columns", {"unique": True, "columns": ["id", "region"]}),
    ("more of it", {"unique": True, "columns": ["id"], "include": ["title"]}),
    ("in another order", {"unique": True, "columns": ["id desc"]}),
]


@pytest.mark.parametrize(("reason", "spec"), SUCCESSORS, ids=[each[0] for each in SUCCESSORS])
def test_a_replica_identity_goes_over_to_its_successor_with_the_swap(replicated, pg_target, reason, spec):
    """Seen to fail before: blocked, "belongs to the replica identity: change that by a migration"."""
    wanted = of_tasks(pg_target, tasks_key=spec)
    [change] = changes(KIND, pg_target, wanted)
    assert "the replica identity goes over to it" in change.reason
    for step in change.steps:
        run(pg_target, [change.model_copy(update={"steps": (step,)})])
        assert len(identity(replicated)) == 1, "never without"
    assert identity(replicated) == ["tasks_key"]
    assert outcomes(KIND, pg_target, wanted) == []


@pytest.mark.parametrize("ran", range(3))
def test_it_is_continued_wherever_it_was_left(replicated, pg_target, ran):
    wanted = of_tasks(pg_target, tasks_key=SUCCESSORS[0][1])
    [change] = changes(KIND, pg_target, wanted)
    assert len(change.steps) == 3
    run(pg_target, [change.model_copy(update={"steps": change.steps[:ran]})])
    converge(KIND, pg_target, wanted)
    assert identity(replicated) == ["tasks_key"]


UNFIT = [
    ("not unique", {"columns": ["id", "region"]}),
    ("not of all rows", {"unique": True, "columns": ["id"], "where": "region > 0"}),
    ("a column that may be null", {"unique": True, "columns": ["id", "title"]}),
    ("an expression", {"unique": True, "columns": ["(id + 0)"]}),
]


@pytest.mark.parametrize(("reason", "spec"), UNFIT, ids=[each[0] for each in UNFIT])
def test_what_cannot_be_one_does_not_replace_it(replicated, pg_target, reason, spec):
    [notice] = outcomes(KIND, pg_target, of_tasks(pg_target, tasks_key=spec))
    assert notice.type is NoticeType.BLOCKED
    assert "is a replica identity, which only is unique" in notice.message
    unique = "unique" if spec.get("unique") else ""
    where = f"where {spec['where']}" if "where" in spec else ""
    replicated.execute(f"create {unique} index other on tasks ({', '.join(spec['columns'])}) {where}")
    with pytest.raises(psycopg.Error, match="replica identity"):
        replicated.execute("alter table tasks replica identity using index other")


def test_one_that_is_a_replica_identity_is_never_dropped(replicated, pg_target):
    [notice] = outcomes(KIND, pg_target, of_tasks(pg_target, tasks_key="absent"))
    assert notice.type is NoticeType.BLOCKED
    assert "tasks_key is the replica identity of public.tasks" in notice.message
    assert changes(KIND, pg_target, tables(pg_target, {"public.tasks": {"unlisted_indexes": "drop"}})) == []


def test_a_replica_identity_of_another_name_is_renamed_and_stays_one(replicated, pg_target):
    [change] = converge(KIND, pg_target, of_tasks(pg_target, other={"unique": True, "columns": ["id"]}))
    assert change.action is Action.RENAME
    assert identity(replicated) == ["other"]


PARTS = """
    create table events (id int not null, region int not null) partition by list (region);
    create table events_1 partition of events for values in (1);
    create table events_2 partition of events for values in (2);
    insert into events select n, 1 + n % 2 from generate_series(1, 100) n;
    create unique index events_key on events (id, region);
    alter table events_1 replica identity using index events_1_id_region_idx;
    alter table events replica identity using index events_key;
"""


def test_those_of_partitions_go_over_before_the_index_goes(sql, pg_target):
    """Seen to fail before: the partition was left without, and its UPDATEs failed where they are published."""
    sql.execute(PARTS)
    wanted = tables(
        pg_target, {"public.events": {"indexes": {"events_key": {"unique": True, "columns": ["region", "id"]}}}}
    )
    [change] = changes(KIND, pg_target, wanted)
    for step in change.steps:
        run(pg_target, [change.model_copy(update={"steps": (step,)})])
        assert len(identity(sql, "events_1")) == len(identity(sql, "events")) == 1, step
    assert identity(sql, "events") == ["events_key"]
    assert outcomes(KIND, pg_target, wanted) == []


@pytest.mark.parametrize("ran", range(1, 10))
def test_those_of_partitions_are_continued_wherever_it_was_left(sql, pg_target, ran):
    sql.execute(PARTS)
    wanted = tables(
        pg_target, {"public.events": {"indexes": {"events_key": {"unique": True, "columns": ["region", "id"]}}}}
    )
    [change] = changes(KIND, pg_target, wanted)
    assert len(change.steps) == 10
    run(pg_target, [change.model_copy(update={"steps": change.steps[:ran]})])
    converge(KIND, pg_target, wanted)
    assert len(identity(sql, "events_1")) == len(identity(sql, "events")) == 1
    assert not sql.execute("select 1 from pg_class where relname ~ '_rcl_'").fetchall()


def test_a_partitioned_index_whose_parts_are_replica_identities_is_not_dropped(sql, pg_target):
    sql.execute(PARTS)
    sql.execute("alter table events replica identity default")
    [notice] = outcomes(KIND, pg_target, tables(pg_target, {"public.events": {"indexes": {"events_key": "absent"}}}))
    assert "events_key is the replica identity of public.events_1" in notice.message
    assert changes(KIND, pg_target, tables(pg_target, {"public.events": {"unlisted_indexes": "drop"}})) == []


def test_a_leftover_that_became_one_is_not_dropped(sql, pg_target):
    """As where the declaration is taken back after the identities went over, and before the swap."""
    sql.execute(PARTS)
    wanted = tables(
        pg_target, {"public.events": {"indexes": {"events_key": {"unique": True, "columns": ["region", "id"]}}}}
    )
    [change] = changes(KIND, pg_target, wanted)
    run(pg_target, [change.model_copy(update={"steps": change.steps[:6]})])
    assert identity(sql, "events_1") != ["events_1_id_region_idx"]
    back = {"public.events": {"indexes": {"events_key": {"unique": True, "columns": ["id", "region"]}}}}
    [notice] = outcomes(KIND, pg_target, tables(pg_target, back))
    assert notice.type is NoticeType.BLOCKED
    assert "is the replica identity of public.events_1" in notice.message


def test_a_partitioned_drop_carries_what_brings_it_back(sql, pg_target):
    """Seen to fail before: it carried nothing."""
    sql.execute(PARTS)
    sql.execute("alter table events replica identity default; alter table events_1 replica identity default")
    sql.execute("create table events_3 partition of events for values in (3) partition by range (id)")
    sql.execute("create table events_3a partition of events_3 default")
    definitions = "select indexdef from pg_indexes where tablename ~ '^events' order by indexname"
    before = sql.execute(definitions).fetchall()
    for section in ({"indexes": {"events_key": "absent"}}, {"unlisted_indexes": "drop"}):
        wanted = tables(pg_target, {"public.events": section})
        plan = plan_for(pg_target, wanted)
        [change] = plan.changes
        assert change.inverse
        sql.execute("create table later partition of events for values in (4)")
        assert results(apply(plan, pg_target, allowed=["index-drop"])) == {"public.events_key": Applied.APPLIED}
        assert plan_for(pg_target, wanted).is_empty
        sql.execute("drop table later")
        run(pg_target, [change.model_copy(update={"steps": change.inverse})])
        assert sql.execute(definitions).fetchall() == before
        assert sql.execute("select count(*) from pg_index where not indisvalid").fetchone() == (0,)


def test_the_inverse_of_a_partitioned_replacement_is_whole_too(sql, pg_target):
    sql.execute(PARTS)
    wanted = tables(pg_target, {"public.events": {"indexes": {"events_key": {"columns": ["region"]}}}})
    sql.execute("alter table events replica identity default; alter table events_1 replica identity default")
    definitions = "select indexdef from pg_indexes where tablename ~ '^events' order by indexname"
    before = sql.execute(definitions).fetchall()
    [change] = converge(KIND, pg_target, wanted)
    sql.execute("drop index events_key")
    run(pg_target, [change.model_copy(update={"steps": change.inverse})])
    assert sql.execute(definitions).fetchall() == before


BLOCKED_SUCCESSORS = {
    "its name is taken": "create index new_p on other (id)",
    "somebody holds the name with a table": "create table new_p (id int)",
}


@pytest.mark.parametrize("policy", ["absent", "unlisted"])
@pytest.mark.parametrize("taken", BLOCKED_SUCCESSORS.values(), ids=BLOCKED_SUCCESSORS)
def test_nothing_goes_for_a_successor_that_is_blocked(sql, pg_target, taken, policy):
    """What the same plan builds counts as there; of what it does not build, it had counted as well."""
    sql.execute("create table parent (id int primary key)")
    sql.execute("create table other (id int)")
    sql.execute("create table child (id int, p int references parent)")
    sql.execute("create index old_p on child (p)")
    sql.execute(taken)
    indexes = {"new_p": {"columns": ["p", "id"]}, **({"old_p": "absent"} if policy == "absent" else {})}
    section = {"public.child": {"indexes": indexes, "unlisted_indexes": "drop" if policy == "unlisted" else "keep"}}
    plan = plan_for(pg_target, tables(pg_target, section))
    going = [change for change in plan.changes if change.address.name == "public.old_p"]
    told = [hazard.message for change in going for step in change.steps for hazard in step.hazards]
    assert not going or any("foreign key" in message for message in told), told
    if policy == "unlisted":
        assert going == []

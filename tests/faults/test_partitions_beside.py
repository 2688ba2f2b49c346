"""Partitions of one index that are built beside each other: how many at once, and what meets them there."""

from __future__ import annotations

import pytest
from applying.acting import Applying, Interruption, Seen, apply, message, plan_for, results
from pg_index.declared import tables
from waiting import PATIENCE, until

from faults.scenes import at_work, left, save, statements
from reconciler.model import Applied
from reconciler.model.event import Step, StepState

pytestmark = pytest.mark.matrix

PARTS = 4
INDEX = {"columns": ["status"]}
UNIQUE = {"columns": ["id"], "unique": True}
BUILDING = "select pid, relid::regclass::text from pg_stat_progress_create_index order by 2"
BUILT = """
    select c.relname, pg_relation_filenode(c.oid) from pg_index i join pg_class c on c.oid = i.indexrelid
    where indisvalid and c.relkind = 'i' and i.indrelid::regclass::text ~ '^(tasks|users)_[0-9]'
"""


def partitioned(sql, *names: str) -> None:
    """Tables of four partitions each, one hundred rows in each of those."""
    for name in names:
        sql.execute(f"create table {name} (id bigint, status text) partition by range (id)")
        for number in range(PARTS):
            sql.execute(
                f"create table {name}_{number} partition of {name}"
                f" for values from ({100 * number}) to ({100 * (number + 1)})"
            )
        sql.execute(f"insert into {name} select n, 's' || n % 5 from generate_series(0, {100 * PARTS - 1}) n")  # noqa: S608 - ours
        sql.execute(f"analyze {name}".encode())


def declared(target, *names: str, index=INDEX):
    return tables(target, {f"public.{name}": {"indexes": {f"{name}_i": index}} for name in names})


class Builds(Seen):
    """How many builds were at work at each moment, and which steps failed."""

    def __init__(self) -> None:
        super().__init__()
        self.at_once, self.most, self.failed = 0, 0, []

    def __call__(self, told) -> None:
        super().__call__(told)
        if isinstance(told, Step) and told.step.statements[0].startswith("create") and told.step.on_failure:
            self.at_once += 1 if told.state is StepState.BEGAN else -1
            self.most = max(self.most, self.at_once)
        if isinstance(told, Step) and told.state is StepState.FAILED:
            self.failed.append(told.step.partition)


def writes(holder, *partitions: str) -> None:
    """Until it lets go, builds on these wait for its transaction."""
    for name in partitions:
        holder.execute(f"update {name} set status = status where id % 100 < 10".encode())  # noqa: S608 - ours


def converged(sql, target, *names: str, index=INDEX) -> None:
    until(lambda: not at_work(sql), "nobody is at work any more")
    receipt = apply(plan_for(target, declared(target, *names, index=index)), target)
    assert receipt.succeeded, receipt.changes
    after = plan_for(target, declared(target, *names, index=index))
    assert after.is_empty
    assert after.notices == ()
    assert left(sql) == []


@pytest.mark.parametrize("parallel", [1, 2, 3])
@pytest.mark.parametrize("names", [("tasks",), ("tasks", "users")], ids=["one index", "two indexes"])
def test_as_many_parts_are_built_at_once_as_asked_of_all_indexes_together(parallel, names, sql, pg_target, holder):
    """Seen to fail while partitions were built one after another."""
    partitioned(sql, *names)
    writes(holder, *(f"{name}_{number}" for name in names for number in range(PARTS)))
    builds = Builds()
    plan = plan_for(pg_target, declared(pg_target, *names))
    applying = Applying(plan, pg_target, parallel=parallel, listener=builds)
    until(lambda: len(sql.execute(BUILDING).fetchall()) == parallel, "as many builds as asked wait for the writer")
    ours = "select count(*) from pg_stat_activity where application_name like 'reconciler%'"
    assert sql.execute(ours).fetchone()[0] <= parallel + 2, "beside those that build: the lock, and one that looks"
    holder.rollback()
    receipt = applying.ended()
    assert receipt.succeeded, receipt.changes
    assert builds.most == parallel
    for change in receipt.changes:
        planned = next(one for one in plan.changes if one.address == change.address)
        assert [done.step for done in change.steps] == list(planned.steps), "recorded in the order of the plan"
    assert plan_for(pg_target, declared(pg_target, *names)).is_empty
    assert left(sql) == []


def test_the_memory_of_the_server_bounds_them_as_it_bounds_indexes(sql, pg_target):
    """Room for one build of maintenance_work_mem."""
    small = pg_target.model_copy(update={"memory": 300 << 20})
    partitioned(sql, "tasks")
    builds = Builds()
    assert apply(plan_for(small, declared(small, "tasks")), small, parallel=3, listener=builds).succeeded
    assert builds.most == 1
    [note] = builds.notes
    assert "builds at once: 1 instead of 3, since each may take maintenance_work_mem" in note


def test_a_replaced_index_has_its_parts_built_beside_each_other(sql, pg_target, holder):
    """One partition has partitions of its own, which are built once its index is there."""
    partitioned(sql, "tasks")
    sql.execute("create table tasks_4 partition of tasks for values from (400) to (500) partition by hash (id)")
    for number in range(2):
        sql.execute(
            f"create table tasks_4_{number} partition of tasks_4 for values with (modulus 2, remainder {number})"
        )
    sql.execute("insert into tasks select n, 's' from generate_series(400, 499) n")
    sql.execute("create index tasks_i on tasks (id, status)")
    held = ["tasks_4_0", "tasks_4_1"]
    writes(holder, *held)
    plan = plan_for(pg_target, declared(pg_target, "tasks"))
    applying = Applying(plan, pg_target, allowed=["index-drop"])
    until(lambda: [name for _, name in sql.execute(BUILDING)] == held, "both of those below it wait for the writer")
    holder.rollback()
    assert applying.ended().succeeded
    assert plan_for(pg_target, declared(pg_target, "tasks")).is_empty
    assert left(sql) == []


def test_what_is_at_work_beside_a_part_that_fails_goes_on_and_nothing_else_begins(sql, pg_target, holder):
    partitioned(sql, "tasks")
    sql.execute("insert into tasks values (150, 'twice')")
    writes(holder, "tasks_0")
    builds = Builds()
    plan = plan_for(pg_target, declared(pg_target, "tasks", index=UNIQUE))
    applying = Applying(plan, pg_target, listener=builds)
    until(lambda: builds.failed, "the second partition has duplicates")
    assert builds.failed == ["public.tasks_1"]
    until(lambda: sql.execute(BUILDING).fetchall(), "the first one is still being built")
    holder.rollback()
    receipt = applying.ended()
    assert results(receipt) == {"public.tasks_i": Applied.FAILED}
    assert "could not create unique index" in message(receipt)
    assert "what it left behind was taken away: drop index concurrently public.tasks_1" in message(receipt)
    built = dict(sql.execute(BUILT).fetchall())
    assert len(built) == 1, "the first one is whole"
    assert any("attach" in done.step.statements[0] for done in receipt.changes[0].steps)
    sql.execute("delete from tasks where status = 'twice'")
    converged(sql, pg_target, "tasks", index=UNIQUE)
    assert built.items() <= dict(sql.execute(BUILT).fetchall()).items(), "it is not built again"


def test_two_parts_that_fail_are_both_told_and_cleaned_up(sql, pg_target, gate):
    partitioned(sql, "tasks")
    sql.execute("insert into tasks values (50, 'twice'), (150, 'twice')")
    plan = plan_for(pg_target, declared(pg_target, "tasks", index=UNIQUE))
    builds = Builds()
    first = next(one for one in statements(plan) if one.startswith("create unique index concurrently"))
    with gate.closed(first):
        applying = Applying(plan, pg_target, listener=builds, rehearsal=False)
        until(lambda: builds.at_once == 1 and builds.failed, "one fails while another is held up")
    receipt = applying.ended()
    assert message(receipt).count("could not create unique index") == 2
    assert message(receipt).count("what it left behind was taken away: drop index concurrently") == 2
    assert sorted(builds.failed) == ["public.tasks_0", "public.tasks_1"]
    sql.execute("delete from tasks where status = 'twice'")
    converged(sql, pg_target, "tasks", index=UNIQUE)


def test_ctrl_c_ends_all_that_are_at_work_and_cleans_up_after_each(sql, pg_target, holder):
    partitioned(sql, "tasks")
    writes(holder, *(f"tasks_{number}" for number in range(PARTS)))
    interruption, builds = Interruption(), Builds()
    plan = plan_for(pg_target, declared(pg_target, "tasks"))
    applying = Applying(plan, pg_target, listener=builds, interruption=interruption)
    until(lambda: len(sql.execute(BUILDING).fetchall()) == 2, "two builds wait for the writer")
    interruption.set()
    until(lambda: len(builds.failed) == 2, "both are cancelled")
    holder.rollback()
    receipt = applying.ended()
    assert results(receipt) == {"public.tasks_i": Applied.FAILED}
    assert message(receipt).startswith("interrupted: ")
    assert message(receipt).count("what it left behind was taken away") == 2
    assert sql.execute(BUILT).fetchall() == []
    converged(sql, pg_target, "tasks")


def test_a_server_process_that_ends_takes_only_its_own_part_along(sql, pg_target, holder):
    partitioned(sql, "tasks")
    writes(holder, *(f"tasks_{number}" for number in range(PARTS)))
    builds = Builds()
    applying = Applying(plan_for(pg_target, declared(pg_target, "tasks")), pg_target, listener=builds)
    at_work_on = until(
        lambda: len(found := sql.execute(BUILDING).fetchall()) == 2 and found, "two builds wait for the writer"
    )
    (pid, _), (other, _) = at_work_on
    sql.execute("select pg_terminate_backend(%s)", (pid,))
    until(lambda: builds.failed, "its part has failed")
    assert [each for each, _ in sql.execute(BUILDING)] == [other]
    holder.rollback()
    receipt = applying.ended()
    assert results(receipt) == {"public.tasks_i": Applied.FAILED}
    assert "the connection was lost" in message(receipt)
    assert builds.failed == ["public.tasks_0"]
    built = dict(sql.execute(BUILT).fetchall())
    assert len(built) == 1
    converged(sql, pg_target, "tasks")
    assert built.items() <= dict(sql.execute(BUILT).fetchall()).items(), "the other is not built again"


def test_killed_in_the_middle_of_two_parts_the_next_run_finishes_them(sql, pg_target, command, holder, tmp_path):
    partitioned(sql, "tasks")
    writes(holder, *(f"tasks_{number}" for number in range(PARTS)))
    save(plan_for(pg_target, declared(pg_target, "tasks")), tmp_path / "plan.json")
    process = command.start("apply", tmp_path / "plan.json")
    until(lambda: len(sql.execute(BUILDING).fetchall()) == 2, "two builds wait for the writer")
    process.kill()
    process.communicate(timeout=PATIENCE)
    for pid, _ in sql.execute(BUILDING).fetchall():  # as the server does where a client is gone (14+)
        sql.execute("select pg_terminate_backend(%s)", (pid,))
    until(lambda: not at_work(sql), "nobody is at work any more")
    holder.rollback()
    converged(sql, pg_target, "tasks")


def test_a_partition_that_goes_while_another_is_built_is_left_out(sql, pg_target, gate):
    partitioned(sql, "tasks")
    plan = plan_for(pg_target, declared(pg_target, "tasks"))
    second = [one for one in statements(plan) if one.startswith("create index concurrently")][1]
    with gate.closed(second):
        applying = Applying(plan, pg_target, rehearsal=False)
        until(gate.arrived, "the second partition's turn has come")
        sql.execute("drop table tasks_1")
    receipt = applying.ended()
    assert receipt.succeeded, receipt.changes
    assert "gone since, and left out: public.tasks_1" in message(receipt)
    converged(sql, pg_target, "tasks")

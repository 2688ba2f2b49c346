"""Names that go from one index to another: exchanged by a rename, and taken over from other tables.

Seen to fail before, when names that were exchanged cost two builds, and one that another table's index had was "taken
by another index of public.a"; but for what also held then: what cannot be exchanged is built, an index that stays keeps
its name, and two changes made at once, of two tables, do not exchange theirs back. A forged exchange could not be told
from any other plan of then, and was stale, too.
"""

from __future__ import annotations

import pytest
from applying.acting import Interruption, apply, message, plan_for, resealed, results
from applying.conftest import command
from live import changes, converge, outcomes, run

from pg_index.declared import tables
from reconciler.desired.unlisted import Unlisted
from reconciler.kinds.pg_index import KIND
from reconciler.model import Action, Applied, HazardType, NoticeType

__all__ = ["command"]

pytestmark = pytest.mark.matrix

A, B, C = ({"columns": [column]} for column in ("a", "b", "c"))


@pytest.fixture
def two(sql):
    for table in ("one", "two"):
        sql.execute(f"create table {table} (a int, b int, c int)")
        sql.execute(f"insert into {table} select n, n, n from generate_series(1, 100) n")  # noqa: S608 - ours
    return sql


def declared(target, section):
    """As the loader has it: what is declared twice of one address is one resource, where it may be."""
    found = KIND.gathered(tables(target, {f"public.{table}": {"indexes": spec} for table, spec in section.items()}))
    assert len({each.address for each in found}) == len(found)
    return found


def files(sql):
    """The names of all indexes by the files that they have."""
    rows = sql.execute(
        "select pg_relation_filenode(oid), relname from pg_class"
        " where relkind in ('i') and relnamespace = 'public'::regnamespace"
    )
    return dict(rows.fetchall())


def texts(found):
    return [text for change in found for step in change.steps for text in step.statements]


CIRCLES = [
    ("two of one table", {"one": {"i": "a", "j": "b"}}, {"one": {"i": B, "j": A}}),
    ("three of one table", {"one": {"i": "a", "j": "b", "k": "c"}}, {"one": {"i": B, "j": C, "k": A}}),
    ("three, the other way round", {"one": {"i": "a", "j": "b", "k": "c"}}, {"one": {"i": C, "j": A, "k": B}}),
    ("of two tables", {"one": {"i": "a"}, "two": {"j": "b"}}, {"one": {"j": A}, "two": {"i": B}}),
    ("two, and one that stays", {"one": {"i": "a", "j": "b", "k": "c"}}, {"one": {"i": B, "j": A, "k": C}}),
    ("with what is changed in place", {"one": {"i": "a", "j": "(a + b)"}},
     {"one": {"i": {"columns": ["(a + b)"], "statistics": {1: 50}, "comment": "sums"}, "j": {**A, "comment": "a"}}}),
]  # fmt: skip


@pytest.fixture(params=CIRCLES, ids=[each[0] for each in CIRCLES])
def circle(request, two, pg_target):
    _, live, wanted = request.param
    for table, indexes in live.items():
        for name, keys in indexes.items():
            two.execute(f"create index {name} on {table} ({keys})")
    return declared(pg_target, wanted)


def test_names_that_are_exchanged_are_renamed_and_nothing_is_built(circle, two, pg_target):
    before = files(two)
    plan = plan_for(pg_target, circle)
    assert {change.action for change in plan.changes} == {Action.RENAME}
    assert len(plan.changes) >= 2
    receipt = apply(plan, pg_target)
    assert receipt.succeeded, receipt
    assert sorted(results(receipt).values()) == [Applied.APPLIED, *[Applied.SKIPPED] * (len(plan.changes) - 1)]
    after = files(two)
    assert before.keys() == after.keys(), "the same files"
    assert sorted(before.values()) == sorted(after.values())
    assert before != after
    assert plan_for(pg_target, circle).is_empty


def test_an_exchange_that_was_cut_short_is_finished(circle, two, pg_target):
    """Its renames are one transaction; what comes after them is for the next plan."""
    found = changes(KIND, pg_target, circle)
    before = files(two)
    run(pg_target, [found[0].model_copy(update={"steps": found[0].steps[:1]})])
    assert not any("rename" in text for text in texts(changes(KIND, pg_target, circle)))
    converge(KIND, pg_target, circle)
    assert before.keys() == files(two).keys()


def test_both_made_at_once_do_not_exchange_them_back(circle, two, pg_target):
    receipt = apply(plan_for(pg_target, circle), pg_target, parallel=8)
    assert receipt.succeeded, receipt
    assert plan_for(pg_target, circle).is_empty


def test_an_exchange_that_was_forged_is_stale(circle, two, pg_target):
    def alter(change):
        more = change.steps[0].model_copy(update={"statements": (*change.steps[0].statements, "drop table two")})
        return change.model_copy(update={"steps": (more,)})

    receipt = apply(resealed(plan_for(pg_target, circle), alter), pg_target)
    assert set(results(receipt).values()) == {Applied.STALE}


def test_what_one_of_them_declares_otherwise_by_now_keeps_the_other_from_it(two, pg_target):
    two.execute("create index i on one (a)")
    two.execute("create index j on one (b)")
    plan = plan_for(pg_target, declared(pg_target, {"one": {"i": B, "j": A}}))
    receipt = apply(plan, pg_target, desired=declared(pg_target, {"one": {"i": B, "j": C}}))
    assert results(receipt) == {"public.i": Applied.STALE, "public.j": Applied.SUPERSEDED}
    assert "planned beside public.j" in receipt.changes[0].message


def test_one_that_cannot_be_exchanged_is_built_as_before(two, pg_target):
    """The name that is needed in between is somebody's."""
    two.execute("create index i on one (a)")
    two.execute("create index j on one (b)")
    two.execute("create table j_rcl_old ()")
    found = outcomes(KIND, pg_target, declared(pg_target, {"one": {"i": B, "j": A}}))
    assert [type(each).__name__ for each in found] == ["Change", "Notice"]
    assert found[0].action is Action.REPLACE


def test_names_of_partitioned_indexes_are_exchanged_too(sql, pg_target):
    sql.execute("create table events (a int, b int) partition by list (a)")
    sql.execute("create table events_1 partition of events default")
    sql.execute("create index i on events (a)")
    sql.execute("create index j on events (b)")
    wanted = declared(pg_target, {"events": {"i": B, "j": A}})
    plan = plan_for(pg_target, wanted)
    assert {change.action for change in plan.changes} == {Action.RENAME}
    assert apply(plan, pg_target).succeeded
    assert plan_for(pg_target, wanted).is_empty


MOVES = [
    ("declared absent there", {"one": {"x": "absent"}, "two": {"x": B}}, "keep"),
    ("declared absent there, and first", {"two": {"x": B}, "one": {"x": "absent"}}, "keep"),
    ("listed by nobody there", {"one": {}, "two": {"x": B}}, "drop"),
]


@pytest.fixture(params=MOVES, ids=[each[0] for each in MOVES])
def moving(request, two, pg_target):
    two.execute("create index x on one (a)")
    _, section, policy = request.param
    resources = declared(pg_target, section)
    return [
        each.model_copy(update={"policy": Unlisted(policy)})
        if getattr(each, "policy", "") and each.table == "one"
        else each
        for each in resources
    ]


def test_a_name_goes_over_to_an_index_of_another_table_in_one_plan(moving, two, pg_target):
    plan = plan_for(pg_target, moving)
    [change] = plan.changes
    assert "its name comes from public.one" in change.reason
    assert texts([change])[:2] == ["drop index concurrently public.x", "create index concurrently x on public.two (b)"]
    assert HazardType.INDEX_DROP in {hazard.type for step in change.steps for hazard in step.hazards}
    receipt = apply(plan, pg_target, allowed=["index-drop"], desired=moving)
    assert receipt.succeeded, message(receipt)
    assert two.execute("select tablename from pg_indexes where indexname = 'x'").fetchall() == [("two",)]
    assert plan_for(pg_target, moving).is_empty


def test_a_name_is_not_taken_where_its_index_is_declared_to_stay_by_now(two, pg_target):
    """The plan was made when all that nobody lists was to go."""
    two.execute("create index x on one (a)")
    wanted = declared(pg_target, {"one": {}, "two": {"x": B}})
    drop, keep = (
        [each.model_copy(update={"policy": Unlisted(policy)}) if hasattr(each, "policy") else each for each in wanted]
        for policy in ("drop", "keep")
    )
    receipt = apply(plan_for(pg_target, drop), pg_target, allowed=["index-drop"], desired=keep)
    assert results(receipt) == {"public.x": Applied.SUPERSEDED}
    assert "no longer declared to go" in receipt.changes[0].message


YAML = """
target: main
tables:
  public.one: {indexes: {x: absent}}
  public.two: {indexes: {x: {columns: [b]}}}
"""


def test_a_name_may_be_declared_absent_of_one_table_and_present_of_another(two, command, tmp_path):
    """Seen to fail before: "declared twice"."""
    two.execute("create index x on one (a)")
    (command.folder / "tables.yaml").write_text(YAML)
    plan = tmp_path / "plan.json"
    assert command.run("plan", "--out", plan)[0] == 0
    code, out, err = command.run("apply", plan, "--allow", "index-drop")
    assert code == 0, out + err
    assert command.run("plan", "--detailed-exitcode")[0] == 0
    (command.folder / "tables.yaml").write_text(YAML.replace("absent", "{columns: [a]}"))
    code, out, err = command.run("plan")
    assert code == 1
    assert "main/pg_index/public.x is declared twice" in out + err


def test_a_move_that_was_cut_short_is_finished(moving, two, pg_target):
    plan = plan_for(pg_target, moving)

    class AfterTheFirst(Interruption):
        def __bool__(self) -> bool:
            return two.execute("select to_regclass('x') is null").fetchone()[0]

    receipt = apply(plan, pg_target, allowed=["index-drop"], interruption=AfterTheFirst())
    assert results(receipt) == {"public.x": Applied.FAILED}
    assert apply(plan_for(pg_target, moving), pg_target).succeeded
    assert plan_for(pg_target, moving).is_empty


def test_a_name_goes_over_from_a_partitioned_index_too(two, pg_target):
    two.execute("create table events (a int, b int) partition by list (a)")
    two.execute("create table events_1 partition of events default")
    two.execute("create index x on events (a)")
    wanted = declared(pg_target, {"events": {"x": "absent"}, "two": {"x": B}})
    plan = plan_for(pg_target, wanted)
    two.execute("create table events_2 partition of events for values in (2)")
    assert apply(plan, pg_target, allowed=["index-drop"]).succeeded
    assert plan_for(pg_target, wanted).is_empty
    two.execute("drop index x; drop table events_2")
    run(pg_target, [plan.changes[0].model_copy(update={"steps": plan.changes[0].inverse})])
    found = two.execute("select indrelid::regclass::text, indisvalid from pg_index order by 1")
    assert {("events", True), ("events_1", True)} <= {*found.fetchall()}


def test_a_name_is_not_taken_from_an_index_that_stays(two, pg_target):
    two.execute("create index x on one (a)")
    [notice] = outcomes(KIND, pg_target, declared(pg_target, {"one": {}, "two": {"x": B}}))
    assert notice.type is NoticeType.BLOCKED
    assert notice.message == "its name is taken by another index of public.one"


@pytest.mark.parametrize("made", ["alter table one add constraint x unique (a)", "create unique index x on one (a)"])
def test_a_name_is_not_taken_from_what_is_needed(two, pg_target, made):
    two.execute(made)
    two.execute("alter table one alter a set not null; alter table one replica identity using index x")
    found = outcomes(KIND, pg_target, declared(pg_target, {"one": {"x": "absent"}, "two": {"x": B}}))
    assert [each.type for each in found] == [NoticeType.BLOCKED]


def test_a_name_that_a_rename_sets_free_is_taken_in_the_same_plan(two, pg_target):
    """The rename comes before everything else, on whatever table; the new index before what goes of its own."""
    two.execute("create index x on one (a)")
    two.execute("create index old on two (c)")
    wanted = declared(pg_target, {"two": {"x": B, "old": "absent"}, "one": {"y": A}})
    plan = plan_for(pg_target, wanted)
    assert [(change.address.name, change.action) for change in plan.changes] == [
        ("public.y", Action.RENAME), ("public.x", Action.CREATE), ("public.old", Action.DELETE),
    ]  # fmt: skip
    receipt = apply(plan, pg_target, allowed=["index-drop"])
    assert receipt.succeeded, receipt
    assert plan_for(pg_target, wanted).is_empty


def test_a_name_that_was_not_set_free_is_stale(two, pg_target):
    two.execute("create index x on one (a)")
    plan = plan_for(pg_target, declared(pg_target, {"two": {"x": B}, "one": {"y": A}}))
    two.execute("create table y ()")
    receipt = apply(plan, pg_target)
    assert results(receipt) == {"public.y": Applied.STALE, "public.x": Applied.STALE}


def test_a_name_moves_only_once_what_takes_over_is_built(two, pg_target):
    """The index goes that the other one takes over from: where that one fails, it stays. Both had run side by side."""
    two.execute("create table parent (id int primary key)")
    two.execute("insert into parent select generate_series(1, 100)")
    two.execute("alter table one add foreign key (a) references parent")
    two.execute("create index x on one (a)")
    two.execute("insert into one values (1, 1, 1)")  # twice by now
    section = {"one": {"y": {"columns": ["a"], "unique": True}, "x": "absent"}, "two": {"x": B}}
    plan = plan_for(pg_target, declared(pg_target, section))
    assert [(change.lane, change.phase) for change in plan.changes] == [("public.one", 0), ("public.one", 1)]
    receipt = apply(plan, pg_target, allowed=["index-drop"])
    assert results(receipt) == {"public.y": Applied.FAILED, "public.x": Applied.NOT_RUN}
    assert two.execute("select tablename from pg_indexes where indexname = 'x'").fetchall() == [("one",)]
    two.execute("delete from one where ctid = (select max(ctid) from one)")
    assert apply(plan_for(pg_target, declared(pg_target, section)), pg_target, allowed=["index-drop"]).succeeded
    assert plan_for(pg_target, declared(pg_target, section)).is_empty


def test_partitioned_indexes_with_a_template_are_exchanged(sql, pg_target):
    """Both were stale for ever: what a change carries of the other had lost the template."""
    sql.execute("create table whole (a int, b int) partition by range (a)")
    sql.execute("create table part partition of whole for values from (0) to (10)")
    sql.execute("create index i on whole (b)")
    sql.execute("create index j on whole (a)")
    template = {"new_partitions": {"at_most": 3, "up_to": "1GB"}}
    wanted = declared(pg_target, {"whole": {"i": A | template, "j": B | template}})
    receipt = apply(plan_for(pg_target, wanted), pg_target, allowed=["index-drop"])
    assert receipt.succeeded, message(receipt)
    assert plan_for(pg_target, wanted).is_empty


@pytest.mark.parametrize("order", [["one", "two", "three"], ["three", "two", "one"]], ids=["as they go", "turned"])
def test_names_that_wait_for_one_another_go_over_in_one_plan(two, pg_target, order):
    """Each table's index is to have the name of the next one's: all renames had one place in the order."""
    two.execute("create table three (a int, b int, c int)")
    two.execute("create index x on one (a)")
    two.execute("create index z on two (b)")
    section = {"one": {"y": A}, "two": {"x": B}, "three": {"z": C}}
    wanted = declared(pg_target, {table: section[table] for table in order})
    plan = plan_for(pg_target, wanted)
    assert [(change.address.name, change.action, change.phase) for change in plan.changes] == [
        ("public.y", Action.RENAME, -2), ("public.x", Action.RENAME, -1), ("public.z", Action.CREATE, 0),
    ]  # fmt: skip
    receipt = apply(plan, pg_target)
    assert receipt.succeeded, message(receipt)
    assert plan_for(pg_target, wanted).is_empty

"""Indexes that nobody lists: by table, by schema, by pattern, and of a whole target; tables in several documents."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import psycopg
import pytest
from applying.acting import Command, apply, plan_for, results

from reconciler.applying.gates.superseded import superseded
from reconciler.desired.load import Desired, load
from reconciler.errors import DesiredError
from reconciler.kinds.registry import KINDS
from reconciler.model import Action, Applied, HazardType, NoticeType, Plan
from reconciler.secrets import Secrets

TARGETS = 'targets: {main: {postgres: "${DATABASE_URL}"}, two: {postgres: "${DATABASE_URL}"}}\n'


def desired(folder: Path, *documents: str, url: str = "postgresql://127.0.0.1:1/x") -> Desired:
    """What is declared of main by these documents, each a file of its own."""
    (folder / "targets.yaml").write_text(TARGETS)
    for number, document in enumerate(documents):
        (folder / f"{number}.yaml").write_text("target: main\n" + dedent(document).lstrip())
    return load(folder, KINDS, {"DATABASE_URL": url}, Secrets({}), only=["main"])


def refused(folder: Path, *documents: str) -> str:
    with pytest.raises(DesiredError) as error:
        desired(folder, *documents)
    return str(error.value).replace(f"{folder}/", "")


def planned(found: Desired) -> Plan:
    return plan_for(list(found.targets.values()), found.resources)


ONE = """
    tables:
      public.orders:
        indexes: {orders_a: {columns: [a]}}
"""
OTHER = """
    tables:
      public.orders:
        unlisted_indexes: drift
        indexes: {orders_b: {columns: [b]}}
"""


@pytest.fixture
def orders(sql):
    sql.execute("create table orders (id int primary key, a int, b int, c int)")
    sql.execute("create index orders_c on orders (c)")
    return sql


@pytest.mark.matrix
def test_two_documents_declare_different_indexes_of_one_table(orders, database, tmp_path):
    """Seen before: "main/pg_index/public.orders.* is declared twice"."""
    found = desired(tmp_path, ONE, OTHER, url=database)
    plan = planned(found)
    assert {(change.address.name, change.action) for change in plan.changes} == {
        ("public.orders_a", Action.CREATE),
        ("public.orders_b", Action.CREATE),
    }
    [notice] = plan.notices
    assert (notice.address.name, notice.type) == ("public.orders_c", NoticeType.UNWANTED)
    assert notice.declared_at == f"{tmp_path}/1.yaml:4:5", "the place of the one that says it"
    assert apply(plan, list(found.targets.values())).succeeded
    again = planned(found)
    assert again.is_empty
    assert again.notices == (notice,)


def test_an_index_of_one_document_is_not_dropped_by_the_other(orders, database, tmp_path):
    """Seen before: they could not stand in two documents at all."""
    found = desired(tmp_path, OTHER.replace("drift", "drop"), ONE.replace("orders_a: {columns: [a]}",
                    "orders_c: {columns: [c]}"), url=database)  # fmt: skip
    assert [change.address.name for change in planned(found).changes] == ["public.orders_b"]


TWICE = [
    ("the same index", (ONE, ONE), "1.yaml:4:15: main/pg_index/public.orders_a is declared twice; the first one is at "
     "0.yaml:4:15"),
    ("the same index, otherwise", (ONE, ONE.replace("[a]", "[b]")), "is declared twice; the first one is at 0.yaml"),
    ("an index and its absence", (ONE, ONE.replace("{columns: [a]}", "absent")), "is declared twice"),
    ("two words for one table", (OTHER, OTHER.replace("drift", "drop").replace("_b", "_c")),
     "1.yaml:4:5: unlisted_indexes of public.orders is drop here, and drift at 0.yaml:4:5"),
    ("two words for a target", ("unlisted_indexes: drop", "unlisted_indexes: {'*': keep}"),
     "1.yaml:2:20: unlisted_indexes of * is keep here, and drop at 0.yaml:2:1"),
    ("two words for a schema", ("unlisted_indexes: {app: drop}", "unlisted_indexes: {app.*: keep}"),
     "1.yaml:2:20: unlisted_indexes of app.* is keep here, and drop at 0.yaml:2:20"),
    ("two words in one section", ("unlisted_indexes: {app: drop, app.*: keep}",), "is keep here, and drop at 0.yaml"),
    ("a target and a table", ("unlisted_indexes: {public.orders: keep}", OTHER),
     "1.yaml:4:5: unlisted_indexes of public.orders is drift here, and keep at 0.yaml:2:20"),
    ("no word", ("unlisted_indexes: {app: remove}",), "remove"),
    ("nothing", ("unlisted_indexes: {}",), "0.yaml:2:1"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "documents", "said"), TWICE, ids=[each[0] for each in TWICE])
def test_what_contradicts_itself_is_an_error_with_both_places(name, documents, said, tmp_path):
    assert said in refused(tmp_path, *documents)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_table_that_says_nothing_leaves_it_to_the_document_that_does(order, tmp_path):
    documents = (ONE, OTHER)
    found = desired(tmp_path, *(documents[number] for number in order))
    [rule] = [each for each in found.resources if each.address.name == "public.orders.*"]
    assert (rule.policy, set(rule.listed)) == ("drift", {"orders_a", "orders_b"})


@pytest.fixture
def many(sql):
    """Tables in two schemas, each with an index that nobody lists."""
    sql.execute("create schema audit")
    for table in ("public.orders", "public.log_a", "public.log_b", "audit.log_a", 'audit."odd.one"'):
        sql.execute(f"create table {table} (id int primary key, a int)")
        sql.execute(f"create index on {table} (a)")
    sql.execute("create materialized view public.seen as select * from public.orders")
    sql.execute("create index on public.seen (a)")
    sql.execute("create table public.parted (a int) partition by list (a)")
    sql.execute("create table public.parted_1 partition of public.parted for values in (1)")
    sql.execute("create index on public.parted (a)")
    return sql


ALL = {
    "public.orders_a_idx", "public.log_a_a_idx", "public.log_b_a_idx", "audit.log_a_a_idx", "audit.odd.one_a_idx",
    "public.seen_a_idx", "public.parted_a_idx",
}  # fmt: skip

PATTERNS = [
    ("drift", ALL, "a word is for all tables, views and partitioned tables, and for no primary key and no part"),
    ("keep", set(), "the default, said"),
    ("{audit: drift}", {"audit.log_a_a_idx", "audit.odd.one_a_idx"}, "a name is a schema's"),
    ("{audit.*: drift}", {"audit.log_a_a_idx", "audit.odd.one_a_idx"}, "the same with a star"),
    ("{'*.log_a': drift}", {"public.log_a_a_idx", "audit.log_a_a_idx"}, "of any schema"),
    ("{public.orders: drift}", {"public.orders_a_idx"}, "one table"),
    ("{'*': drift, audit: keep, public.log_*: keep}",
     {"public.orders_a_idx", "public.seen_a_idx", "public.parted_a_idx"}, "exceptions by schema and by pattern"),
    ("{'*': keep, public.log_*: drift, public.log_b: keep}", {"public.log_a_a_idx"}, "the table is closer"),
    ("{public.l*: keep, public.lo*: drift}", {"public.log_a_a_idx", "public.log_b_a_idx"}, "more letters are closer"),
    ("{public.*_a: drift, public.log*: keep}", set(), "of two that are as close the gentler one"),
    ("{Public: drift}", set(), "names are as they are written"),
    ("{public.log?a: drift}", set(), "only the star has a meaning"),
]  # fmt: skip


@pytest.mark.parametrize(("section", "names", "reason"), PATTERNS, ids=[each[2] for each in PATTERNS])
def test_the_closest_pattern_decides(section, names, reason, many, database, tmp_path):
    plan = planned(desired(tmp_path, f"unlisted_indexes: {section}", url=database))
    assert plan.is_empty
    assert {notice.address.name for notice in plan.notices} == names, reason
    assert {notice.type for notice in plan.notices} <= {NoticeType.UNWANTED}


def test_a_declared_table_inherits_and_its_own_word_wins(many, database, tmp_path):
    found = desired(
        tmp_path,
        "unlisted_indexes: {'*': drift, public.log_*: report}",
        "tables: {public.log_a: {indexes: {}}, public.log_b: {unlisted_indexes: keep}, public.orders: {indexes: {}}}",
        url=database,
    )
    said = {notice.address.name: notice for notice in planned(found).notices}
    assert said.keys() == ALL - {"public.log_b_a_idx"}
    log, orders = said["public.log_a_a_idx"], said["public.orders_a_idx"]
    assert (log.type, orders.type) == (NoticeType.UNLISTED, NoticeType.UNWANTED)
    assert log.message == "index of public.log_a that no file declares (unlisted_indexes of public.log_*)"
    assert log.declared_at == f"{tmp_path}/0.yaml:2:32"


@pytest.mark.matrix
def test_a_whole_schema_is_cleared_once_it_is_allowed(many, database, tmp_path):
    found = desired(tmp_path, "unlisted_indexes: {audit: drop, public.log_a: drop, '*': report}", url=database)
    targets = list(found.targets.values())
    plan = planned(found)
    assert {change.address.name for change in plan.changes} == {
        "public.log_a_a_idx", "audit.log_a_a_idx", "audit.odd.one_a_idx",
    }  # fmt: skip
    assert {hazard.type for change in plan.changes for step in change.steps for hazard in step.hazards} == {
        HazardType.INDEX_DROP
    }
    assert plan.changes[0].reason.startswith("not listed under unlisted_indexes: drop, of ")
    assert superseded(plan.changes, found.resources, found.targets) == {}
    assert apply(plan, targets, allowed=["index-drop"], desired=found.resources).succeeded
    again = planned(found)
    assert again.is_empty
    assert {notice.type for notice in again.notices} == {NoticeType.UNLISTED}


def test_a_rule_that_is_gone_or_gentler_by_now_supersedes_its_drops(many, database, tmp_path):
    plan = planned(desired(tmp_path, "unlisted_indexes: {audit: drop}", url=database))
    for section in ("unlisted_indexes: {audit: report}", "unlisted_indexes: keep"):
        now = desired(tmp_path, section, url=database)
        assert set(superseded(plan.changes, now.resources, now.targets)) == {each.address for each in plan.changes}
    listed = "tables: {audit.log_a: {indexes: {log_a_a_idx: {columns: [a]}}}}"
    now = desired(tmp_path, "unlisted_indexes: {audit: drop}", listed, url=database)
    assert [address.name for address in superseded(plan.changes, now.resources, now.targets)] == ["audit.log_a_a_idx"]
    receipt = apply(plan, list(now.targets.values()), allowed=["index-drop"], desired=now.resources)
    assert results(receipt) == {"audit.log_a_a_idx": Applied.SUPERSEDED, "audit.odd.one_a_idx": Applied.APPLIED}


def test_the_last_index_of_a_foreign_key_an_extension_and_a_temporary_table_are_left_alone(many, database, tmp_path):
    many.execute("create table items (id int, of int references log_a (id))")
    many.execute("create index items_of on items (of)")
    many.execute("create extension hstore; create table ext (a int); create index ext_a on ext (a)")
    many.execute("alter extension hstore add table ext")
    many.execute("create temporary table temp (a int); create index temp_a on temp (a)")
    plan = planned(desired(tmp_path, "unlisted_indexes: drop", url=database))
    assert {change.address.name for change in plan.changes} == ALL
    [kept] = plan.notices
    assert (kept.address.name, kept.type) == ("public.items_of", NoticeType.UNLISTED)
    assert "the only index for the foreign key" in kept.message
    many.execute("alter extension hstore drop table ext")


EXIT_CODES = [("keep", 0), ("report", 0), ("drift", 2), ("drop", 2)]


@pytest.mark.parametrize(("word", "code"), EXIT_CODES)
def test_what_counts_is_told_by_the_exit_code(word, code, many, database, tmp_path):
    folder = tmp_path / "desired"
    folder.mkdir()
    (folder / "x.yaml").write_text(
        f'targets: {{main: {{postgres: "${{DATABASE_URL}}"}}}}\n---\ntarget: main\nunlisted_indexes: {word}\n'
    )
    run = Command(folder, {"DATABASE_URL": database})
    found, out, _ = run.run("drift")
    assert found == code, out
    if word == "drift":
        assert "unwanted: index of public.orders that no file declares" in " ".join(out.split())
        assert "Drift, and no plan would mend it. 7 indexes are unwanted." in out
    if word == "report":
        assert "7 indexes are unlisted." in out


def test_tables_that_are_locked_as_a_whole_are_said_and_the_others_told(many, database, tmp_path):
    many.execute("create index on orders ((a + 1))")
    with psycopg.connect(database) as holder:
        holder.execute("lock table orders in access exclusive mode")
        plan = planned(desired(tmp_path, "unlisted_indexes: drift", url=database))
        holder.rollback()
    [hidden] = [notice for notice in plan.notices if notice.type is NoticeType.NOT_VISIBLE]
    assert hidden.address.name == "public.orders.*"
    assert "locked as a whole" in hidden.message
    assert {notice.address.name for notice in plan.notices if notice is not hidden} == ALL - {"public.orders_a_idx"}

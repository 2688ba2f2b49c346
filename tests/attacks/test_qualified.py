"""Every statement of ours names its functions and types by their schema.

Two ways to find them: all text in the code that PostgreSQL's parser takes for SQL, and what a server really received
while everything was done that the command line can do. On the code before, the first found 140 texts, the second 190
statements.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import postgast
import pytest
from applying.acting import apply, now, pg_settings
from check.declare import declare
from pg_index.declared import tables
from postgast.pg_query_pb2 import FuncCall, RangeVar, TypeName

import reconciler
from reconciler.kinds.registry import KINDS
from reconciler.model import HazardType, System
from reconciler.planning.make import make_plan
from reconciler.secrets import Secrets
from reconciler.targets.connect import connect

PACKAGE = Path(reconciler.__file__).parent
SQL = re.compile(r"\s*(select|with|explain|show|values|prepare)\s", re.IGNORECASE)
NOT_SENT = ("demo",)
"""Folders whose SQL makes or fills the server of the demo, which is nobody's but ours."""

FRAGMENTS = {
    "{wanted}": "with members as (select 1 as oid)",
    "{strangers}": "foreign_functions as (select 1 as oid), places as (select 1 as oid)",
    "{own_path}": "true",
    "{follows}": "true",
    "{leads}": "found as (select 1 as place), led as (select 1 as place)",
    **dict.fromkeys(
        ("{of_relations}", "{of_types}", "{of_others}", "{trees}", "{by_name}", "{leaning}", "{answer}"), "select 1"
    ),
}
"""What stands for a part of a statement, and a text of that shape."""


def texts() -> Iterator[tuple[str, str]]:
    """(place, text) of each constant in the code that may be SQL."""
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.relative_to(PACKAGE).parts[0] in NOT_SENT:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        skipped = {
            id(part)
            for node in ast.walk(tree)
            for part in (ast.walk(node) if isinstance(node, ast.JoinedStr) else [getattr(node, "value", None)])
            if isinstance(node, ast.JoinedStr | ast.Expr)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped:
                text = node.value
                for sign, stands_for in FRAGMENTS.items():
                    text = text.replace(sign, stands_for)
                if SQL.match(text):
                    yield f"{path.relative_to(PACKAGE)}:{node.lineno}", text


HOLE = "hole"
"""Stands for what is filled in."""


def parsed(text: str) -> Any:
    text = re.sub(r"%\(\w+\)s|%s", "null", text).replace("%%", "%").replace("{{}}", "{}")
    return postgast.parse(re.sub(r"\{\w*\}", HOLE, text))


def bare(tree: Any) -> list[str]:
    """The functions, types and catalogues in it that are looked for on the search_path."""
    found = [
        call.funcname[0].string.sval + "()" for call in postgast.find_nodes(tree, FuncCall) if len(call.funcname) == 1
    ]
    found += [each.names[0].string.sval for each in postgast.find_nodes(tree, TypeName) if len(each.names) == 1]
    found += [
        each.relname
        for each in postgast.find_nodes(tree, RangeVar)
        if not each.schemaname and each.relname.startswith("pg_")
    ]
    return sorted(each for each in found if HOLE not in each)


def test_no_text_of_ours_has_an_unqualified_name():
    looked_at, wrong = 0, {}
    for place, text in texts():
        try:
            tree = parsed(text)
        except postgast.PgQueryError:
            continue  # a sentence, or a part of a statement: the next test sees what is made of it
        looked_at += 1
        if names := bare(tree):
            wrong[place] = names
    assert wrong == {}
    assert looked_at > 70


@pytest.mark.parametrize(
    "text", ["select lower('a')", "select 'a'::text", "select 1 from pg_class", "select x::my_type"]
)
def test_what_is_unqualified_is_seen(text):
    assert bare(parsed(text))


THEIRS = re.compile(
    r"(?i)^\s*(create|alter|drop|reindex|comment|begin|commit|rollback|savepoint|release|prepare|deallocate|reset|set |"
    r"explain)"
)
"""Statements that hold names of the plan or of users, or none at all."""

USERS = {"initcap()"}
"""Of an expression that is declared."""


@pytest.mark.matrix
def test_no_statement_that_a_server_receives_has_an_unqualified_name(sql, pg_target, postgres):
    sql.execute("create extension pg_stat_statements")
    sql.execute("select pg_stat_statements_reset()")  # else what follows may not stay for long among thousands
    sql.execute("create table tasks (id int primary key, title text, status text, at timestamptz)")
    sql.execute("insert into tasks select n, 't' || n, 's' from generate_series(1, 100) n")
    sql.execute("create index going on tasks (status)")
    sql.execute("create index partial on tasks (id) where status = 's'")
    sql.execute("select * from tasks where status = 's' and id = 3").fetchall()
    sql.execute(f"alter database {sql.info.dbname} set log_statement = 'all'")
    before = len(postgres.log)
    indexes = {
        "made": {"columns": ["initcap(title)"], "unique": True},
        "partial": {"columns": ["id"], "where": "'s' = status"},
        "going": "absent",
    }
    resources = [
        *tables(pg_target, {"public.tasks": {"unlisted_indexes": "report", "indexes": indexes}}),
        *declare(pg_target, {"sql": "select id from tasks", "is_empty": "no"}, {"pg_setting": "jit", "equals": "on"}),
        *pg_settings(pg_target, {"work_mem": "7MB", "shared_preload_libraries": {"include": ["pg_stat_statements"]}}),
    ]
    plan = make_plan({"main": pg_target}, resources, Secrets({}), created_at=now(), advised=True)
    assert apply(plan, pg_target, allowed=[*HazardType]).succeeded
    again = make_plan({"main": pg_target}, resources, Secrets({}), created_at=now())
    assert again.changes == ()
    with closing(connect(pg_target, Secrets({}))) as session:
        assert session.info.identity
        assert session.memory()
        assert session.cpus()
        for kind in KINDS:
            if kind.system is System.POSTGRES and hasattr(kind, "written"):
                kind.written(session)
    sql.execute(f"alter database {sql.info.dbname} reset log_statement")
    sql.execute("alter system reset all")
    sql.execute("select pg_catalog.pg_reload_conf()")
    statements = received(postgres.log[before:], "reconciler")
    assert len(statements) > 30
    wrong = {
        text: names
        for text in statements
        if not THEIRS.match(text) and (names := set(bare(postgast.parse(text))) - USERS)
    }
    assert wrong == {}


def received(log: str, application: str) -> set[str]:
    """The statements that a server has logged, each once."""
    found = re.split(r"(?m)^(?=\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)", log)
    said = (re.search(r"LOG:  (?:statement|execute \S+): (.*)", entry, re.DOTALL) for entry in found)
    return {each[1].strip() for each in said if each}

"""What an apply is about to do when a fault meets it, and what has to be true once the next run is through."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from applying.acting import apply, plan_for
from pg_index.declared import declared
from psycopg import sql
from waiting import until

from reconciler.documents import plan as plan_file
from reconciler.model import Plan, Resource, SqlStep, Target

COLUMNS = {"columns": ["status", "priority desc"]}

ROWS = "insert into tasks select n, 's' || n % 5, n % 10, 't' || n from generate_series(1, {}) n"
TABLE = "create table tasks (id bigint primary key, status text, priority int, title text)"
PARTITIONED = """
    create table tasks (id bigint, status text, priority int, title text) partition by range (id);
    create table low partition of tasks for values from (minvalue) to (200);
    create table high partition of tasks for values from (200) to (maxvalue) partition by hash (id);
    create table high_0 partition of high for values with (modulus 1, remainder 0);
"""
"""One partition, and one that has partitions of its own."""

INVALID = "create unique index concurrently {} on tasks (status)"
"""Leaves an INVALID index behind, since there are duplicates."""


@dataclass(frozen=True, slots=True)
class Scene:
    """`before` are statements that make what is there, `invalid` names of INVALID indexes; `indexes` is declared.

    `statements` is how many statements the plan has: a test that goes through all of them must not lose one unseen.
    """

    name: str
    statements: int
    indexes: dict[str, Any]
    before: tuple[str, ...] = ()
    invalid: tuple[str, ...] = ()
    table: str = TABLE

    def resources(self, target: Target) -> list[Resource]:
        """What is declared."""
        return declared(target, **self.indexes)

    def set_up(self, connection: psycopg.Connection, rows: int = 500) -> None:
        """Makes the table anew, with what is there before the apply."""
        connection.execute("drop table if exists tasks cascade")
        connection.execute(self.table.encode())
        connection.execute(ROWS.format(rows).encode())
        connection.execute("analyze tasks")
        for statement in self.before:
            connection.execute(statement.encode())
        for name in self.invalid:
            try:
                connection.execute(INVALID.format(name).encode())
            except psycopg.errors.UniqueViolation:
                continue
            raise AssertionError("the build should have failed")

    @property
    def names(self) -> list[str]:
        """The indexes of the table that are there in the end."""
        own = ["tasks_pkey"] if self.table == TABLE else []
        return sorted([*own, *(name for name, spec in self.indexes.items() if spec != "absent")])


SCENES = [
    Scene("create", 1, {"i": COLUMNS}),
    Scene("create after a failed build", 2, {"i": COLUMNS}, invalid=("i",)),
    Scene("replace", 5, {"i": COLUMNS}, ("create index i on tasks (title)",)),
    Scene("replace after a failed build", 6, {"i": COLUMNS}, ("create index i on tasks (title)",), ("i_rcl_new",)),
    Scene(
        "replace, and something is left of the one before",
        7,
        {"i": COLUMNS},
        ("create index i on tasks (title)", "create index i_rcl_old on tasks (id, title)"),
        ("i_rcl_new",),
    ),
    Scene(
        "drop what two interrupted runs left",
        2,
        {"i": COLUMNS},
        (
            "create index i on tasks (status, priority desc)",
            "create index i_rcl_old on tasks (title)",
            "create index i_rcl_new on tasks (id, title)",
        ),
    ),
    Scene(
        "replace a replica identity",
        6,
        {"i": {"unique": True, "columns": ["id"], "include": ["title"]}},
        ("create unique index i on tasks (id)", "alter table tasks replica identity using index i"),
    ),
    Scene(
        "exchange two names",
        6,
        {"i": COLUMNS, "j": {"columns": ["title"]}},
        ("create index i on tasks (title)", "create index j on tasks (status, priority desc)"),
    ),
    Scene("rename", 1, {"i": COLUMNS}, ("create index by_hand on tasks (status, priority desc)",)),
    Scene(
        "storage parameters",
        2,
        {"i": {**COLUMNS, "with": {"fillfactor": "71"}}},
        ("create index i on tasks (status, priority desc) with (deduplicate_items = off)",),
    ),
    Scene(
        "comment and statistics",
        2,
        {"i": {"columns": ["lower(title)"], "comment": "it's for the search", "statistics": {1: 500}}},
        ("create index i on tasks (lower(title))",),
    ),
    Scene("create on a partitioned table", 7, {"i": COLUMNS}, table=PARTITIONED),
    Scene(
        "replace on a partitioned table", 14, {"i": COLUMNS}, ("create index i on tasks (title)",), table=PARTITIONED
    ),
    Scene("drop on a partitioned table", 1, {"i": "absent"}, ("create index i on tasks (title)",), table=PARTITIONED),
    Scene("drop", 1, {"i": "absent"}, ("create index i on tasks (title)",)),
    Scene(
        "create one, replace one, drop one",
        7,
        {"a": COLUMNS, "i": {"columns": ["priority"]}, "z": "absent"},
        ("create index i on tasks (title)", "create index z on tasks (id, title)"),
    ),
]


QUICK = ("create", "replace", "rename", "drop")

THOROUGH = [scene if scene.name in QUICK else pytest.param(scene, marks=pytest.mark.thorough) for scene in SCENES]
"""All, of which `make test` leaves most: something is done to each of them before each of its statements."""


def by_name(name: str) -> Scene:
    """The scene of that name."""
    return next(scene for scene in SCENES if scene.name == name)


def statements(plan: Plan) -> list[str]:
    """Everything that an apply of `plan` runs on PostgreSQL, in order."""
    return [
        statement
        for change in plan.changes
        for step in change.steps
        if isinstance(step, SqlStep)
        for statement in step.statements
    ]


BETWEEN = "\n;\n"
"""Stands between the statements of a transaction that is sent as one message."""


class Gate:
    """Lets a statement arrive at the server and no further: it waits in an event trigger, before it does anything.

    What came before it is done by then, and committed where it is a step of its own.
    """

    KEY = 4711
    """Of the advisory lock that everybody waits for at the gate."""

    def __init__(self, database: str) -> None:
        self._database = database
        self._keeper: psycopg.Connection | None = None

    @contextmanager
    def closed(self, statement: str) -> Iterator[None]:
        """While the body runs, `statement` does not get through."""
        with psycopg.connect(self._database, autocommit=True, application_name="the gate") as self._keeper:
            self._keeper.execute(
                sql.SQL(
                    "create or replace function gate() returns event_trigger language plpgsql as $gate$"
                    " declare until_it text[]; number int; begin"
                    # Of a transaction that is sent as one message this is the so-many-th statement, after its BEGIN.
                    " number := coalesce(nullif(current_setting('gate.number', true), ''), '0')::int + 1;"
                    " perform set_config('gate.number', number::text, true);"
                    " until_it := string_to_array(split_part(current_query(), {among}, 1), {between});"
                    " if current_query() = {statement}"
                    " or (strpos(current_query(), {among}) > 0 and cardinality(until_it) = number)"
                    " then perform pg_advisory_xact_lock_shared({key}); end if; end $gate$"
                ).format(
                    statement=sql.Literal(statement),
                    between=sql.Literal(BETWEEN),
                    among=sql.Literal(f"{BETWEEN}{statement}{BETWEEN}"),
                    key=sql.Literal(self.KEY),
                )
            )
            self._keeper.execute("drop event trigger if exists gate")
            self._keeper.execute("create event trigger gate on ddl_command_start execute function gate()")
            self._keeper.execute("select pg_advisory_lock(%s)", (self.KEY,))
            yield  # the lock ends with its session, whatever becomes of the server

    def arrived(self) -> list[int]:
        """The server processes that wait at the gate."""
        return [
            pid
            for (pid,) in self._keeper.execute(
                "select pid from pg_locks where locktype = 'advisory' and objid = %s and not granted", (self.KEY,)
            )
        ]

    def turn_away(self) -> None:
        """Ends the sessions that wait at the gate, as the server ends those of a client that is gone (14+)."""
        for pid in self.arrived():
            self._keeper.execute("select pg_terminate_backend(%s)", (pid,))
        until(lambda: not self.arrived(), "nobody is at the gate")


def save(plan: Plan, path) -> None:
    """The plan as the command line saves it."""
    plan_file.write(plan, path)


def checksum(connection: psycopg.Connection, table: str = "tasks") -> str:
    """Of all rows of a table."""
    query = sql.SQL("select md5(string_agg(t::text, ';' order by t::text)) from {} t")
    return connection.execute(query.format(sql.Identifier(table))).fetchone()[0]


def at_work(connection: psycopg.Connection) -> list[int]:
    """Server processes that act for an apply, or still build or drop something for one that is gone."""
    return [
        pid
        for (pid,) in connection.execute(
            "select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
            " and (application_name like 'reconciler%' or query ~* '^(create|drop|alter|reindex)')"
            " and (state = 'active' or application_name like 'reconciler%')"
        )
    ]


def indexes(connection: psycopg.Connection) -> list[tuple[str, bool]]:
    """All indexes of `tasks`, by name, and whether they are valid."""
    return connection.execute(
        "select indexrelid::regclass::text, indisvalid and indisready and indislive from pg_index"
        " where indrelid = 'tasks'::regclass order by 1"
    ).fetchall()


LEFT = """
    select c.relname, i.indisvalid, i.indisready, inhparent::regclass
    from pg_partition_tree('tasks') t join pg_index i on i.indrelid = t.relid join pg_class c on c.oid = i.indexrelid
    left join pg_inherits h on h.inhrelid = c.oid
    where not (i.indisvalid and i.indisready) or c.relname ~ '_(rcl_new|rcl_old|ccnew|ccold)[0-9]*$'
       or (t.level > 0 and inhparent is null)
"""


def left(connection: psycopg.Connection) -> list[tuple]:
    """What should not be there in the end: INVALID indexes, temporary names, parts that are attached to nothing."""
    return connection.execute(LEFT).fetchall()


def valid(connection: psycopg.Connection, names: Iterable[str]) -> list[str]:
    """Those of these indexes that queries can use at this moment."""
    wanted = set(names)
    return [name for name, usable in indexes(connection) if usable and name in wanted]


def converges(scene: Scene, connection: psycopg.Connection, target: Target) -> None:
    """The next run finishes the work, the one after it has nothing to do, and nothing is left behind."""
    until(lambda: not at_work(connection), "nobody is at work any more")
    receipt = apply(plan_for(target, scene.resources(target)), target, allowed=["index-drop"])
    assert receipt.succeeded, receipt.changes
    after = plan_for(target, scene.resources(target))
    assert after.is_empty, after.changes
    assert after.notices == ()
    assert indexes(connection) == [(name, True) for name in scene.names]
    assert left(connection) == []

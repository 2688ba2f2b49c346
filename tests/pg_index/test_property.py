"""Random tables with random indexes go from one random state to the next, and never lack what is in both."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator

import psycopg
import pytest
import tiers
from applying.acting import apply, plan_for
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql
from waiting import PATIENCE

from pg_index.declared import tables
from pg_index.random_indexes import World, worlds
from reconciler.applying.executing.sequence import Stepper

pytestmark = [pytest.mark.matrix, pytest.mark.long]

EXAMPLES = os.environ.get("RECONCILER_TEST_EXAMPLES", "")
"""How many; where it is said, other ones each time."""

USUAL = 8 if tiers.current() is tiers.Tier.TEST else 16

# Of partitioned indexes without storage parameters: PostgreSQL lets nobody change them, and uses those of the leaves.
FACTS = r"""
    select t.oid::regclass::text as on_table, c.relname as name, i.indrelid = %(table)s::regclass as topmost,
           regexp_replace(regexp_replace(pg_get_indexdef(c.oid), ' INDEX .*? ON (ONLY )?', ' INDEX ON '),
                          case c.relkind when 'I' then ' WITH \([^)]*\)' else '$^' end, '') as definition,
           i.indisvalid and i.indisready as usable,
           (select array_agg(replace(replace(replace(o, '=true', '=on'), '=false', '=off'), '=no', '=off') order by o)
              from unnest(c.reloptions) o where c.relkind <> 'I') as options,
           coalesce(s.spcname, 'pg_default') as tablespace, coalesce(obj_description(c.oid, 'pg_class'), '') as comment,
           (select array_agg(coalesce(nullif(a.attstattarget, -1), -1) order by attnum)
              from pg_attribute a where a.attrelid = c.oid) as statistics,
           (select h.inhparent::regclass::text from pg_inherits h where h.inhrelid = c.oid) as parent
    from pg_index i join pg_class c on c.oid = i.indexrelid join pg_class t on t.oid = i.indrelid
    left join pg_tablespace s on s.oid = c.reltablespace
    where i.indrelid = any (%(tables)s::regclass[])
"""
TREE = """
    with recursive tree (oid) as (
        select %(table)s::regclass::oid union all select inhrelid from pg_inherits join tree on inhparent = tree.oid)
    select array_agg(oid::regclass::text) from tree
"""
USABLE = """
    select c.relname from pg_index i join pg_class c on c.oid = i.indexrelid
    where i.indrelid = %s::regclass and i.indisvalid and i.indisready and i.indislive
"""
IDENTITY = """
    select c.relname, array[c.oid, pg_relation_filenode(c.oid)]::text from pg_index i
    join pg_class c on c.oid = i.indexrelid where i.indrelid = %s::regclass
"""


@pytest.fixture
def scratch(sql, database, postgres) -> Iterator[psycopg.Connection]:
    """Another database of the same server, and a tablespace for both."""
    if not sql.execute("select 1 from pg_tablespace where spcname = 'spare'").fetchone():
        (postgres.data.parent / "spare").mkdir()
        owner = postgres.data.stat()
        os.chown(postgres.data.parent / "spare", owner.st_uid, owner.st_gid)
        sql.execute(f"create tablespace spare location '{postgres.data.parent / 'spare'}'".encode())
    name = f"{sql.info.dbname}_by_hand"
    sql.execute(f"create database {name}".encode())
    with psycopg.connect(postgres.url(name), autocommit=True) as connection:
        yield connection
    sql.execute(f"drop database {name} (force)".encode())


def prepared(connection: psycopg.Connection, world: World) -> None:
    connection.execute('drop schema if exists public, "Some Schema" cascade')
    connection.execute("create schema public")
    for statement in world.set_up():
        connection.execute(statement)


def facts(connection: psycopg.Connection, world: World) -> list[tuple]:
    """Everything that makes the indexes what they are; those of partitions may have other names."""
    [(tree,)] = connection.execute(TREE, {"table": world.qualified})
    rows = connection.execute(FACTS, {"table": world.qualified, "tables": tree}).fetchall()
    # Of parts: their statistics targets are their own, which PostgreSQL leaves at the default.
    return sorted([row if row[2] else (row[0], "", *row[2:8], [], part_of(row[9])) for row in rows], key=str)


def part_of(parent: str | None) -> bool:
    return parent is not None


def checksum(connection: psycopg.Connection, world: World) -> str:
    table = sql.Identifier(world.schema, world.table)
    return connection.execute(
        sql.SQL("select md5(string_agg(t::text, ';' order by t::text)) from {} t").format(table)
    ).fetchone()[0]


def usable(connection: psycopg.Connection, world: World) -> set[str]:
    return {name for (name,) in connection.execute(USABLE, (world.qualified,))}


class Watcher(threading.Thread):
    """Looks, as often as it can, whether one of `names` is missing or INVALID."""

    def __init__(self, database: str, world: World, names: frozenset[str]) -> None:
        super().__init__(daemon=True)
        self.database, self.world, self.names = database, world, names
        self.missing: set[str] = set()
        self._looked = threading.Event()
        self._over = threading.Event()

    def run(self) -> None:
        with psycopg.connect(self.database, autocommit=True) as connection:
            while not self._over.is_set():
                self.missing |= self.names - usable(connection, self.world)
                self._looked.set()

    def __enter__(self) -> Watcher:
        self.start()
        assert self._looked.wait(PATIENCE)
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join()


def resources(world: World, target, state, unlisted: str = "keep") -> list:
    indexes = {name: index.section if index else "absent" for name, index in state.items()}
    return tables(target, {world.qualified: {"unlisted_indexes": unlisted, "indexes": indexes}})


@pytest.fixture
def after_each_step(monkeypatch) -> list[Callable[[], None]]:
    """What is called after each step of an apply."""
    calls: list[Callable[[], None]] = []
    run = Stepper.run

    def run_and_call(self, *arguments):
        run(self, *arguments)
        for call in calls:
            call()

    monkeypatch.setattr(Stepper, "run", run_and_call)
    return calls


@settings(
    max_examples=int(EXAMPLES or USUAL), derandomize=not EXAMPLES, database=None, deadline=None, print_blob=False,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip
@given(data=st.data())
def test_from_one_state_to_the_next(data, sql, scratch, pg_target, database, after_each_step):
    after_each_step.clear()
    world = data.draw(worlds(sql.info.server_version // 10000))
    prepared(sql, world)
    before = checksum(sql, world)

    plan = plan_for(pg_target, resources(world, pg_target, world.first))
    assert plan.notices == ()
    receipt = apply(plan, pg_target)
    assert receipt.succeeded, receipt
    again = plan_for(pg_target, resources(world, pg_target, world.first))
    assert again.is_empty, again.changes
    made = dict(sql.execute(IDENTITY, (world.qualified,)).fetchall())

    wanted = resources(world, pg_target, world.second, world.unlisted)
    plan = plan_for(pg_target, wanted)
    assert plan.notices == ()
    changed = {change.address.name.removeprefix(f"{world.schema}.") for change in plan.changes}
    assert not changed & world.kept, "what is in both states has nothing to be done to it"
    there = frozenset(name for name in world.kept | world.replaced if world.first[name])
    found: list[set[str]] = []
    after_each_step.append(lambda: found.append(usable(sql, world)))
    with Watcher(database, world, there) as watcher:
        receipt = apply(plan, pg_target, allowed=["index-drop"], parallel=1)
    assert receipt.succeeded, receipt
    assert [there - each for each in found] == [set()] * sum(len(change.steps) for change in receipt.changes)
    assert watcher.missing == set()

    again = plan_for(pg_target, wanted)
    assert again.is_empty, again.changes
    assert again.notices == ()
    assert checksum(sql, world) == before
    now = dict(sql.execute(IDENTITY, (world.qualified,)).fetchall())
    assert {name: now[name] for name in world.kept} == {name: made[name] for name in world.kept}

    prepared(scratch, world)
    for name, index in world.second.items():
        for statement in index.by_hand(world.schema, world.table, name) if index else ():
            scratch.execute(statement)
    assert facts(sql, world) == facts(scratch, world)

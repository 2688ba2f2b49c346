"""Every index that PostgreSQL can have: imported, declared, applied, and never different without a difference."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Collection, Iterator
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest
from live import run

from pg_index import corpus
from pg_index.corpus.spelled import short_form
from reconciler.desired.load import load
from reconciler.desired.write import LeftOut, document
from reconciler.kinds.pg_index.written import index_name, table_name
from reconciler.kinds.registry import KINDS
from reconciler.model import Plan
from reconciler.planning.make import make_plan
from reconciler.planning.written import write_target
from reconciler.secrets import Secrets

SPACES = ("corpus_space", "Odd Space")

INDEXES = """
    select n.nspname, t.relname, i.relname, tn.nspname,
           pg_get_indexdef(i.oid), obj_description(i.oid, 'pg_class'), i.reloptions, ts.spcname,
           (select array_agg((a.attnum, a.attstattarget)::text order by a.attnum) from pg_attribute a
            where a.attrelid = i.oid and a.attstattarget >= 0),
           x.indisvalid,
           (select rn.relname from pg_class rn where rn.oid = pg_partition_root(i.oid) and i.relispartition),
           (select c.conname from pg_constraint c where c.conindid = i.oid and c.contype in ('p', 'u', 'x'))
    from pg_index x
    join pg_class i on i.oid = x.indexrelid
    join pg_class t on t.oid = x.indrelid
    join pg_namespace tn on tn.oid = t.relnamespace
    join pg_namespace n on n.oid = i.relnamespace
    left join pg_tablespace ts on ts.oid = i.reltablespace
    where n.nspname not in ('pg_catalog', 'pg_toast')
"""

NOT_PLAIN_INDEXES = """
    select c.relname, con.oid is not null
    from pg_index x
    join pg_class c on c.oid = x.indexrelid
    left join pg_constraint con on con.conindid = c.oid and con.contype in ('p', 'u', 'x')
    where c.relnamespace not in ('pg_catalog'::regnamespace, 'pg_toast'::regnamespace)
      and (con.oid is not null or c.relispartition)
"""


class Live(NamedTuple):
    """Everything about an index that can be declared."""

    definition: str
    comment: str | None
    options: list[str] | None
    tablespace: str | None
    statistics: list[str] | None
    valid: bool


class World:
    """The corpus on one server: the database where all of it was made by hand, and others with its tables alone."""

    def __init__(self, server: Any, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self.databases: list[str] = []
        with self.admin() as connection:
            self.abilities = corpus.abilities(connection)
            self.major = connection.info.server_version // 10000
            self.make_spaces(connection)
        tables = self.database("template1")
        with psycopg.connect(tables, autocommit=True) as connection:
            for entry in corpus.of(corpus.schema(), self.abilities):
                for statement in entry.statements:
                    connection.execute(statement.encode())
        self.entries = corpus.of(corpus.indexes(), self.abilities)
        self.by_hand = self.fresh()
        with psycopg.connect(self.by_hand, autocommit=True) as connection:
            for entry in self.entries:
                for statement in entry.statements:
                    connection.execute(statement.encode())
        self.made = live_indexes(self.by_hand)

    def admin(self) -> psycopg.Connection:
        return psycopg.connect(self.server.url(), autocommit=True)

    def make_spaces(self, connection: psycopg.Connection) -> None:
        owner = self.server.data.stat()
        for name in SPACES:
            space = self.server.data.parent / f"space {name}"
            space.mkdir()
            space.chmod(0o700)
            shutil.chown(space, owner.st_uid, owner.st_gid)
            connection.execute(f"create tablespace \"{name}\" location '{space}'")

    def database(self, template: str) -> str:
        name = f"corpus_{len(self.databases)}"
        with self.admin() as connection:
            connection.execute(f"create database {name} template {template}")
        self.databases.append(name)
        return self.server.url(name)

    def fresh(self) -> str:
        """The URL of a database that has the tables and none of the indexes."""
        return self.database("corpus_0")

    def close(self) -> None:
        with self.admin() as connection:
            for name in self.databases:
                connection.execute(f"drop database {name} (force)")
            for name in SPACES:
                connection.execute(f'drop tablespace "{name}"')
                shutil.rmtree(self.server.data.parent / f"space {name}")

    def desired(self, url: str, text: str) -> Any:
        """What our own loader makes of `text` for the database at `url`."""
        (self.folder / "targets.yaml").write_text("targets:\n  main: {postgres: '${CORPUS_URL}'}\n")
        (self.folder / "main.yaml").write_text(text, encoding="utf-8")
        env = {"CORPUS_URL": url}
        return load(self.folder, KINDS, env, Secrets(env))

    def plan(self, url: str, text: str) -> Plan:
        desired = self.desired(url, text)
        return make_plan(desired.targets, desired.resources, Secrets({}), created_at=datetime(2026, 1, 1, tzinfo=UTC))

    @cached_property
    def imported(self) -> dict[str, Any]:
        target = self.desired(self.by_hand, "").targets["main"]
        return dict(write_target(target, Secrets({})).sections)

    def imported_text(self) -> str:
        return document({"target": "main", **self.imported})

    def restored(self, key: tuple[str, str, str], definition: str) -> str:
        """What PostgreSQL makes of its own definition of an index."""
        url = self.fresh()
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(definition.encode())
        return live_indexes(url)[key].definition

    def declared(self, form: Callable[[corpus.Entry], dict[str, Any]]) -> str:
        """YAML that declares every entry in the given form, with its comment and statistics targets beside it."""
        tables: dict[str, Any] = {}
        for entry in self.entries:
            if entry.name in NOT_DECLARED:
                continue
            made = self.made[*entry.name, ""]
            beside: dict[str, Any] = {}
            if made.comment is not None:
                beside["comment"] = made.comment
            if made.statistics:
                beside["statistics"] = dict(each.strip("()").split(",") for each in made.statistics)
            section = tables.setdefault(table_name(*entry.table), {"indexes": {}})
            section["indexes"][index_name(entry.name[1])] = form(entry) | beside
        return document({"target": "main", "tables": tables})


NOT_DECLARED = {("public", "pt_half"): "made on the partitioned table only: INVALID until it has parts"}


def live_indexes(url: str) -> dict[tuple[str, str, str], Live]:
    """By schema, name and "", or by schema and table of a part and the partitioned index that it is part of.

    Parts have names that PostgreSQL chooses; constraints' own are left out.
    """
    found = {}
    with psycopg.connect(url) as connection:
        for row in connection.execute(INDEXES):
            schema, table, name, table_schema, definition, *attributes, root, constraint = row
            if constraint:
                continue
            if root:
                definition = re.sub(" INDEX .*? ON ", " INDEX … ON ", definition)
            key = (table_schema, table, root) if root else (schema, name, "")
            found[key] = Live(definition, *attributes)
    return found


@pytest.fixture(scope="module")
def world(postgres, tmp_path_factory) -> Iterator[World]:
    made = World(postgres, tmp_path_factory.mktemp("desired"))
    yield made
    made.close()


def differences(plan: Plan) -> list[tuple[str, str]]:
    """What keeps a plan from being empty, in words."""
    return [
        *((change.address.name, f"{change.action}: {change.reason}; {change.summary}") for change in plan.changes),
        *((notice.address.name, f"{notice.type}: {notice.message}") for notice in plan.notices),
    ]


def apply(world: World, url: str, text: str) -> None:
    """Plans `text`, runs every step, and plans again: nothing is left."""
    plan = world.plan(url, text)
    assert [notice.message for notice in plan.notices] == []
    run(world.desired(url, text).targets["main"], plan.changes)
    assert differences(world.plan(url, text)) == []


REREAD = {
    ("public", "pr_between", ""): "PostgreSQL flattens a nested AND when it reads its own text again, as pg_dump does"
}


def assert_equal_to_those_made_by_hand(world: World, url: str, *, but: Collection[tuple[str, str, str]] = ()) -> None:
    applied = live_indexes(url)
    expected = {key: live for key, live in world.made.items() if key[:2] not in NOT_DECLARED}
    different = {key: (live, applied.get(key)) for key, live in expected.items() if applied.get(key) != live}
    for key in but:
        made_by_hand, made = different.pop(key)
        assert made._replace(definition="") == made_by_hand._replace(definition="")
        assert made.definition == world.restored(key, made_by_hand.definition)
    assert different == {}
    assert applied.keys() == expected.keys()


def left_out(sections: dict[str, Any]) -> dict[str, str]:
    """Names that an import leaves out, and why."""
    found: dict[str, str] = {}
    for section in sections["tables"].values():
        if isinstance(section, LeftOut):
            for group in section.reason.split("; "):
                names, _, reason = group.partition(": ")
                found |= dict.fromkeys(names.split(", "), reason)
        else:
            for names, entry in section["indexes"].items():
                if isinstance(entry, LeftOut):
                    found |= dict.fromkeys(names.split(", "), entry.reason)
    return found


def test_the_corpus_is_rich_and_what_a_server_cannot_have_is_known(world):
    everything = corpus.indexes()
    assert len(everything) >= 500
    assert len({entry.name for entry in everything}) == len(everything)
    newer = {str(version) for version in range(world.major + 1, 19)}
    assert {need for entry in everything for need in entry.needs - world.abilities} <= newer | {"icu", "xml"}
    assert len(world.entries) >= 480


def test_what_is_imported_is_in_sync(world):
    assert differences(world.plan(world.by_hand, world.imported_text())) == []


def test_an_import_leaves_out_what_is_not_to_be_declared_and_nothing_else(world):
    found = left_out(world.imported)
    assert found.pop("pt_half") == "INVALID, since its build failed or parts of it are missing"
    with psycopg.connect(world.by_hand) as connection:
        rows = connection.execute(NOT_PLAIN_INDEXES).fetchall()
    constraints = {name for name, is_constraint in rows if is_constraint}
    parts = {name for name, is_constraint in rows if not is_constraint}
    assert {name for name, reason in found.items() if "constraint" in reason} == constraints
    assert {name for name, reason in found.items() if "partitioned" in reason} == parts
    assert found.keys() == constraints | parts


def test_an_import_reads_like_written_by_a_person(world):
    text = world.imported_text()
    for line in [
        "  public.tasks:\n    indexes:\n      # tasks_pkey: left to the constraint that it belongs to\n",
        "      bt_desc: {columns: [priority desc]}\n",
        "      bt_include: {columns: [status], include: [title, priority]}\n",
        "      m_gin_path: {columns: [meta jsonb_path_ops], using: gin}\n",
        "      pr_in: {columns: [id], where: \"status IN ('a', 'b')\"}\n",
        "      ts_other: {columns: [nm], tablespace: corpus_space}\n",
        "      ts_default_said: {columns: [nm desc]}\n",
    ]:
        assert line in text
    assert "sql:" not in {
        word for line in text.splitlines() for word in line.split() if not line.lstrip().startswith("#")
    }


def test_what_is_imported_makes_the_same_indexes_elsewhere(world):
    url = world.fresh()
    apply(world, url, world.imported_text())
    assert_equal_to_those_made_by_hand(world, url, but=REREAD)


def as_sql(entry: corpus.Entry) -> dict[str, Any]:
    return {"sql": entry.create}


def as_columns(entry: corpus.Entry) -> dict[str, Any]:
    return short_form(entry.create)


def as_bare_columns(entry: corpus.Entry) -> dict[str, Any]:
    return short_form(entry.create, bare=True)


FORMS = [as_sql, as_columns, as_bare_columns]


@pytest.mark.parametrize("form", FORMS)
def test_a_declaration_as_written_by_hand_is_in_sync(world, form):
    assert differences(world.plan(world.by_hand, world.declared(form))) == []


@pytest.mark.parametrize("form", FORMS)
def test_a_declaration_as_written_by_hand_makes_the_same_index(world, form):
    url = world.fresh()
    apply(world, url, world.declared(form))
    assert_equal_to_those_made_by_hand(world, url)

"""A read-only standby: compared exactly, changed by nothing, and asked before an index goes on its primary."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from clusters.ports import lasting_port
from fix_servers import POSTGRES_SETTINGS, _numbers
from pydantic import SecretStr
from waiting import until

from pg_index.advice import advised, facts, said
from pg_index.corpus.world import World
from pg_index.declared import declared, tables
from reconciler.demo.postgres_server import PostgresServer
from reconciler.model import NoticeType, PostgresTarget
from reconciler.planning.importing import write_target
from reconciler.secrets import Secrets
from reconciler.yaml.writing import document

pytestmark = pytest.mark.matrix

SCHEMAS = "select oid::regnamespace::text from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema'"
READABLE = """
    select oid::regclass from pg_class
    where relkind in ('r', 'p', 'm') and has_table_privilege(oid, 'select')
      and relnamespace::regnamespace::text not in ('pg_catalog', 'information_schema')
"""


class Pair:
    """A primary that nothing else uses, with the corpus made by hand on it, and its streaming standby."""

    def __init__(self, folder: Path, binaries: Path, desired: Path) -> None:
        self.primary = PostgresServer(folder / "primary", binaries, POSTGRES_SETTINGS)
        self.primary.port = lasting_port()
        self.primary.start()
        self.world = World(self.primary, desired)
        self._make_reader()
        self.primary.stop()
        self.standby = PostgresServer(folder / "standby", binaries)
        # A cleanly stopped cluster may be copied; its tablespaces are links, and must not be shared.
        shutil.copytree(self.primary.data, self.standby.data, symlinks=True)
        for link in (self.standby.data / "pg_tblspc").iterdir():
            space = self.standby.folder / f"space {link.name}"
            shutil.copytree(link.resolve(), space)
            link.unlink()
            link.symlink_to(space)
        (self.standby.data / "standby.signal").touch()
        self.primary.start()
        with (self.standby.data / "postgresql.conf").open("a") as conf:
            conf.write(f"primary_conninfo = 'host=127.0.0.1 port={self.primary.port} user=postgres'\n")
        owner = self.primary.data.stat()
        for path in (self.standby.folder, *self.standby.folder.rglob("*")):
            if not path.is_symlink():
                shutil.chown(path, owner.st_uid, owner.st_gid)
        self.standby.start()

    def _make_reader(self) -> None:
        """A role that may find every table and read none."""
        with psycopg.connect(self.world.by_hand, autocommit=True) as connection:
            connection.execute("create role reader login")
            for (schema,) in connection.execute(SCHEMAS).fetchall():
                connection.execute(f"grant usage on schema {schema} to reader")

    @property
    def by_hand(self) -> str:
        """The name of the corpus's database."""
        return self.world.by_hand.rsplit("/", 1)[1]

    def close(self) -> None:
        self.standby.stop("immediate")
        self.primary.stop("immediate")

    def caught_up(self) -> None:
        with psycopg.connect(self.primary.url()) as here, psycopg.connect(self.standby.url(), autocommit=True) as there:
            position = here.execute("select pg_current_wal_lsn()").fetchone()[0]
            replayed = "select pg_last_wal_replay_lsn() >= %s"
            until(lambda: there.execute(replayed, [position]).fetchone()[0], "replay")


@pytest.fixture(scope="module")
def replicated(postgres, folder, tmp_path_factory) -> Iterator[Pair]:
    made = Pair(folder / f"replicated-{next(_numbers)}", postgres.binaries, tmp_path_factory.mktemp("desired"))
    yield made
    made.close()


def differences(plan) -> list[str]:
    return [str(each) for each in (*plan.changes, *plan.notices)]


def test_every_index_of_the_corpus_is_in_sync_on_a_standby(replicated):
    replicated.caught_up()
    url = replicated.standby.url(replicated.by_hand)
    text = replicated.world.imported_text()
    assert text.count("columns:") > 400
    assert differences(replicated.world.plan(url, text)) == []


def test_an_import_from_a_standby_is_that_of_its_primary(replicated):
    replicated.caught_up()
    target = PostgresTarget(name="main", url=replicated.standby.url(replicated.by_hand))
    tables = write_target(target, Secrets({})).sections["tables"]
    assert document({"target": "main", "tables": tables}) == replicated.world.imported_text()


@pytest.mark.parametrize("which", ["primary", "standby"])
def test_every_index_is_in_sync_for_a_role_that_may_not_read_the_tables(replicated, which):
    url = getattr(replicated, which).url(replicated.by_hand, user="reader")
    with psycopg.connect(url) as connection:
        assert connection.execute(READABLE).fetchall() == []
    assert differences(replicated.world.plan(url, replicated.world.imported_text())) == []


def test_what_differs_on_a_standby_is_said_and_not_planned(replicated):
    with psycopg.connect(replicated.primary.url(), autocommit=True) as connection:
        connection.execute("drop table if exists tasks; create table tasks (id int, status text)")
        connection.execute("create index there_idx on tasks (id)")
    replicated.caught_up()
    target = PostgresTarget(name="main", url=replicated.standby.url())
    resources = declared(
        target, new_idx={"columns": ["status"]}, there_idx={"columns": ["id", "status"]}, old_idx="absent"
    )
    outcomes = advised(target, resources)
    blocked = "differs, and this server is a standby: apply on its primary"
    assert said(outcomes, NoticeType.BLOCKED) == [f"public.new_idx: {blocked}", f"public.there_idx: {blocked}"]
    assert len(outcomes) == 2


def scans(url: str, index: str) -> int:
    with psycopg.connect(url) as connection:
        query = "select idx_scan from pg_stat_all_indexes where indexrelname = %s"
        return connection.execute(query, [index]).fetchone()[0]


def test_a_replica_says_that_it_uses_what_its_primary_does_not(replicated):
    with psycopg.connect(replicated.primary.url(), autocommit=True) as connection:
        connection.execute("drop table if exists tasks; create table tasks (id int)")
        connection.execute("insert into tasks select generate_series(1, 1000)")
        connection.execute("create index old_idx on tasks (id)")
    replicated.caught_up()
    with psycopg.connect(replicated.standby.url(), autocommit=True) as connection:
        connection.execute("set enable_seqscan = off; set enable_bitmapscan = off")
        for _ in range(3):
            connection.execute("select from tasks where id = 1")
    until(lambda: scans(replicated.standby.url(), "old_idx") >= 3, "the standby has counted")
    target = PostgresTarget(
        name="main",
        url=replicated.primary.url(),
        replicas=(SecretStr(replicated.standby.url()),),
    )
    found = facts(advised(target, declared(target, old_idx="absent")), "old_idx")
    place = f"127.0.0.1:{replicated.standby.port}"
    assert found["scans"] == 0
    assert found[f"scans on {place}"] == 3
    assert found[f"statistics on {place} since"].endswith(" UTC")
    assert "last scan" not in found
    assert (f"last scan on {place}" in found) == (replicated.world.major >= 16)


def test_a_standby_of_another_server_is_no_replica(replicated, sql, pg_target):
    sql.execute("create table tasks (id int); create index old_idx on tasks (id)")
    asked = pg_target.model_copy(update={"replicas": (SecretStr(replicated.standby.url()),)})
    found = facts(advised(asked, declared(asked, old_idx="absent")), "old_idx")
    assert found[f"scans on 127.0.0.1:{replicated.standby.port}"] == "not known: it is a standby of another server"


def test_a_replica_that_has_not_replayed_the_index_yet_says_so(replicated):
    with psycopg.connect(replicated.standby.url(), autocommit=True) as there:
        there.execute("select pg_wal_replay_pause()")
        try:
            with psycopg.connect(replicated.primary.url(), autocommit=True) as here:
                here.execute(
                    "drop table if exists late; create table late (id int); create index late_idx on late (id)"
                )
            target = PostgresTarget(
                name="main",
                url=replicated.primary.url(),
                replicas=(SecretStr(replicated.standby.url()),),
            )
            resources = tables(target, {"public.late": {"indexes": {"late_idx": "absent"}}})
            found = facts(advised(target, resources), "late_idx")
        finally:
            there.execute("select pg_wal_replay_resume()")
    assert found[f"scans on 127.0.0.1:{replicated.standby.port}"] == "not known: no such index there"

"""What lies in desired/, seen as plain YAML and on live servers."""

from __future__ import annotations

import itertools
import shutil

import psycopg
import pytest
import redis
import yaml
from demo import declared
from live import converge, outcomes
from psycopg import sql as compose
from waiting import until

from reconciler.demo import data
from reconciler.demo.postgres_server import PostgresServer
from reconciler.desired.load import load
from reconciler.desired.narrowing import Narrowing
from reconciler.kinds import pg_index

MEMORY = 512 << 20
"""Bytes. Small enough for every machine to start a server with a quarter of it."""

_numbers = itertools.count()


def value_of(text) -> str:
    """What a declared value comes to on a system with MEMORY."""
    if isinstance(text, dict):
        text = text["otherwise"] if "otherwise" in text else ", ".join(text["include"])
    if text.endswith("% of memory"):
        return f"{int(MEMORY * float(text.partition('%')[0]) / 100) >> 10}kB"
    return text


def test_there_are_exactly_the_seeds_29_indexes():
    found = {"partial": 0}
    for table, index in declared.indexes().values():
        kind = "partial" if "where" in index else table
        found[kind] = found.get(kind, 0) + 1
    votes_and_rounds = found.pop("public.votes") + found.pop("public.rounds")
    assert found == {"public.tasks": 9, "public.agents": 6, "public.sessions": 4, "public.users": 3, "partial": 3}
    assert votes_and_rounds == 4
    assert len(declared.indexes()) == 29


def test_every_index_is_named_after_its_table():
    for name, (table, _) in declared.indexes().items():
        assert name.startswith(table.removeprefix("public.") + "_")


def test_every_file_says_which_schema_an_editor_may_check_it_with():
    for path in declared.DESIRED.rglob("*.yaml"):
        up = "../" * len(path.relative_to(declared.DESIRED).parts)
        assert path.read_text().startswith(f"# yaml-language-server: $schema={up}docs/schema.json\n"), path


def test_every_file_is_plain_yaml():
    for path in declared.DESIRED.rglob("*.yaml"):
        assert isinstance(yaml.safe_load(path.read_text()), dict), path


def test_all_indexes_converge_on_the_demo_and_are_what_sql_written_by_hand_makes(sql, pg_target, secrets, tmp_path):
    (tmp_path / "postgres").mkdir()
    shutil.copy(declared.DESIRED / "targets.yaml", tmp_path)
    for name, document in declared.documents("postgres").items():
        if "tables" in document:
            shutil.copy(declared.DESIRED / "postgres" / name, tmp_path / "postgres")
    env = {"DATABASE_URL": pg_target.url.get_secret_value()}
    resources = load(tmp_path, [pg_index.KIND], env, secrets, only=Narrowing(("main",))).resources
    data.load(sql, 2_000)
    assert len(converge(pg_index.KIND, pg_target, resources)) == 29
    for name, (table, index) in declared.indexes().items():
        sql.execute(compose.SQL("drop index {}").format(compose.Identifier(name)))
        sql.execute(declared.create_index(name, table, index))
    assert outcomes(pg_index.KIND, pg_target, resources) == []


def test_postgresql_starts_with_all_settings_and_takes_every_one(postgres, folder):
    document = declared.documents("postgres")["settings.yaml"]
    server = PostgresServer(folder / f"declared-{next(_numbers)}", postgres.binaries, {"fsync": "off"})
    server.start()
    try:
        with psycopg.connect(server.url(), autocommit=True) as connection:
            connection.execute("create database app")
            for name, value in document["settings"].items():
                set_to = compose.SQL("alter system set {} = {}")
                connection.execute(set_to.format(compose.Identifier(name), compose.Literal(value_of(value))))
            for name, value in document["databases"]["app"]["settings"].items():
                set_to = compose.SQL("alter database app set {} = {}")
                connection.execute(set_to.format(compose.Identifier(name), compose.Literal(value)))
        server.restart()
        with psycopg.connect(server.url("app")) as connection:
            found = connection.execute("select name, source from pg_settings where source <> 'default'").fetchall()
            sources = dict(found)
            problems = connection.execute("select * from pg_file_settings where error is not null").fetchall()
    finally:
        server.stop("immediate")
    assert problems == []
    assert {sources.get(name) for name in document["settings"]} == {"configuration file"}
    assert {sources.get(name) for name in document["databases"]["app"]["settings"]} == {"database"}


def test_redis_takes_every_setting_and_the_application_may_not_do_what_is_dangerous(redis_server, redis_client):
    document = declared.documents("redis")["settings.yaml"]
    for name, value in document["settings"].items():
        wanted = "secret" if isinstance(value, dict) else value_of(value)
        redis_client.config_set(name, wanted.replace("kB", "kb"))
        assert redis_client.config_get(name)[name] not in ("", "0")
    app = document["users"]["app"]
    redis_client.execute_command("ACL", "SETUSER", "app", "reset", *app["rules"].split(), ">app-secret")
    with redis.Redis.from_url(redis_server.url("app", "app-secret")) as connection:
        assert connection.set("app:key", "value")
        for command in ("FLUSHALL", "FLUSHDB", "KEYS *", "CONFIG GET maxmemory", "GET other:key"):
            with pytest.raises(redis.exceptions.NoPermissionError):
                connection.execute_command(*command.split())
        # From 7.0 on, DEBUG is off for everybody, and is refused for that before permissions are looked at.
        with pytest.raises(redis.exceptions.ResponseError, match=r"not allowed|no permission"):
            connection.execute_command("DEBUG", "SLEEP", "0")
    with redis.Redis.from_url(redis_server.url()) as stranger, pytest.raises(redis.exceptions.AuthenticationError):
        stranger.ping()
    # A server that writes its first append-only file refuses SIGTERM.
    until(lambda: not redis_client.info("persistence")["aof_rewrite_in_progress"], "it is written")

"""Two targets that lead to one server: what they declare may not undo each other, and an apply may not wait for itself.

Before, plan was content, apply was, and the next plan wanted the former value again, for ever; two targets of one
database met their own lock ("another apply is running"). Each refusal here was seen not to come then.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from applying.acting import Unread, apply, pg_settings, plan_for
from fix_servers import _numbers
from pg_index.declared import declared as indexes
from pydantic import TypeAdapter
from waiting import reload

from reconciler.demo.postgres_server import PostgresServer
from reconciler.kind import Declaration
from reconciler.kinds.pg_setting import KIND
from reconciler.kinds.redis_setting import KIND as REDIS
from reconciler.model import NoticeType, Plan, PostgresTarget, RedisTarget, Resource, Target


@pytest.fixture
def server(postgres: PostgresServer) -> Iterator[psycopg.Connection]:
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        connection.execute("create role worker")
        yield connection
        connection.execute("alter system reset all")
        reload(connection)
        connection.execute("drop role worker")


@pytest.fixture
def two(postgres: PostgresServer, server: psycopg.Connection) -> Iterator[list[Target]]:
    """Two databases of one server, each a target."""
    names = [f"same_{next(_numbers)}" for _ in range(2)]
    for name in names:
        server.execute(f"create database {name}")
    yield [
        PostgresTarget(name=f"of_{number}", url=postgres.url(name), memory=number * (8 << 30))
        for number, name in enumerate(names, 1)
    ]
    for name in names:
        server.execute(f"drop database {name} (force)")


def role(target: Target, values: dict[str, Any]) -> list[Resource]:
    value = TypeAdapter(KIND.sections["roles"]).validate_python({"worker": {"settings": values}})
    return list(KIND.declare(Declaration(target, "roles", value, "x.yaml", lambda path: "x.yaml:1:1")))


def both(two: list[Target], one: dict[str, Any], other: dict[str, Any]) -> Plan:
    return plan_for(two, [*pg_settings(two[0], one), *pg_settings(two[1], other)])


CONTRADICTIONS = [
    ({"work_mem": "5MB"}, {"work_mem": "6MB"}, "both would change it"),
    ({"work_mem": "4MB"}, {"work_mem": "6MB"}, "one has what it wants"),
    ({"work_mem": "default"}, {"work_mem": "6MB"}, "one wants the default"),
    ({"work_mem": "memory / 1000"}, {"work_mem": "memory / 1000"}, "the same words, and not the same memory"),
    ({"archive_command": "true"}, {"archive_command": "false"}, "texts"),
    ({"max_connections": "50"}, {"max_connections": "60"}, "both wait for a restart"),
]


@pytest.mark.parametrize(("one", "other", "reason"), CONTRADICTIONS, ids=[row[-1] for row in CONTRADICTIONS])
def test_what_contradicts_is_blocked_for_both(one, other, reason, two):
    plan = both(two, one, other)
    assert plan.is_empty
    assert [(notice.address.target, notice.type) for notice in plan.notices] == [
        ("of_1", NoticeType.BLOCKED), ("of_2", NoticeType.BLOCKED),
    ]  # fmt: skip
    assert all("of_1" in notice.message and "of_2" in notice.message for notice in plan.notices)
    assert plan.in_sync == {"pg_setting": 0}


AGREEMENTS = [
    ({"work_mem": "5MB"}, {"work_mem": "5MB"}, "the same"),
    ({"work_mem": "5MB"}, {"work_mem": "5120kB"}, "the same in other words"),
    ({"work_mem": "5MB"}, {"maintenance_work_mem": "65MB"}, "of two settings"),
]


@pytest.mark.parametrize(("one", "other", "reason"), AGREEMENTS, ids=[row[-1] for row in AGREEMENTS])
def test_what_agrees_is_applied_once_and_in_sync_for_both(one, other, reason, two):
    plan = both(two, one, other)
    assert len(plan.changes) == 2
    assert apply(plan, two).succeeded
    again = both(two, one, other)
    assert again.is_empty
    assert again.notices == ()


def test_bounds_that_both_are_content_with_are_in_sync(two):
    plan = both(two, {"work_mem": {"at_least": "1MB"}}, {"work_mem": {"at_most": "8MB"}})
    assert plan.is_empty
    assert plan.in_sync == {"pg_setting": 2}


def test_a_restart_is_no_longer_for_what_is_blocked(two):
    two[1] = two[1].model_copy(update={"restart": "true"})
    plan = both(two, {"max_connections": "50"}, {"max_connections": "60", "max_worker_processes": "9"})
    assert [change.address.name for change in plan.changes] == ["max_worker_processes", "server"]
    assert plan.changes[1].before == {"waits": ["max_worker_processes"]}


def test_settings_of_a_role_are_those_of_the_whole_server(two):
    plan = plan_for(two, [*role(two[0], {"work_mem": "5MB"}), *role(two[1], {"work_mem": "6MB"})])
    assert plan.is_empty
    assert [notice.type for notice in plan.notices] == [NoticeType.BLOCKED] * 2


def test_one_database_by_two_names_is_refused(two, postgres):
    twice = two[0].model_copy(update={"name": "twice"})
    resources = [*pg_settings(two[0], {"work_mem": "5MB"}), *pg_settings(twice, {"work_mem": "5MB"})]
    with pytest.raises(Unread, match=r"it is the same database same_\d+ of the server that of_1 leads to") as raised:
        plan_for([two[0], twice], resources)
    assert "twice" in str(raised.value)
    assert "a second target may hold checks alone" in str(raised.value)


def test_one_database_by_two_hosts_is_refused(two):
    """Of a URL nobody can tell; the server says when it was started."""
    url = two[0].url.get_secret_value().replace("127.0.0.1", "localhost")
    twice = PostgresTarget(name="twice", url=url)
    with pytest.raises(Unread, match="it is the same database"):
        plan_for([two[0], twice], [*pg_settings(two[0], {"work_mem": "5MB"}), *indexes(twice, i={"columns": ["id"]})])


def test_a_second_target_may_look_at_the_same_database(two):
    twice = two[0].model_copy(update={"name": "twice"})
    plan = plan_for([two[0], twice], pg_settings(two[0], {"work_mem": "5MB"}))
    assert len(plan.changes) == 1


def test_a_copy_of_a_server_is_another_server(postgres, folder):
    """Copies of a cluster have its system identifier: a staging server may well be one."""
    from fix_servers import postgres_binaries, version_of

    servers = [
        PostgresServer(
            folder / f"copy-{next(_numbers)}", postgres_binaries()[version_of(postgres.binaries / "postgres")]
        )
        for _ in range(2)
    ]
    try:
        targets = []
        for number, server in enumerate(servers):
            server.start()
            targets.append(PostgresTarget(name=f"copy_{number}", url=server.url()))
        plan = both(targets, {"work_mem": "5MB"}, {"work_mem": "6MB"})
        infos = list(plan.targets.values())
        assert infos[0].identity == infos[1].identity
        assert len(plan.changes) == 2
    finally:
        for server in servers:
            server.stop("immediate")


@pytest.mark.rotated
def test_a_standby_that_is_a_target_of_its_own_is_not_declared_twice(pair):
    standby = PostgresTarget(name="main@db2", url=pair.standby.url(), node_of="main")
    main = PostgresTarget(name="main", url=pair.primary.url(), standbys=(standby,))
    reader = PostgresTarget(name="reader", url=pair.standby.url())
    resources = [*pg_settings(main, {"work_mem": "5MB"}), *pg_settings(reader, {"work_mem": "6MB"})]
    with pytest.raises(Unread, match="it is the same database postgres of the server that main@db2"):
        plan_for([main, reader], resources)


def test_one_redis_by_two_names_is_refused(redis_server):
    targets = [
        RedisTarget(name=name, url=redis_server.url().replace("127.0.0.1", host), memory=8 << 30)
        for name, host in (("cache", "127.0.0.1"), ("sessions", "localhost"))
    ]
    section = TypeAdapter(REDIS.sections["settings"]).validate_python({"maxmemory": "100mb"})
    resources = [
        each
        for target in targets
        for each in REDIS.declare(Declaration(target, "settings", section, "x.yaml", lambda path: "x.yaml:1:1"))
    ]
    with pytest.raises(Unread, match="it is the same server that cache leads to"):
        plan_for(targets, resources)


@pytest.mark.thorough
@pytest.mark.rotated
def test_members_of_one_cluster_of_patronis_share_its_configuration(patroni):
    targets = [
        PostgresTarget(name=name, url=node.url(), patroni=node.api, memory=4 << 30)
        for name, node in zip(("of_1", "of_2"), patroni.nodes.values(), strict=False)
    ]
    plan = both(targets, {"work_mem": "5MB"}, {"work_mem": "6MB"})
    assert plan.is_empty
    assert [notice.type for notice in plan.notices] == [NoticeType.BLOCKED] * 2
    assert len(both(targets, {"work_mem": "5MB"}, {"work_mem": "5MB"}).changes) == 2

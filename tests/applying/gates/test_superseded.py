"""What the YAML declares by now against what a plan was made from: kind by kind, node by node."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from applying.acting import pg_settings
from pg_index.declared import declared as indexes
from pg_index.declared import tables
from redis_setting.declared import declared as redis_settings

from reconciler.applying.gates.gate import Facts, Options
from reconciler.applying.gates.superseded import gate as superseded_gate
from reconciler.applying.gates.superseded import superseded
from reconciler.kinds.pg_index.changes.names_handed_over import handed_over
from reconciler.kinds.pg_setting.model import Restart
from reconciler.model import (
    Action,
    Address,
    Applied,
    Change,
    IgnoreRule,
    Plan,
    PostgresTarget,
    RedisTarget,
    Resource,
    SecretRef,
)

MAIN = PostgresTarget(name="main", url="postgresql://127.0.0.1:1/app")
STANDBY = MAIN.model_copy(update={"name": "main@db2", "node_of": "main"})
CACHE = RedisTarget(name="cache", url="redis://127.0.0.1:1")
MADE = datetime(2026, 11, 1, tzinfo=UTC)
NODES = {node.name: node for node in (MAIN, STANDBY, CACHE)}


def change(resource: Resource, target: str = "", **carried) -> Change:
    address = resource.address._replace(target=target or resource.address.target)
    desired = resource.model_copy(update={"address": address, **carried}).model_dump(mode="json")
    return Change(address=address, action=Action.UPDATE, before=None, after=None, steps=(), desired=desired)


def refused(changes: Sequence[Change], declared: Sequence[Resource]) -> dict[str, str]:
    return {f"{address.target}/{address.name}": why for address, why in superseded(changes, declared, NODES).items()}


def one(resources: Sequence[Resource]) -> Resource:
    return resources[0]


SAME = [
    ("setting", pg_settings(MAIN, {"work_mem": "25% of memory"}), {"beside": {"max_connections": "100"}}),
    ("range", pg_settings(MAIN, {"work_mem": {"at_least": "4MB", "otherwise": "8MB"}}), {}),
    ("list", pg_settings(MAIN, {"shared_preload_libraries": {"include": ["auto_explain"]}}), {"after_restart": True}),
    ("index", indexes(MAIN, i={"columns": ["lower(title) desc"], "unique": "yes"}), {"listed": ("i", "j")}),
    ("absent", indexes(MAIN, i="absent"), {"absent": ("i",), "search_path": ("public",)}),
    ("redis", redis_settings({"maxmemory": "50% of memory"}), {"beside": {"hz": "10"}}),
    ("secret", redis_settings({"requirepass": SecretRef(env="PASSWORD")}), {"beside": {"masterauth": "declared"}}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "resources", "carried"), SAME, ids=[case[0] for case in SAME])
def test_what_is_declared_as_before_is_not_superseded(name, resources, carried):
    """Whatever planning has filled in, wherever in the files it stands by now, and whyever."""
    resource = one(resources)
    now = resource.model_copy(update={"declared_at": "other.yaml:9:9", "why": "another reason"})
    assert refused([change(resource, **carried)], [now]) == {}


A, B = (SecretRef(env=name) for name in "AB")
OTHERWISE = [
    ("formula", pg_settings(MAIN, {"work_mem": "25% of memory"}), pg_settings(MAIN, {"work_mem": "0.25 * memory"})),
    ("secret", redis_settings({"requirepass": A}), redis_settings({"requirepass": B})),
    ("index", indexes(MAIN, i={"columns": ["id"]}), indexes(MAIN, i={"columns": ["id"], "unique": "yes"})),
    ("absent", indexes(MAIN, i={"columns": ["id"]}), indexes(MAIN, i="absent")),
    ("other table", indexes(MAIN, i="absent"), tables(MAIN, {"public.users": {"indexes": {"i": "absent"}}})),
]  # fmt: skip


@pytest.mark.parametrize(("name", "before", "now"), OTHERWISE, ids=[case[0] for case in OTHERWISE])
def test_what_is_declared_otherwise_is_superseded(name, before, now):
    [why] = refused([change(one(before))], now).values()
    assert why.startswith("it is declared otherwise by now (")
    assert " in the plan and is " in why


@pytest.mark.parametrize("back", [False, True], ids=["comes over", "no longer comes over"])
def test_a_name_that_comes_from_another_table_is_told_in_words(back):
    """Seen to fail: the name of a field was told, `leaves.0`."""
    elsewhere = tables(MAIN, {"public.users": {"indexes": {"i": "absent"}}})
    plain = one(indexes(MAIN, i={"columns": ["id"]}))
    over = one(handed_over([plain, *elsewhere]))
    first, second = (over, plain) if back else (plain, over)
    [why] = refused([change(first)], [second]).values()
    was, now = ("public.users", "none") if back else ("none", "public.users")
    assert f": the other table, on which it is declared absent, was {was} in the plan and is {now} now" in why


def test_a_node_is_held_against_what_its_target_declares():
    [resource] = pg_settings(MAIN, {"work_mem": "7MB"})
    changes = [change(resource), change(resource, "main@db2")]
    assert refused(changes, [resource]) == {}
    assert set(refused(changes, pg_settings(MAIN, {"work_mem": "8MB"}))) == {"main/work_mem", "main@db2/work_mem"}
    assert set(refused(changes, [])) == {"main/work_mem", "main@db2/work_mem"}


def test_a_restart_goes_with_the_last_of_its_settings():
    first, second = pg_settings(MAIN, {"max_connections": "200", "max_wal_senders": "20"})
    for target in ("main", "main@db2"):
        restart = Restart(
            address=Address(target, "pg_restart", "server"), command="true",
            settings=("max_connections", "max_wal_senders"),
        )  # fmt: skip
        changes = [change(first, target), change(second, target), change(restart)]
        name = f"{target}/server"
        assert name not in refused(changes, [first, second])
        assert name not in refused(changes, [first])
        assert name not in refused(changes, [first, *pg_settings(MAIN, {"max_wal_senders": "30"})])
        both = pg_settings(MAIN, {"max_connections": "300", "max_wal_senders": "30"})
        assert refused(changes, both)[name] == "what it was planned for is no longer declared"
        assert name in refused(changes, [])
        # What was written before this plan, and waits, is declared still.
        assert refused([change(restart)], [first, second]) == {}
        assert name in refused([change(restart)], [])


def test_a_drop_by_rule_goes_with_the_rule():
    dropped = change(one(indexes(MAIN, i="absent")))
    for section, gone in (
        ({"unlisted_indexes": "drop"}, False),
        ({"unlisted_indexes": "drop", "indexes": {"j": {"columns": ["id"]}}}, False),
        ({"unlisted_indexes": "report"}, True),
        ({"unlisted_indexes": "drop", "indexes": {"i": {"columns": ["id"]}}}, True),
        ({"indexes": {"i": "absent"}}, False),
    ):
        assert bool(refused([dropped], tables(MAIN, {"public.tasks": section}))) is gone, section
    assert refused([dropped], tables(MAIN, {"public.users": {"unlisted_indexes": "drop"}}))


def ignoring(pattern: str, *, days: int = 0) -> IgnoreRule:
    return IgnoreRule(
        pattern=Address.parse(pattern),
        reason="tried out",
        until=MADE.date() + timedelta(days=days),
        declared_at="i:1:1",
    )


def by_rule(changes: Sequence[Change], *rules: IgnoreRule, declared=None, allowed=()) -> dict[str, str]:
    options = Options(allowed_superseded=allowed)
    plan = Plan(reconciler_version="1", created_at=MADE, targets={}, changes=tuple(changes))
    found = Facts(plan=plan, options=options, now=MADE, nodes=NODES, ignore=rules, resources=declared)
    refusals = list(superseded_gate(found))
    assert {each.result for each in refusals} <= {Applied.SUPERSEDED}
    return {f"{each.changes[0].target}/{each.changes[0].name}": each.reason for each in refusals}


def test_what_is_ignored_by_now_is_superseded_on_all_nodes_until_the_rule_ends():
    settings = pg_settings(MAIN, {"work_mem": "7MB"})
    changes = [change(one(settings)), change(one(settings), "main@db2")]
    why = f"its difference is ignored by now, until {MADE.date()} (i:1:1): tried out"
    for declared in (settings, None):
        found = by_rule(changes, ignoring("main/pg_setting/work_mem"), declared=declared)
        assert found == {"main/work_mem": why, "main@db2/work_mem": why}
    assert by_rule(changes, ignoring("main/pg_setting/work_mem", days=-1)) == {}
    assert by_rule(changes, ignoring("cache/*/*")) == {}
    allowed = [Address("main", "pg_setting", "work_mem")]
    assert [*by_rule(changes, ignoring("*/*/*"), allowed=allowed)] == ["main@db2/work_mem"]


def test_a_restart_goes_with_the_last_of_its_settings_that_is_not_ignored():
    settings = pg_settings(MAIN, {"max_connections": "200", "max_wal_senders": "20"})
    restart = Restart(
        address=Address("main", "pg_restart", "server"), command="true", settings=("max_connections", "max_wal_senders")
    )
    changes = [*map(change, settings), change(restart)]
    assert [*by_rule(changes, ignoring("main/*/max_connections"), declared=settings)] == ["main/max_connections"]
    found = by_rule(changes, ignoring("main/*/max_*"), declared=settings)
    assert found["main/server"] == "what it was planned for is ignored by now"

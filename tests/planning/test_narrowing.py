"""A plan of some resources: what stays, what has to come along, and what is said of the rest. Without a server."""

from __future__ import annotations

import pytest
from views.sample import NOW

from reconciler.desired.narrowing import parse
from reconciler.documents.plan import dump, load, seal
from reconciler.errors import UsageError
from reconciler.kinds.registry import BY_NAME
from reconciler.model import (
    Action,
    Address,
    Change,
    Notice,
    NoticeType,
    Plan,
    System,
    TargetInfo,
    Unreachable,
    UnreadReason,
)
from reconciler.planning.narrowing import narrowed
from reconciler.planning.order import ordered


def info(identity: str, system: System = System.POSTGRES, node_of: str = "") -> TargetInfo:
    return TargetInfo(system=system, product="", version="", location="", identity=identity, node_of=node_of)


TARGETS = {
    "main": info("1/a"),
    "main@db2": info("1/a", node_of="main"),
    "other": info("2/b"),
    "cache": info("c:1", System.REDIS),
}


class Declared:
    """A resource of which only its address counts."""

    stands_for_itself = True

    def __init__(self, address: str) -> None:
        self.address = Address.parse(address)


def change(address: str, action: Action = Action.CREATE, phase: int = 0, lane: str = "", **desired) -> Change:
    return Change(
        address=Address.parse(address), action=action, before=None, after=None, steps=(), phase=phase, lane=lane,
        desired=desired,
    )  # fmt: skip


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    """None of these changes was judged beside another, unless `beside` says so: then beside those names of its kind."""
    monkeypatch.setattr("reconciler.planning.narrowing.resource_of", lambda change: change)

    def leans_on(change):
        return [
            Declared(f"{change.address.target}/{change.address.kind}/{n}") for n in change.desired.get("beside", ())
        ]

    for name in ("pg_index", "pg_setting", "redis_setting"):
        monkeypatch.setattr(type(BY_NAME[name]), "leans_on", lambda self, change: leans_on(change))


def narrow(changes, *words, notices=(), declared=(), unreachable=()):
    plan = Plan(
        reconciler_version="0", created_at=NOW, targets=TARGETS, changes=ordered(changes, TARGETS),
        notices=notices, unreachable=unreachable,
    )  # fmt: skip
    resources = [Declared(each) for each in declared]
    read = {name: [each for each in resources if each.address.target == name] for name in TARGETS}
    found = narrowed(plan, parse(words), resources, read)
    return found.plan if found else plan


def kept(plan: Plan) -> set[str]:
    return {str(each.address) for each in plan.changes}


NEW, OLD, ASIDE = (f"main/pg_index/public.{name}" for name in ("tasks_new", "tasks_old", "users_idx"))
BUILT = [
    change(NEW, lane="public.tasks"),
    change(OLD, Action.DELETE, lane="public.tasks"),
    change(ASIDE, lane="public.users"),
]


def test_what_is_not_asked_for_is_left_out_and_counted():
    found = narrow(BUILT, "main/pg_index/public.tasks_new")
    assert kept(found) == {NEW}
    assert found.partial is not None
    assert (found.partial.to, found.partial.left_out, found.partial.pulled_in) == ((NEW,), 2, ())


def test_a_drop_brings_what_may_take_over():
    """Alone it would leave the queries of the old index without any."""
    found = narrow(BUILT, "main/pg_index/public.tasks_old")
    assert kept(found) == {NEW, OLD}
    assert found.partial is not None
    [pulled] = found.partial.pulled_in
    assert (str(pulled.address), str(pulled.needed_by), found.partial.left_out) == (NEW, OLD, 1)


def test_a_primary_brings_its_standbys_and_their_restart():
    lane = "settings"
    changes = [
        change("main@db2/pg_setting/max_connections", Action.UPDATE, 0, lane),
        change("main@db2/pg_restart/server", Action.RESTART, 1, lane),
        change("main/pg_setting/max_connections", Action.UPDATE, 3, lane),
        change("main/pg_restart/server", Action.RESTART, 4, lane),
        change("other/pg_setting/jit", Action.UPDATE, 0, lane),
    ]
    found = narrow(changes, "main/pg_setting/max_connections")
    assert kept(found) == {str(each.address) for each in changes[:3]}
    assert found.partial is not None
    assert [str(each.address) for each in found.partial.pulled_in] == ["main@db2/pg_restart/server"]
    assert found.partial.left_out == 2


def test_a_setting_brings_what_it_was_judged_beside_and_that_brings_more():
    changes = [
        change("cache/redis_setting/save", Action.UPDATE, beside=["appendonly"]),
        change("cache/redis_setting/appendonly", Action.UPDATE, beside=["dir"]),
        change("cache/redis_setting/dir", Action.UPDATE),
        change("cache/redis_setting/maxmemory", Action.UPDATE),
    ]
    found = narrow(changes, "cache/redis_setting/save")
    assert kept(found) == {f"cache/redis_setting/{name}" for name in ("save", "appendonly", "dir")}


def test_a_setting_of_a_redis_brings_its_users_and_not_the_other_way_round():
    changes = [change("cache/redis_user/app"), change("cache/redis_setting/requirepass", Action.UPDATE)]
    assert len(narrow(changes, "cache/redis_setting/requirepass").changes) == 2
    assert kept(narrow(changes, "cache/redis_user/app")) == {"cache/redis_user/app"}


def test_a_whole_target_stays_whole_beside_a_part_of_another():
    found = narrow(
        [*BUILT, change("other/pg_setting/jit", Action.UPDATE)],
        "main",
        "other/*/work_mem",
        declared=["other/pg_setting/work_mem"],
    )
    assert kept(found) == {NEW, OLD, ASIDE}
    assert found.in_sync == {"pg_setting": 1}
    assert narrow(BUILT, "main", "other", "cache").partial is None
    assert narrow(BUILT, "*", "main/pg_index/*").partial is None


def test_only_what_is_asked_for_is_said_to_be_in_sync():
    declared = ["main/pg_setting/work_mem", "main/pg_setting/jit", "other/pg_setting/jit"]
    assert narrow(BUILT, "main/pg_setting/jit", declared=declared).in_sync == {"pg_setting": 1}
    notices = [
        Notice(address=Address.parse("main/pg_setting/jit"), type=NoticeType.BLOCKED, message="typo"),
        Notice(address=Address.parse("main/pg_setting/work_mem"), type=NoticeType.BLOCKED, message="typo"),
        Notice(address=Address.parse("main/pg_setting/*"), type=NoticeType.NOTE, message="of all"),
        Notice(address=Address.parse("other/pg_setting/*"), type=NoticeType.NOTE, message="of all"),
    ]
    found = narrow(BUILT, "main/pg_setting/jit", declared=declared, notices=notices)
    assert (found.in_sync, [each.message for each in found.notices]) == ({}, ["typo", "of all"])


def test_a_name_that_is_nowhere_is_refused_with_the_nearest():
    with pytest.raises(UsageError, match=r"did you mean .public\.tasks_new"):
        narrow(BUILT, "main/pg_index/public.taks_new")
    with pytest.raises(UsageError, match=r"unknown name \"public\.nothing\*\""):
        narrow(BUILT, "main", "*/pg_index/public.nothing*")
    unread = Unreachable(target="gone", node="gone", reason=UnreadReason.SILENT, message="no answer")
    assert narrow(BUILT, "gone/pg_index/public.x", "main", unreachable=[unread]).partial is not None


def test_what_it_was_narrowed_to_is_sealed_with_it():
    found = seal(narrow([], "main/pg_setting/jit", declared=["main/pg_setting/jit"]))
    text = dump(found)
    assert load(text, source="x") == found
    assert found.digest != seal(found.model_copy(update={"partial": None})).digest

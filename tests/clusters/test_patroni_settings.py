"""A cluster that Patroni keeps: settings through its API, every member verified, rolling restarts, and faults."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import httpx
import psycopg
import pytest
from applying.acting import Seen, Unread, apply, pg_settings, plan_for
from pydantic import SecretStr
from waiting import until

from clusters.etcd import client
from clusters.patroni import PatroniCluster
from reconciler.documents.plan import seal
from reconciler.kinds.pg_setting import KIND
from reconciler.model import Action, Applied, HazardType, NoticeType, PatroniStep, PostgresTarget, Target
from reconciler.secrets import Secrets
from reconciler.targets.connect import connect
from reconciler.yaml.writing import Noted

ALLOWED = [HazardType.RESTART, HazardType.RUNS_PROGRAMS]


@pytest.fixture
def target(patroni: PatroniCluster) -> Iterator[Target]:
    """The cluster as a target; afterwards its configuration is as it was, on running members."""
    parameters, settings = patroni.config()["postgresql"]["parameters"], settings_of(patroni)
    patroni.start()
    patroni.healthy()
    leader = patroni.leader()
    made = PostgresTarget(name="main", url=leader.url(), patroni=leader.api, memory=4 << 30)
    yield made
    patroni.start()
    put_back(patroni, parameters, settings)


def settings_of(patroni: PatroniCluster) -> list[dict[str, str]]:
    """Everything that each node runs with."""
    found = []
    for node in patroni.nodes.values():
        with psycopg.connect(node.url()) as connection:
            found.append(dict(connection.execute("select name, setting from pg_settings").fetchall()))
    return found


def put_back(patroni: PatroniCluster, parameters: dict[str, object], settings: list[dict[str, str]]) -> None:
    """The cluster has these parameters again, and every node those of its settings. Sooner than an apply would."""
    now = patroni.config()["postgresql"]["parameters"]
    back = {
        name: parameters.get(name) for name in now.keys() | parameters.keys() if now.get(name) != parameters.get(name)
    }
    if not back:
        return
    client().patch(f"{patroni.leader().api}/config", json={"postgresql": {"parameters": back}}).raise_for_status()

    def there() -> bool:
        # The leader first: a replica keeps what it knows its leader to have.
        for member in sorted(patroni.members(), key=lambda member: member["role"] != "leader"):
            if member.get("pending_restart"):
                client().post(f"{patroni.nodes[member['name']].api}/restart", json={})
        found = settings_of(patroni)
        return all(one.get(name) == was.get(name) for one, was in zip(found, settings, strict=True) for name in back)

    until(there, "all is as it was", ignoring=(httpx.HTTPError, psycopg.Error))
    patroni.healthy()


def shown(patroni: PatroniCluster, name: str) -> list[str]:
    found = []
    for node in patroni.nodes.values():
        with psycopg.connect(node.url()) as connection:
            found.append(connection.execute("select current_setting(%s)", [name]).fetchone()[0])
    return found


def answers(node) -> bool:
    try:
        with psycopg.connect(node.url()) as connection:
            streams = connection.execute("select status from pg_stat_wal_receiver").fetchone()
            return streams is not None and streams[0] == "streaming"
    except psycopg.OperationalError:
        return False


def test_what_a_reload_brings_is_patched_and_seen_on_every_member(patroni, target):
    resources = pg_settings(target, {"work_mem": "12345kB", "log_min_duration_statement": "250ms"})
    plan = plan_for(target, resources)
    assert [change.steps for change in plan.changes] == [
        (PatroniStep(parameters={"work_mem": "12345kB"}),),
        (PatroniStep(parameters={"log_min_duration_statement": "250ms"}),),
    ]
    assert "on 3 members" in plan.changes[0].notes
    assert apply(plan, target).succeeded
    assert shown(patroni, "work_mem") == ["12345kB"] * 3
    assert plan_for(target, resources).is_empty
    assert plan_for(target, resources).notices == ()


def test_what_waits_for_a_restart_is_restarted_for_replicas_first(patroni, target):
    resources = pg_settings(target, {"max_connections": "70", "shared_buffers": "20MB"})
    plan = plan_for(target, resources)
    assert [change.action for change in plan.changes] == [Action.UPDATE, Action.UPDATE, Action.RESTART]
    listener = Seen()
    leader = patroni.leader().name
    receipt = apply(plan, target, allowed=ALLOWED, listener=listener)
    assert receipt.succeeded, receipt
    order = [seen.phase.split()[1] for seen in listener.progress if seen.phase.startswith("restarting ")]
    assert len(order) == 3
    assert order[-1] == leader
    assert shown(patroni, "max_connections") == ["70"] * 3
    again = plan_for(target, resources)
    assert (again.changes, again.notices) == ((), ())


@pytest.mark.long
def test_what_is_lowered_comes_to_every_member_too(patroni, target):
    raised = pg_settings(target, {"max_connections": "80"})
    assert apply(plan_for(target, raised), target, allowed=ALLOWED).succeeded
    lowered = pg_settings(target, {"max_connections": "40"})
    receipt = apply(plan_for(target, lowered), target, allowed=ALLOWED)
    assert receipt.succeeded, receipt
    assert shown(patroni, "max_connections") == ["40"] * 3
    assert plan_for(target, lowered).is_empty


def test_without_permission_it_waits_and_says_so(patroni, target):
    resources = pg_settings(target, {"max_connections": "66"})
    plan = plan_for(target, resources)
    without = plan.model_copy(update={"changes": plan.changes[:1], "digest": ""})
    assert apply(seal(without), target).succeeded
    waiting = plan_for(target, resources)
    [notice] = waiting.notices
    assert notice.type is NoticeType.WAITS_FOR_RESTART
    assert "waits for a restart: 66 is in Patroni's configuration" in notice.message
    assert [change.action for change in waiting.changes] == [Action.RESTART]
    assert apply(waiting, target, allowed=ALLOWED).succeeded
    assert plan_for(target, resources).is_empty


class Stopping(Seen):
    """Stops a member at the moment when it says that it is to be restarted, or when work on a change begins."""

    def __init__(self, node, name: str = "") -> None:
        super().__init__()
        self._node, self._name = node, name

    def started(self, change) -> None:
        super().started(change)
        if change.address.name == self._name:
            self._node.kill()

    def progressed(self, progress) -> None:
        super().progressed(progress)
        if not self._name and progress.phase.startswith(f"restarting {self._node.name} "):
            self._node.kill()


@pytest.mark.parametrize("moment", ["", "max_connections"], ids=["at its restart", "before the patch"])
def test_a_member_is_stopped_in_the_middle_and_the_next_run_converges(patroni, target, moment):
    resources = pg_settings(target, {"max_connections": "75", "work_mem": "7MB"})
    stopped = patroni.replicas()[0]
    receipt = apply(plan_for(target, resources), target, allowed=ALLOWED, listener=Stopping(stopped, moment))
    assert not receipt.succeeded
    assert Applied.FAILED in {change.result for change in receipt.changes}
    with pytest.raises(Unread, match=f"main@{stopped.name}"):
        plan_for(target, resources)
    stopped.start()
    # What etcd has of a member that was killed looks healthy until its key expires.
    until(lambda: answers(stopped), "the member is back")
    patroni.healthy()
    plan = plan_for(target, resources)
    assert apply(plan, target, allowed=ALLOWED).succeeded
    assert plan_for(target, resources).is_empty
    assert shown(patroni, "max_connections") == ["75"] * 3


def test_lists_are_merged_and_a_loaded_library_is_configured_in_one_run(patroni, target):
    resources = pg_settings(
        target,
        {"auto_explain.log_min_duration": "1500ms", "shared_preload_libraries": {"include": ["auto_explain"]}},
    )
    receipt = apply(plan_for(target, resources), target, allowed=ALLOWED)
    assert receipt.succeeded, receipt
    assert shown(patroni, "auto_explain.log_min_duration") == ["1500ms"] * 3
    assert plan_for(target, resources).is_empty


def test_a_library_that_is_not_there_is_refused_before_any_member_loses_it(patroni, target):
    plan = plan_for(target, pg_settings(target, {"shared_preload_libraries": {"include": ["pg_nonsense"]}}))
    assert plan.is_empty
    [notice] = plan.notices
    assert "no library of this name is installed on the server: pg_nonsense" in notice.message


def test_default_takes_a_setting_out_of_the_configuration(patroni, target):
    assert apply(plan_for(target, pg_settings(target, {"work_mem": "9MB"})), target).succeeded
    resources = pg_settings(target, {"work_mem": "default"})
    [change] = plan_for(target, resources).changes
    assert change.steps == (PatroniStep(parameters={"work_mem": None}),)
    assert apply(plan_for(target, resources), target).succeeded
    assert "work_mem" not in patroni.config()["postgresql"]["parameters"]
    assert shown(patroni, "work_mem") == ["4MB"] * 3
    assert plan_for(target, resources).is_empty


def test_a_change_that_somebody_else_made_meanwhile_is_stale(patroni, target):
    resources = pg_settings(target, {"work_mem": "6MB"})
    plan = plan_for(target, resources)
    other = pg_settings(target, {"work_mem": "8MB"})
    assert apply(plan_for(target, other), target).succeeded
    [receipt] = apply(plan, target).changes
    assert receipt.result is Applied.STALE
    assert "value was 4MB in the plan and is 8MB now" in receipt.message
    assert "source was not in Patroni's configuration in the plan" in receipt.message


def test_what_patroni_has_is_imported_and_a_plan_of_it_is_empty(patroni, target):
    with closing(connect(target, Secrets({}))) as session:
        found = KIND.written(session)["settings"]
    declared = {name: entry.value for name, entry in found.items() if isinstance(entry, Noted)}
    assert declared["max_connections"] == "50"
    assert found["max_connections"].comment == "Patroni's configuration"
    plan = plan_for(target, pg_settings(target, declared))
    assert (plan.changes, plan.notices) == ((), ())


def test_settings_of_a_node_that_patroni_keeps_are_not_imported_as_ones_own(patroni, target):
    with closing(connect(target.model_copy(update={"patroni": None}), Secrets({}))) as session:
        found = KIND.written(session)["settings"]
    [left_out] = found.values()
    assert "Patroni keeps them: declare patroni" in left_out.reason


def test_another_cluster_s_patroni_is_refused(patroni, target, postgres):
    elsewhere = target.model_copy(update={"url": SecretStr(postgres.url())})
    with pytest.raises(Unread, match=r"its URL leads to the system .*, and its Patroni keeps"):
        plan_for(elsewhere, pg_settings(elsewhere, {"work_mem": "6MB"}))


def test_what_patroni_writes_on_replicas_itself_is_refused(patroni, target):
    plan = plan_for(target, pg_settings(target, {"restore_command": "cp /somewhere/%f %p"}))
    assert plan.is_empty
    assert "Patroni writes it on each replica by itself" in plan.notices[0].message

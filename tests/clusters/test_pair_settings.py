"""A primary and its standby declared as one cluster: what is changed on both, in which order, and after a fault."""

from __future__ import annotations

import psycopg
import pytest
from applying.acting import Seen, Unread, apply, now, pg_settings, plan_for
from pydantic import SecretStr
from restarting import restart_command
from waiting import PATIENCE

from clusters.pair import Pair
from reconciler.errors import PlanFileError
from reconciler.model import Action, Applied, HazardType, NoticeType, Plan, PostgresTarget, Target, Verdict
from reconciler.planning.make import make_plan
from reconciler.secrets import Secrets

pytestmark = [pytest.mark.thorough, pytest.mark.rotated]

ALLOWED = [HazardType.RESTART]


def declared(pair: Pair) -> Target:
    standby = PostgresTarget(
        name="main@db2", url=pair.standby.url(), memory=4 << 30, node_of="main",
        restart=restart_command(pair.standby),
    )  # fmt: skip
    return PostgresTarget(
        name="main", url=pair.primary.url(), memory=4 << 30,
        restart=restart_command(pair.primary), standbys=(standby,),
    )  # fmt: skip


def shown(server, name: str) -> str:
    with psycopg.connect(server.url()) as connection:
        return connection.execute("select current_setting(%s)", [name]).fetchone()[0]


def order(plan: Plan) -> list[str]:
    return [
        f"{change.address.target} {'restart' if change.action is Action.RESTART else change.address.name}"
        for change in plan.changes
    ]


@pytest.mark.quick
def test_raised_on_the_standby_first_and_lowered_on_the_primary_first(pair):
    target = declared(pair)
    more = pg_settings(target, {"max_connections": "130"})
    plan = plan_for(target, more)
    assert order(plan) == ["main@db2 max_connections", "main@db2 restart", "main max_connections", "main restart"]
    assert apply(plan, target, allowed=ALLOWED).succeeded
    assert plan_for(target, more).is_empty

    less = pg_settings(target, {"max_connections": "60"})
    plan = plan_for(target, less)
    assert order(plan) == ["main max_connections", "main restart", "main@db2 max_connections", "main@db2 restart"]
    assert apply(plan, target, allowed=ALLOWED).succeeded
    assert plan_for(target, less).is_empty
    assert (shown(pair.primary, "max_connections"), shown(pair.standby, "max_connections")) == ("60", "60")
    pair.replayed()


def test_what_is_raised_and_what_is_lowered_have_a_phase_each(pair):
    target = declared(pair)
    resources = pg_settings(
        target, {"max_connections": "140", "max_worker_processes": "5", "work_mem": "5MB", "wal_buffers": "2MB"}
    )
    plan = plan_for(target, resources)
    assert order(plan) == [
        "main work_mem", "main wal_buffers", "main@db2 max_connections", "main@db2 work_mem", "main@db2 wal_buffers",
        "main@db2 restart",
        "main max_connections", "main max_worker_processes", "main restart",
        "main@db2 max_worker_processes", "main@db2 restart",
    ]  # fmt: skip
    assert apply(plan, target, allowed=ALLOWED).succeeded
    again = plan_for(target, resources)
    assert (again.changes, again.notices) == ((), ())
    pair.replayed()


class Stopping(Seen):
    """Stops a server at the moment when work on a change begins."""

    def __init__(self, server, target: str, name: str) -> None:
        super().__init__()
        self._server, self._when = server, (target, name)

    def started(self, change) -> None:
        super().started(change)
        if (change.address.target, change.address.name) == self._when:
            self._server.stop("immediate")


@pytest.mark.parametrize("moment", ["max_connections", "server"])
def test_the_standby_is_stopped_in_the_middle_and_the_next_run_converges(pair, moment):
    target = declared(pair)
    resources = pg_settings(target, {"max_connections": "130", "work_mem": "5MB"})
    plan = plan_for(target, resources)
    receipt = apply(plan, target, allowed=ALLOWED, listener=Stopping(pair.standby, "main@db2", moment))
    assert not receipt.succeeded
    by_address = {str(change.address): change.result for change in receipt.changes}
    # The primary must not get more than its standby has; what no standby leans on is made all the same.
    assert by_address["main/pg_setting/max_connections"] is Applied.NOT_RUN
    assert by_address["main/pg_restart/server"] is Applied.NOT_RUN
    assert by_address["main/pg_setting/work_mem"] is Applied.APPLIED
    assert shown(pair.primary, "max_connections") == "100"
    if not pair.standby.running:
        with pytest.raises(Unread, match="main@db2"):
            plan_for(target, resources)
        pair.standby.start()
    assert apply(plan_for(target, resources), target, allowed=ALLOWED).succeeded
    assert plan_for(target, resources).is_empty
    pair.replayed()


def test_while_the_standby_is_not_read_nothing_is_planned_of_the_primary(pair):
    """Its max_connections would else be raised above what the standby runs with, which then stops replaying."""
    target = declared(pair)
    resources = pg_settings(target, {"max_connections": "130", "work_mem": "5MB"})
    pair.standby.stop()
    plan = make_plan({"main": target}, resources, Secrets({}), created_at=now())
    assert [(each.target, each.node) for each in plan.unreachable] == [("main", "main@db2")]
    assert (plan.changes, plan.notices, dict(plan.targets)) == ((), (), {})
    pair.standby.start()
    assert plan_for(target, resources).changes


def test_the_primary_is_stopped_in_the_middle_and_the_next_run_converges(pair):
    target = declared(pair)
    resources = pg_settings(target, {"max_connections": "60"})
    receipt = apply(
        plan_for(target, resources), target, allowed=ALLOWED, listener=Stopping(pair.primary, "main", "max_connections")
    )
    assert [change.result for change in receipt.changes] == [Applied.FAILED, *[Applied.NOT_RUN] * 3]
    pair.primary.start()
    assert apply(plan_for(target, resources), target, allowed=ALLOWED).succeeded
    assert plan_for(target, resources).is_empty
    pair.replayed()


def test_a_plan_is_refused_after_a_failover(pair):
    target = declared(pair)
    plan = plan_for(target, pg_settings(target, {"max_connections": "130"}))
    with psycopg.connect(pair.standby.url(), autocommit=True) as connection:
        assert connection.execute("select pg_promote(true, %s)", [PATIENCE]).fetchone() == (True,)
    with pytest.raises(PlanFileError, match="main@db2 was a standby when the plan was made, and is a primary now"):
        apply(plan, target, allowed=ALLOWED)


def test_the_nodes_url_may_lead_to_the_standby(pair):
    """After a failover the target's own URL leads to a standby, and the order turns round."""
    main = declared(pair)
    [db2] = main.standbys
    turned = main.model_copy(
        update={
            "url": db2.url, "restart": db2.restart,
            "standbys": (db2.model_copy(update={"url": main.url, "restart": main.restart}),),
        }
    )  # fmt: skip
    resources = pg_settings(turned, {"max_connections": "60", "max_worker_processes": "9"})
    plan = plan_for(turned, resources)
    assert order(plan) == [
        "main max_worker_processes", "main restart",
        "main@db2 max_connections", "main@db2 max_worker_processes", "main@db2 restart",
        "main max_connections", "main restart",
    ]  # fmt: skip
    assert apply(plan, turned, allowed=ALLOWED).succeeded
    assert plan_for(turned, resources).is_empty
    pair.replayed()


def test_a_standby_that_is_not_declared_is_a_hazard_of_raising(pair):
    alone = declared(pair).model_copy(update={"standbys": ()})
    resources = pg_settings(alone, {"max_connections": "130"})
    [change, _] = plan_for(alone, resources).changes
    [hazard] = [each for step in change.steps for each in step.hazards if each.type is HazardType.STOPS_STANDBYS]
    assert "1 standby streams from here and is not declared" in hazard.message
    lower = plan_for(alone, pg_settings(alone, {"max_connections": "60"}))
    assert not [h for c in lower.changes for s in c.steps for h in s.hazards if h.type is HazardType.STOPS_STANDBYS]


def without_restart(target: Target, *names: str) -> Target:
    """The cluster, in which nobody says how these nodes are restarted."""
    [db2] = target.standbys
    return target.model_copy(
        update={
            "restart": "" if "main" in names else target.restart,
            "standbys": (db2.model_copy(update={"restart": "" if "main@db2" in names else db2.restart}),),
        }
    )


def all_but_what_waits_is_applied(receipt):
    assert {change.result for change in receipt.changes} == {Applied.APPLIED}
    assert (receipt.verdict, receipt.succeeded) == (Verdict.BLOCKED, False)


@pytest.mark.parametrize("silent", [("main@db2",), ("main", "main@db2")], ids=["the standby", "neither"])
def test_the_primary_waits_for_a_standby_that_nobody_restarts(pair, silent):
    target = without_restart(declared(pair), *silent)
    resources = pg_settings(target, {"max_connections": "160", "work_mem": "5MB"})
    plan = plan_for(target, resources)
    assert order(plan) == ["main work_mem", "main@db2 max_connections", "main@db2 work_mem"]
    [notice] = plan.notices
    assert (notice.address.target, notice.type) == ("main", NoticeType.BLOCKED)
    assert "main@db2 runs 100, and this plan does not restart it" in notice.message
    all_but_what_waits_is_applied(apply(plan, target, allowed=ALLOWED))
    pair.standby.restart()
    plan = plan_for(target, resources)
    assert order(plan)[:1] == ["main max_connections"]
    assert apply(plan, target, allowed=ALLOWED).succeeded
    if not target.restart:
        pair.primary.restart()
    pair.replayed()
    assert shown(pair.standby, "max_connections") == "160"


def test_a_standby_waits_for_a_primary_that_nobody_restarts(pair):
    target = without_restart(declared(pair), "main")
    resources = pg_settings(target, {"max_connections": "60"})
    plan = plan_for(target, resources)
    assert order(plan) == ["main max_connections"]
    [notice] = plan.notices
    assert "main runs 100, and this plan does not restart it" in notice.message
    all_but_what_waits_is_applied(apply(plan, target, allowed=ALLOWED))
    assert plan_for(target, resources).is_empty
    pair.primary.restart()
    plan = plan_for(target, resources)
    assert order(plan) == ["main@db2 max_connections", "main@db2 restart"]
    assert apply(plan, target, allowed=ALLOWED).succeeded
    assert plan_for(target, resources).is_empty
    pair.replayed()


def test_a_standby_that_cannot_be_changed_holds_its_primary_back(pair):
    target = declared(pair)
    with (pair.standby.data / "postgresql.conf").open("a") as conf:
        conf.write("nonsense = 1\n")  # of its files nothing counts any more
    plan = plan_for(target, pg_settings(target, {"max_connections": "130"}))
    assert plan.is_empty
    said = {notice.address.target: notice.message for notice in plan.notices}
    assert "the server ignores all of its configuration files" in said["main@db2"]
    assert "main@db2 runs 100, and cannot be changed by this plan" in said["main"]


def test_nodes_that_do_not_belong_together_are_refused(pair, postgres):
    target = declared(pair)
    [db2] = target.standbys
    resources = pg_settings(target, {"work_mem": "5MB"})

    def with_standby(url: str) -> Target:
        return target.model_copy(update={"standbys": (db2.model_copy(update={"url": SecretStr(url)}),)})

    with pytest.raises(Unread, match="main@db2: it is no node of main: its system identifier is"):
        plan_for(with_standby(postgres.url()), resources)
    with pytest.raises(Unread, match="main@db2: it is the same server as main"):
        plan_for(with_standby(pair.primary.url()), resources)

"""The server ends the session, restarts, stops at once, crashes: in the midst of each step, and before each."""

from __future__ import annotations

import os
import signal

import psycopg
import pytest
from applying.acting import Applying, plan_for, results
from applying.conftest import waiting
from waiting import PATIENCE, until

from faults.scenes import THOROUGH, Scene, by_name, checksum, converges, statements
from reconciler.model import Applied

pytestmark = [pytest.mark.rotated, pytest.mark.usefixtures("cleaning_up_soon")]

MIDST = [
    ("create", "update tasks set priority = 0 where id = 1", "create index%", "a build"),
    ("replace", "update tasks set priority = 0 where id = 1", "create index%", "the build of a replacement"),
    ("replace", "alter index i set (fillfactor = 90)", "begin%alter index%", "the swap of names"),
    ("replace", "select count(*) from tasks", "drop index%", "the drop of the old one"),
    ("drop", "select count(*) from tasks", "drop index%", "a drop"),
]
"""A scene, what another session does meanwhile, and the statement that then waits in the midst of its work."""


def terminated(sql, postgres, pid):
    sql.execute("select pg_terminate_backend(%s)", (pid,))


def cancelled(sql, postgres, pid):
    sql.execute("select pg_cancel_backend(%s)", (pid,))


def restarted(sql, postgres, pid):
    postgres.restart("fast")


def stopped_at_once(sql, postgres, pid):
    postgres.restart("immediate")


def crashed(sql, postgres, pid):
    """As the kernel does when memory runs out: the server notices, ends all sessions and recovers by itself."""
    os.kill(pid, signal.SIGKILL)
    until(lambda: not alive(sql), "the server has noticed")
    until(lambda: answers(postgres.url()), "the server is back")


def answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=PATIENCE).close()
    except psycopg.OperationalError:
        return False
    return True


def alive(connection: psycopg.Connection) -> bool:
    try:
        connection.execute("select 1")
    except psycopg.OperationalError:
        return False
    return True


FAULTS = [terminated, cancelled, restarted, stopped_at_once, crashed]


def pid_of(sql, pattern: str) -> int:
    [(pid,)] = sql.execute(
        "select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
        " and query ilike %s",
        (pattern,),
    ).fetchall()
    return pid


def again(sql, database, scene: Scene, target, data: str) -> None:
    """The server is there again, and so is everything in it; the next run converges."""
    until(lambda: answers(database), "the server answers")
    with psycopg.connect(database, autocommit=True) as fresh:
        assert checksum(fresh) == data
        converges(scene, fresh, target)
        assert checksum(fresh) == data


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
@pytest.mark.parametrize(("name", "held", "pattern", "reason"), MIDST, ids=[case[3] for case in MIDST])
def test_in_the_midst_of_a_step(name, held, pattern, reason, fault, sql, pg_target, postgres, database, holder):
    scene = by_name(name)
    scene.set_up(sql)
    data = checksum(sql)
    holder.execute(held)
    applying = Applying(plan_for(pg_target, scene.resources(pg_target)), pg_target, allowed=["index-drop"])
    until(lambda: waiting(sql, pattern), f"{reason} waits")
    fault(sql, postgres, pid_of(sql, pattern))
    receipt = applying.ended()
    assert results(receipt) == {"public.i": Applied.FAILED}
    said = receipt.changes[0].message
    assert ("canceling statement" if fault is cancelled else "the connection was lost") in said
    holder.close()
    again(sql, database, scene, pg_target, data)


@pytest.mark.parametrize("fault", [terminated, stopped_at_once], ids=lambda fault: fault.__name__)
@pytest.mark.parametrize("scene", THOROUGH, ids=lambda scene: scene.name)
def test_before_any_statement(scene, fault, database, pg_target, postgres, gate):
    for number in range(scene.statements):
        with psycopg.connect(database, autocommit=True) as sql:
            scene.set_up(sql)
            data = checksum(sql)
            plan = plan_for(pg_target, scene.resources(pg_target))
            with gate.closed(statements(plan)[number]):
                applying = Applying(plan, pg_target, allowed=["index-drop"])
                until(gate.arrived, "its turn has come")
                [pid] = gate.arrived()
                fault(sql, postgres, pid)
                applying.ended()
        again(None, database, scene, pg_target, data)

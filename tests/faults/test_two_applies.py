"""Two applies at once: one works, the other is told so, and nothing is made twice."""

from __future__ import annotations

import psycopg
import pytest
from applying.acting import plan_for
from applying.conftest import locks
from waiting import PATIENCE, until

from faults.scenes import by_name, converges, indexes, save, statements


@pytest.mark.parametrize("name", ["create", "replace after a failed build", "create one, replace one, drop one"])
def test_the_second_is_refused_and_finds_nothing_to_do_afterwards(name, sql, pg_target, command, gate, tmp_path):
    scene = by_name(name)
    scene.set_up(sql)
    plan = plan_for(pg_target, scene.resources(pg_target))
    save(plan, tmp_path / "plan.json")
    arguments = ("apply", tmp_path / "plan.json", "--allow", "index-drop")
    with gate.closed(statements(plan)[0]):
        first = command.start(*arguments)
        until(gate.arrived, "the first one is at work")
        code, out, err = command.run(*arguments)
        assert (code, out) == (1, "")
        assert "another apply is at work: reconciler apply by " in err
    out, err = first.communicate(timeout=PATIENCE)
    assert first.returncode == 0, out + err
    assert indexes(sql) == [(name, True) for name in scene.names]
    oids = sql.execute("select indexrelid from pg_index where indrelid = 'tasks'::regclass order by 1").fetchall()
    code, out, err = command.run(*arguments)
    assert code == 0, out + err
    assert "already as declared" in out + err
    now = sql.execute("select indexrelid from pg_index where indrelid = 'tasks'::regclass order by 1").fetchall()
    assert now == oids, "nothing was built again"
    converges(scene, sql, pg_target)


def test_started_in_the_same_instant_one_of_them_does_it(sql, pg_target, command, tmp_path):
    scene = by_name("replace")
    scene.set_up(sql, 20_000)
    save(plan_for(pg_target, scene.resources(pg_target)), tmp_path / "plan.json")
    both = [command.start("apply", tmp_path / "plan.json", "--allow", "index-drop") for _ in range(2)]
    said = ["".join(process.communicate(timeout=PATIENCE)) for process in both]
    assert 0 in [process.returncode for process in both], said
    for process, text in zip(both, said, strict=True):
        assert process.returncode == 0 or "another apply is at work" in text
        assert "Traceback" not in text
    converges(scene, sql, pg_target)


def test_one_that_lost_its_lock_and_goes_on_is_met_by_one_that_has_it(sql, pg_target, command, gate, tmp_path):
    """The lock's session is ended while a build runs: a second apply takes the lock, and leaves that build alone."""
    scene = by_name("create")
    scene.set_up(sql)
    plan = plan_for(pg_target, scene.resources(pg_target))
    save(plan, tmp_path / "plan.json")
    with psycopg.connect(pg_target.url.get_secret_value()) as writer:
        writer.execute("update tasks set priority = 0 where id = 1")
        first = command.start("apply", tmp_path / "plan.json")
        building = "select count(*) from pg_stat_activity where query like 'create index%' and wait_event_type = 'Lock'"
        until(lambda: sql.execute(building).fetchone() == (1,), "the first one builds, and waits for the writer")
        sql.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'reconciler apply by %'"
        )
        until(lambda: not locks(sql), "it has lost its lock")
        soon = {"reconciler.applying.lock.postgres.LETTING_GO_SECONDS": 0.5}
        second = command.start("apply", tmp_path / "plan.json", constants=soon)
        said = "".join(second.communicate(timeout=PATIENCE))
        assert second.returncode == 1
        assert "what an apply has begun that lost its lock is still going on" in said
        assert "create index concurrently" in said
        writer.rollback()
    out, err = first.communicate(timeout=PATIENCE)
    assert first.returncode == 0, out + err
    converges(scene, sql, pg_target)

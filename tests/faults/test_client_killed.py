"""kill -9 of the apply: before each statement of each plan, and at any moment."""

from __future__ import annotations

import os
import random
import time

import pytest
import tiers
from applying.acting import plan_for
from applying.conftest import locks
from waiting import until

from faults.scenes import THOROUGH, at_work, by_name, checksum, converges, indexes, save, statements, valid

pytestmark = pytest.mark.rotated

KILLS = int(os.environ.get("RECONCILER_TEST_KILLS", "3"))
"""How often the apply is killed at random in each of those tests; more for a long night."""

SEED = tiers.seed()
"""Of those moments."""


@pytest.mark.parametrize("scene", THOROUGH, ids=lambda scene: scene.name)
def test_killed_before_any_statement_the_next_run_finishes_it(scene, sql, pg_target, command, gate, tmp_path):
    """The swap is two statements in one transaction: killed between them, neither has happened."""
    for number in range(scene.statements):
        scene.set_up(sql)
        data = checksum(sql)
        plan = plan_for(pg_target, scene.resources(pg_target))
        todo = statements(plan)
        assert len(todo) == scene.statements, todo
        save(plan, tmp_path / "plan.json")
        with gate.closed(todo[number]):
            process = command.start("apply", tmp_path / "plan.json", "--allow", "index-drop")
            until(gate.arrived, f"its turn has come: {todo[number]}")
            process.kill()
            process.communicate()
            gate.turn_away()
        until(lambda: not at_work(sql), "nobody is at work any more")
        if scene.name.startswith("replace"):
            assert valid(sql, ["i"]), "the old one or the new one, and always under its name"
        converges(scene, sql, pg_target)
        assert checksum(sql) == data


@pytest.mark.parametrize("name", ["create", "replace", "create one, replace one, drop one"])
def test_killed_at_any_moment_the_next_run_finishes_it(name, sql, pg_target, command, tmp_path):
    scene, moments = by_name(name), random.Random(f"{name} {SEED}")  # noqa: S311 - repeatable on purpose
    rows = 60_000
    longest = 1.0
    for _ in range(KILLS):
        scene.set_up(sql, rows)
        data = checksum(sql)
        save(plan_for(pg_target, scene.resources(pg_target)), tmp_path / "plan.json")
        process = command.start("apply", tmp_path / "plan.json", "--allow", "index-drop")
        until(lambda process=process: locks(sql) or process.poll() is not None, "it has begun")
        time.sleep(moments.uniform(0, longest))
        process.kill()
        process.communicate()
        until(lambda: not at_work(sql), "nobody is at work any more")
        if scene.before:
            assert valid(sql, ["i"]), indexes(sql)
        began = time.monotonic()
        converges(scene, sql, pg_target)
        longest = min(1.0, time.monotonic() - began)
        assert checksum(sql) == data

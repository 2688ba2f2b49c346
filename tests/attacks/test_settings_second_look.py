"""What a setting was judged beside, when it was planned, is looked at again when it is applied.

Before, each of these was applied: the plan's own word of what is declared beside it was believed, whatever the server
had by then, and whatever had become of the other changes.
"""

from __future__ import annotations

import pytest
from applying.acting import apply, message, pg_settings, plan_for, results
from restarting import restart_command
from waiting import reload

from attacks.test_plan_files import sealed
from attacks.test_settings_allowed_by_name import RUNS, STOPS, UNSAFE, Row, own, resources, server
from reconciler.model import NEEDS_PERMISSION, Applied, HazardType, PostgresTarget, Target

__all__ = ["own", "server"]


@pytest.fixture
def target(own) -> Target:
    return PostgresTarget(name="main", url=own.url(), memory=16 << 30)


@pytest.mark.matrix
def test_room_that_somebody_has_taken_since(target, server):
    """Fifty of a hundred connections are reserved, and only fifty-five are left after the next restart."""
    plan = plan_for(target, pg_settings(target, {"max_connections": "100", "superuser_reserved_connections": "50"}))
    assert [change.address.name for change in plan.changes] == ["superuser_reserved_connections"]
    server.execute("alter system set max_connections = 55")
    reload(server)
    receipt = apply(plan, target, allowed=NEEDS_PERMISSION)
    assert results(receipt) == {"superuser_reserved_connections": Applied.STALE}
    assert "it was planned beside max_connections" in message(receipt)


def test_a_number_that_was_worked_out_of_another(target, server):
    server.execute("alter system set work_mem = '8MB'")
    reload(server)
    plan = plan_for(target, pg_settings(target, {"work_mem": "8MB", "effective_cache_size": "work_mem * 100"}))
    [change] = plan.changes
    assert change.after["value"] == "800MB"
    server.execute("alter system set work_mem = '16MB'")
    reload(server)
    assert results(apply(plan, target)) == {"effective_cache_size": Applied.STALE}


def test_what_came_before_and_was_not_made(target, server):
    """With ten senders and wal_level minimal the server does not start again."""
    wanted = {"max_wal_senders": "0", "wal_level": "minimal"}
    plan = plan_for(target, pg_settings(target, wanted))
    assert [change.address.name for change in plan.changes] == ["max_wal_senders", "wal_level"]
    server.execute("alter system set max_wal_senders = 7")
    reload(server)
    receipt = apply(plan, target, allowed=NEEDS_PERMISSION)
    assert results(receipt) == {"max_wal_senders": Applied.STALE, "wal_level": Applied.STALE}
    assert "it was planned beside max_wal_senders" in receipt.changes[1].message
    assert apply(plan_for(target, pg_settings(target, wanted)), target, allowed=NEEDS_PERMISSION).succeeded


def test_what_an_altered_plan_says_of_the_others(target, server):
    """The digests are made again; with a thousand connections nothing speaks against 95 reserved ones."""
    plan = plan_for(target, pg_settings(target, {"max_connections": "1000", "superuser_reserved_connections": "95"}))

    def alter(content):
        content["resource_changes"] = [
            item for item in content["resource_changes"] if item["address"].endswith("superuser_reserved_connections")
        ]

    receipt = apply(sealed(plan, alter), target, allowed=NEEDS_PERMISSION)
    assert results(receipt) == {"superuser_reserved_connections": Applied.STALE}


def test_what_an_altered_plan_says_of_a_change_that_it_has(target, server):
    """It is among the changes of the plan, but to another value, by which there would be nothing to allow."""
    wanted = {"max_connections": "99", "superuser_reserved_connections": "95"}
    plan = plan_for(target, pg_settings(target, wanted))

    def alter(content):
        for item in content["resource_changes"]:
            if item["address"].endswith("superuser_reserved_connections"):
                item["desired"]["beside"]["max_connections"] = "1000"
                for step in item["steps"]:
                    step["hazards"] = [each for each in step["hazards"] if each["type"] != STOPS]

    receipt = apply(sealed(plan, alter), target, allowed=NEEDS_PERMISSION)
    assert results(receipt) == {"max_connections": Applied.APPLIED, "superuser_reserved_connections": Applied.STALE}
    receipt = apply(plan_for(target, pg_settings(target, wanted)), target, allowed=NEEDS_PERMISSION)
    assert results(receipt) == {"superuser_reserved_connections": Applied.APPLIED}


def test_a_role_and_the_instance(target, server):
    """Memory of a role, by the multiplier of all: judged together, applied together, and in sync."""
    role = Row("", {"postgres": {"settings": {"work_mem": "2GB"}}}, set(), section="roles")
    wanted = [*pg_settings(target, {"hash_mem_multiplier": "4"}), *resources(target, role)]
    plan = plan_for(target, wanted)
    hazards = {change.address.name: change.steps[0].hazards for change in plan.changes}
    assert [each.type for each in hazards["role postgres/work_mem"]] == [STOPS]
    assert apply(plan, target, allowed=[STOPS]).succeeded
    assert plan_for(target, wanted).is_empty


@pytest.mark.pg(">=15")
def test_a_setting_of_a_library_to_come_with_its_hazard(target, own):
    """Before, a hazard that the plan knew already made it stale, since the loaded library shows it as well."""
    where = target.model_copy(update={"restart": restart_command(own)})
    wanted = pg_settings(
        where,
        {
            "shared_preload_libraries": {"include": ["basic_archive"]},
            "basic_archive.archive_directory": str(own.folder),
        },
    )
    plan = plan_for(where, wanted)
    assert [step.hazards[0].type for step in plan.changes[-1].steps[:1]] == [UNSAFE]
    receipt = apply(plan, where, allowed=[RUNS, UNSAFE, HazardType.RESTART])
    assert receipt.succeeded, receipt
    assert plan_for(where, wanted).is_empty
    own.execute("alter system reset all")
    own.restart()

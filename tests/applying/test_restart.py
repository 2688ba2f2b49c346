"""Restarts as reviewed steps: by the target's own command, by hand, refused, failing, and what comes after them."""

from __future__ import annotations

import psycopg
import pytest
from restarting import restart_command
from waiting import reload, until

from applying.acting import Applying, Seen, apply, message, pg_settings, plan_for, resealed, results
from reconciler.errors import HazardNotAllowed
from reconciler.model import BY_HAND, Action, Applied, HazardType, NoticeType, RestartStep, Target
from reconciler.planning import staleness

ALLOWED = [HazardType.RESTART, HazardType.RUNS_PROGRAMS]


@pytest.fixture
def target(pg_target: Target, postgres) -> Target:
    """A target that declares how it is restarted; afterwards the server is as it was."""
    yield pg_target.model_copy(update={"restart": restart_command(postgres)})
    if not postgres.running:
        postgres.start()
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        connection.execute("alter system reset all")
    postgres.restart()


def shown(target: Target, name: str) -> str:
    with psycopg.connect(target.url.get_secret_value()) as connection:
        return connection.execute("select current_setting(%s)", [name]).fetchone()[0]


def test_what_waits_for_a_restart_is_true_after_one_apply(target):
    resources = pg_settings(target, {"max_connections": "123", "work_mem": "5MB"})
    plan = plan_for(target, resources)
    restart = plan.changes[-1]
    assert str(restart.address) == "main/pg_restart/server"
    assert (restart.action, restart.reason) == (Action.RESTART, "for max_connections")
    listener = Seen()
    receipt = apply(plan, target, allowed=ALLOWED, listener=listener)
    assert receipt.succeeded, receipt
    assert shown(target, "max_connections") == "123"
    assert any(seen.phase.startswith("restarting: ") for seen in listener.progress)
    again = plan_for(target, resources)
    assert (again.changes, again.notices) == ((), ())


def test_what_only_alter_system_gave_is_reset_with_a_restart(target):
    """From the reset to the restart pg_file_settings has a row of no file that says so, which is no error."""
    for value in ("20", "default"):
        resources = pg_settings(target, {"max_worker_processes": value, "work_mem": "5MB"})
        receipt = apply(plan_for(target, resources), target, allowed=ALLOWED)
        assert receipt.succeeded, receipt
        again = plan_for(target, resources)
        assert (again.changes, again.notices) == ((), ())
    assert shown(target, "max_worker_processes") == "8"


def test_what_somebody_else_wrote_comes_true_with_our_restart(target, postgres):
    """Before, the plan had not a word of it: wal_level minimal, and shared_buffers of 128 kB, came with our restart."""
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        connection.execute("alter system set max_locks_per_transaction = 32")
        connection.execute("alter system set max_prepared_transactions = 7")
        resources = pg_settings(target, {"max_connections": "123"})
        plan = plan_for(target, resources)  # not even reloaded
        reload(connection)
        assert [each.type for each in plan_for(target, resources).changes[-1].steps[0].hazards] == [
            each.type for each in plan.changes[-1].steps[0].hazards
        ]
        assert [(each.type, each.message.partition(":")[0]) for each in plan.changes[-1].steps[0].hazards[1:]] == [
            (HazardType.STOPS_SERVICE, "it brings max_locks_per_transaction = 32"),
            (
                HazardType.WAITS_FOR_RESTART,
                "it brings max_prepared_transactions = 7, which somebody else wrote",
            ),
        ]
        with pytest.raises(HazardNotAllowed, match="it brings max_locks_per_transaction = 32"):
            apply(plan, target, allowed=ALLOWED)
        connection.execute("alter system set max_worker_processes = 2")
        reload(connection)
        late = apply(plan, target, allowed=[*ALLOWED, HazardType.STOPS_SERVICE])
        assert results(late) == {"max_connections": Applied.APPLIED, "server": Applied.STALE}
    again = plan_for(target, resources)
    assert apply(again, target, allowed=[*ALLOWED, HazardType.STOPS_SERVICE]).succeeded
    assert plan_for(target, resources).is_empty


def test_nothing_is_restarted_without_permission(target):
    plan = plan_for(target, pg_settings(target, {"max_connections": "123"}))
    with pytest.raises(HazardNotAllowed, match="main/pg_restart/server: restart: PostgreSQL of main is restarted"):
        apply(plan, target)
    assert shown(target, "max_connections") == "100"


def test_a_setting_that_only_waits_is_restarted_for(target, postgres):
    """Somebody wrote it and did not restart: the plan says so, and has the restart."""
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        connection.execute("alter system set max_connections = 77")
        reload(connection)
    resources = pg_settings(target, {"max_connections": "77"})
    plan = plan_for(target, resources)
    assert [notice.type for notice in plan.notices] == [NoticeType.WAITS_FOR_RESTART]
    assert [str(change.address) for change in plan.changes] == ["main/pg_restart/server"]
    assert apply(plan, target, allowed=ALLOWED).succeeded
    assert plan_for(target, resources).is_empty


def test_without_a_declared_restart_it_stays_written_and_waits(target, pg_target):
    resources = pg_settings(pg_target, {"max_connections": "123"})
    plan = plan_for(pg_target, resources)
    assert [change.action for change in plan.changes] == [Action.UPDATE]
    assert apply(plan, pg_target).succeeded
    again = plan_for(pg_target, resources)
    assert again.is_empty
    [notice] = again.notices
    assert notice.message == "waits for a restart: 123 is in postgresql.auto.conf, 100 runs"
    assert (notice.provenance.value, notice.provenance.coming) == ("100", "123")


def test_a_library_is_preloaded_then_the_server_restarted_then_its_settings_written(target):
    resources = pg_settings(
        target,
        {
            "auto_explain.log_min_duration": "1500ms",
            "auto_explain.log_level": "notice",
            "shared_preload_libraries": {"include": ["auto_explain"]},
        },
    )
    plan = plan_for(target, resources)
    names = [change.address.name for change in plan.changes]
    assert names == ["shared_preload_libraries", "server", "auto_explain.log_min_duration", "auto_explain.log_level"]
    receipt = apply(plan, target, allowed=ALLOWED)
    assert receipt.succeeded, receipt
    assert shown(target, "auto_explain.log_min_duration") == "1500ms"
    assert plan_for(target, resources).is_empty


def test_what_the_loaded_library_would_not_take_is_not_written(target):
    resources = pg_settings(
        target, {"auto_explain.log_level": "loudly", "shared_preload_libraries": {"include": ["auto_explain"]}}
    )
    plan = plan_for(target, resources)
    receipt = apply(plan, target, allowed=ALLOWED)
    assert results(receipt) == {
        "shared_preload_libraries": Applied.APPLIED, "server": Applied.APPLIED, "auto_explain.log_level": Applied.STALE,
    }  # fmt: skip
    assert "loudly is not a value for it" in receipt.changes[-1].message
    assert shown(target, "auto_explain.log_level") == "log"


def test_only_the_command_that_the_target_declares_is_run(target, tmp_path):
    there = tmp_path / "there"

    def alter(change):
        if change.action is not Action.RESTART:
            return change
        [step] = change.steps
        other = f"touch {there}"
        return change.model_copy(
            update={
                "steps": (step.model_copy(update={"command": other}),),
                "desired": {**change.desired, "command": other},
            }
        )

    plan = resealed(plan_for(target, pg_settings(target, {"max_connections": "123"})), alter)
    receipt = apply(plan, target, allowed=ALLOWED)
    assert results(receipt) == {"max_connections": Applied.APPLIED, "server": Applied.FAILED}
    assert "another command than the target declares: nothing was run" in receipt.changes[-1].message
    assert not there.exists()


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("sh -c 'echo no such unit >&2; exit 5'", "exited with 5"),
        ("/nowhere/restart", "could not be run: No such file or directory"),
    ],
)
def test_a_restart_that_fails_is_said_and_the_next_run_finishes(target, command, said):
    broken = target.model_copy(update={"restart": command})
    resources = pg_settings(target, {"max_connections": "123"})
    receipt = apply(plan_for(broken, resources), broken, allowed=ALLOWED)
    assert results(receipt) == {"max_connections": Applied.APPLIED, "server": Applied.FAILED}
    assert said in receipt.changes[-1].message
    assert shown(target, "max_connections") == "100"
    plan = plan_for(target, resources)
    assert [change.action for change in plan.changes] == [Action.RESTART]
    assert apply(plan, target, allowed=ALLOWED).succeeded
    assert plan_for(target, resources).is_empty


def test_a_command_that_restarts_nothing_is_no_restart(target, monkeypatch):
    monkeypatch.setattr("reconciler.applying.executing.restart.ANSWER_SECONDS", 0.1)
    idle = target.model_copy(update={"restart": "true"})
    receipt = apply(plan_for(idle, pg_settings(target, {"max_connections": "123"})), idle, allowed=ALLOWED)
    assert results(receipt)["server"] is Applied.FAILED
    assert "it still is the same server: nothing has restarted it" in receipt.changes[-1].message


def test_a_person_restarts_and_apply_waits(target, postgres):
    by_hand = target.model_copy(update={"restart": BY_HAND})
    resources = pg_settings(target, {"max_connections": "123"})
    plan = plan_for(by_hand, resources)
    assert plan.changes[-1].steps == (RestartStep(command=BY_HAND, hazards=plan.changes[-1].steps[0].hazards),)
    listener = Seen()
    applying = Applying(plan, by_hand, allowed=ALLOWED, listener=listener)
    until(lambda: any("waiting for you" in seen.phase for seen in listener.progress), "it is asked for")
    postgres.restart()
    assert applying.ended().succeeded
    assert plan_for(by_hand, resources).is_empty


def test_a_restart_that_somebody_has_done_meanwhile_is_not_done_again(target, postgres):
    resources = pg_settings(target, {"max_connections": "123"})
    plan = plan_for(target, resources)
    unrestarted = target.model_copy(update={"restart": ""})
    assert apply(plan_for(unrestarted, resources), unrestarted).succeeded
    postgres.restart()
    assert set(results(apply(plan, target, allowed=ALLOWED)).values()) == {Applied.SKIPPED}


def test_no_restart_for_a_setting_that_was_not_written(target):
    resources = pg_settings(target, {"max_connections": "123"})
    plan = plan_for(target, resources)
    with psycopg.connect(target.url.get_secret_value(), autocommit=True) as connection:
        connection.execute("alter system set max_connections = 99")
        reload(connection)
    receipt = apply(plan, target, allowed=ALLOWED)
    assert results(receipt) == {"max_connections": Applied.STALE, "server": Applied.NOT_RUN}
    assert receipt.changes[0].message == "pending was not there in the plan and is 99 now"
    assert "main/pg_setting/max_connections comes before it" in receipt.changes[-1].message
    assert shown(target, "max_connections") == "100"
    assert "instead of 99, which is pending" in plan_for(target, resources).changes[0].notes


def test_a_bad_line_is_seen_before_the_reload_and_ours_is_taken_back(target, postgres, monkeypatch):
    """Somebody edits postgresql.conf while we apply: our value goes, theirs stays, and nothing was reloaded."""
    resources = pg_settings(target, {"work_mem": "5MB"})
    plan = plan_for(target, resources)
    conf = postgres.data / "postgresql.conf"
    before = conf.read_text()
    judge = staleness.judge

    def then_edited(*arguments):
        conf.write_text(before + "maintenance_work_mem = 'a lot'\n")
        return judge(*arguments)

    monkeypatch.setattr(staleness, "judge", then_edited)
    receipt = apply(plan, target)
    monkeypatch.undo()
    try:
        assert not receipt.succeeded
        assert "the server would not take its files, and was not told to read them" in message(receipt)
        assert "it was undone" in message(receipt)
        assert shown(target, "work_mem") == "4MB"
    finally:
        conf.write_text(before)
    assert apply(plan_for(target, resources), target).succeeded
    assert plan_for(target, resources).is_empty


def test_no_restart_into_what_would_not_start(target):
    """Of two settings that go together the second could not be written: the first alone would keep the server down."""
    resources = pg_settings(target, {"wal_level": "minimal", "max_wal_senders": "0"})
    plan = plan_for(target, resources)

    def refused(change):
        if change.address.name != "max_wal_senders":
            return change
        first, *rest = change.steps
        return change.model_copy(update={"steps": (first.model_copy(update={"statements": ("select 1/0",)}), *rest)})

    receipt = apply(resealed(plan, refused), target, allowed=[*ALLOWED, HazardType.LESS_SAFE])
    assert results(receipt)["wal_level"] is Applied.APPLIED
    assert results(receipt)["server"] is Applied.NOT_RUN
    only_first = pg_settings(target, {"wal_level": "minimal"})
    [notice] = plan_for(target, only_first).notices
    assert notice.type is NoticeType.BLOCKED
    assert "do not restart it: the server would not start: wal_level minimal" in notice.message
    assert plan_for(target, only_first).is_empty
    receipt = apply(plan_for(target, resources), target, allowed=[*ALLOWED, HazardType.LESS_SAFE])
    assert receipt.succeeded, receipt
    assert plan_for(target, resources).is_empty


def test_a_restart_that_was_planned_is_refused_where_somebody_has_written_what_would_not_start(target):
    resources = pg_settings(target, {"max_connections": "90"})
    without = target.model_copy(update={"restart": ""})
    assert apply(plan_for(without, resources), without).succeeded
    plan = plan_for(target, resources)
    assert [change.action for change in plan.changes] == [Action.RESTART]
    with psycopg.connect(target.url.get_secret_value(), autocommit=True) as connection:
        connection.execute("alter system set superuser_reserved_connections = 90")
        reload(connection)
    receipt = apply(plan, target, allowed=ALLOWED)
    assert results(receipt) == {"server": Applied.STALE}
    assert "not restarted: the server would not start" in receipt.changes[-1].message


def test_a_date_style_that_the_driver_cannot_read_is_in_nobodys_way(target):
    """A reload and a restart are told by their moments, which the server writes in the session's own style."""
    german = pg_settings(target, {"datestyle": "German, DMY"})
    assert apply(plan_for(target, german), target, allowed=[HazardType.LESS_SAFE]).succeeded
    assert plan_for(target, german).is_empty
    resources = pg_settings(target, {"datestyle": "German, DMY", "work_mem": "5MB", "max_connections": "97"})
    receipt = apply(plan_for(target, resources), target, allowed=ALLOWED)
    assert receipt.succeeded, receipt
    assert plan_for(target, resources).is_empty
    iso = pg_settings(target, {"datestyle": "ISO, MDY"})
    assert apply(plan_for(target, iso), target, allowed=[HazardType.LESS_SAFE]).succeeded

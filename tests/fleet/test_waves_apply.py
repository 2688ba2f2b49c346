"""`apply DIR` in waves: the next one is begun only where nothing is against it, and what is not run says why."""

from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from applying.acting import Command
from faults.scenes import Gate, statements
from waiting import PATIENCE, until

from fleet.rollouts import ALL, ROLLOUT, declare, digest, expect_converged, results, runs, waves
from reconciler.fleet import folder

REFUSES = "postgresql://postgres@127.0.0.1:1/nobody"


def test_waves_come_one_after_the_other(plans, databases, reconciler, tmp_path):
    made, receipts = plans(), tmp_path / "receipts"
    code, out, err = reconciler("apply", made, "--digest", digest(made), "--receipt", receipts)
    assert code == 0, out + err
    lines = [line.partition(" (")[0] for line in err.splitlines()]
    assert lines[:4] == [
        "wave 1 of 3, where name = acme: 1 target to apply", "acme: applied", "wave 1 of 3, where name = acme: done",
        "wave 2 of 3, where name in",
    ]  # fmt: skip
    assert {*lines[4:6]} == {"globex: applied", "initech: applied"}
    assert lines[-2:] == ["umbrella: applied", "wave 3 of 3, share 100%: done"]
    assert waves(receipts) == [(1, None), (2, None), (3, None)]
    expect_converged(reconciler)


def test_as_many_failures_as_may_be_end_it_before_the_next_wave(plans, databases, reconciler, tmp_path):
    """What goes wrong in the first two waves is counted in all; within a wave, nothing more is begun, either."""
    made, receipts = plans(ROLLOUT + "  stop_after: 2\n"), tmp_path / "receipts"
    for name in ("globex", "initech"):
        databases.sql(name, "drop table tasks")
    arguments = ("apply", made, "--digest", digest(made), "--receipt", receipts)
    code, out, err = reconciler(*arguments)
    assert code == 1
    assert results(receipts) == [
        {"acme": "applied", "globex": "failed", "initech": "failed", "umbrella": "not-run: failures"}
    ]
    assert waves(receipts) == [(1, None), (2, "failures")]
    assert set(databases.built()) == {"acme"}
    assert "umbrella: not run: as many targets have failed as may in all" in out
    assert "wave 2: the last one: as many targets have failed as may in all" in out
    [run] = receipts.glob("*/run.json")
    assert reconciler("show", run)[1] == out
    databases.sql("globex", "create table tasks (id bigint primary key, status text, priority int, title text)")
    code, out, err = reconciler(*arguments, "--resume")
    assert code == 1, "one failure is borne"
    assert results(receipts)[1] == {
        "acme": "done-before", "globex": "applied", "initech": "failed", "umbrella": "applied"
    }  # fmt: skip
    databases.sql("initech", "create table tasks (id bigint primary key, status text, priority int, title text)")
    code, out, err = reconciler(*arguments, "--resume")
    assert code == 0, out + err
    expect_converged(reconciler)


def test_nothing_applied_to_a_wave_ends_it_whatever_may_fail(plans, databases, reconciler, tmp_path):
    made, receipts = plans(ROLLOUT + "  stop_after: 100\n"), tmp_path / "receipts"
    databases.sql("acme", "drop table tasks")
    arguments = ("apply", made, "--digest", digest(made), "--receipt", receipts)
    assert reconciler(*arguments)[0] == 1
    [found] = results(receipts)
    assert found == {"acme": "failed"} | dict.fromkeys(ALL[1:], "not-run: none-applied")
    databases.sql("acme", "create table tasks (id bigint primary key, status text, priority int, title text)")
    assert reconciler(*arguments, "--resume")[0] == 0
    expect_converged(reconciler)


def test_a_wave_that_could_not_even_be_planned_lets_nothing_pass(databases, reconciler, tmp_path):
    """Its target did not answer then, and has no plan: the waves behind it wait for one all the same."""
    made, receipts = tmp_path / "plans", tmp_path / "receipts"
    declare(databases, ROLLOUT)
    databases.declare(**databases.urls | {"acme": REFUSES})
    assert reconciler("plan", "--out-dir", made)[0] == 1
    databases.declare(**databases.urls)
    code, out, err = reconciler("apply", made, "--digest", digest(made), "--receipt", receipts)
    assert code == 1
    assert results(receipts) == [dict.fromkeys(ALL[1:], "not-run: none-applied")], out + err
    assert databases.built() == {}
    assert reconciler("plan", "--out-dir", made)[0] == 0
    code, out, err = reconciler("apply", made, "--digest", digest(made), "--receipt", receipts)
    assert code == 0, out + err
    expect_converged(reconciler)


@pytest.mark.parametrize(
    ("rule", "found", "stopped"),
    [
        ("error", {"globex": "unreachable", "umbrella": "not-run: failures"}, "failures"),
        ("later", {"globex": "unreachable", "umbrella": "applied"}, None),
        ("skip", {"globex": "unreachable", "umbrella": "applied"}, None),
        (
            "later\n  stop_after_unreachable: 1",
            {"globex": "unreachable", "umbrella": "not-run: unreachable"},
            "unreachable",
        ),
    ],
)
def test_what_does_not_answer(plans, databases, reconciler, tmp_path, rule, found, stopped):
    """It ends a run as is declared, and is never a success."""
    made, receipts = plans(ROLLOUT + f"  unreachable: {rule}\n"), tmp_path / "receipts"
    databases.declare(**databases.urls | {"globex": REFUSES})
    arguments = ("apply", made, "--digest", digest(made), "--receipt", receipts)
    code, out, err = reconciler(*arguments)
    assert code == 1
    assert results(receipts) == [{"acme": "applied", "initech": "applied"} | found]
    assert waves(receipts)[1] == (2, stopped)
    assert "globex: not reached: globex: cannot connect" in out
    assert err.count("globex: unreachable") == (2 if rule == "later" else 1), "it is tried once more"
    databases.declare(**databases.urls)
    code, out, err = reconciler(*arguments, "--resume")
    assert code == 0, out + err
    expect_converged(reconciler)


def test_what_does_not_answer_is_tried_once_more_behind_the_last_wave(plans, databases, tmp_path, reconciler):
    """It has begun to answer by then: a database that took no connections while the first waves were made."""
    made, receipts = plans(ROLLOUT + "  unreachable: later\n"), tmp_path / "receipts"
    [statement] = statements(folder.read_plan(made, folder.read(made), "umbrella"))
    with psycopg.connect(databases.urls["acme"], autocommit=True) as admin:
        admin.execute("alter database fleet_globex with allow_connections false")
        gate = Gate(databases.urls["umbrella"])
        with gate.closed(statement):
            run = Command(databases.desired, {}).start("apply", made, "--digest", digest(made), "--receipt", receipts)
            until(gate.arrived, "it is at the last wave")
            admin.execute("alter database fleet_globex with allow_connections true")
        out, err = run.communicate(timeout=PATIENCE)
    assert run.returncode == 0, out + err
    assert results(receipts) == [dict.fromkeys(ALL, "applied")]
    assert [line.partition(" (")[0] for line in err.splitlines() if "globex" in line and "wave" not in line] == [
        "globex: unreachable", "globex: applied"
    ]  # fmt: skip
    expect_converged(reconciler)


def test_where_another_apply_is_at_work_no_wave_is_begun_behind(plans, databases, reconciler, tmp_path):
    made, receipts = plans(ROLLOUT + "  stop_after: 100\n"), tmp_path / "receipts"
    arguments = ("apply", made, "--digest", digest(made), "--receipt", receipts)
    with psycopg.connect(databases.urls["acme"]) as held:
        held.execute("select pg_advisory_lock(8243104023216089452)")
        assert reconciler(*arguments)[0] == 1
    assert results(receipts) == [{"acme": "held"} | dict.fromkeys(ALL[1:], "not-run: held")]
    assert databases.built() == {}
    assert reconciler(*arguments, "--resume")[0] == 0
    expect_converged(reconciler)


def test_of_two_runners_at_once_one_goes_on_and_the_other_ends(plans, databases, reconciler, tmp_path):
    """The second one does not begin a wave while the first one is in the wave before."""
    made, receipts = plans(), tmp_path / "receipts"
    [statement] = statements(folder.read_plan(made, folder.read(made), "acme"))
    command = Command(databases.desired, {})
    arguments = ("apply", made, "--digest", digest(made), "--receipt", receipts)
    gate = Gate(databases.urls["acme"])
    with gate.closed(statement):
        first = command.start(*arguments)
        until(gate.arrived, "the first one is in its first wave")
        code, out, err = command.run(*arguments)
        assert code == 1, out + err
    out, err = first.communicate(timeout=PATIENCE)
    assert first.returncode == 0, out + err
    assert results(receipts) == [
        dict.fromkeys(ALL, "applied"), {"acme": "held"} | dict.fromkeys(ALL[1:], "not-run: held")
    ]  # fmt: skip
    built = databases.built()
    assert command.run(*arguments, "--resume")[0] == 0
    assert databases.built() == built
    expect_converged(reconciler)


BAKING = ROLLOUT.replace('"name = acme"', '"name = acme", bake: {bake}')


def test_a_wave_bakes_before_the_next_one_and_once(plans, databases, reconciler, tmp_path):
    made, receipts = plans(BAKING.replace("{bake}", "3s")), tmp_path / "receipts"
    arguments = ("apply", made, "--digest", digest(made), "--receipt", receipts)
    code, out, err = reconciler(*arguments)
    assert code == 0, out + err
    assert "wave 1 of 3, where name = acme: bakes until 20" in err
    [run] = runs(receipts)
    began = {name: each.ended_at for name, each in run.targets.items()}
    assert (began["globex"] - began["acme"]).total_seconds() >= 3
    assert "bakes" not in reconciler(*arguments, "--resume")[2], "the time is over by now"
    expect_converged(reconciler)


def test_a_run_is_interrupted_while_a_wave_bakes_and_resumed_waits_for_the_rest(plans, databases, tmp_path, reconciler):
    made, receipts = plans(BAKING.replace("{bake}", "1d")), tmp_path / "receipts"
    command = Command(databases.desired, {})
    arguments = ("apply", made, "--digest", digest(made), "--receipt", receipts)
    for more in ((), ("--resume",)):
        run = command.start(*arguments, *more)
        first = "done-before" if more else "applied"
        until(lambda first=first: {"acme": first} in results(receipts), "the first wave is made")
        run.send_signal(signal.SIGTERM)
        out, err = run.communicate(timeout=PATIENCE)
        assert run.returncode == 1, out + err
        assert results(receipts)[-1] == {"acme": first} | dict.fromkeys(ALL[1:], "not-run: interrupted")
        assert waves(receipts) == [(1, "interrupted")]
    assert set(databases.built()) == {"acme"}
    made = plans()
    assert reconciler("apply", made, "--digest", digest(made))[0] == 0, "without the time to bake it is another rollout"
    expect_converged(reconciler)


CHECKED = ROLLOUT.replace('"name = acme"', '"name = acme", checks: pass')

ENDLESS = "select count(*) from pg_class a, pg_class b, pg_class c, pg_class d"

CHECKS = """---
target: acme
checklist:
  - {id: small, title: It is small, check: {sql: "select count(*) from public.tasks", at_most: 500}}
"""


def test_a_wave_is_begun_where_the_checks_of_the_one_before_pass(plans, databases, reconciler, tmp_path):
    made, receipts = plans(CHECKED, CHECKS), tmp_path / "receipts"
    arguments = ("apply", made, "--digest", digest(made), "--receipt", receipts)
    databases.sql("acme", "insert into tasks values (1000)")
    code, out, err = reconciler(*arguments)
    assert code == 1
    assert results(receipts) == [{"acme": "applied"} | dict.fromkeys(ALL[1:], "not-run: checks")]
    [wave] = runs(receipts)[0].waves
    assert (wave.stopped, wave.checks, [str(each) for each in wave.failing]) == (
        "checks", "failed", ["acme/check/small"]
    )  # fmt: skip
    assert "wave 1: the last one: its checks do not pass\n      acme/check/small" in out
    databases.sql("acme", "delete from tasks where id = 1000")
    code, out, err = reconciler(*arguments, "--resume")
    assert code == 0, out + err
    assert "wave 1 of 3, where name = acme: done, and its checks pass" in err
    expect_converged(reconciler)


def test_nobody_waits_for_checks_of_a_run_that_is_interrupted(plans, databases, reconciler, tmp_path):
    """Before, they were decided, and the next wave not begun then."""
    made, receipts = plans(CHECKED, CHECKS), tmp_path / "receipts"
    # Not before: the plan would wait for it, too.
    declare(databases, CHECKED, CHECKS.replace("select count(*) from public.tasks", ENDLESS))
    run = Command(databases.desired, {}).start("apply", made, "--digest", digest(made), "--receipt", receipts)
    asked = "select 1 from pg_stat_activity where state = 'active' and query ~ 'pg_class [d]'"
    until(lambda: databases.sql("acme", asked), "a check is being decided")
    run.send_signal(signal.SIGINT)
    out, err = run.communicate(timeout=PATIENCE)
    assert run.returncode == 1, out + err
    assert results(receipts) == [{"acme": "applied"} | dict.fromkeys(ALL[1:], "not-run: interrupted")]
    [wave] = runs(receipts)[0].waves
    assert (wave.stopped, wave.checks) == ("interrupted", None)
    until(lambda: not databases.sql("acme", asked), "it is cancelled on the server")


def test_a_wave_whose_checks_nobody_has_declared_is_not_planned(databases, reconciler, tmp_path):
    declare(databases, CHECKED, CHECKS.replace("target: acme", "target: globex"))
    code, out, err = reconciler("plan", "--out-dir", tmp_path / "plans")
    assert (code, out) == (1, "")
    assert "rollout.yaml:2:1: rollout: the checks of wave 1 have to pass, and none is declared for its targets" in err
    assert reconciler("plan")[0] == 0


def test_checks_that_nobody_has_declared_do_not_pass(plans, databases, reconciler, tmp_path):
    made, receipts = plans(CHECKED, CHECKS), tmp_path / "receipts"
    declare(databases, CHECKED)
    assert reconciler("apply", made, "--digest", digest(made), "--receipt", receipts)[0] == 1
    [wave] = runs(receipts)[0].waves
    assert (wave.stopped, wave.message) == ("checks", "no check is declared for its targets")
    assert set(databases.built()) == {"acme"}
    declare(databases, CHECKED, CHECKS)
    assert reconciler("apply", made, "--digest", digest(made), "--receipt", receipts, "--resume")[0] == 0
    expect_converged(reconciler)


def test_a_plan_of_several_waves_is_not_applied_all_at_once(plans, databases, reconciler):
    declare(databases, ROLLOUT)
    code, out, err = reconciler("apply", "--yes")
    assert code == 1
    assert "a rollout is declared at" in err
    assert databases.built() == {}
    code, out, err = reconciler("apply", "globex", "initech", "--yes")
    assert code == 0, out + err
    assert set(databases.built()) == {"globex", "initech"}
    for name in ("acme", "umbrella"):
        assert reconciler("apply", name, "--yes")[0] == 0
    expect_converged(reconciler)


def test_servers_at_once_are_bounded_by_the_rollout_and_by_whoever_runs_it(plans, databases, reconciler, monkeypatch):
    asked = []

    class Pool(ThreadPoolExecutor):
        def __init__(self, max_workers: int) -> None:
            asked.append(max_workers)
            super().__init__(max_workers)

    monkeypatch.setattr("reconciler.fleet.apply.ThreadPoolExecutor", Pool)
    made = plans(ROLLOUT + "  at_once: 3\n")
    for options, bound in (((), 3), (("--jobs", 2), 2), (("--jobs", 5), 3)):
        assert reconciler("apply", made, "--digest", digest(made), *options)[0] == 0
        assert {*asked} == {bound}
        asked.clear()
    expect_converged(reconciler)

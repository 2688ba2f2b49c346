"""A plan is approved by signatures, and applied where enough of them count."""

from __future__ import annotations

import json
import os
import shutil
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from approvals.people import People

from reconciler.cli import shared
from reconciler.documents import receipt as receipt_file

NAMES = "select indexname from pg_indexes where tablename = 'tasks' order by 1"


@pytest.fixture
def people(tmp_path) -> People:
    return People(tmp_path)


@pytest.fixture
def saved(world, reconciler, people) -> Path:
    assert reconciler("plan", "--out", people.plan_path)[0] == 0
    return people.plan_path


@pytest.fixture
def drops(world, desired, reconciler, people) -> Path:
    """A plan with an index that goes."""
    world.execute("create index tasks_old_idx on tasks (priority)")
    text = (desired / "tasks.yaml").read_text()
    (desired / "tasks.yaml").write_text(text.replace("    indexes:\n", "    indexes:\n      tasks_old_idx: absent\n"))
    assert reconciler("plan", "--out", people.plan_path)[0] == 0
    return people.plan_path


def built(world) -> bool:
    return len(world.execute(NAMES).fetchall()) > 2


def test_an_approved_plan_is_applied_and_the_receipt_tells_by_whom(world, reconciler, people, saved, tmp_path):
    people.listed("alice", "bob")
    apply = ("apply", saved, "--require-approvals", "2", "--allowed-signers", people.signers)
    code, out, err = reconciler("approve", saved, "--key", people.key("alice"), "--comment", "fine")
    assert code == 0, err
    assert out.startswith("reconciler-approval 1\nplan sha256:")
    assert "Signed by SHA256:" in err
    code, _, err = reconciler(*apply)
    assert code == 1
    assert "--require-approvals asks for 2 approvals, and 1 count" in err
    assert not built(world)
    assert reconciler("approve", saved, "--key", f"{people.key('bob')}", "--valid", "2h")[0] == 0
    receipt = tmp_path / "receipt.json"
    code, out, err = reconciler(*apply, "--receipt", receipt)
    assert code == 0, err
    assert "Authors were not excluded" in err
    assert "Approved by alice (SHA256:" in out
    assert built(world)
    assert [each.principal for each in receipt_file.read(receipt).approved_by] == ["alice", "bob"]


def test_an_approval_of_a_hazard_takes_the_place_of_allow(world, reconciler, people, drops):
    people.listed("alice")
    apply = ("apply", drops, "--allowed-signers", people.signers, "--not-by", "bob")
    code, _, err = reconciler("approve", drops, "--key", people.key("alice"))
    assert code == 0
    assert "It does not allow what the plan needs as well: --allow index-drop" in err
    code, _, err = reconciler(*apply)
    assert code == 1
    assert "index-drop needs 1 approval that allow it, and 0 count" in err
    code, _, err = reconciler(*apply, "--allow", "index-drop")
    assert code == 1
    assert "--allow index-drop has no place here" in err
    assert reconciler("approve", drops, "--key", people.key("alice"), "--allow", "index-drop")[0] == 0
    code, _, err = reconciler(*apply)
    assert code == 0, err
    assert "--not-by bob excludes nobody" in err
    assert "tasks_old_idx" not in [name for (name,) in world.execute(NAMES)]


USAGE = [
    (["--require-approvals", "1"], "does not say whose count"),
    (["--not-by", "alice"], "are about approvals"),
    (["--allowed-signers", "{signers}", "--not-by", ""], "--not-by is there, and empty"),
    (["--allowed-signers", ""], "--allowed-signers is there, and empty"),
    (["--allowed-signers", "{signers}", "--revoked", ""], "--revoked is there, and empty"),
    (["--policy", ""], "--policy is there, and empty"),
    (["--outside-window", " "], "--outside-window is there, and empty"),
    (["--allowed-signers", "{signers}", "--require-approvals", "0"], "0 is not in the range"),
    (["--allowed-signers", "/nowhere"], "there is no such file of allowed signers"),
    (["--allowed-signers", "{signers}", "--revoked", "/nowhere"], "there is no such list of revoked keys"),
    (["--allowed-signers", "{inside}"], "where what is reviewed lies"),
    (["--allowed-signers", "{desired}"], "where what is reviewed lies"),
    (["--allowed-signers", "{signers}", "--revoked", "{inside}"], "where what is reviewed lies"),
]


@pytest.mark.parametrize(("options", "says"), USAGE)
def test_options_that_say_too_little_are_refused(world, reconciler, people, saved, desired, options, says):
    people.listed("alice")
    assert reconciler("approve", saved, "--key", people.key("alice"))[0] == 0
    for folder in (people.reviewed, desired):
        shutil.copy(people.signers, folder / "signers")
    named = {"signers": people.signers, "inside": people.reviewed / "signers", "desired": desired / "signers"}
    code, _, err = reconciler("apply", saved, *(each.format(**named) for each in options))
    assert code == 1
    assert says in err
    assert not built(world)


@pytest.mark.parametrize("options", [["--yes"], []])
def test_without_a_saved_plan_nothing_is_applied_where_approvals_are_required(
    world, reconciler, people, desired, options
):
    people.listed("alice")
    code, _, err = reconciler("apply", *options, "--allowed-signers", people.signers)
    assert code == 1
    assert "only a saved plan can be approved" in err
    (desired / "targets.yaml").write_text(
        'targets:\n  main: {postgres: "${DATABASE_URL}", memory: 16GB, policy: {approvals: 1}}\n'
    )
    code, _, err = reconciler("apply", *options)
    assert code == 1
    assert "asks for 1 approval, and only a saved plan can be approved" in err
    assert not built(world)


def test_a_policy_of_the_target_asks_for_approvals(world, reconciler, people, saved, desired):
    people.listed("alice")
    (desired / "targets.yaml").write_text(
        'targets:\n  main: {postgres: "${DATABASE_URL}", memory: 16GB, policy: {approvals: 1}}\n'
    )
    code, _, err = reconciler("apply", saved)
    assert code == 1
    assert "the policy of main" in err
    assert "targets.yaml:2:" in err
    assert "nobody has said whose count" in err
    assert reconciler("approve", saved, "--key", people.key("alice"))[0] == 0
    assert reconciler("apply", saved, "--allowed-signers", people.signers)[0] == 0


def test_plan_says_what_is_over_a_bound_and_apply_holds_it(world, reconciler, people, desired, tmp_path):
    (desired / "targets.yaml").write_text(
        'targets:\n  main: {postgres: "${DATABASE_URL}", memory: 16GB, policy: {bounds: {wal: 1kB}}}\n'
    )
    _, _, err = reconciler("plan", "--out", people.plan_path)
    assert "no build and no restart would begin now: it keeps " in err
    assert " of WAL, and the bound is 1 kB." in err
    code, out, err = reconciler("apply", people.plan_path)
    assert code == 1
    assert "lets nothing begin now: it keeps " in out + err
    assert not built(world)
    policy = people.folder / "policy.yaml"
    policy.write_text("policy: {bounds: {wal: 1TB}}\n")
    (desired / "targets.yaml").write_text('targets:\n  main: {postgres: "${DATABASE_URL}", memory: 16GB}\n')
    assert "no build" not in reconciler("plan", "--policy", policy, "--out", people.plan_path)[2]
    assert reconciler("apply", people.plan_path, "--policy", policy)[0] == 0
    assert built(world)


@pytest.mark.parametrize(("differs", "says"), [(30, "30 s ahead of"), (-3600, "3,600 s behind"), (4, "")])
def test_the_clock_of_a_server_is_told_where_a_window_decides(
    world, reconciler, people, desired, monkeypatch, differs, says
):
    monkeypatch.setattr("reconciler.targets.postgres.clock.now", lambda: time.time() - differs)
    line = f"main: the server's clock is {says} the one of this machine, by which windows open and close"
    assert "clock" not in reconciler("plan")[2]
    (desired / "targets.yaml").write_text(
        'targets:\n  main: {postgres: "${DATABASE_URL}", memory: 16GB, policy: {without_estimate: run, windows: '
        '[{allow: "0 * * * *", for: 2h, zone: UTC}]}}\n'
    )
    _, _, err = reconciler("plan", "--out", people.plan_path)
    assert (line in err) == bool(says)
    code, out, err = reconciler("apply", people.plan_path)
    assert code == 0, err
    assert (line in out + err) == bool(says)


def test_plan_says_what_it_will_take_to_apply_it(world, reconciler, people, desired, monkeypatch):
    (desired / "targets.yaml").write_text(
        'targets:\n  main: {postgres: "${DATABASE_URL}", memory: 16GB, policy: {approvals: 2, windows: '
        '[{allow: "0 22 * * *", for: 6h, zone: Europe/Berlin}]}}\n'
    )
    policy = people.folder / "policy.yaml"
    policy.write_text("policy: {deny: [index-build]}\n")
    monkeypatch.setattr(shared, "now", lambda: datetime(2026, 12, 1, 16, tzinfo=UTC))
    _, _, err = reconciler("plan")
    assert "To apply it takes 2 approvals: the policy of main (" in err
    assert "main: the window opens at 2026-12-01 22:00 Europe/Berlin (2026-12-01 21:00 UTC), in 5 h." in err
    assert "denied" not in err
    _, comment, _ = reconciler("plan", "--format", "markdown", "--out-html", people.folder / "plan.html")
    page = (people.folder / "plan.html").read_text()
    assert all("To apply it takes 2 approvals" in each and "the window opens at" in each for each in (comment, page))
    _, _, err = reconciler("plan", "--policy", policy)
    assert f"main: index-build is denied by the policy of whoever runs this ({policy}:1:1)" in err
    monkeypatch.setattr(shared, "now", lambda: datetime(2026, 12, 1, 21, tzinfo=UTC))
    assert "closes at 2026-12-02 04:00 Europe/Berlin (2026-12-02 03:00 UTC), in 6 h." in reconciler("plan")[2]


def test_a_policy_of_the_runner_is_above_that_of_the_target(world, reconciler, people, drops):
    policy = people.folder / "policy.yaml"
    policy.write_text("policy:\n  deny: [index-drop]\n")
    code, _, err = reconciler("apply", drops, "--allow", "index-drop", "--policy", policy)
    assert code == 1
    assert f"index-drop is denied by the policy of whoever runs this ({policy}:1:1)" in err
    assert not built(world)


def test_an_approval_that_expires_between_look_and_apply_does_not_count(world, reconciler, people, saved, monkeypatch):
    people.listed("alice")
    assert reconciler("approve", saved, "--key", people.key("alice"), "--valid", "1h")[0] == 0
    later = datetime.now(UTC) + timedelta(hours=1)
    monkeypatch.setattr(shared, "now", lambda: later)
    code, _, err = reconciler("apply", saved, "--allowed-signers", people.signers)
    assert code == 1
    assert "alice has expired" in err
    assert not built(world)


def names(world) -> list[str]:
    return [name for (name,) in world.execute(NAMES)]


@pytest.fixture
def clock(world, monkeypatch) -> datetime:
    """It is the moment that is told, until the first index is there, and from then on half an hour later."""
    early = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=1)
    monkeypatch.setattr(shared, "now", lambda: early + timedelta(minutes=30 * (len(names(world)) > 1)))
    return early


def test_what_comes_after_the_window_has_closed_is_held_and_what_came_before_is_done(
    world, reconciler, people, saved, clock, tmp_path
):
    policy = people.folder / "policy.yaml"
    start = clock - timedelta(minutes=1)
    window = f'{{allow: "{start.minute} {start.hour} * * *", for: 20min, zone: UTC}}'
    policy.write_text(f"policy: {{without_estimate: run, windows: [{window}]}}\n")
    receipt = tmp_path / "receipt.json"
    code, out, err = reconciler("apply", saved, "--policy", policy, "--parallel", "1", "--receipt", receipt)
    assert code == 1, err
    results = [each.result.value for each in receipt_file.read(receipt).changes]
    assert results.count("held") == 1, out
    assert results.count("applied") == 2, out
    assert len(names(world)) == 2
    assert "has no window open now" in out
    assert not receipt_file.read(receipt).succeeded


def test_a_build_that_nobody_can_bound_is_held_in_a_window_that_closes(world, reconciler, people, saved, clock):
    policy = people.folder / "policy.yaml"
    start = clock - timedelta(minutes=1)
    policy.write_text(f'policy: {{windows: [{{allow: "{start.minute} {start.hour} * * *", for: 20min, zone: UTC}}]}}\n')
    code, out, err = reconciler("apply", saved, "--policy", policy)
    assert code == 1, err
    assert "nobody can say how long this takes" in out
    assert "tasks_status_idx" not in names(world)


@pytest.mark.parametrize("overrun", ["stop", "finish"])
def test_what_runs_when_its_window_closes_ends_or_is_cancelled_and_leaves_nothing(
    world, reconciler, people, desired, monkeypatch, overrun
):
    world.execute("create function slow(text) returns text immutable language plpgsql as "
                  "$$ begin perform pg_sleep(0.01); return $1; end $$")  # fmt: skip
    world.execute("insert into tasks select n, 'a', n, 'b' from generate_series(1, 100) n")
    text = (desired / "tasks.yaml").read_text()
    (desired / "tasks.yaml").write_text(text.replace("lower(title)", "slow(title)"))
    early = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=1)
    runs = "select from pg_index where indexrelid::regclass::text = 'tasks_title_idx'"
    monkeypatch.setattr(
        shared, "now", lambda: early + timedelta(minutes=30 * (world.execute(runs).fetchone() is not None))
    )
    assert reconciler("plan", "main/pg_index/public.tasks_title_idx", "--out", people.plan_path)[0] == 0
    policy = people.folder / "policy.yaml"
    start = early - timedelta(minutes=1)
    window = f'allow: "{start.minute} {start.hour} * * *", for: 20min, zone: UTC, overrun: {overrun}'
    policy.write_text(f"policy: {{without_estimate: run, windows: [{{{window}}}]}}\n")
    code, out, err = reconciler("apply", people.plan_path, "--policy", policy)
    if overrun == "stop":
        assert code == 1, err
        assert "interrupted: " in out
        assert "main: the window closed, and what ran was cancelled" in out
        assert "tasks_title_idx" not in names(world)
    else:
        assert code == 0, out
        assert "tasks_title_idx" in names(world)


def test_an_approval_that_expires_while_the_plan_is_applied_holds_what_is_left(
    world, reconciler, people, saved, clock, tmp_path
):
    people.listed("alice")
    assert reconciler("approve", saved, "--key", people.key("alice"), "--valid", "20min")[0] == 0
    receipt = tmp_path / "receipt.json"
    approved = ("--allowed-signers", people.signers, "--parallel", "1", "--receipt", receipt)
    code, out, _ = reconciler("apply", saved, *approved)
    assert code == 1
    results = [each.result.value for each in receipt_file.read(receipt).changes]
    assert sorted(results) == ["applied", "applied", "held"], out
    assert "alice has expired" in out


def test_a_folder_of_plans_is_not_approved_so(world, reconciler, people, tmp_path):
    people.listed("alice")
    assert reconciler("plan", "--out-dir", tmp_path / "plans")[0] == 0
    code, _, err = reconciler("approve", tmp_path / "plans", "--key", people.key("alice"))
    assert code == 1
    assert "an approval is of one plan" in err
    code, _, err = reconciler("apply", tmp_path / "plans", "--allowed-signers", people.signers)
    assert code == 1
    assert "approvals are of one plan" in err


WRONG = [
    (["--allow", "restart"], "the plan has no restart"),
    (["--allow", "everything"], "is not one of"),
    (["--valid", "0s"], "--valid is more than nothing"),
    (["--valid", "91d"], "at most 90d"),
    (["--comment", "two\nlines"], "is one line"),
    (["--key", "/nowhere"], "the key cannot be read"),
]


@pytest.mark.parametrize(("options", "says"), WRONG)
def test_what_cannot_be_approved_leaves_nothing_behind(world, reconciler, people, saved, options, says):
    code, _, err = reconciler("approve", saved, "--key", people.key("alice"), *options)
    assert code == 1
    assert says in err
    assert not saved.with_name("plan.json.approvals").exists()


def test_a_plan_that_was_altered_is_not_approved(world, reconciler, people, saved):
    text = json.loads(saved.read_text())
    text["resource_changes"][0]["why"] = "other"
    saved.write_text(json.dumps(text))
    code, _, err = reconciler("approve", saved, "--key", people.key("alice"))
    assert code == 1
    assert "was altered" in err


def test_options_come_from_the_environment_of_a_pipeline_but_for_the_reason(
    world, reconciler, people, saved, monkeypatch
):
    people.listed("alice")
    monkeypatch.setenv("RECONCILER_APPLY_ALLOWED_SIGNERS", os.fspath(people.signers))
    monkeypatch.setenv("RECONCILER_APPLY_REQUIRE_APPROVALS", "1")
    monkeypatch.setenv("RECONCILER_APPLY_OUTSIDE_WINDOW", "urgent")
    code, _, err = reconciler("apply", saved)
    assert code == 1
    assert "--require-approvals asks for 1 approval, and 0 count" in err
    assert not built(world)

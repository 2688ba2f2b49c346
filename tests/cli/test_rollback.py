"""An apply is undone by its receipt: what it made, where that still is so, and by steps of this moment alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from approvals.people import People
from documents.test_git_commit import git
from waiting import reload

from reconciler.documents.change_fingerprint import of_parts
from reconciler.documents.digest import digest

INDEXES = (
    "select c.relname from pg_index i join pg_class c on c.oid = i.indexrelid where indrelid = 'tasks'::regclass "
    "and indisvalid order by 1"
)


def indexes(world) -> list[str]:
    return [name for (name,) in world.execute(INDEXES).fetchall()]


def setting(world, name: str) -> tuple[str, str]:
    """What the files have of it, and where it comes from."""
    reload(world)
    return world.execute("select setting, source from pg_settings where name = %s", [name]).fetchone()


@pytest.fixture
def applied(world, reconciler, tmp_path) -> Path:
    """The receipt of an apply of all that `desired` declares."""
    receipt = tmp_path / "receipt.json"
    assert reconciler("apply", "--yes", "--receipt", receipt)[0] == 0
    return receipt


def rolled_back(reconciler, receipt: Path, *options: str) -> tuple[int, str, str]:
    """Plans the rollback of a receipt, and applies it; what the apply said."""
    plan = receipt.with_name("undo.json")
    code, out, err = reconciler("rollback", receipt, "--out", plan)
    assert code == 0, out + err
    return reconciler("apply", plan, "--digest", json.loads(plan.read_text())["digest"], *options)


def test_what_was_applied_is_undone_and_nothing_is_left_to_undo(applied, world, reconciler, tmp_path):
    assert indexes(world) == ["tasks_pkey", "tasks_status_idx", "tasks_title_idx"]
    code, out, _ = reconciler("rollback", applied, "--detailed-exitcode")
    assert code == 2
    assert "Rollback of the apply that ended at" in out
    assert "drop index concurrently public.tasks_status_idx" in out
    assert "alter system reset work_mem" in out
    assert "Revert what was declared, too, or the next plan makes it again" in " ".join(out.split())
    code, out, err = rolled_back(reconciler, applied, "--allow", "index-drop", "--receipt", tmp_path / "undone.json")
    assert code == 0, out + err
    assert "Applied 3 of 3 changes" in out
    assert indexes(world) == ["tasks_pkey"]
    assert setting(world, "work_mem") == ("4096", "default")
    undone = json.loads((tmp_path / "undone.json").read_text())
    assert undone["rolls_back"]["plan"] == json.loads(applied.read_text())["plan_digest"]
    code, out, _ = reconciler("rollback", applied, "--detailed-exitcode")
    assert (code, "Nothing is to be undone." in out) == (0, True)
    code, out, err = rolled_back(reconciler, tmp_path / "undone.json")
    assert code == 0, out + err
    assert indexes(world) == ["tasks_pkey", "tasks_status_idx", "tasks_title_idx"]
    assert setting(world, "work_mem")[0] == "7168"


def test_the_hazards_of_an_undoing_are_its_own(applied, world, reconciler):
    code, _, err = rolled_back(reconciler, applied)
    assert code == 1
    assert "--allow index-drop" in err
    assert len(indexes(world)) == 3


def test_a_rollback_is_applied_by_its_digest_alone(applied, world, reconciler, tmp_path):
    plan = tmp_path / "undo.json"
    reconciler("rollback", applied, "--out", plan)
    digest = json.loads(plan.read_text())["digest"]
    code, _, err = reconciler("apply", plan, "--allow", "index-drop")
    assert code == 1
    assert f"--digest {digest}" in err
    assert len(indexes(world)) == 3


def test_of_a_partial_apply_just_what_was_done_is_undone(world, reconciler, desired, tmp_path):
    text = (desired / "tasks.yaml").read_text().replace("[lower(title)]", "[priority], unique: true")
    (desired / "tasks.yaml").write_text(text)
    world.execute("insert into tasks values (1, 'a', 1), (2, 'a', 1)")
    receipt = tmp_path / "receipt.json"
    assert reconciler("apply", "--yes", "--allow-blocked", "--receipt", receipt)[0] in (0, 1)
    assert indexes(world) == ["tasks_pkey", "tasks_status_idx"]
    code, out, err = rolled_back(reconciler, receipt, "--allow", "index-drop")
    assert code == 0, out + err
    assert "Applied 2 of 2 changes" in out
    assert indexes(world) == ["tasks_pkey"]


def test_of_an_apply_that_failed_half_way_just_what_was_made_is_undone(world, reconciler, desired, tmp_path):
    """Keys of which two are alike come after the plan: the build fails at its end, and the two others are made."""
    text = (desired / "tasks.yaml").read_text().replace("[lower(title)]", "[priority], unique: true")
    (desired / "tasks.yaml").write_text(text)
    plan, receipt = tmp_path / "plan.json", tmp_path / "receipt.json"
    assert reconciler("plan", "--out", plan)[0] == 0
    world.execute("insert into tasks values (1, 'a', 1), (2, 'a', 1)")
    code, out, _ = reconciler("apply", plan, "--receipt", receipt)
    assert (code, "Applied 2 of 3 changes" in out) == (1, True), out
    assert indexes(world) == ["tasks_pkey", "tasks_status_idx"]
    _, out, _ = reconciler("rollback", receipt)
    assert "tasks_title_idx" not in out, "apply itself has taken away what the build left"
    code, out, err = rolled_back(reconciler, receipt, "--allow", "index-drop")
    assert code == 0, out + err
    assert "Applied 2 of 2 changes" in out
    assert indexes(world) == ["tasks_pkey"]
    assert setting(world, "work_mem") == ("4096", "default")


def test_what_somebody_has_changed_since_stays_and_the_rest_is_undone(applied, world, reconciler, tmp_path):
    world.execute("drop index tasks_title_idx")
    world.execute("create index tasks_title_idx on tasks (title)")
    world.execute("alter system set work_mem = '9MB'")
    reload(world)
    plan = tmp_path / "undo.json"
    code, out, err = reconciler("rollback", applied, "--out", plan)
    assert code == 1
    assert "2 of what was done cannot be undone" in err
    assert out.count("it has changed since it was applied") == 2
    assert "7MB" in out
    code, out, err = reconciler("rollback", applied, "--out", plan, "--allow-blocked")
    assert code == 0
    digest = json.loads(plan.read_text())["digest"]
    code, out, err = reconciler("apply", plan, "--digest", digest, "--allow", "index-drop")
    assert code == 0, out + err
    assert indexes(world) == ["tasks_pkey", "tasks_title_idx"]
    assert setting(world, "work_mem")[0] == "9216"


def test_what_changes_between_the_plan_and_its_apply_is_stale(applied, world, reconciler, tmp_path):
    plan = tmp_path / "undo.json"
    reconciler("rollback", applied, "--out", plan)
    world.execute("alter system set work_mem = '9MB'")
    reload(world)
    digest = json.loads(plan.read_text())["digest"]
    code, out, _ = reconciler("apply", plan, "--digest", digest, "--allow", "index-drop")
    assert code == 1
    assert "1 stale" in out
    assert setting(world, "work_mem")[0] == "9216"


def test_an_approval_is_as_good_as_the_digest_and_allows_the_hazards(applied, world, reconciler, tmp_path):
    people = People(tmp_path)
    people.listed("alice", "bob")
    plan = people.plan_path
    assert reconciler("rollback", applied, "--out", plan)[0] == 0
    apply = ("apply", plan, "--require-approvals", "2", "--allowed-signers", people.signers)
    assert reconciler("approve", plan, "--key", people.key("alice"), "--allow", "index-drop")[0] == 0
    code, _, err = reconciler(*apply)
    assert code == 1
    assert "asks for 2 approvals" in err
    assert reconciler("approve", plan, "--key", people.key("bob"), "--allow", "index-drop")[0] == 0
    code, out, err = reconciler(*apply)
    assert code == 0, out + err
    assert indexes(world) == ["tasks_pkey"]


def test_a_policy_holds_for_an_undoing_as_for_anything(applied, world, reconciler, desired):
    text = (desired / "targets.yaml").read_text().replace("memory: 16GB", "memory: 16GB, policy: {deny: [index-drop]}")
    (desired / "targets.yaml").write_text(text)
    code, _, err = rolled_back(reconciler, applied, "--allow", "index-drop")
    assert code == 1
    assert "index-drop" in err
    assert len(indexes(world)) == 3


def resealed(path: Path, alter: Callable[[dict[str, Any]], object]) -> str:
    """Alters a plan file as somebody does who knows how all digests are made; its new digest."""
    content = json.loads(path.read_text())
    alter(content)
    for item in content["resource_changes"]:
        item["fingerprint"] = of_parts(item | {"before": item["change"]["before"]})
        item["hazards"] = [hazard for step in item["steps"] for hazard in step["hazards"]]
    content["digest"] = digest({key: value for key, value in content.items() if key != "digest"})
    path.write_text(json.dumps(content))
    return content["digest"]


def other_steps(content: dict[str, Any]) -> None:
    for item in content["resource_changes"]:
        for step in item["steps"]:
            step["statements"] = ["drop table tasks"]


def other_hazards(content: dict[str, Any]) -> None:
    for item in content["resource_changes"]:
        for step in item["steps"]:
            step["hazards"] = []


@pytest.mark.parametrize("alter", [other_steps, other_hazards])
def test_a_rollback_that_was_altered_is_stale_even_for_whoever_names_it(applied, world, reconciler, tmp_path, alter):
    plan = tmp_path / "undo.json"
    reconciler("rollback", applied, "--out", plan)
    code, out, err = reconciler("apply", plan, "--digest", resealed(plan, alter), "--allow", "index-drop")
    assert code == 1
    assert "Applied 0 of 3" in out or "Applied 1 of 3" in out, out + err
    assert len(indexes(world)) == 3


def test_a_plan_that_says_to_be_a_rollback_is_not_held_against_less(world, reconciler, desired, tmp_path):
    """Whoever can write the file could have what is no longer declared made by it."""
    plan = tmp_path / "plan.json"
    assert reconciler("plan", "--out", plan)[0] == 0
    text = (desired / "tasks.yaml").read_text()
    (desired / "tasks.yaml").write_text(text.replace("      tasks_status_idx", "      tasks_other_idx"))
    undoes = {"receipt": "0" * 64, "plan": "0" * 64, "applied_at": "2026-01-01T00:00:00Z", "commit": ""}
    resealed(plan, lambda content: content.update(rolls_back=undoes))
    code, _, err = reconciler("apply", plan)
    assert code == 1
    assert "applied where its digest is named" in err
    assert indexes(world) == ["tasks_pkey"]


def test_a_rollback_that_says_to_be_none_is_held_against_the_yaml(applied, world, reconciler, tmp_path):
    plan = tmp_path / "undo.json"
    reconciler("rollback", applied, "--out", plan)
    resealed(plan, lambda content: content.update(rolls_back=None))
    code, out, _ = reconciler("apply", plan, "--allow", "index-drop")
    assert code == 1
    assert "3 superseded" in out
    assert len(indexes(world)) == 3


@pytest.mark.parametrize("format", ["text", "markdown", "json", "sql"])
def test_every_format_tells_what_is_undone_and_what_is_not(applied, world, reconciler, format):
    world.execute("drop index tasks_title_idx")
    world.execute("create index tasks_title_idx on tasks (title)")
    code, out, _ = reconciler("rollback", applied, "--format", format)
    assert code == 1
    receipt = json.loads(applied.read_text())
    assert receipt["plan_digest"][:12] in out
    assert "tasks_status_idx" in out
    if format != "sql":  # which has what runs, and nothing else
        assert "it has changed since it was applied" in out


def test_the_commit_is_said(world, reconciler, desired, tmp_path):
    git(desired, "init", "-q")
    git(desired, "add", ".")
    git(desired, "commit", "-q", "-m", "two indexes")
    commit = git(desired, "rev-parse", "HEAD")
    plan, receipt = tmp_path / "plan.json", tmp_path / "receipt.json"
    reconciler("plan", "--out", plan)
    git(desired, "commit", "-q", "--allow-empty", "-m", "more")
    assert reconciler("apply", plan, "--receipt", receipt)[0] == 0
    assert json.loads(receipt.read_text())["git"] == {"commit": git(desired, "rev-parse", "HEAD"), "plan": commit}
    _, out, _ = reconciler("rollback", receipt)
    assert f"it was applied at commit {git(desired, 'rev-parse', 'HEAD')[:12]}" in " ".join(out.split())


def test_a_receipt_of_what_is_not_declared_here_is_refused(applied, world, reconciler, desired):
    text = (desired / "targets.yaml").read_text().replace("main:", "other:")
    (desired / "targets.yaml").write_text(text)
    (desired / "tasks.yaml").write_text((desired / "tasks.yaml").read_text().replace("main", "other"))
    code, _, err = reconciler("rollback", applied)
    assert code == 1
    assert "the receipt is of main, which is not declared here" in err


def test_a_receipt_of_an_apply_that_had_nothing_to_do_is_said_to_be_one(applied, reconciler, tmp_path):
    nothing = tmp_path / "nothing.json"
    assert reconciler("apply", "--yes", "--receipt", nothing)[0] == 0
    code, _, err = reconciler("rollback", nothing)
    assert (code, err) == (
        1,
        "error: this is the receipt of an apply that had nothing to do: there is nothing to undo\n",
    )


def test_the_receipt_is_not_lost(applied, world, reconciler):
    before = applied.read_text()
    code, _, err = reconciler("rollback", applied, "--out", applied)
    assert code == 1
    assert "would be lost" in err
    assert applied.read_text() == before

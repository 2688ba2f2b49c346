"""The workflow of the README, run on a repository, a forge and PostgreSQL: what it tells, and what it applies.

Decided: docs/decisions.md#plans-of-the-merged-tree
"""

from __future__ import annotations

import json
import shutil

import pytest
from pipelines.checkers import needs_programs
from pipelines.team import DESIRED, NAMES, PULL, approve
from pipelines.workflow import ACTION, README


@needs_programs
def test_the_whole_road_of_a_pull_request(team, table, command_line):
    team.workflow["jobs"]["apply"]["steps"][1]["with"]["approvals"] = 2
    team.forge.say("mallory", f"<!-- reconciler:plan:pull-request -->\n<!-- reconciler:commit:{'0' * 40} -->\nNothing.")
    planned = team.open()
    assert not planned.failed, planned.log
    theirs, ours = team.forge.comments()
    assert theirs["body"].endswith("Nothing.")
    planned_for = team.forge.head(PULL.branch)
    assert ours["body"].startswith(f"<!-- reconciler:plan:pull-request -->\n<!-- reconciler:commit:{planned_for} -->\n")
    assert "tasks_status_idx" in ours["body"]
    assert "    gh run download 4711 --name plan-7 --dir plans\n" in ours["body"]
    assert ours["body"] == planned.summary
    assert list(planned.uploaded) == ["plan-7"]

    stands = team.pushed(approve(team, planned, "alice", command_line=command_line))
    assert not stands.failed, stands.log
    assert team.forge.comments() == [theirs, ours], "the comment shows the plan that was approved"
    assert "Comment" not in stands.steps

    approve(team, planned, "bob", command_line=command_line)
    applied = team.merge()
    assert not applied.failed, applied.log
    assert [name for (name,) in table.execute(NAMES)] == ["tasks_pkey", "tasks_status_idx"]
    receipt = json.loads(team.forge.git("show", "receipts:plans/7.receipt.json", at=team.forge.bare))
    assert receipt["succeeded"] is True
    assert [each["principal"] for each in receipt["approved_by"]] == ["alice", "bob"]
    assert team.forge.git("log", "-1", "--format=%s", "receipts", at=team.forge.bare).endswith("[skip ci]")
    assert "receipts" not in README[True]["push"]["branches"], "and nothing listens to that branch"
    assert "main/pg_index/public.tasks_status_idx  applied" in applied.summary

    quiet = team.event("schedule", {}, team.forge.head("main"))["drift"]
    assert not quiet.failed, quiet.log
    table.execute("drop index tasks_status_idx")
    loud = team.event("schedule", {}, team.forge.head("main"))["drift"]
    assert loud.failed
    assert "tasks_status_idx" in loud.summary


@pytest.mark.thorough
@needs_programs
def test_a_push_of_other_yaml_edits_the_one_comment(team):
    team.open()
    [first] = team.forge.comments()
    head = team.push("desired/tasks.yaml", DESIRED.replace("[status]", "[status, id]"))
    assert not team.pushed(head).failed
    [second] = team.forge.comments()
    assert second["id"] == first["id"]
    assert "(status, id)" in second["body"]


@pytest.mark.thorough
@needs_programs
def test_a_plan_that_was_never_shown_does_not_stand(team, command_line):
    """The run of the push between was cancelled by the next one, which brings nothing but approvals."""
    planned = team.open()
    team.push("desired/tasks.yaml", DESIRED.replace("[status]", "[status, id]"))
    head = approve(team, planned, "alice", command_line=command_line)
    assert "Comment" in team.pushed(head).steps
    [comment] = team.forge.comments()
    assert "(status, id)" in comment["body"]


@pytest.mark.thorough
@needs_programs
@pytest.mark.parametrize(
    ("text", "says"),
    [(DESIRED.replace("tasks:", "taks:"), "public.taks"), ("target: main\ntabels: {}\n", "**There is no plan.**")],
    ids=["blocked", "error"],
)
def test_what_goes_wrong_is_in_the_comment_and_fails_the_job(team, text, says):
    ran = team.open(text)
    assert ran.failed
    [comment] = team.forge.comments()
    assert says in comment["body"]
    assert "tabels" not in text or "tabels" in comment["body"], "the error itself"
    assert "reconciler approve" not in comment["body"], "there is nothing to approve"


@pytest.mark.thorough
@needs_programs
def test_nothing_is_applied_that_only_its_author_approved(team, table, command_line):
    planned = team.open()
    approve(team, planned, "carol", command_line=command_line)
    applied = team.merge()
    assert applied.failed
    assert "carol" in applied.log.partition("0 count")[2], "whose approval does not count, and why"
    assert [name for (name,) in table.execute(NAMES)] == ["tasks_pkey"]
    assert applied.steps["Push the receipts"], "there is none, which is no failure"


@pytest.mark.thorough
@needs_programs
def test_without_signers_nothing_is_applied(team, table, command_line):
    planned = team.open()
    approve(team, planned, "alice", command_line=command_line)
    team.runner.variables = {}
    applied = team.merge()
    assert applied.failed
    assert "allowed-signers is empty" in applied.log
    assert [name for (name,) in table.execute(NAMES)] == ["tasks_pkey"]


@pytest.mark.thorough
@needs_programs
def test_a_merge_without_a_plan_fails_where_there_is_something_to_do(team):
    team.open()
    applied = team.merge()
    assert applied.failed
    assert "brought no plan" in applied.log


@pytest.mark.thorough
@needs_programs
def test_a_hazard_is_allowed_by_an_approval(team, table, command_line):
    table.execute("create index tasks_old_idx on tasks (status)")
    team.forge.git("push", "--quiet", "origin", "main:receipts")
    earlier = team.forge.head("receipts")
    planned = team.open("target: main\ntables: {public.tasks: {indexes: {tasks_old_idx: absent}}}\n")
    approve(team, planned, "alice", "--allow", "index-drop", command_line=command_line)
    applied = team.merge()
    assert not applied.failed, applied.log
    assert [name for (name,) in table.execute(NAMES)] == ["tasks_pkey"]
    assert team.forge.git("rev-parse", "receipts^", at=team.forge.bare) == earlier, "what is on the branch stays"


@pytest.mark.thorough
@needs_programs
def test_another_plan_in_the_place_of_the_approved_one_is_not_applied(team, table, command_line):
    planned = team.open()
    approve(team, planned, "alice", command_line=command_line)
    wider = team.push("desired/tasks.yaml", DESIRED.replace("[status]", "[status, id]"))
    other = team.pushed(wider)
    [artifact] = other.uploaded.values()
    shutil.copy(artifact / "7.json", team.forge.clone / "plans")
    team.forge.commit("Tidy up", branch=PULL.branch)
    applied = team.merge()
    assert applied.failed
    assert "this plan is not approved" in applied.log
    assert [name for (name,) in table.execute(NAMES)] == ["tasks_pkey"]


@pytest.mark.thorough
@needs_programs
def test_a_policy_of_the_environment_holds_against_approvals(team, table, command_line, monkeypatch):
    table.execute("create index tasks_old_idx on tasks (status)")
    monkeypatch.setitem(ACTION["inputs"], "policy", {"default": "policy: {deny: [index-drop]}"})
    planned = team.open("target: main\ntables: {public.tasks: {indexes: {tasks_old_idx: absent}}}\n")
    approve(team, planned, "alice", "--allow", "index-drop", command_line=command_line)
    applied = team.merge()
    assert applied.failed
    assert "denied" in applied.log or "denies" in applied.log
    assert [name for (name,) in table.execute(NAMES)] == ["tasks_old_idx", "tasks_pkey"]

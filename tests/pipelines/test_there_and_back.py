"""One change of PostgreSQL and Redis on its whole way: reviewed, approved, merged, applied, changed by hand, undone."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from pipelines.checkers import needs_programs
from pipelines.forge import PullRequest
from pipelines.team import NAMES, Team, approve
from waiting import reload

TARGETS = """
targets:
  main: {postgres: "${DATABASE_URL}"}
  cache: {redis: "${REDIS_URL}"}
"""
DESIRED = """
target: main
tables:
  public.tasks:
    indexes:
      tasks_status_idx: {columns: [status], why: the queue asks for it}
settings:
  work_mem: 7MB
---
target: cache
settings:
  maxmemory-policy: allkeys-lru
  slowlog-max-len: 512
"""
UNDOING = PullRequest(8, "undo", "carol")
FINISHING = PullRequest(9, "undo-the-rest", "carol")


@pytest.fixture
def look(team, table, redis_server, redis_client, monkeypatch, database) -> Callable[[], tuple[object, ...]]:
    """All that the change is about, as the two servers have it."""
    team.runner.secrets |= {"REDIS_URL": redis_server.url()}
    monkeypatch.setenv("DATABASE_URL", database)
    monkeypatch.setenv("REDIS_URL", redis_server.url())
    for job in team.workflow["jobs"].values():
        job["steps"][1].setdefault("env", {})["REDIS_URL"] = "${{ secrets.REDIS_URL }}"
    team.workflow["jobs"]["apply"]["steps"][1]["with"]["approvals"] = 2
    (team.forge.clone / "desired" / "targets.yaml").write_text(TARGETS)
    team.forge.commit("Two targets")

    def seen() -> tuple[object, ...]:
        reload(table)
        names = [name for (name,) in table.execute(NAMES)]
        memory = table.execute("select setting, source from pg_settings where name = 'work_mem'").fetchone()
        settings = redis_client.config_get("maxmemory-policy") | redis_client.config_get("slowlog-max-len")
        return names, memory, settings

    return seen


def receipts(team: Team, folder: Path) -> Path:
    """What is on the branch of receipts, in a folder."""
    team.forge.git("clone", "--quiet", "--branch", "receipts", team.forge.bare.as_uri(), str(folder), at=folder.parent)
    return folder


def flat(said: str) -> str:
    """All lines as one."""
    return " ".join(said.split())


def rows(drift: str) -> dict[str, str]:
    """Of a drift in text, by the name of each resource what is said of it, in one line."""
    found = re.findall(r"^  [-+~] \w+/\w+/(\S+)(.*?)(?=\n\n|^  [-+~])", drift, re.M | re.S)
    return {name: flat(said) for name, said in found}


@needs_programs
def test_there_and_back(team, look, table, redis_client, command_line, tmp_path):
    clone, desired = team.forge.clone, ("--desired", team.forge.clone / "desired")
    before = look()

    # A branch, and its plan as a comment.
    planned = team.open(DESIRED)
    assert not planned.failed, planned.log
    [comment] = team.forge.comments()
    assert "**Plan: 1 to create, 3 to change, 0 to drop.**" in comment["body"]
    assert "`create index concurrently tasks_status_idx on public.tasks (status)`" in comment["body"]
    assert "| the queue asks for it" in comment["body"]
    assert "> - `index-build`: reads twice a table that was never analysed; writes go on" in comment["body"]
    for values in ("4MB → 7MB", "noeviction → allkeys-lru", "128 → 512"):
        assert f"| {values}" in comment["body"]
    assert "    reconciler approve plans/7.json --key" in comment["body"]

    # Two approvals, the merge, the apply, and its receipt as a commit.
    for name in ("alice", "bob"):
        approve(team, planned, name, command_line=command_line)
    applied = team.merge()
    assert not applied.failed, applied.log
    assert "Applied 4 of 4 changes" in applied.summary
    assert "Nothing remains to be changed." in applied.summary
    assert re.search(r"Approved by alice \(SHA256:\S+\) and bob", applied.summary)
    after = look()
    assert after == (
        ["tasks_pkey", "tasks_status_idx"], ("7168", "configuration file"),
        {"maxmemory-policy": "allkeys-lru", "slowlog-max-len": "512"},
    )  # fmt: skip
    kept = receipts(team, tmp_path / "receipts")
    receipt = kept / "plans" / "7.receipt.json"
    merged = team.forge.head("main")
    assert json.loads(receipt.read_text())["git"]["commit"] == merged
    said = command_line(*desired, "drift", "--receipts", kept)
    assert said == "In sync. 1 index and 3 settings are as declared.\n"

    # A change by hand on either system.
    table.execute("alter system set work_mem = '9MB'")
    reload(table)
    redis_client.config_set("slowlog-max-len", "64")
    said = command_line(*desired, "drift", "--receipts", kept, code=2)
    assert sorted(found := rows(said)) == ["slowlog-max-len", "work_mem"]
    assert found["work_mem"].startswith("declared 7MB; observed 9MB")
    assert found["slowlog-max-len"].startswith("declared 512; observed 64; persisted, not running: ")
    assert all("changed outside, after the apply that ended on 2" in each for each in found.values())
    assert "Of these, 2 were changed outside.\n" in said
    nightly = team.event("schedule", {}, merged)["drift"]
    assert nightly.failed
    assert "| `512` | `64`; " in nightly.summary
    assert nightly.summary.count("changed outside, after the apply that ended on 2") == 2

    # What was changed since is not undone; what is as the apply has left it is.
    team.forge.git("checkout", "--quiet", "-b", UNDOING.branch)
    undo = clone / "plans" / "7.undo.json"
    said = flat(command_line(*desired, "rollback", receipt, "--out", undo, code=1))
    changed = "blocked: not undone: it has changed since it was applied: taking that back would update it"
    assert f"• main/pg_setting/work_mem {changed}, 9MB → 7MB " in said
    assert f"• cache/redis_setting/slowlog-max-len {changed}, 64 → 512 " in said
    assert "2 of what was done cannot be undone, as the plan says; --allow-blocked goes on without it." in said
    redis_client.config_set("slowlog-max-len", "512")
    command_line(*desired, "rollback", receipt, "--out", undo, "--allow-blocked")
    said = command_line("show", undo, "--format", "markdown")
    digest = json.loads(receipt.read_text())["plan_digest"]
    assert re.search(rf"^\*\*Rollback of the apply that ended at \S+ \(plan {digest[:12]}\)\.\*\* Plan: ", said)
    assert "0 to create, 2 to change, 1 to drop. 1 setting is blocked. Revert what was declared, too, or" in said
    assert f"it was applied at commit {merged[:12]}." in said
    assert "> Apply needs `--allow index-drop`" in said
    assert "drop index concurrently public.tasks_status_idx;" in said
    assert "does not come back: keys that were evicted meanwhile" in said

    # It is approved and applied as any other.
    head = team.forge.commit("Undo plan 7", branch=UNDOING.branch)
    assert not team.pushed(head, UNDOING).failed
    [comment] = team.forge.comments(UNDOING.number)
    assert (
        "**A plan of this branch undoes an apply.** To approve it: reconciler approve, by its name" in comment["body"]
    )
    assert said.strip() in comment["body"]
    for name in ("alice", "bob"):
        team.sign(undo, name, "--allow", "index-drop", command_line=command_line, pull=UNDOING)
    applied = team.merge(UNDOING)
    assert not applied.failed, applied.log
    assert "Applied 3 of 3 changes" in applied.summary
    assert f"(plan {digest[:12]}). 1 setting is blocked." in applied.summary
    assert look() == (before[0], ("9216", "configuration file"), before[2])

    # Once nobody's change is in the way, the rest comes back, and the YAML is what is left to revert.
    table.execute("alter system set work_mem = '7MB'")
    reload(table)
    team.forge.git("checkout", "--quiet", "-b", FINISHING.branch)
    rest = clone / "plans" / "7.rest.json"
    said = flat(command_line(*desired, "rollback", receipt, "--out", rest))
    assert "Plan: 0 to create, 1 to change, 0 to drop. Revert what was declared" in said
    for name in ("alice", "bob"):
        team.sign(rest, name, command_line=command_line, pull=FINISHING)
    applied = team.merge(FINISHING)
    assert not applied.failed, applied.log
    assert look() == before
    said = command_line(*desired, "rollback", receipt, "--detailed-exitcode")
    assert said.endswith("Nothing is to be undone.\n")
    kept = receipts(team, tmp_path / "all-receipts")
    assert len([*kept.rglob("*.receipt.json")]) == 3
    said = command_line(*desired, "drift", "--receipts", kept, code=2)
    assert sorted(rows(said)) == ["maxmemory-policy", "public.tasks_status_idx", "slowlog-max-len", "work_mem"]
    assert "Drift: 1 missing, 3 changed. Of these, 4 are not applied yet.\n" in said
    said = command_line(*desired, "plan", "--detailed-exitcode", code=2)
    assert "Plan: 1 to create, 3 to change, 0 to drop.\n" in said

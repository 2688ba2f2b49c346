"""GitLab's pipelines: valid, and their scripts do on a real repository and database what they say."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from approvals.people import People
from docs.pages import ROOT
from pipelines.checkers import complaints, needs_programs
from pipelines.forge import Forge, PullRequest

from reconciler.model import NEEDS_PERMISSION

FILE = ROOT / "reconciler" / "pipelines" / "gitlab.yaml"
PIPELINE = yaml.safe_load(FILE.read_text(encoding="utf-8"))
JOBS = {name: job for name, job in PIPELINE.items() if "script" in job}
MERGE = PullRequest(7, "queue", "carol")
CURL = f"""#!{sys.executable}
import os, pathlib, sys
assert sys.stdin.read() == "PRIVATE-TOKEN: token\\n"
commit = sys.argv[-1].removeprefix("https://gitlab.example.com/api/v4/projects/1/repository/commits/")
name = "author" if commit.endswith("/merge_requests") else "nobody"
print(pathlib.Path(os.environ["FORGE"], name).read_text())
"""


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["gitlab.yaml", "fleet-gitlab.yaml"])
def test_it_fits_the_schema_of_gitlab(name):
    path = FILE.with_name(name) if name == FILE.name else ROOT / "docs" / "pipelines" / name
    assert complaints(
        "check-jsonschema", "--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci", path
    ) == ""  # fmt: skip


def test_who_reads_and_who_applies_are_different_environments_and_forks_are_not_planned():
    assert JOBS["plan"]["environment"] == JOBS["drift"]["environment"] == {"name": "reading", "action": "access"}
    assert JOBS["apply"]["environment"] == "production"
    assert JOBS["apply"]["resource_group"] == "reconciler"
    assert "environment" not in JOBS["validate"]
    assert "$CI_MERGE_REQUEST_SOURCE_PROJECT_ID == $CI_PROJECT_ID" in JOBS["plan"]["rules"][0]["if"]
    assert "$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH" in JOBS["apply"]["rules"][0]["if"]
    assert JOBS["plan"]["artifacts"]["reports"] == {"terraform": "terraform.json", "codequality": "code-quality.json"}
    assert set(PIPELINE["stages"]) == {job["stage"] for job in JOBS.values()}


class Ran(NamedTuple):
    """A job that ran in its tree."""

    code: int
    log: str
    tree: Path

    def json(self, name: str):
        return json.loads((self.tree / name).read_text())


class Project:
    """A project with a runner on this machine."""

    def __init__(self, folder: Path, database: str, people: People) -> None:
        self.forge = Forge(folder / "forge")
        self.folder = folder
        self.database = database
        self.people = people
        self.count = 0
        (self.forge.bin / "curl").write_text(CURL)
        (self.forge.bin / "reconciler").write_text(f'#!/bin/sh\nexec {sys.executable} -m reconciler "$@"\n')
        for program in self.forge.bin.iterdir():
            program.chmod(0o755)
        (self.forge.state / "author").write_text('[{"author": {"username": "carol"}}]')
        (self.forge.clone / "desired").mkdir()
        (self.forge.clone / "desired" / "targets.yaml").write_text('targets: {main: {postgres: "${DATABASE_URL}"}}\n')
        self.forge.commit("Targets")

    def run(self, job: str, commit: str, **variables: str) -> Ran:
        """As GitLab's runner: all lines in one bash, which stops at the first that fails."""
        self.count += 1
        tree = self.folder / f"build-{self.count}"
        self.forge.git("clone", "--quiet", self.forge.bare.as_uri(), str(tree), at=self.folder)
        self.forge.git("checkout", "--quiet", commit, at=tree)
        done = subprocess.run(
            ["bash", "-c", "set -eo pipefail\n" + "\n".join(JOBS[job]["script"])],
            cwd=tree, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            check=False,
            env={
                "PATH": f"{self.forge.bin}:{os.environ['PATH']}", "HOME": str(tree), "PYTHONPATH": str(ROOT),
                "FORGE": str(self.forge.state), "DATABASE_URL": self.database, "CI_COMMIT_SHA": commit,
                "CI_PROJECT_ID": "1", "CI_API_V4_URL": "https://gitlab.example.com/api/v4",
                "CI_PROJECT_URL": self.forge.bare.as_uri().removesuffix(".git"), "GITLAB_USER_LOGIN": "dave",
                "RECONCILER_TOKEN": "token", **JOBS[job].get("variables", {}), **variables,
            },
        )  # fmt: skip
        return Ran(done.returncode, done.stdout, tree)

    def open(self, text: str) -> Ran:
        self.forge.git("checkout", "--quiet", "-b", MERGE.branch)
        (self.forge.clone / "desired" / "tasks.yaml").write_text(text)
        return self.run("plan", self.forge.commit("Change", branch=MERGE.branch), CI_MERGE_REQUEST_IID="7")

    def approve(self, planned: Ran, *options: str, name: str = "alice") -> None:
        from reconciler.cli.app import run

        plans = self.forge.clone / "plans"
        shutil.copytree(planned.tree / "plans", plans)
        assert run(["approve", f"{plans}/7.json", "--key", str(self.people.key(name)), *options]) == 0
        self.forge.commit("Approve plan 7", branch=MERGE.branch)

    def merge(self, **variables: str) -> Ran:
        pushed = self.forge.merge(MERGE)
        signers = str(self.people.listed("alice", "carol"))
        given = {"ALLOWED_SIGNERS": signers, "CI_COMMIT_BEFORE_SHA": pushed["before"], **variables}
        return self.run("apply", pushed["after"], **given)


@pytest.fixture
def project(tmp_path, database, sql) -> Project:
    sql.execute("create table tasks (id bigint primary key, status text)")
    sql.execute("create index tasks_old_idx on tasks (status)")
    return Project(tmp_path, database, People(tmp_path))


def indexes(sql) -> list[str]:
    rows = sql.execute("select indexname from pg_indexes where tablename = 'tasks' order by 1").fetchall()
    return [name for (name,) in rows]


CHANGE = """\
target: main
tables:
  public.tasks:
    indexes:
      tasks_old_idx: absent
      tasks_status_idx: {columns: [status, id]}
checklist:
  - id: slow
    title: Slow statements are logged
    severity: high
    check: {pg_setting: log_min_duration_statement, at_least: 0ms}
"""


@needs_programs
def test_a_merge_request_is_planned_approved_and_applied(project, sql):
    planned = project.open(CHANGE)
    assert planned.code == 0, planned.log
    assert planned.json("terraform.json") == {"create": 1, "update": 0, "delete": 1}
    assert "tasks_status_idx" in (planned.tree / "plan.md").read_text()
    findings = {each["check_name"]: each for each in planned.json("code-quality.json")}
    assert set(findings) == {"index-drop", "index-build", "check"}
    assert findings["index-drop"]["severity"] == "critical"
    assert findings["index-drop"]["location"] == {"path": "desired/tasks.yaml", "lines": {"begin": 5}}
    assert findings["check"]["severity"] == "major"

    project.approve(planned, "--allow", "index-drop")
    applied = project.merge()
    assert applied.code == 0, applied.log
    assert indexes(sql) == ["tasks_pkey", "tasks_status_idx"]
    receipt = json.loads(project.forge.git("show", "receipts:plans/7.receipt.json", at=project.forge.bare))
    assert [each["principal"] for each in receipt["approved_by"]] == ["alice"]
    assert project.forge.git("log", "-1", "--format=%s", "receipts", at=project.forge.bare).endswith("[skip ci]")

    again = project.run("drift", project.forge.head("main"))
    assert again.code == 0, again.log


@pytest.mark.thorough
@needs_programs
def test_what_is_blocked_fails_the_job_and_is_a_finding(project):
    planned = project.open(CHANGE.replace("public.tasks", "public.taks"))
    assert planned.code == 1
    assert {each["severity"] for each in planned.json("code-quality.json")} >= {"blocker"}
    fingerprints = [each["fingerprint"] for each in planned.json("code-quality.json")]
    assert len(set(fingerprints)) == len(fingerprints), "of equal ones GitLab shows the first"


@pytest.mark.thorough
@needs_programs
def test_an_error_fails_the_job(project):
    planned = project.open("target: main\ntabels: {}\n")
    assert planned.code == 1
    assert "tabels" in planned.log


@pytest.mark.thorough
@needs_programs
@pytest.mark.parametrize(
    ("name", "variables", "says"),
    [("carol", {}, "not approved"), ("alice", {"ALLOWED_SIGNERS": ""}, "ALLOWED_SIGNERS: is not set")],
    ids=["its author approved", "no signers"],
)
def test_what_nobody_approved_is_not_applied(project, sql, name, variables, says):
    planned = project.open(CHANGE)
    project.approve(planned, "--allow", "index-drop", name=name)
    applied = project.merge(**variables)
    assert applied.code == 1
    assert says in applied.log
    assert indexes(sql) == ["tasks_old_idx", "tasks_pkey"]


@pytest.mark.thorough
@needs_programs
def test_a_merge_without_a_plan_fails_where_there_is_something_to_do(project):
    project.open(CHANGE)
    applied = project.merge()
    assert applied.code == 1
    assert "brought no plan" in applied.log


def test_a_hazard_that_has_to_be_allowed_is_no_mere_information():
    [query] = [line for line in JOBS["plan"]["script"] if "code-quality" in line]
    told = query.partition("IN(")[2].partition(")")[0]
    assert told == '"index-build", "waits-for-restart"'
    assert not any(f'"{hazard}"' in told for hazard in NEEDS_PERMISSION)

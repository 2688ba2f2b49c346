"""What receipts alone leave unknown, told from the commit that they name: with a real repository."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

YAML = """
target: main
tables:
  public.tasks:
    indexes:
      tasks_status_idx: {columns: [status]}
      tasks_title_idx: {columns: [title], where: "status in ('a', 'b')"}
settings: {work_mem: 7MB}
"""
TITLE = "main/pg_index/public.tasks_title_idx"
STATUS = "main/pg_index/public.tasks_status_idx"


def git(folder: Path, *arguments: str) -> str:
    named = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    done = subprocess.run(["git", *named, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def repository(desired):
    (desired / "tasks.yaml").write_text(YAML)
    git(desired.parent, "init", "-q", "-b", "main")
    git(desired.parent, "add", "desired")
    git(desired.parent, "commit", "-q", "-m", "first")
    return desired.parent


@pytest.fixture
def applied(world, repository, reconciler):
    """All of it applied; of the index on the status there is no receipt, since it was there."""
    world.execute("create index tasks_status_idx on tasks (status)")
    folder = repository / "receipts"
    folder.mkdir()
    assert reconciler("apply", "--yes", "--receipt", folder / "first.json")[0] == 0
    assert reconciler("drift", "--receipts", folder)[0] == 0
    return folder


@pytest.fixture
def declare(desired, repository):
    def replaced(old: str, new: str, *, commit: bool = True) -> None:
        text = (desired / "tasks.yaml").read_text()
        assert old in text
        (desired / "tasks.yaml").write_text(text.replace(old, new))
        if commit:
            git(repository, "commit", "-q", "-a", "-m", "another")

    return replaced


@pytest.fixture
def causes(reconciler):
    def found(folder: Path) -> dict[str, dict[str, str]]:
        code, out, err = reconciler("drift", "--receipts", folder, "--format", "json")
        assert (code, err) == (2, "")
        return {each["address"]: each for each in json.loads(out)["causes"]}

    return found


def of(causes: dict[str, dict[str, str]]) -> dict[str, str]:
    return {address: each["why"] or each["type"] for address, each in causes.items()}


def by_hand(world) -> None:
    world.execute("drop index tasks_status_idx, tasks_title_idx")
    world.execute("create index tasks_status_idx on tasks (status, id)")
    world.execute("create index tasks_title_idx on tasks (title) where status in ('a', 'b', 'c')")


def test_declared_the_same_at_that_commit_is_changed_outside(world, applied, causes, repository, declare):
    declare("work_mem: 7MB", "work_mem: 8MB")
    by_hand(world)
    found = causes(applied)
    assert of(found) == {
        TITLE: "changed-outside", STATUS: "changed-outside", "main/pg_setting/work_mem": "not-applied",
    }  # fmt: skip
    assert found[STATUS]["commit"] == git(repository, "rev-parse", "HEAD~1")
    for told in (TITLE, "main/pg_setting/work_mem"):
        assert found[told]["commit"] == "", "what was made tells it"


@pytest.mark.parametrize("committed", [True, False])
def test_declared_otherwise_by_now_is_not_applied(applied, causes, declare, committed):
    declare("('a', 'b')", "('a', 'c')", commit=committed)
    declare("columns: [status]", "columns: [status, priority]", commit=committed)
    declare("{work_mem: 7MB}", "{work_mem: 7MB, random_page_cost: 1.5}", commit=committed)
    found = of(causes(applied))
    assert found == {TITLE: "not-applied", STATUS: "not-applied", "main/pg_setting/random_page_cost": "not-applied"}


def test_every_format_tells_of_it(world, applied, reconciler, repository):
    by_hand(world)
    commit = git(repository, "rev-parse", "--short=12", "HEAD")
    for format in ("text", "markdown", "junit", "html"):
        _, out, _ = reconciler("drift", "--receipts", applied, "--format", format)
        assert f"commit {commit} declares the same" in " ".join(out.split()), format
    _, out, _ = reconciler("drift", "--receipts", applied, "--format", "metrics")
    assert 'reconciler_drift_causes{target="main",kind="pg_index",cause="changed-outside"} 2\n' in out


def test_without_the_commit_it_is_unknown_and_says_so(
    world, applied, causes, reconciler, repository, monkeypatch, tmp_path
):
    by_hand(world)
    with monkeypatch.context() as without:
        without.setenv("PATH", str(tmp_path / "nothing"))
        assert of(causes(applied))[STATUS] == "commit-unreadable"
    _, out, _ = reconciler("drift", "--receipts", applied)
    assert "cause unknown" not in out
    receipt = applied / "first.json"
    text = receipt.read_text()
    commit = git(repository, "rev-parse", "HEAD")
    for other, why in {"1" * 40: "commit-unreadable", "": "no-commit", "--help": "commit-unreadable"}.items():
        receipt.write_text(text.replace(commit, other))
        assert of(causes(applied)) == {TITLE: "changed-outside", STATUS: why}
    _, out, _ = reconciler("drift", "--receipts", applied)
    assert "cause unknown: the commit of the receipt cannot be read here by git" in " ".join(out.split())


def test_yaml_that_cannot_be_read_by_itself_tells_nothing(world, applied, causes, repository, desired):
    """Its receipt is made to name a commit whose YAML is wrong, or leads out of the repository."""
    by_hand(world)
    first = git(repository, "rev-parse", "HEAD")
    text = (applied / "first.json").read_text()
    more = desired / "more.yaml"
    outside = repository.parent / f"{repository.name}-outside.yaml"
    outside.write_text("target: main\nsettings: {random_page_cost: 1.5}\n")
    for make, why in (
        (lambda: more.write_text("settings: {"), "yaml-unreadable"),
        (lambda: more.symlink_to(outside), "commit-unreadable"),
    ):
        make()
        git(repository, "add", "desired")
        git(repository, "commit", "-q", "-m", "wrong")
        (applied / "first.json").write_text(text.replace(first, git(repository, "rev-parse", "HEAD")))
        more.unlink()
        assert of(causes(applied)) == {TITLE: "changed-outside", STATUS: why}
    outside.unlink()


def test_a_variable_is_in_no_commit(world, applied, causes, declare, reconciler, monkeypatch):
    monkeypatch.setenv("STATUS_COLUMN", "status")
    declare("columns: [status]", "columns: ['${STATUS_COLUMN}']")
    assert reconciler("drift", "--receipts", applied)[0] == 0
    declare("work_mem: 7MB", "work_mem: 8MB")
    assert reconciler("apply", "--yes", "--receipt", applied / "second.json")[0] == 0
    monkeypatch.setenv("STATUS_COLUMN", "priority")
    assert of(causes(applied)) == {STATUS: "variable"}


def test_what_is_ignored_at_that_commit_was_perhaps_never_as_declared(
    world, applied, causes, declare, reconciler, desired, repository
):
    rules = desired / "ignore.yaml"
    rules.write_text(f"ignore:\n- {{address: {STATUS}, reason: later, until: 2099-01-01}}\n")
    git(repository, "add", "desired")
    declare("work_mem: 7MB", "work_mem: 8MB")
    assert reconciler("apply", "--yes", "--receipt", applied / "second.json")[0] == 0
    rules.unlink()
    by_hand(world)
    assert of(causes(applied)) == {TITLE: "changed-outside", STATUS: "not-comparable"}


def test_git_runs_nothing_that_the_repository_names(world, applied, causes, repository, tmp_path):
    by_hand(world)
    ran = tmp_path / "ran"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\necho ran >> {ran}\ncat\n")
    program.chmod(0o755)
    for key in (
        "core.fsmonitor", "core.pager", "core.sshCommand", "diff.external", "diff.own.textconv", "filter.own.smudge",
        "filter.own.process", "remote.origin.uploadpack", "credential.helper",
    ):  # fmt: skip
        git(repository, "config", key, str(program))
    git(repository, "config", "remote.origin.url", f"ext::{program}")
    git(repository, "config", "remote.origin.promisor", "true")
    git(repository, "config", "extensions.partialClone", "origin")
    git(repository, "config", "protocol.ext.allow", "always")
    (repository / ".git" / "info" / "attributes").write_text("*.yaml filter=own diff=own\n")
    ran.unlink(missing_ok=True)
    assert of(causes(applied))[STATUS] == "changed-outside"
    text = (applied / "first.json").read_text()
    commit = json.loads(text)["git"]["commit"]
    blob = git(repository, "rev-parse", f"{commit}:desired/tasks.yaml")
    (repository / ".git" / "objects" / blob[:2] / blob[2:]).unlink()  # as of a clone without blobs
    ran.unlink(missing_ok=True)
    assert of(causes(applied))[STATUS] == "commit-unreadable"
    (applied / "first.json").write_text(text.replace(commit, "1" * 40))
    assert of(causes(applied))[STATUS] == "commit-unreadable"
    assert not ran.exists()


def test_what_is_no_longer_declared_is_not_applied(world, applied, causes, declare):
    declare("    indexes:", "    unlisted_indexes: drop\n    indexes:", commit=False)
    declare("      tasks_status_idx: {columns: [status]}\n", "")
    world.execute("create index tasks_old_idx on tasks (priority)")
    found = of(causes(applied))
    assert found == {STATUS: "not-applied", "main/pg_index/public.tasks_old_idx": "not-comparable"}


def test_the_rules_of_reach_hold_for_earlier_yaml(world, applied, reconciler, desired, repository, monkeypatch):
    """A file that alone declares targets is that of today; what the environment says of git is not heard."""
    by_hand(world)
    monkeypatch.setenv("GIT_DIR", str(repository / "none"))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "not a number")
    limits = ("--targets", desired / "targets.yaml", "--variables", "DATABASE_URL:url")
    code, out, err = reconciler(*limits, "drift", "--receipts", applied, "--format", "json")
    assert (code, err) == (2, "")
    assert {each["address"]: each["type"] for each in json.loads(out)["causes"]}[STATUS] == "changed-outside"
    (desired / "targets.yaml").rename(repository / "targets.yaml")
    limits = ("--targets", repository / "targets.yaml", *limits[2:])
    code, out, err = reconciler(*limits, "drift", "--receipts", applied, "--format", "json")
    assert (code, err) == (2, "")
    assert of({each["address"]: each for each in json.loads(out)["causes"]})[STATUS] == "yaml-unreadable"

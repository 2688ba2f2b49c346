"""The workflow of the README and the action, by GitHub's schemas and zizmor: what starts when, and with what right."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from docs.pages import ROOT, blocks
from pipelines.checkers import complaints, needs_programs
from pipelines.expressions import runs, value
from pipelines.forge import Forge
from pipelines.workflow import ACTION, README, Runner, opened

from reconciler.cli import pipeline_files


def written(folder: Path) -> list[Path]:
    """Each workflow of the documentation as a file in a repository, and the action."""
    place = folder / ".github" / "workflows"
    place.mkdir(parents=True)
    for number, block in enumerate(blocks("yaml workflow")):
        (place / f"readme-{number}.yaml").write_text(block.text, encoding="utf-8")
    for path in (ROOT / "docs" / "pipelines").glob("*github.yaml"):
        shutil.copy(path, place)
    shutil.copy(ROOT / "action.yml", folder)
    return sorted(place.iterdir())


@pytest.mark.thorough
def test_they_fit_the_schemas_of_github(tmp_path):
    workflows = written(tmp_path)
    assert len(workflows) > 1
    assert complaints("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *workflows) == ""
    assert complaints("check-jsonschema", "--builtin-schema", "vendor.github-actions", tmp_path / "action.yml") == ""


@pytest.mark.thorough
def test_zizmor_finds_nothing(tmp_path):
    written(tmp_path)
    assert complaints("zizmor", "--offline", "--no-progress", tmp_path) == ""


def test_every_action_is_pinned_by_a_commit_and_nothing_of_an_event_is_run_as_shell():
    texts = [block.text for block in blocks("yaml workflow")] + [(ROOT / "action.yml").read_text(encoding="utf-8")]
    texts += [path.read_text(encoding="utf-8") for path in (ROOT / "docs" / "pipelines").glob("*github.yaml")]
    for text in texts:
        used = re.findall(r"uses: (\S+)", text)
        assert [each for each in used if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", each)] == []
        assert "pull_request_target:" not in text
    assert [step["name"] for step in ACTION["runs"]["steps"] if "${{" in step.get("run", "")] == []


def test_the_action_installs_what_the_image_does():
    [install] = [step["run"] for step in ACTION["runs"]["steps"] if step["name"] == "Install"]
    lines = re.findall(r"^pip (install .+)$", install, re.M)
    of_image = re.findall(r"^RUN pip (install .+)$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.M)
    assert [re.sub(r'"\$GITHUB_ACTION_PATH/?', "", line).replace('"', "") or "." for line in lines] == [
        line.removesuffix(".") for line in of_image
    ]


@pytest.mark.parametrize(
    ("expression", "is_"),
    [("'a' == 'a'", True), ("github.x == 'a' || github.y == 'b'", False), ("github.x", ""), ("github.z || '1'", "1"),
     ("always() && github.z == ''", True), ("github.z != ''", False)],
)  # fmt: skip
def test_expressions_are_what_github_makes_of_them(expression, is_):
    assert value(expression, {"github": {"x": ""}}) == is_
    assert not runs("inputs.a == ''", {}, failed=True)


def jobs(event_name: str, of: str = "team/tuning") -> set[str]:
    github = {"event_name": event_name, "repository": "team/tuning", "event": opened(7, "0" * 40, of=of)}
    return {name for name, job in README["jobs"].items() if runs(job["if"], {"github": github}, failed=False)}


def test_a_pull_request_of_a_fork_is_read_without_secrets_and_not_planned():
    assert jobs("pull_request", of="stranger/tuning") == {"validate"}
    assert "secrets." not in str(README["jobs"]["validate"])
    assert jobs("pull_request") == {"plan"}
    assert jobs("push") == {"apply"}
    assert jobs("schedule") == {"drift"}


def test_who_reads_and_who_applies_have_credentials_of_their_own_and_no_right_that_they_do_not_use():
    assert README["permissions"] == {}
    assert {name: (job.get("environment"), job["permissions"]) for name, job in README["jobs"].items()} == {
        "validate": (None, {"contents": "read"}),
        "plan": ("reading", {"contents": "read", "pull-requests": "write"}),
        "apply": ("production", {"contents": "write", "pull-requests": "read"}),
        "drift": ("reading", {"contents": "read"}),
    }


@needs_programs
def test_nothing_is_planned_where_a_fork_would_get_secrets(tmp_path):
    forge = Forge(tmp_path / "forge")
    (forge.clone / "targets.yaml").write_text("")
    forge.commit("Anything")
    runner = Runner(forge, tmp_path / "runner", {}, {})
    workflow = {"jobs": {"plan": {"steps": README["jobs"]["plan"]["steps"]}}}
    head = forge.head("main")
    ran = runner.run(workflow, "pull_request_target", opened(7, head, of="stranger/tuning"), head)["plan"]
    assert ran.failed
    assert "pull_request_target" in ran.log
    assert "Comment" not in ran.steps


def test_init_writes_the_workflow_that_the_readme_shows():
    assert pipeline_files.text("github", ["DATABASE_URL"]) == blocks("yaml workflow")[0].text

"""docs/pipelines/fleet-*: the command line parses what runs there, as each system fills it in, and all shards run."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Mapping
from typing import Any

import click
import pytest
import yaml
from docs.pages import ROOT

from reconciler.cli.app import VERBS, reconciler

FOLDER = ROOT / "docs" / "pipelines"
DIGEST = "ab" * 32


class Plain(yaml.SafeLoader):
    """As YAML 1.2 has it: `on` is a text."""


Plain.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith("bool")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def documents(name: str) -> list[dict[str, Any]]:
    return [*yaml.load_all((FOLDER / name).read_text(encoding="utf-8"), Plain)]


def calls(script: str, environment: Mapping[str, str]) -> list[list[str]]:
    """The arguments of each call of `reconciler` in a script, as a shell hands them over."""
    own = 'reconciler() { printf "%s\\0" "$@" >&9; printf "\\n" >&9; }\njq() { cat; }\npip() { :; }\n'
    done = subprocess.run(
        ["bash", "-euc", f"exec 9>&2\n{own}{script}"],
        env={"PATH": "/usr/bin:/bin", **environment}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return [line.split("\0")[:-1] for line in done.stderr.splitlines() if "\0" in line]


def parsed(arguments: list[str]) -> tuple[str, dict[str, Any]]:
    """The verb and its parameters."""
    verb, *rest = arguments
    assert verb in VERBS
    group = reconciler.make_context("reconciler", [verb])
    command = reconciler.get_command(click.Context(reconciler), verb)
    return verb, command.make_context(verb, rest, parent=group).params


def shards(found: Iterable[tuple[str, dict[str, Any]]], verb: str) -> list[str]:
    return [str(parameters["shard"]) for name, parameters in found if name == verb]


ALL = [f"{number}/16" for number in range(16)]


def of_kubernetes() -> list[tuple[str, dict[str, Any]]]:
    found = []
    for job in documents("fleet-kubernetes.yaml")[1:]:
        spec = job["spec"]
        [container] = spec["template"]["spec"]["containers"]
        for index in range(spec["completions"]):
            program, *arguments = [word.replace("$(JOB_COMPLETION_INDEX)", str(index)) for word in container["command"]]
            assert program == "reconciler"
            found.append(parsed(arguments))
    return found


def of_github() -> list[tuple[str, dict[str, Any]]]:
    [workflow] = documents("fleet-github.yaml")
    found = []
    for job in workflow["jobs"].values():
        for shard in job.get("strategy", {}).get("matrix", {}).get("shard", [""]):
            for step in job["steps"]:
                script = step.get("run", "")
                assert "${{" not in script
                environment = {"DIGEST": DIGEST, "GITHUB_OUTPUT": "/dev/null", "RUNNER_TEMP": "/nowhere"}
                for name, text in step.get("env", {}).items():
                    environment[name] = text.replace("${{ matrix.shard }}", str(shard))
                found += [parsed(each) for each in calls(script, environment)]
    return found


def of_gitlab() -> list[tuple[str, dict[str, Any]]]:
    [pipeline] = documents("fleet-gitlab.yaml")
    found = []
    for name in pipeline["stages"]:
        job = pipeline[name]
        total = job.get("parallel", 1)
        for index in range(1, total + 1):
            environment = {"CI_NODE_INDEX": str(index), "CI_NODE_TOTAL": str(total), "DIGEST": DIGEST}
            for line in job["script"]:
                found += [parsed(each) for each in calls(line.replace("> show.env", ""), environment)]
    return found


PIPELINES = {"fleet-kubernetes.yaml": of_kubernetes, "fleet-github.yaml": of_github, "fleet-gitlab.yaml": of_gitlab}


@pytest.mark.parametrize("name", PIPELINES)
def test_every_shard_plans_and_applies(name):
    found = PIPELINES[name]()
    assert shards(found, "plan") == ALL
    assert shards(found, "apply") == ALL
    for verb, parameters in found:
        if verb == "apply":
            assert parameters["digest"] == DIGEST or parameters["approvals"], "something approves"
            assert parameters["receipt"]


def test_there_is_no_other_file_for_fleets():
    """Those of one target are held by `tests/pipelines/`."""
    assert {path.name for path in FOLDER.glob("fleet-*")} == set(PIPELINES)


def test_nothing_is_tried_again_by_kubernetes_and_every_index_has_a_pod():
    """What the fields mean: Kubernetes' reference of Job v1."""
    config, *jobs = documents("fleet-kubernetes.yaml")
    assert (config["apiVersion"], config["kind"]) == ("v1", "ConfigMap")
    for job in jobs:
        spec = job["spec"]
        assert (job["apiVersion"], job["kind"], spec["completionMode"]) == ("batch/v1", "Job", "Indexed")
        assert spec["backoffLimitPerIndex"] == 0
        assert spec["podReplacementPolicy"] == "Failed"
        pod = spec["template"]["spec"]
        assert pod["restartPolicy"] == "Never"
        [container] = pod["containers"]
        volumes = {volume["name"] for volume in pod["volumes"]}
        assert {mount["name"] for mount in container["volumeMounts"]} == volumes
    assert "approved.txt" in config["data"]


def test_jobs_of_github_wait_for_what_they_use():
    [workflow] = documents("fleet-github.yaml")
    for job in workflow["jobs"].values():
        for text in re.findall(r"needs\.(\w+)\.outputs\.(\w+)", str(job)):
            assert text[0] in job["needs"]
            assert text[1] in workflow["jobs"][text[0]]["outputs"]


def test_stages_of_gitlab_are_there():
    [pipeline] = documents("fleet-gitlab.yaml")
    jobs = {name: job for name, job in pipeline.items() if name not in ("stages", "default")}
    assert {job["stage"] for job in jobs.values()} == set(pipeline["stages"])
    assert all(need in jobs for job in jobs.values() for need in job.get("needs", ()))

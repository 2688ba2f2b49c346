"""Runs jobs of a workflow as GitHub's runner would: their conditions, their environment, the steps of our action.

Not run are the actions of others: of those, checkout is done here, and what would be uploaded is kept in a folder. Our
own is not installed but called from this tree.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from docs.pages import ROOT, blocks
from pipelines.expressions import filled, runs
from pipelines.forge import REPOSITORY, Forge

README = yaml.safe_load(blocks("yaml workflow")[0].text)
"""The workflow that the README shows."""

ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))


@dataclass
class Ran:
    """What became of a job."""

    steps: dict[str, bool] = field(default_factory=dict)
    """Those that ran, by name, and whether they succeeded."""

    log: str = ""
    summary: str = ""
    uploaded: dict[str, Path] = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        return not all(self.steps.values())


class Runner:
    """A runner on this machine, for one repository of `forge`."""

    def __init__(self, forge: Forge, folder: Path, secrets: Mapping[str, str], variables: Mapping[str, str]) -> None:
        self.forge = forge
        self.folder = folder
        self.secrets = secrets
        self.variables = variables
        self.count = 0

    def run(self, workflow: Mapping[Any, Any], event_name: str, event: Mapping[str, Any], sha: str) -> dict[str, Ran]:
        """All jobs of a workflow that this event starts."""
        github = {
            "event_name": event_name, "event": event, "repository": REPOSITORY, "token": "token-of-the-job",
            "run_id": "4711", "actor": "carol", "sha": sha,
        }  # fmt: skip
        contexts = {"github": github, "secrets": self.secrets, "vars": self.variables}
        return {
            name: self._job(job, contexts)
            for name, job in workflow["jobs"].items()
            if runs(job.get("if", ""), contexts, failed=False)
        }

    def _job(self, job: Mapping[str, Any], contexts: Mapping[str, Any]) -> Ran:
        self.count += 1
        here = _Job(self.forge, self.folder / f"job-{self.count}", contexts)
        for step in job["steps"]:
            match step["uses"].partition("@")[0]:
                case "actions/checkout":
                    here.check_out(step["with"])
                case "OWNER/reconciler":
                    environment = {name: filled(text, contexts) for name, text in step.get("env", {}).items()}
                    here.act({name: filled(str(text), contexts) for name, text in step["with"].items()}, environment)
                case other:
                    raise AssertionError(f"an action that nobody knows: {other}")
        return here.ran


class _Job:
    """A job that runs in a folder of its own."""

    def __init__(self, forge: Forge, place: Path, contexts: Mapping[str, Any]) -> None:
        self.forge = forge
        self.place = place
        self.contexts = contexts
        self.ran = Ran()
        self.temporary = place / "temp"
        self.temporary.mkdir(parents=True)

    def check_out(self, given: Mapping[str, Any]) -> None:
        """What actions/checkout does."""
        assert given == {"fetch-depth": 0, "persist-credentials": False}
        tree = self.place / "tree"
        self.forge.git("clone", "--quiet", self.forge.bare.as_uri(), str(tree), at=self.place)
        self.forge.git("checkout", "--quiet", self.contexts["github"]["sha"], at=tree)

    def act(self, given: Mapping[str, str], environment: Mapping[str, str]) -> None:
        """Our action, with these inputs."""
        assert set(given) <= set(ACTION["inputs"]), "inputs that the action does not have"
        defaults = {name: filled(each.get("default", ""), self.contexts) for name, each in ACTION["inputs"].items()}
        steps: dict[str, Any] = {}
        inside = {
            "github": self.contexts["github"], "inputs": defaults | dict(given), "steps": steps,
            "runner": {"temp": str(self.temporary)},
        }  # fmt: skip
        for step in ACTION["runs"]["steps"]:
            if not runs(step.get("if", ""), inside, failed=self.ran.failed):
                continue
            if step["name"] == "Install":
                _as_installed(self.temporary / "reconciler" / "bin" / "reconciler")
            elif "uses" in step:
                self._upload(step, inside)
            else:
                own = {name: filled(text, inside) for name, text in step.get("env", {}).items()}
                outputs = self._shell(step, {**environment, **own})
                steps[step.get("id", step["name"])] = {"outputs": outputs}

    def _shell(self, step: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
        assert "${{" not in step["run"], "what others wrote would be run as shell"
        github = self.contexts["github"]
        outputs, summary, script = self.place / "output", self.place / "summary", self.place / "script"
        outputs.write_text("")
        summary.write_text("")
        script.write_text(step["run"])
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", script],
            cwd=self.place / "tree", text=True, check=False, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={
                "PATH": f"{self.forge.bin}:{os.environ['PATH']}", "HOME": str(self.place), "PYTHONPATH": str(ROOT),
                "FORGE": str(self.forge.state), "RUNNER_TEMP": str(self.temporary),
                "GITHUB_OUTPUT": str(outputs), "GITHUB_STEP_SUMMARY": str(summary), "GITHUB_REPOSITORY": REPOSITORY,
                "GITHUB_SERVER_URL": self.forge.folder.as_uri(), "GITHUB_RUN_ID": github["run_id"],
                "GITHUB_EVENT_NAME": github["event_name"], "GITHUB_SHA": github["sha"],
                "GITHUB_ACTOR": github["actor"], **environment,
            },
        )  # fmt: skip
        self.ran.steps[step["name"]] = done.returncode == 0
        self.ran.log += f"--- {step['name']}: {done.returncode}\n{done.stdout}"
        self.ran.summary += summary.read_text()
        return dict(re.findall(r"^([\w-]+)=(.*)$", outputs.read_text(), re.M))

    def _upload(self, step: Mapping[str, Any], contexts: Mapping[str, Any]) -> None:
        assert re.fullmatch(r"actions/upload-artifact@[0-9a-f]{40}", step["uses"])
        source = Path(filled(step["with"]["path"], contexts))
        if source.exists():
            kept = self.place / "artifacts" / filled(step["with"]["name"], contexts)
            shutil.copytree(source, kept)
            self.ran.uploaded[kept.name] = kept


def _as_installed(program: Path) -> None:
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m reconciler "$@"\n')
    program.chmod(0o755)


def opened(number: int, head: str, *, base: str = "", of: str = REPOSITORY) -> dict[str, Any]:
    """The event of a pull request from `base`, a commit; `of` is the repository that its branch is in."""
    return {"number": number, "pull_request": {"base": {"sha": base}, "head": {"sha": head, "repo": {"full_name": of}}}}

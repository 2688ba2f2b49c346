"""Manifests of Kubernetes: valid, with no right that is not needed, and the pod of the drift does what it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import Any

import pytest
import yaml
from docs.pages import ROOT
from pipelines.checkers import complaints, needs_programs
from pipelines.forge import Forge

FOLDER = ROOT / "docs" / "pipelines"
CRON = yaml.safe_load((FOLDER / "kubernetes.yaml").read_text(encoding="utf-8"))
JOB = CRON["spec"]["jobTemplate"]["spec"]
POD = JOB["template"]["spec"]


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["kubernetes.yaml", "fleet-kubernetes.yaml"])
def test_they_are_valid(name):
    assert complaints("kubernetes-validate", "--strict", FOLDER / name) == ""


def test_a_drift_runs_once_at_a_time_and_is_not_tried_again():
    assert CRON["spec"]["concurrencyPolicy"] == "Forbid"
    assert JOB["backoffLimit"] == 0
    assert POD["restartPolicy"] == "Never"
    assert JOB["activeDeadlineSeconds"]


def test_the_pod_has_no_right_that_it_does_not_need():
    assert POD["automountServiceAccountToken"] is False
    assert POD["securityContext"]["runAsNonRoot"] is True
    user = POD["securityContext"]["runAsUser"]
    assert f"\nUSER {user}:{user}\n" in (ROOT / "Dockerfile").read_text(encoding="utf-8")
    for container in (*POD["initContainers"], *POD["containers"]):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
        }  # fmt: skip
        assert re.fullmatch(r"\S+:\d+\.\d+\.\d+", container["image"])
    assert "env" not in POD["containers"][0]
    assert POD["containers"][0]["envFrom"] == [{"secretRef": {"name": "reconciler-reading"}}]


def run(container: dict[str, Any], volume: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """What a container runs, with `volume` as the folder that is mounted for the repository."""
    words = [word.replace("/repository", volume) for word in container["command"]]
    return subprocess.run(
        words, cwd=container.get("workingDir", "/").replace("/repository", volume), env=environment,
        capture_output=True, text=True, check=False,
    )  # fmt: skip


@needs_programs
def test_the_pod_reads_the_repository_and_tells_what_differs(tmp_path, database, sql):
    sql.execute("create table tasks (id bigint primary key, status text)")
    forge = Forge(tmp_path / "forge")
    (forge.clone / "desired").mkdir()
    (forge.clone / "desired" / "app.yaml").write_text(
        'targets: {main: {postgres: "${DATABASE_URL}"}}\n---\n'
        "target: main\ntables: {public.tasks: {indexes: {tasks_status_idx: {columns: [status]}}}}\n"
    )
    forge.commit("Everything")
    (forge.bin / "reconciler").write_text(f'#!/bin/sh\nexec {sys.executable} -m reconciler "$@"\n')
    (forge.bin / "reconciler").chmod(0o755)
    environment = {
        "PATH": f"{forge.bin}:{os.environ['PATH']}", "HOME": "/nowhere", "PYTHONPATH": str(ROOT),
        "DATABASE_URL": database, "GIT_CONFIG_COUNT": "1",
        # In place of the header: where the forge is.
        "GIT_CONFIG_KEY_0": f"url.{forge.bare.as_uri()}.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://git.example.com/team/tuning.git",
    }  # fmt: skip
    [repository], [drift] = POD["initContainers"], POD["containers"]
    (tmp_path / "volume").mkdir()
    cloned = run(repository, str(tmp_path / "volume"), environment)
    assert cloned.returncode == 0, cloned.stderr
    found = run(drift, str(tmp_path / "volume"), environment)
    assert found.returncode == 2, found.stderr
    assert "tasks_status_idx" in found.stdout

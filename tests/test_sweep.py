"""However a run of the tests ends, no server and no folder of it is left."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import sweep
from waiting import until

ROOT = Path(__file__).resolve().parents[1]

TEST = """
import time
import redis


def test_that_never_ends(postgres, redis_server, tmp_path):
    (tmp_path / "closed" / "to everybody").mkdir(parents=True)
    (tmp_path / "closed").chmod(0)
    (tmp_path / "something").write_text("of the test's own")
    time.sleep(600)
"""

INTERRUPTED = {
    "Ctrl-C": [signal.SIGINT],
    "Ctrl-C twice": [signal.SIGINT, signal.SIGINT],
    "kill": [signal.SIGTERM],
    "kill -9": [signal.SIGKILL],
}


@pytest.fixture(params=["0", "2"], ids=["one process", "two processes"])
def running(request: pytest.FixtureRequest, tmp_path: Path, folder: Path):
    """A run of one test that has started its servers, and the folder of that run."""
    (tmp_path / "test_it.py").write_text(TEST)
    run = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-c", ROOT / "pyproject.toml", "--rootdir", tmp_path, "--confcutdir", tmp_path,
         "-p", "conftest", "--numprocesses", request.param, tmp_path / "test_it.py"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=tmp_path,
        start_new_session=True, env=os.environ | {"PYTHONPATH": str(ROOT / "tests")},
    )  # fmt: skip
    named = next(line for line in run.stdout if line.startswith("folder: "))
    of_the_run = Path(re.match(r"folder: (\S+),", named)[1])
    until(lambda: list(of_the_run.glob("tests/**/something")), "the test runs")
    yield run, of_the_run
    sweep.sweep(of_the_run)


@pytest.mark.thorough
@pytest.mark.parametrize("signals", INTERRUPTED.values(), ids=INTERRUPTED)
def test_an_interrupted_run_leaves_nothing(running, signals):
    run, of_the_run = running
    assert len(sweep.of_the_run(str(of_the_run))) > 2
    for number in signals:
        os.killpg(run.pid, number)
        time.sleep(0.1)  # two hands on the keyboard
    until(lambda: not of_the_run.exists(), "the folder is gone")
    assert sweep.of_the_run(str(of_the_run)) == []
    run.wait(60)


def test_what_runs_left_whose_watchers_were_killed_with_them_goes_with_the_next(tmp_path):
    old, young, at_work = (tmp_path / f"{sweep.PREFIX}{name}" for name in ("old", "young", "at work"))
    others = tmp_path / "others"
    for each in (old, young, at_work, others):
        each.mkdir()
        (each / "a file").write_text("of a cluster")
    then = time.time() - sweep.ABANDONED - 60
    for each in (old, at_work, others):
        os.utime(each, (then, then))
    with subprocess.Popen(["sleep", "60"], cwd=at_work, env=os.environ | {sweep.MARK: str(at_work)}) as process:
        sweep.sweep_abandoned(tmp_path)
        process.kill()
    assert [each.exists() for each in (old, young, at_work, others)] == [False, True, True, True]

"""`--executor`: which clusters are spoken to, and what a worker makes of a task, without a cluster."""

from __future__ import annotations

import json
import socket
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from views.sample import PLAN

from reconciler import __version__
from reconciler.applying.gates.gate import Options
from reconciler.applying.interruption import Interruption
from reconciler.documents import plan as plan_file
from reconciler.documents import task as task_file
from reconciler.errors import ApplyError, DocumentError, NotBegun, UsageError
from reconciler.fleet.executors import address, dask_cluster, dask_task
from reconciler.fleet.executors.worker import Settings, result_of
from reconciler.model import NEEDS_PERMISSION, HazardType, NotApplied, Plan, PostgresTarget, Task, TaskResult
from reconciler.planning.groups import groups_of

TASK = Task(reconciler_version=__version__, target="acme", plan="{}", parallel=2, max_age=timedelta(hours=1),
            allowed=(HazardType.INDEX_DROP,))  # fmt: skip


@pytest.fixture
def files(tmp_path) -> list[str]:
    (tmp_path / "x.pem").touch()
    return [word for name in ("ca", "cert", "key") for word in (f"--tls-{name}", str(tmp_path / "x.pem"))]


REFUSED = {
    "celery:redis://x": "there is no executor 'celery:redis://x'\n  expected dask:tls://HOST:PORT",
    "dask": "there is no executor 'dask'",
    "dask:": "'' is no address of a scheduler",
    "dask:tls://scheduler": "'tls://scheduler' is no address of a scheduler",
    "dask:tls://scheduler:99999": "is no address of a scheduler",
    "dask:ws://127.0.0.1:8786": "is no address of a scheduler",
    "dask:tls://a:1,tcp://b:2": "is no address of a scheduler",
    "dask:tcp://scheduler:8786": "would be spoken to in clear",
    "dask:tcp://10.0.0.1:8786": "would be spoken to in clear",
    "dask:tcp://0.0.0.0:8786": "would be spoken to in clear",
    "dask:tcp://127.0.0.1.evil.example:8786": "would be spoken to in clear",
    "dask:tls://scheduler:8786": "needs certificates of both sides: --tls-ca, --tls-cert, --tls-key",
}


@pytest.mark.parametrize(("executor", "said"), REFUSED.items())
def test_a_cluster_that_cannot_be_is_refused(reconciler, tmp_path, executor, said):
    (tmp_path / "plans").mkdir()
    code, out, err = reconciler("apply", f"{tmp_path / 'plans'}/", "--executor", executor)
    assert (code, out) == (1, "")
    assert said in err


def test_what_does_not_belong_together_is_refused(reconciler, tmp_path, files):
    plans = f"{tmp_path / 'plans'}/"
    (tmp_path / "plans").mkdir()
    there = ("--executor", "dask:tls://scheduler:8786", *files)
    assert "is about TLS" in reconciler("apply", plans, "--executor", "dask:tcp://[::1]:8786", *files)[2]
    assert "--tls-key: there is no file" in reconciler("apply", plans, *there[:-1], tmp_path / "none")[2]
    assert "--executor is about a folder of plans" in reconciler("apply", "main", *there)[2]
    assert "--place-by chooses workers of a cluster" in reconciler("apply", plans, "--place-by", "region")[2]
    for option in (["--no-rehearsal"], ["--allow-superseded", "a/pg_index/b.c"]):
        code, _, err = reconciler("apply", plans, *there, *option)
        assert code == 1
        assert f"{option[0]} is nothing that a worker takes from anybody" in err


def test_clear_is_for_workers_of_this_machine_alone(tmp_path):
    here = address.parse("dask:tcp://localhost:8786", authority=None, own=None, key=None)
    here.expect_spoken_to_alike(["tcp://127.0.0.1:40001"])
    with pytest.raises(UsageError, match=r"a worker at tcp://10\.0\.0\.1:40001, which is spoken to in clear"):
        here.expect_spoken_to_alike(["tcp://127.0.0.1:40001", "tcp://10.0.0.1:40001"])
    (tmp_path / "x").touch()
    tls = address.parse("dask:tls://h:1", authority=tmp_path / "x", own=tmp_path / "x", key=tmp_path / "x")
    tls.expect_spoken_to_alike(["tls://10.0.0.1:40001"])
    with pytest.raises(UsageError):
        tls.expect_spoken_to_alike(["tcp://10.0.0.1:40001"])


def test_labels_are_resources():
    cluster = address.Cluster("tcp://127.0.0.1:1", None, ("region", "tier"))
    target = PostgresTarget(name="a", url="postgresql:///a", labels={"region": "eu", "tier": "gold", "env": "prod"})
    assert cluster.resources_of({"a": target}) == {"a": {"region-eu": 1, "tier-gold": 1}}
    with pytest.raises(UsageError, match="b has no label region"):
        cluster.resources_of({"b": PostgresTarget(name="b", url="postgresql:///b", labels={})})


def test_without_dask_it_is_said_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UsageError, match=r"needs Dask\n  pip install 'reconciler\[dask\]'"):
        dask_cluster._client(address.Cluster("tcp://127.0.0.1:1", None))


def test_a_scheduler_that_is_not_there_is_an_error(monkeypatch):
    monkeypatch.setattr(dask_cluster, "CONNECTING", 0.5)
    with pytest.raises(ApplyError, match=r"the scheduler at tcp://127\.0\.0\.1:9 cannot be spoken to"):
        dask_cluster._client(address.Cluster("tcp://127.0.0.1:9", None))


def test_a_scheduler_that_accepts_and_says_nothing_is_an_error(monkeypatch):
    """As one that is stopped: its system accepts for it, and Dask waits for its first words without a limit."""
    monkeypatch.setattr(dask_cluster, "CONNECTING", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        said = r"cannot be spoken to: it has said nothing for 1 s\n  nothing was run"
        with pytest.raises(ApplyError, match=said):
            dask_cluster._client(address.Cluster(f"tcp://127.0.0.1:{silent.getsockname()[1]}", None))


def test_tasks_and_results_are_documents():
    assert task_file.load(task_file.dump(TASK), source="x") == TASK
    result = TaskResult(reconciler_version=__version__, message="no\n  because", not_applied=NotApplied.HELD)
    assert task_file.load_result(task_file.dump_result(result), source="x") == result
    assert json.loads(task_file.dump(TASK))["format"] == "reconciler-task"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is empty"),
        (b"\xff", "is not text"),
        (b"[]", "but not a task"),
        (task_file.dump_result(TaskResult(reconciler_version=__version__)), "its format is not reconciler-task"),
        (
            task_file.dump(TASK.model_copy(update={"reconciler_version": "0.0.1"})),
            "is of reconciler 0.0.1, and this is",
        ),
        (task_file.dump(TASK).replace(b'"1.0"', b'"2.0"'), "has format 2.0"),
        (task_file.dump(TASK).replace(b'"parallel": 2', b'"parallel": 0'), "greater than 0"),
        (task_file.dump(TASK).replace(b'"parallel": 2', b'"parallel": 2, "rehearsal": false'), "rehearsal"),
        ("text", "is not a task"),
    ],
)
def test_what_is_no_task_is_refused(data, said):
    with pytest.raises(DocumentError, match=said):
        task_file.load(data, source="the task")


def answered(data: bytes, env: dict[str, str], interruption: Interruption | None = None) -> TaskResult:
    return task_file.load_result(result_of(data, env, interruption or Interruption()), source="x")


def test_a_worker_without_approvals_applies_nothing(tmp_path):
    assert "knows of nothing that is approved" in answered(task_file.dump(TASK), {}).message
    env = {"RECONCILER_WORKER_APPROVALS": str(tmp_path / "approved")}
    assert "is JSON, but not a plan" in answered(task_file.dump(TASK), env).message
    assert "the task is not JSON" in answered(b"x", env).message


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("RECONCILER_WORKER_ALLOW", "index-drop,everything", "'everything' is no hazard"),
        ("RECONCILER_WORKER_PARALLEL", "0", "is no number of builds at once"),
        ("RECONCILER_HOSTS", "*", "the variable RECONCILER_HOSTS of this worker: patterns are not known"),
        ("RECONCILER_TARGETS", "/not/there", "there is no file '/not/there'"),
    ],
)
def test_settings_of_a_worker_that_cannot_be_are_told_to_the_client(name, text, said):
    env = {"RECONCILER_WORKER_APPROVALS": "/approved", name: text}
    assert said in answered(task_file.dump(TASK), env).message


def test_settings_of_a_worker(tmp_path):
    (tmp_path / "targets.yaml").touch()
    found = Settings.of(
        {
            "RECONCILER_WORKER_APPROVALS": "/approved", "RECONCILER_WORKER_ALLOW": "index-drop, restart",
            "RECONCILER_TARGETS": str(tmp_path / "targets.yaml"), "RECONCILER_HOSTS": "db1",
        }
    )  # fmt: skip
    assert (found.desired, found.approvals, found.parallel) == (Path("desired"), Path("/approved"), 2)
    assert found.allowed == {HazardType.INDEX_DROP, HazardType.RESTART}
    assert found.reach.targets == tmp_path / "targets.yaml"
    assert [host.name for host in found.reach.hosts] == ["db1"]


def asked(plan: Plan, /, tmp_path: Path, interruption: Interruption | None = None, **more) -> TaskResult:
    """What a worker answers that approves all groups of this plan, and allows everything."""
    (tmp_path / "approved").write_text("".join(f"{group.digest}\n" for group in groups_of(plan.changes)))
    task = TASK.model_copy(update={"target": "main", "plan": plan_file.dump(plan), **more})
    env = {
        "RECONCILER_WORKER_APPROVALS": str(tmp_path / "approved"),
        "RECONCILER_WORKER_ALLOW": ",".join(NEEDS_PERMISSION),
        "RECONCILER_DESIRED": str(tmp_path / "desired"),
    }
    return answered(task_file.dump(task), env, interruption)


def of_main(**more) -> Plan:
    changes = tuple(change for change in PLAN.changes if change.address.target == "main")
    targets = {name: info for name, info in PLAN.targets.items() if name == "main"}
    return plan_file.seal(
        PLAN.model_copy(update={"changes": changes, "targets": targets, "notices": (), "checks": (), **more})
    )


def test_a_task_holds_the_plan_of_its_target_alone(tmp_path):
    said = asked(PLAN, tmp_path)
    assert (said.not_applied, said.message.split("\n")[0]) == ("refused", "the plan is not about main alone")


def test_an_old_plan_is_refused_however_old_the_client_lets_it_be(tmp_path):
    eight_days = datetime.now(UTC).replace(microsecond=0) - timedelta(days=8)
    for asked_for in (None, timedelta(days=30)):
        said = asked(of_main(created_at=eight_days), tmp_path, max_age=asked_for)
        assert "8d ago: older than 7d" in said.message
    an_hour = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)
    assert "older than 60min" in asked(of_main(created_at=an_hour), tmp_path, max_age=timedelta(hours=1)).message


def test_an_altered_plan_is_refused(tmp_path):
    plan = plan_file.dump(of_main()).replace("create index concurrently", "create index")
    assert "was altered" in asked(of_main(), tmp_path, plan=plan).message


def test_a_target_that_the_worker_does_not_declare_is_refused(tmp_path):
    said = asked(of_main(created_at=datetime.now(UTC).replace(microsecond=0)), tmp_path)
    assert "desired" in said.message
    (tmp_path / "desired").mkdir()
    (tmp_path / "desired" / "x.yaml").write_text("targets: {mine: {postgres: 'postgresql://127.0.0.1/x'}}\n")
    said = asked(of_main(created_at=datetime.now(UTC).replace(microsecond=0)), tmp_path)
    assert "main" in said.message
    assert said.not_applied == "refused"


def test_interrupted_before_its_turn_a_task_was_not_begun(tmp_path):
    (tmp_path / "desired").mkdir()
    (tmp_path / "desired" / "x.yaml").write_text("targets: {main: {postgres: 'postgresql://127.0.0.1:1/x'}}\n")
    interruption = Interruption()
    interruption.set()
    plan = of_main(created_at=datetime.now(UTC).replace(microsecond=0))
    said = asked(plan, tmp_path, interruption=interruption)
    assert (said.not_applied, said.message) == ("interrupted", "interrupted before its turn: nothing was run")


class Turned:
    """A cluster with a task that no worker has begun: what it says of it, and whether the run was interrupted."""

    status = "running"
    is_lost = False

    def __init__(self, *, is_interrupted: bool, is_turned_away: bool) -> None:
        self.is_interrupted = is_interrupted
        self.is_turned_away = lambda key: is_turned_away
        self.missing = lambda resources: ""
        self.cancelled = False
        self.key = "key"
        self.submit = lambda *_, **__: self

    def add_done_callback(self, call) -> None:
        if not self.is_turned_away(self.key):
            call(self)

    def result(self, timeout: float) -> bytes:
        return task_file.dump_result(
            TaskResult(reconciler_version=__version__, not_applied=NotApplied.INTERRUPTED, message="interrupted")
        )

    def cancel(self) -> None:
        self.cancelled = True

    def release(self) -> None:
        pass


@pytest.mark.parametrize("is_turned_away", [True, False], ids=["no worker", "a worker"])
def test_a_task_that_was_not_begun_is_told_as_such(monkeypatch, is_turned_away):
    monkeypatch.setattr(dask_cluster, "BETWEEN_LOOKS", 0.01)
    cluster = Turned(is_interrupted=True, is_turned_away=is_turned_away)
    made = dask_cluster.DaskCluster(cluster, cluster, run="r", options=Options(), parallel=1, index="", resources={})
    with pytest.raises(NotBegun):
        made.apply("main", of_main())
    assert cluster.cancelled == is_turned_away


def test_interrupted_by_nobody_here_it_has_failed():
    """A worker that is to end turns away what it has not begun. The next wave is not to take that for no failure."""
    cluster = Turned(is_interrupted=False, is_turned_away=False)
    made = dask_cluster.DaskCluster(cluster, cluster, run="r", options=Options(), parallel=1, index="", resources={})
    with pytest.raises(ApplyError) as raised:
        made.apply("main", of_main())
    assert not isinstance(raised.value, NotBegun)


def test_a_task_is_interrupted_by_its_run_alone(monkeypatch):
    class Worker:
        class state:  # noqa: N801 - as Dask calls it
            tasks = {}

    monkeypatch.setattr(dask_task, "INTERRUPTED", dask_task.INTERRUPTED.copy())
    monkeypatch.setattr(dask_task.TaskInterruption, "_is_abandoned", lambda self: False)
    mine, other = (dask_task.TaskInterruption(run, Worker, "key") for run in ("mine", "other"))
    dask_task.interrupt("mine")
    assert (bool(mine), mine.insisted(), bool(other)) == (True, False, False)
    dask_task.interrupt("mine")
    assert mine.insisted()

"""`apply DIR --executor dask:…`: workers apply what they themselves declare and approve, whoever is killed."""

from __future__ import annotations

import pickle
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from applying.acting import Command
from faults.scenes import Gate
from waiting import PATIENCE, until

from fleet.dask_cluster import NO_SECOND_RUN, Authority, Grid
from fleet.test_fleet_apply import ALL, build_on, results
from reconciler.documents import receipt as receipt_file
from reconciler.fleet import folder
from reconciler.fleet.executors import dask_task
from reconciler.model import Applied

pytestmark = [pytest.mark.thorough, pytest.mark.rotated]


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> Authority:
    return Authority.make(tmp_path_factory.mktemp("tls") / "authority")


@pytest.fixture
def grid(databases, authority, tmp_path) -> Iterator[Grid]:
    """A cluster without processes, whose workers declare what the client does, with credentials that it has not."""
    made = Grid(tmp_path / "grid", authority)
    credentials(made, databases)
    yield made
    made.close()


@pytest.fixture
def workers(grid) -> Grid:
    """The same, with a scheduler and a worker."""
    grid.scheduler()
    grid.worker("--resources", "env-prod=2")
    return grid


@pytest.fixture
def plans(databases, grid, reconciler, tmp_path) -> Path:
    """Made by somebody with credentials; whoever applies them knows names and labels, and no address."""
    assert reconciler("plan", "--out-dir", tmp_path / "plans")[0] == 0
    databases.declare(**{name: f"postgresql://{name}.invalid/x" for name in databases.urls})
    return tmp_path / "plans"


def credentials(grid: Grid, databases) -> None:
    """Everything that is declared, for the workers."""
    shutil.copytree(databases.desired, grid.home / "desired", dirs_exist_ok=True)


def approve(grid: Grid, *digests: str) -> None:
    grid.approvals.write_text("".join(f"{digest}\n" for digest in digests))


@pytest.fixture
def at_workers(grid):
    """The command line, as somebody with the credentials of the workers runs it."""
    return Command(grid.home / "desired", {}).run


@pytest.fixture
def client(databases, grid, plans, tmp_path):
    """`apply DIR` on the cluster, as a process of its own that approves everything."""

    def start(*more: str | Path, constants: dict | None = None):
        command = Command(databases.desired, {})
        wanted = ("apply", plans, "--digest", folder.read(plans).digest, *grid.options(), *more)
        return command.start(*wanted, constants=constants)

    return start


@pytest.fixture
def at_gate(databases, plans):
    """A gate in the first database, and the build that waits there."""
    return Gate(databases.urls["acme"]), build_on(plans, "acme")


def ended(process) -> tuple[int, str, str]:
    """Its exit code, and all that it said, each on one line: tables wrap."""
    out, err = process.communicate(timeout=PATIENCE)
    return process.returncode, " ".join(out.split()), " ".join(err.split())


def expect_building(gate: Gate, run, grid: Grid) -> None:
    until(lambda: gate.arrived() or run.poll() is not None, "the worker builds", log=grid.log)
    assert gate.arrived(), ended(run)


@pytest.fixture
def converges(databases, grid, client, at_workers, tmp_path):
    """The next run builds what is missing, nothing twice, and nothing is left to plan."""

    def call() -> None:
        built, receipts = databases.built(), tmp_path / "receipts of the next run"
        code, out, err = ended(client("--receipt", receipts))
        assert code == 0, out + err + grid.log()
        after = databases.built()
        assert set(after) == set(ALL)
        assert {name: after[name] for name in built} == built, "nothing is built twice"
        assert results(receipts) == [dict.fromkeys(ALL, "applied")]
        assert at_workers("plan", "--detailed-exitcode")[0] == 0

    return call


@pytest.mark.quick
def test_workers_apply_with_credentials_that_the_client_has_not(
    databases, plans, workers, at_workers, tmp_path, authority
):
    fleet, receipts = folder.read(plans), tmp_path / "receipts"
    groups = [word for group in fleet.groups for word in ("--approve", group.digest)]
    wanted = ("apply", plans, *groups, "--receipt", receipts, *workers.options("--place-by", "env"))
    start = Command(databases.desired, {}).start
    approve(workers, "0" * 64, fleet.digest)
    code, out, err = ended(start(*wanted))
    assert (code, databases.built()) == (1, {}), "the whole index is approved there, and a group was here"
    assert "acme: failed: the worker's own file approves neither the index nor the group of acme/pg_index/" in out
    approve(workers, *(group.digest for group in fleet.groups))
    code, out, err = ended(start(*wanted))
    assert code == 0, out + err + workers.log()
    assert results(receipts)[1] == dict.fromkeys(ALL, "applied")
    made = [receipt_file.read(path).changes[0].result for path in receipts.glob("*/*.receipt.json")]
    assert made == [Applied.APPLIED] * 4
    assert set(databases.built()) == set(ALL)
    assert at_workers("plan", "--detailed-exitcode")[0] == 0


def test_a_worker_takes_nothing_that_loosens(databases, plans, workers, client, reconciler, tmp_path):
    """It has its own targets, its own approvals and its own hazards, and says no where the client says yes."""
    approve(workers, "0" * 64)
    code, out, _err = ended(client())
    assert (code, databases.built()) == (1, {})
    assert out.count("the worker's own file approves neither") == 4
    approve(workers, folder.read(plans).digest)
    (workers.home / "desired" / "fleet.csv").write_text(f"name,url\nglobex,{databases.urls['globex']}\n")
    code, out, _err = ended(client())
    assert (code, set(databases.built())) == (1, {"globex"})
    assert out.count("failed: ") == 3, "the worker does not know them"
    credentials_again = "".join(f"{name},{url}\n" for name, url in databases.urls.items())
    (workers.home / "desired" / "fleet.csv").write_text(f"name,url\n{credentials_again}")
    (workers.home / "desired" / "fleet.yaml").write_text(
        (workers.home / "desired" / "fleet.yaml").read_text().replace("[status, priority desc]", "[status]")
    )
    code, out, _err = ended(client())
    assert (code, set(databases.built())) == (1, {"globex"}), "the worker declares something else by now"
    assert out.count("superseded: it is declared otherwise by now") == 4, out


def test_a_worker_allows_hazards_by_itself(databases, reconciler, grid, tmp_path):
    databases.sql("acme", "create index tasks_status_idx on tasks (title)")
    plans = tmp_path / "plans"
    assert reconciler("plan", "--out-dir", plans, "acme")[0] == 0
    digest, before = folder.read(plans).digest, databases.built()
    grid.scheduler()
    worker = grid.worker()
    approve(grid, digest)
    wanted = ("apply", plans, "--digest", digest, "--allow", "index-drop")
    code, out, _ = reconciler(*wanted, *grid.options())
    out = " ".join(out.split())
    assert (code, databases.built()) == (1, before)
    assert "the worker does not allow index-drop; nothing was run" in out
    assert "whoever runs the worker decides it: RECONCILER_WORKER_ALLOW" in out
    worker.kill()
    grid.worker(RECONCILER_WORKER_ALLOW="index-drop")
    code, out, err = reconciler(*wanted, *grid.options())
    assert code == 0, out + err + grid.log()
    assert databases.built() != before


def test_no_secret_travels(databases, plans, workers, at_workers, reconciler, tmp_path, monkeypatch):
    """Neither in what is asked, also where the client has the passwords, nor in what is answered."""
    from distributed import Client, Future

    password = "a-password-that-is-nobodys"
    secret = {name: url.replace("postgres@", f"postgres:{password}@") for name, url in databases.urls.items()}
    assert all(password in url for url in secret.values())
    databases.declare(**secret)
    wrong = secret | {"acme": secret["acme"].replace("fleet_acme", "not_there")}
    rows = "".join(f"{name},{url}\n" for name, url in wrong.items())
    (workers.home / "desired" / "fleet.csv").write_text(f"name,url\n{rows}")
    travelled: list[bytes] = []

    def submit(self, function, *arguments, **options):
        assert (function, [type(each) for each in arguments]) == (dask_task.apply, [str, bytes])
        travelled.append(pickle.dumps((arguments, options)))
        return real_submit(self, function, *arguments, **options)

    def result(self, timeout=None):
        answer = real_result(self, timeout)
        assert type(answer) is bytes
        travelled.append(answer)
        return answer

    real_submit, real_result = Client.submit, Future.result
    monkeypatch.setattr(Client, "submit", submit)
    monkeypatch.setattr(Future, "result", result)
    fleet = folder.read(plans)
    approve(workers, fleet.digest)
    code, out, err = reconciler("apply", plans, "--digest", fleet.digest, *workers.options())
    assert (code, set(databases.built())) == (1, {"globex", "initech", "umbrella"}), out + err + workers.log()
    assert "acme: not reached: acme: cannot connect" in out
    assert len(travelled) == 8
    assert all(b"tasks_status_idx" in each or b"cannot connect" in each for each in travelled)
    assert not [each for each in (*travelled, out.encode(), err.encode(), workers.log().encode())
                if password.encode() in each]  # fmt: skip


def test_what_is_held_is_tried_once_more_by_another_task(databases, plans, workers, reconciler, monkeypatch):
    """Dask would answer a task of the same name with the result that it has."""
    from distributed import Client

    keys: list[str] = []

    def submit(self, *arguments, **options):
        keys.append(options["key"])
        return real_submit(self, *arguments, **options)

    real_submit = Client.submit
    monkeypatch.setattr(Client, "submit", submit)
    digest = folder.read(plans).digest
    approve(workers, digest)
    with psycopg.connect(databases.urls["acme"]) as other:
        other.execute("select pg_advisory_lock(8243104023216089452)")
        code, out, err = reconciler("apply", plans, "--digest", digest, *workers.options())
    assert (code, set(databases.built())) == (1, {"globex", "initech", "umbrella"}), out + err
    assert "acme: held by another apply" in out
    assert len([key for key in keys if "-acme-" in key]) == 2
    assert len({*keys}) == 5


def test_waves_are_rolled_out_on_workers(databases, workers, reconciler, tmp_path):
    yaml = databases.desired / "fleet.yaml"
    yaml.write_text(yaml.read_text() + "---\nrollout: {waves: [{where: name = acme}, {share: 100%}]}\n")
    plans = tmp_path / "plans"
    assert reconciler("plan", "--out-dir", plans)[0] == 0
    digest = folder.read(plans).digest
    approve(workers, digest)
    wanted = ("apply", plans, "--digest", digest, *workers.options())
    with psycopg.connect(databases.urls["acme"]) as other:
        other.execute("select pg_advisory_lock(8243104023216089452)")
        code, out, err = reconciler(*wanted)
    assert (code, databases.built()) == (1, {}), out + err
    code, out, err = reconciler(*wanted)
    assert (code, set(databases.built())) == (0, set(ALL)), out + err + workers.log()
    assert err.index("wave 1 of 2, where name = acme: done") < err.index("wave 2 of 2")


@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_ends_builds_on_the_server(databases, plans, workers, client, at_gate, converges, tmp_path,
                                                      asked):  # fmt: skip
    receipts = tmp_path / "receipts"
    approve(workers, folder.read(plans).digest)
    gate, build = at_gate
    with gate.closed(build):
        run = client("--receipt", receipts)
        expect_building(gate, run, workers)
        run.send_signal(asked)
        code, out, err = ended(run)
        assert code == 1, out + err
        assert not gate.arrived(), "the build was cancelled there"
    assert results(receipts)[0]["acme"] == "failed"
    [receipt] = [receipt_file.read(path) for path in receipts.glob("*/acme.receipt.json")]
    assert receipt.changes[0].result is Applied.FAILED, "what the worker did is known"
    converges()


@pytest.mark.quick
def test_a_worker_that_is_killed_has_failed_and_the_next_run_resumes(databases, plans, workers, client, at_gate,
                                                                    converges, tmp_path):  # fmt: skip
    receipts = tmp_path / "receipts"
    approve(workers, folder.read(plans).digest)
    gate, build = at_gate
    with gate.closed(build):
        run = client("--receipt", receipts)
        expect_building(gate, run, workers)
        workers.processes[-1].kill()
        workers.worker("--resources", "env-prod=2")
        code, out, _err = ended(run)
        gate.turn_away()
        assert (code, "acme" in databases.built()) == (1, False), "nobody else has tried it"
    assert "acme: failed: the worker ended while it was at work" in out
    assert results(receipts)[0]["acme"] == "failed"
    converges()


def test_without_its_scheduler_everybody_ends(databases, plans, workers, client, at_gate, converges):
    approve(workers, folder.read(plans).digest)
    gate, build = at_gate
    with gate.closed(build):
        run = client()
        expect_building(gate, run, workers)
        workers.processes[0].kill()
        code, out, _err = ended(run)
        assert code == 1
        assert "acme: failed: the scheduler is gone: what became of it is not known here" in out
        until(lambda: not gate.arrived(), "the worker cancels the build on the server", log=workers.log)
    workers.scheduler()
    workers.worker()
    converges()


def test_a_scheduler_that_falls_silent_is_gone_after_a_while(databases, plans, workers, client, at_gate, converges):
    approve(workers, folder.read(plans).digest)
    gate, build = at_gate
    with gate.closed(build):
        run = client(constants={"reconciler.fleet.executors.dask_watch.SILENCE": 2})
        expect_building(gate, run, workers)
        workers.processes[0].send_signal(signal.SIGSTOP)
        code, out, _ = ended(run)
        assert code == 1
        assert "acme: failed: the scheduler is gone: what became of it is not known here" in out
        workers.processes[0].send_signal(signal.SIGCONT)
        until(lambda: not gate.arrived(), "the client is gone, and the build with it", log=workers.log)
    converges()


def test_what_a_retired_worker_was_at_another_begins_anew(databases, plans, workers, client, at_gate, converges):
    """Dask runs such a task again, whatever it is told of failures: the first ends its build, and the second
    begins when that has gone, or finds the lock held."""
    from distributed import Client
    from distributed.security import Security

    approve(workers, folder.read(plans).digest)
    gate, build = at_gate
    with gate.closed(build):
        run = client()
        expect_building(gate, run, workers)
        workers.worker("--resources", "env-prod=2")
        names = dict(
            zip(("tls_ca_file", "tls_client_cert", "tls_client_key"), workers.authority.of_dask[1::2], strict=True)
        )
        with Client(
            workers.address, security=Security(require_encryption=True, **names), set_as_default=False
        ) as other:
            there = other.scheduler_info()["workers"]
            other.retire_workers([address for address, worker in there.items() if worker["name"] == "w1"])
        until(lambda: workers.processes[1].poll() is not None, "it has ended", log=workers.log)
    code, out, err = ended(run)
    assert code == 0 or "acme: held by another apply" in out, out + err + workers.log()
    converges()


def test_a_build_ends_with_the_client_that_is_killed(databases, plans, workers, client, at_gate, converges):
    approve(workers, folder.read(plans).digest)
    gate, build = at_gate
    with gate.closed(build):
        run = client()
        expect_building(gate, run, workers)
        run.kill()
        run.wait(PATIENCE)
        until(lambda: not gate.arrived(), "the worker cancels the build on the server", log=workers.log)
    converges()


@pytest.mark.parametrize(
    ("environment", "why"),
    [
        ({}, "runs a task again whose worker has ended, 3 times"),
        (NO_SECOND_RUN, "gives up a worker that says nothing after 5 minutes"),
    ],
    ids=["it runs tasks again", "it waits for a worker that says nothing"],
)
def test_a_scheduler_that_is_not_set_so_is_refused(databases, plans, grid, client, environment, why):
    grid.scheduler(environment)
    grid.worker()
    approve(grid, folder.read(plans).digest)
    code, out, err = ended(client())
    assert (code, out, databases.built()) == (1, "", {})
    assert why in err


def test_another_version_is_refused(databases, plans, grid, client, tmp_path):
    other = tmp_path / "other.py"
    other.write_text("import reconciler\nreconciler.__version__ = '0.0.1'\n")
    grid.scheduler()
    grid.worker("--preload", str(other))
    approve(grid, folder.read(plans).digest)
    code, out, _err = ended(client())
    assert (code, databases.built()) == (1, {})
    assert out.count("failed: what the worker answers is of reconciler 0.0.1, and this is reconciler") == 4


def test_only_certificates_of_the_authority_get_in(databases, plans, workers, client, tmp_path):
    """Of a stranger neither the client nor the scheduler takes one."""
    stranger = Authority.make(tmp_path / "stranger")
    code, _, err = ended(client(*stranger.of_reconciler))
    assert code == 1
    assert "cannot be spoken to" in err
    assert databases.built() == {}


def test_where_no_worker_may_run_it_the_target_fails(databases, plans, workers, client, reconciler, monkeypatch):
    monkeypatch.setattr("reconciler.fleet.executors.dask_cluster.WITHOUT_WORKER", 0)
    digest = folder.read(plans).digest
    approve(workers, digest)
    yaml = databases.desired / "fleet.yaml"
    yaml.write_text(yaml.read_text().replace("env: prod", "env: prod, region: eu"))
    wanted = ("apply", plans, "--digest", digest, *workers.options("--place-by", "env", "--place-by"))
    code, out, _ = reconciler(*wanted, "region")
    assert (code, databases.built()) == (1, {})
    assert out.count("no worker of the cluster has env-prod and region-eu") == 4
    code, _, err = reconciler(*wanted, "zone")
    assert (code, databases.built()) == (1, {})
    assert "acme and 3 more have no label zone" in err

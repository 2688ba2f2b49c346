"""`apply DIR`: what is approved is applied, what is done is not done again, and what goes wrong stops no other."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import psycopg
import pytest
from applying.acting import Command
from faults.scenes import Gate, statements
from waiting import PATIENCE, until

from reconciler.applying import apply
from reconciler.documents import fleet_receipt
from reconciler.documents import receipt as receipt_file
from reconciler.errors import DocumentError
from reconciler.fleet import folder
from reconciler.model import Applied, Fleet, TargetResult

ALL = ["acme", "globex", "initech", "umbrella"]


@pytest.fixture
def plans(databases, reconciler, tmp_path) -> Path:
    """Two targets that want the index, one that has another of that name, and one that has it."""
    databases.sql("globex", "create index tasks_status_idx on tasks (title)")
    databases.sql("initech", "create index tasks_status_idx on tasks (status, priority desc)")
    assert reconciler("plan", "--out-dir", tmp_path / "plans")[0] == 0
    return tmp_path / "plans"


def group_of(fleet: Fleet, target: str) -> str:
    [digest] = fleet.targets[target].groups
    return digest


def build_on(plans: Path, target: str) -> str:
    """The statement that builds the index there."""
    [statement] = statements(folder.read_plan(plans, folder.read(plans), target))
    return statement


def results(receipts: Path) -> list[dict[str, TargetResult]]:
    """Of each run, in their order."""
    runs = sorted(map(fleet_receipt.read, receipts.glob("*/run.json")), key=lambda run: run.started_at)
    return [{name: target.result for name, target in run.targets.items()} for run in runs]


def test_only_what_is_in_an_approved_group_is_applied(plans, databases, reconciler, tmp_path):
    fleet, before = folder.read(plans), databases.built()
    receipts = tmp_path / "receipts"
    code, out, err = reconciler("apply", plans, "--approve", group_of(fleet, "acme"), "--receipt", receipts)
    assert code == 1, "one target was not approved"
    assert results(receipts) == [
        {"acme": "applied", "globex": "not-approved", "initech": "nothing-to-do", "umbrella": "applied"}
    ]
    assert "globex: not approved: its change is in no approved group: globex/pg_index/public.tasks_status_idx" in out
    assert "4 targets: 2 applied, 1 had nothing to do, 1 not approved." in out
    assert "acme: applied" in err
    after = databases.built()
    assert set(after) == set(ALL)
    assert after["globex"] == before["globex"], "it was not touched"
    [run] = receipts.iterdir()
    assert sorted(path.name for path in run.iterdir()) == ["acme.receipt.json", "run.json", "umbrella.receipt.json"]
    assert receipt_file.read(run / "acme.receipt.json").changes[0].result is Applied.APPLIED
    code, shown, _ = reconciler("show", run / "run.json")
    assert (code, shown) == (0, out)
    assert json.loads(reconciler("show", run / "run.json", "--format", "json")[1])["succeeded"] is False
    code, _, err = reconciler(
        "apply", plans, "--approve", group_of(fleet, "acme"), "--approve", group_of(fleet, "globex"),
        "--allow", "index-drop",
    )  # fmt: skip
    assert code == 0, err
    assert databases.built()["acme"] == after["acme"]
    assert databases.built()["globex"] != after["globex"]
    assert reconciler("plan", "--detailed-exitcode")[0] == 0


def test_the_digest_of_the_index_approves_all_of_it(plans, databases, reconciler):
    fleet = folder.read(plans)
    code, out, err = reconciler("apply", plans, "--digest", "0" * 64)
    assert (code, out) == (1, "")
    assert "these are other plans than those that --digest names" in err
    assert reconciler("apply", plans, "--digest", fleet.digest, "--allow", "index-drop")[0] == 0
    assert reconciler("plan", "--detailed-exitcode")[0] == 0


def test_a_file_of_digests_may_know_of_other_plans(plans, databases, reconciler, tmp_path):
    fleet = folder.read(plans)
    approvals = tmp_path / "approved"
    approvals.write_text(f"# of last week\n{'0' * 64}\n\n{group_of(fleet, 'acme').upper()}  # the index\n")
    assert reconciler("apply", plans, "--approvals", approvals)[0] == 1
    assert set(databases.built()) == set(ALL)
    for text, said in {"x\n": "approved:1: this is no digest", "# none\n": "there is no digest in it"}.items():
        approvals.write_text(text)
        assert said in reconciler("apply", plans, "--approvals", approvals)[2]
    assert "there is no such file" in reconciler("apply", plans, "--approvals", tmp_path / "none")[2]


def test_nothing_runs_anywhere_without_an_approval_or_with_a_hazard_that_nobody_allows(plans, databases, reconciler):
    fleet, before = folder.read(plans), databases.built()
    assert "nobody has approved any of these plans" in reconciler("apply", plans)[2]
    assert "no group of these plans has the digest" in reconciler("apply", plans, "--approve", "0" * 64)[2]
    code, out, err = reconciler("apply", plans, "--digest", fleet.digest)
    assert (code, out) == (1, "")
    assert "pg_index/public.tasks_status_idx: index-drop, on 1 target\n" in err
    assert "--allow index-drop" in err
    assert "--resume looks for what is done in receipts" in reconciler("apply", plans, "--resume")[2]
    assert "are about a folder of plans" in reconciler("apply", "--approve", "0" * 64)[2]
    assert databases.built() == before


def test_what_goes_wrong_with_one_target_stops_no_other(plans, databases, reconciler, tmp_path):
    fleet = folder.read(plans)
    databases.sql("acme", "drop table tasks")
    databases.declare(**{name: url for name, url in databases.urls.items() if name != "initech"})
    (databases.desired / "fleet.csv").write_text(
        (databases.desired / "fleet.csv").read_text().replace("fleet_globex", "fleet_not_there")
    )
    receipts = tmp_path / "receipts"
    code, out, _ = reconciler("apply", plans, "--digest", fleet.digest, "--allow", "index-drop", "--receipt", receipts)
    assert code == 1
    assert results(receipts) == [
        {"acme": "failed", "globex": "unreachable", "initech": "nothing-to-do", "umbrella": "applied"}
    ]
    assert "globex: not reached: globex: cannot connect" in out
    databases.sql("acme", "create table tasks (id bigint primary key, status text, priority int, title text)")


def test_a_target_that_is_no_longer_declared_is_told_of_by_one_shard(plans, databases, reconciler, tmp_path):
    fleet = folder.read(plans)
    databases.declare(**{name: url for name, url in databases.urls.items() if name != "acme"})
    receipts = tmp_path / "receipts"
    for number in range(3):
        reconciler(
            "apply", plans, "--digest", fleet.digest, "--allow", "index-drop", "--shard", f"{number}/3",
            "--receipt", receipts,
        )  # fmt: skip
    runs = results(receipts)
    assert sorted(name for run in runs for name in run) == ALL
    assert [run["acme"] for run in runs if "acme" in run] == ["failed"]
    assert {run.get("umbrella") for run in runs} == {"applied", None}


def test_resumed_what_is_done_is_not_looked_at_again(plans, databases, reconciler, tmp_path):
    fleet = folder.read(plans)
    receipts = tmp_path / "receipts"
    everything = ("apply", plans, "--digest", fleet.digest, "--allow", "index-drop", "--receipt", receipts)
    with psycopg.connect(databases.urls["acme"]) as held:
        held.execute("select pg_advisory_lock(8243104023216089452)")
        code, out, _ = reconciler(*everything)
        assert code == 1
        assert "acme: held by another apply: acme: " in out
    built = databases.built()
    assert set(built) == {"globex", "initech", "umbrella"}
    databases.sql("umbrella", "drop index tasks_status_idx")  # a receipt is believed, and nobody looks
    code, _, err = reconciler(*everything, "--resume")
    assert code == 0, err
    assert results(receipts) == [
        {"acme": "held", "globex": "applied", "initech": "nothing-to-do", "umbrella": "applied"},
        {"acme": "applied", "globex": "done-before", "initech": "nothing-to-do", "umbrella": "done-before"},
    ]
    assert set(databases.built()) == {"acme", "globex", "initech"}
    assert reconciler("plan", "--out-dir", plans)[0] == 0
    again = folder.read(plans)
    assert reconciler("apply", plans, "--digest", again.digest, "--receipt", receipts, "--resume")[0] == 0
    assert set(databases.built()) == set(ALL), "a receipt is of one plan, and not of the next"
    databases.sql("acme", "drop index tasks_status_idx")
    assert reconciler("plan", "--out-dir", plans)[0] == 0
    [*_, receipt] = receipts.glob("*/acme.receipt.json")
    receipt.write_text("{")
    again = folder.read(plans)
    code, out, err = reconciler("apply", plans, "--digest", again.digest, "--receipt", receipts, "--resume")
    assert (code, out) == (1, "")
    assert "acme.receipt.json is not JSON" in err


def test_two_runners_with_the_same_shard_build_nothing_twice(databases, reconciler, tmp_path):
    plans = tmp_path / "plans"
    for number in range(2):
        assert reconciler("plan", "--out-dir", plans, "--shard", f"{number}/2")[0] == 0
    fleet = folder.read(plans)
    mine = next(n for n in range(2) if json.loads((plans / f"fleet-{n}-of-2.json").read_text())["targets"])
    command = Command(databases.desired, {})
    receipts = tmp_path / "receipts"
    arguments = (
        "apply", plans, "--approve", group_of(fleet, "acme"), "--shard", f"{mine}/2", "--receipt", receipts,
    )  # fmt: skip
    gate = Gate(databases.urls["acme"])
    with gate.closed(build_on(plans, "acme")):
        first = command.start(*arguments)
        until(gate.arrived, "the first one builds on its first target")
        code, out, err = command.run(*arguments)
        assert code == 1, out + err
        assert "acme: held by another apply" in out
    out, err = first.communicate(timeout=PATIENCE)
    built = databases.built()
    assert set(built) == set(ALL)
    first_run, second_run = results(receipts)
    assert first_run == dict.fromkeys(ALL, "applied"), out + err
    assert second_run == dict.fromkeys(ALL, "applied") | {"acme": "held"}
    made = [
        receipt_file.read(path).changes[0].result for name in ALL for path in receipts.glob(f"*/{name}.receipt.json")
    ]
    assert made.count(Applied.APPLIED) == len(ALL), "each was built by one of them"
    code, out, err = command.run(*arguments, "--resume")
    assert code == 0, out + err
    assert "4 targets of the shard" in out
    assert databases.built() == built


@pytest.fixture
def fleet_with_a_setting(databases, fileless):
    """A setting of the server that all databases of it declare, and a Redis."""
    (databases.desired / "settings.yaml").write_text(
        f'targets: {{cache: {{redis: "{fileless}", persist: no, labels: {{env: cache}}}}}}\n---\n'
        'target: {where: "env = prod"}\nsettings: {work_mem: 7MB}\n---\n'
        "target: cache\nsettings: {maxmemory: 50mb}\n"
    )
    yield databases
    databases.sql("acme", "alter system reset all")
    databases.sql("acme", "select pg_reload_conf()")


def test_targets_of_one_server_that_change_the_same_setting_do_not_meet(fleet_with_a_setting, reconciler, tmp_path):
    """The first changes it, and the others find it changed."""
    databases = fleet_with_a_setting
    plans, receipts = tmp_path / "plans", tmp_path / "receipts"
    assert reconciler("plan", "--out-dir", plans)[0] == 0
    fleet = folder.read(plans)
    assert sorted((group.kind, len(group.targets)) for group in fleet.groups) == [
        ("pg_index", 4), ("pg_setting", 4), ("redis_setting", 1),
    ]  # fmt: skip
    [only] = [group.digest for group in fleet.groups if group.kind == "pg_index"]
    code, out, _ = reconciler("apply", plans, "--approve", only, "--receipt", receipts)
    assert code == 1
    assert "acme: not approved: 1 of 2 changes are in no approved group: acme/pg_setting/work_mem" in out
    assert databases.built() == {}, "a target is applied whole or not at all"
    every = [word for group in fleet.groups for word in ("--approve", group.digest)]
    code, out, err = reconciler("apply", plans, *every, "--receipt", receipts)
    assert code == 0, out + err
    assert results(receipts)[1] == dict.fromkeys([*ALL, "cache"], "applied")
    made = [
        change.result
        for path in receipts.glob("*/*.receipt.json")
        for change in receipt_file.read(path).changes
        if change.address.kind == "pg_setting"
    ]
    assert sorted(made) == ["applied", "skipped", "skipped", "skipped"]
    assert reconciler("plan", "--detailed-exitcode")[0] == 0


def test_an_interrupted_run_ends_in_order(databases, reconciler, tmp_path):
    plans, receipts = tmp_path / "plans", tmp_path / "receipts"
    assert reconciler("plan", "--out-dir", plans)[0] == 0
    arguments = ("apply", plans, "--digest", folder.read(plans).digest, "--receipt", receipts)
    command = Command(databases.desired, {})
    gate = Gate(databases.urls["globex"])
    with gate.closed(build_on(plans, "globex")):
        run = command.start(*arguments)
        until(gate.arrived, "it is at the second target")
        run.send_signal(signal.SIGTERM)
        out, err = run.communicate(timeout=PATIENCE)
    assert run.returncode == 1, out + err
    assert results(receipts) == [{"acme": "applied", "globex": "failed", "initech": "not-run", "umbrella": "not-run"}]
    assert set(databases.built()) == {"acme"}
    code, out, err = command.run(*arguments, "--resume")
    assert code == 0, out + err
    assert set(databases.built()) == set(ALL)


def test_a_run_that_was_killed_is_resumed(databases, reconciler, tmp_path):
    plans, receipts = tmp_path / "plans", tmp_path / "receipts"
    assert reconciler("plan", "--out-dir", plans)[0] == 0
    digest = folder.read(plans).digest
    command = Command(databases.desired, {})
    arguments = ("apply", plans, "--digest", digest, "--receipt", receipts)
    gate = Gate(databases.urls["globex"])
    with gate.closed(build_on(plans, "globex")):
        run = command.start(*arguments)
        until(gate.arrived, "it is at the second target")
        run.kill()
        run.communicate(timeout=PATIENCE)
        gate.turn_away()
    built = databases.built()
    assert "acme" in built
    [killed] = receipts.glob("*/run.json")
    assert not fleet_receipt.read(killed).complete
    assert "The run did not come to its end." in reconciler("show", killed)[1]
    code, out, err = command.run(*arguments, "--resume")
    assert code == 0, out + err
    assert "1 done before" in out
    assert databases.built()["acme"] == built["acme"]
    assert set(databases.built()) == set(ALL)
    assert reconciler("plan", "--detailed-exitcode")[0] == 0


def test_what_was_not_looked_at_behind_its_last_change_is_not_done(plans, databases, reconciler, tmp_path, monkeypatch):
    """Before, the receipt that is saved after each change was believed of a run that was killed behind the last."""
    receipts = tmp_path / "receipts"
    arguments = ("apply", plans, "--digest", folder.read(plans).digest, "--allow", "index-drop", "--receipt", receipts)

    def killed(*_):
        raise RuntimeError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(apply, "plan_again", killed)
        assert reconciler(*arguments)[0] == 1
    built = databases.built()
    assert set(built) == set(ALL)
    databases.sql("umbrella", "drop index tasks_status_idx")
    code, _, err = reconciler(*arguments, "--resume")
    assert code == 0, err
    assert results(receipts)[1]["umbrella"] == "applied"
    assert {**databases.built(), "umbrella": 0} == {**built, "umbrella": 0}
    assert "umbrella" in databases.built()


def test_a_receipt_that_cannot_be_written_is_told_in_words(plans, databases, reconciler, tmp_path, monkeypatch):
    """Before, with `\\n` between what is wrong and what to do."""

    def full(text: str, path: Path) -> None:
        raise DocumentError(f"{path} cannot be written: the disk is full", hint="nothing was written")

    monkeypatch.setattr(fleet_receipt, "write_text", full)
    everything = ("apply", plans, "--digest", folder.read(plans).digest, "--allow", "index-drop")
    code, out, err = reconciler(*everything, "--receipt", tmp_path / "receipts")
    assert code == 1
    assert "4 targets: 3 applied" in out
    assert err.endswith("run.json cannot be written: the disk is full\n")
    assert set(databases.built()) == set(ALL)
